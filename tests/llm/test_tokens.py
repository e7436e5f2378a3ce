"""Token counts: estimates in any script, and the context window of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.llm.base import LLMRequest, Message
from bakeoff.llm.client import OpenAICompatible
from bakeoff.llm.local import LlamaCpp
from bakeoff.llm.tokens import PER_MESSAGE, estimate, excess


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a" * 400, 100), ("語" * 30, 30), ("слово" * 4, 10), ("مرحبا", 3), ("é" * 4 + "a" * 8, 4)],
    ids=["empty", "english", "chinese", "russian", "arabic", "mixed"],
)
def test_tokens_are_estimated_by_script(text: str, expected: int) -> None:
    assert estimate(text) == expected


def test_a_request_exceeds_the_window_by_what_its_prompt_and_longest_answer_have_too_many() -> None:
    request = LLMRequest((Message("user", "a" * 4_000),), max_tokens=100)
    server = OpenAICompatible(model="m", base_url="http://127.0.0.1:1/v1", context_tokens=1_000)
    assert excess(request, server) == 1_000 + 100 + PER_MESSAGE - 1_000
    assert excess(request, OpenAICompatible(model="m", base_url="http://127.0.0.1:1/v1")) == 0


def test_a_local_model_counts_with_its_own_tokenizer(smollm2: Path) -> None:
    model = LlamaCpp(path=str(smollm2), context_tokens=1024, parallel=4, threads=1)
    words, none = model.count_tokens(["The cat hunts mice.", ""])
    assert (words, none) == (5, 0) or (4 <= words <= 6 and none == 0)
    assert model.counts_exactly
