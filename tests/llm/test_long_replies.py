"""Long and repetitive replies, as models that loop give them: they are read in time that grows with their length."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest

from bakeoff.llm.choices import choice
from bakeoff.llm.corrections import corrections
from bakeoff.llm.lists import listed
from bakeoff.llm.reader import Reader

MAIL = ("spam", "ham")
INTENTS = tuple(f"intent {i}" for i in range(77))
MOST_CPU_SECONDS = 3.0
"""Each took between 3 and 30 seconds, or takes far less now."""


@pytest.mark.parametrize(
    "read",
    [
        lambda: choice('{"reason": "' + "n" * 20_000, MAIL),
        lambda: choice("spam " + "Wait. " * 10_000, MAIL),
        lambda: choice("intent 1. " + "Actually, hmm. " * 700, INTENTS),
        lambda: choice("intent 1. " + "Actually, hmm intent 1 intent 2. " * 300, INTENTS),
        lambda: choice("is spam, " * 2_200, MAIL),
        lambda: choice("not spam, " * 2_200, MAIL),
        lambda: choice("spam\n" + "\n" * 4_000 + "x", MAIL),
        lambda: choice("spam" + " " * 8_000 + "x", MAIL),
        lambda: choice("so, " * 3_000, MAIL),
        lambda: listed("\n".join(f"word {i}: and so on it goes" for i in range(2_000)), MAIL),
        lambda: listed("spam" + " " * 8_000 + "x", MAIL),
        lambda: listed("spam. " + "Actually, not ham. " * 1_500, MAIL),
        lambda: Reader().answer("spam\n" + "\n" * 4_000 + "x"),
    ],
    ids=range(13),
)
def test_long_reply_is_read_in_a_moment(read: Callable[[], object]) -> None:
    before = time.process_time()
    read()
    assert time.process_time() - before < MOST_CPU_SECONDS


def test_corrections_hold_no_copies_of_the_text() -> None:
    tracemalloc.start()
    try:
        corrections("Wait. " * 10_000)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
