"""Passages and the context window: what does not fit is left out from the end, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bakeoff.llm.base import LLMRequest, Message
from bakeoff.llm.client import OpenAICompatible
from bakeoff.models.qa.prompt_room import fit
from bakeoff.models.qa.rag import RAG
from bakeoff.retrieval.base import Passage
from bakeoff.retrieval.chunk import Whole
from bakeoff.retrieval.retrievers import BM25
from bakeoff.task import OK, WITHHELD, Examples
from models.conftest import TEXTS


def build(passages: Sequence[Passage]) -> LLMRequest:
    return LLMRequest((Message("user", "\n".join(p.text for p in passages) + " What?"),), max_tokens=20)


def passages(*lengths: int) -> list[Passage]:
    return [Passage(f"{i}#0", str(i), "", " ".join(["word"] * n)) for i, n in enumerate(lengths)]


def server(context_tokens: int | None) -> OpenAICompatible:
    return OpenAICompatible(model="m", base_url="http://127.0.0.1:1/v1", context_tokens=context_tokens)


@pytest.mark.parametrize(
    ("context", "shown", "left_out"), [(None, 3, 0), (10_000, 3, 0), (300, 2, 1), (200, 1, 2)], ids=str
)
def test_the_last_passages_are_left_out_until_the_prompt_fits(context: int | None, shown: int, left_out: int) -> None:
    fitted = fit(build, passages(100, 100, 100), server(context))
    assert (len(fitted.passages), fitted.left_out, fitted.is_cut) == (shown, left_out, False)
    assert [p.document for p in fitted.passages] == ["0", "1", "2"][:shown]
    assert fitted.request == build(fitted.passages)


def test_a_passage_that_alone_is_too_long_is_shown_as_far_as_it_fits() -> None:
    fitted = fit(build, passages(1_000, 10), server(200))
    assert fitted.is_cut and fitted.left_out == 1
    assert 120 <= len(fitted.passages[0].text.split()) <= 140  # 172 tokens of 5 characters a word
    assert fit(build, [], server(40)).passages == []


def test_a_real_model_answers_from_what_fits_and_the_note_counts_the_rest(
    llm: Any, asked: Examples, corpus: Any, context: Any, prompt: Any
) -> None:
    long = corpus({name: f"{text} " * 80 for name, text in TEXTS.items()})
    model = RAG(
        BM25(top_k=3, chunker=Whole()),
        llm(context_tokens=512),
        prompt("answer_plainly"),
        citations="matched",
        max_tokens=8,
    )
    model.fit(asked, None, context(corpus=long))
    found = model.predict(asked.X.iloc[:2])
    assert found.status is not None and set(found.status) <= {OK, WITHHELD}
    (note,) = [note for note in model.report().notes if "llm.context_tokens=512" in note]
    assert (
        "2 of 2 passages were shown in part" in note
        and "counted by its tokenizer" in note
        and "retriever.top_k" in note
    )
