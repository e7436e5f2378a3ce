"""What looking up takes: a clock around each question, or around all, and what language models ask for it."""

from __future__ import annotations

import numpy as np
import pytest

from bakeoff.errors import ConfigError
from bakeoff.llm.base import LLMRequest, Message
from bakeoff.models.qa import found
from bakeoff.retrieval.base import Hit, Passage
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.history import ByLLM, FollowUps
from bakeoff.retrieval.rerank import MMR, Pointwise
from bakeoff.retrieval.retrievers import BM25, Reranked
from bakeoff.task import Question

ASKED = [Question("a"), Question("bb"), Question("ccc")]
PASSAGES = [Passage("x#0", "x", "", "one"), Passage("y#0", "y", "", "two"), Passage("x#1", "x", "", "one")]


def lengths(asked):
    return [len(question.text) for question in asked]


def asking(llm, tokens=2):
    """Finds by asking about each question."""

    def make(asked):
        return llm.complete([LLMRequest((Message("user", question.text),), max_tokens=tokens) for question in asked])

    return make


def test_one_after_the_other_each_is_timed_and_together_only_all_are():
    alone = found.timed(lengths, ASKED, together=False)
    together = found.timed(lengths, ASKED, together=True)
    assert alone.results == together.results == [1, 2, 3]
    assert alone.seconds.shape == (3,) and (alone.seconds >= 0).all()
    assert alone.mean_seconds == pytest.approx(alone.seconds.mean())
    assert together.seconds is None and together.mean_seconds >= 0


@pytest.mark.parametrize("together", [False, True])
def test_usage_is_zero_for_what_asks_no_language_model(together):
    usage = found.timed(lengths, ASKED, together).usage
    for name in ("calls", "input_tokens", "output_tokens", "cost_usd"):
        assert getattr(usage, name).tolist() == [0, 0, 0]
    assert usage.cached.tolist() == [False] * 3


def test_requests_are_counted_for_their_question_and_replayed_ones_take_what_they_took(llm, own_cache):
    model = llm()
    first = found.timed(asking(model), ASKED, together=False)
    assert first.usage.calls.tolist() == [1, 1, 1] and first.usage.cached.tolist() == [False] * 3
    assert (first.usage.input_tokens > 0).all() and first.usage.output_tokens.max() <= 2
    took = np.array([completion.seconds for completion in first.results])
    assert (first.seconds >= took).all()
    again = found.timed(asking(llm()), ASKED, together=False)
    assert again.usage.cached.tolist() == [True] * 3
    assert again.usage.calls.tolist() == [1, 1, 1], "as if they had been asked"
    assert again.usage.input_tokens.tolist() == first.usage.input_tokens.tolist()
    assert (again.seconds >= took).all()
    together = found.timed(asking(llm()), ASKED, together=True)
    assert together.usage.calls.tolist() == [1, 1, 1], "equal parts of three"
    assert together.usage.input_tokens.sum() == pytest.approx(first.usage.input_tokens.sum())
    assert together.mean_seconds >= took.mean()


def test_what_a_budget_left_no_room_for_is_not_counted(llm, own_cache):
    told = found.timed(asking(llm(max_calls=2)), ASKED, together=False)
    assert told.usage.calls.tolist() == [1, 1, 0]
    assert [completion.status for completion in told.results] == ["ok", "ok", "not_asked"]


def test_only_parts_that_ask_an_llm_are_checked_and_planned(animals, scripted, prompt):
    judge, writer = scripted(), scripted()
    rewriter = ByLLM(writer, prompt("rewrite"))
    retriever = Reranked(BM25(), Pointwise(judge), depth=2)
    assert found.estimate_requests(ASKED, animals, BM25(), FollowUps(), None) == []
    assert found.estimate_requests(ASKED, animals, Reranked(BM25(), MMR(Hashing()))) == []
    estimate = found.estimate_requests(ASKED, animals, retriever, rewriter)
    assert [(one.llm is judge, len(one.requests)) for one in estimate] == [(True, 6), (False, 0)]
    assert judge.requests == writer.requests == [], "nothing is asked"


def test_an_llm_that_cannot_be_asked_is_told_wherever_it_stands(llm, prompt):
    absent = llm(path="absent.gguf")
    for part in (Reranked(BM25(), Pointwise(absent)), ByLLM(absent, prompt("rewrite"))):
        with pytest.raises(ConfigError, match=r"llm\.path: there is no file"):
            found.check(BM25(), part)
    found.check(BM25(), FollowUps(), None)


def test_passages_of_equal_text_are_shown_once_and_documents_are_named_once():
    hits = [Hit(passage, 1.0) for passage in PASSAGES]
    assert found.distinct(hit.passage for hit in hits) == PASSAGES[:2]
    assert found.documents(PASSAGES) == ("x", "y")
    assert found.documents([]) == ()


def test_tuples_stay_tuples_in_an_array_whatever_their_lengths():
    for values in ([("a",), ("b",)], [("a", "b"), ()], [], [()]):
        array = found.objects(values)
        assert array.shape == (len(values),) and array.dtype == object and array.tolist() == values


def test_passages_that_the_embedder_reads_in_parts_are_noted_wherever_the_index_stands() -> None:
    details = {"texts_in_parts": 3, "passages": 1200, "tokens_at_once": 256}
    for nested in (details, {"dense": details}, {"first": {"dense": details}}):
        (note,) = found.notes(nested)
        assert note.startswith("3 of 1,200 passages are longer than the 256 tokens") and "chunker.words" in note
    assert found.notes(details | {"texts_in_parts": 0}) == ()


def test_documents_in_a_language_that_the_embedder_does_not_know_are_noted() -> None:
    (note,) = found.notes({"dense": {"not_english": True, "texts_in_parts": 0}, "text": {"passages": 3}})
    assert "not in English" in note and "retriever=bm25" in note
