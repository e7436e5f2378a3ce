"""Rerankers put what was found into another order, and lose nothing of it."""

import math

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError
from bakeoff.llm.base import Completion
from bakeoff.models.qa.found import notes
from bakeoff.retrieval.base import Hit, Passage
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.rerank import MMR, CrossEncoder, Pointwise, probability_of_yes
from bakeoff.retrieval.retrievers import BM25, Reranked
from bakeoff.task import Corpus

TEXTS = ["cats hunt mice", "cats hunt mice", "cats hunt birds", "dogs bark", "cats hunt mice at night"]
HITS = [Hit(Passage(f"d{i}#0", f"d{i}", "", text), 1 / (i + 1)) for i, text in enumerate(TEXTS)]


def order(hits):
    return [hit.passage.id for hit in hits]


def test_relevance_alone_is_the_order_of_the_embedder(cache):
    (found,) = MMR(Hashing(), relevance=1.0).rerank(["cats hunt mice"], [HITS])
    vectors = Hashing().embed(TEXTS)
    near = vectors @ Hashing().embed(["cats hunt mice"])[0]
    assert order(found) == [f"d{i}#0" for i in np.argsort(-near, kind="stable")]


def test_with_less_relevance_a_passage_that_repeats_another_comes_later(cache):
    (found,) = MMR(Hashing(), relevance=0.3).rerank(["do cats hunt mice"], [HITS])
    assert found[0].passage.id == "d0#0"
    assert order(found)[-1] == "d1#0", "the very same text is chosen last"
    assert sorted(order(found)) == sorted(order(HITS))
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


@pytest.mark.parametrize("relevance", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(relevance):
    with pytest.raises(ConfigError, match="relevance"):
        MMR(Hashing(), relevance)


def test_only_the_first_ones_are_looked_at_again_and_the_rest_follows(cache):
    texts = [f"a cat {'and a cat ' * (9 - i)}" for i in range(10)]
    frame = pd.DataFrame({"id": [f"d{i}" for i in range(10)], "title": "", "text": texts})
    corpus = Corpus(frame, "cats")
    first = BM25().index(corpus).search(["cat"], 10)[0]
    (found,) = Reranked(BM25(), MMR(Hashing(), 0.0), depth=4).index(corpus).search(["cat"], 10)
    assert sorted(order(found[:4])) == sorted(order(first[:4]))
    assert order(found[4:]) == order(first[4:])
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


@pytest.mark.parametrize(
    "completion, probability",
    [
        (Completion("ok", "yes", logprobs=(("Yes", math.log(0.6)), (" no", math.log(0.2)), ("maybe", -3.0))), 0.75),
        (
            Completion("ok", "no", logprobs=((" yes", math.log(0.1)), ("yes", math.log(0.1)), ("no", math.log(0.2)))),
            0.5,
        ),
        (Completion("ok", "Yes"), 1.0),
        (Completion("ok", "no"), 0.0),
        (Completion("failed"), -1.0),
    ],
)
def test_the_probability_of_yes_is_a_share_of_yes_and_no(completion, probability):
    assert probability_of_yes(completion) == pytest.approx(probability)


class Yes:
    """An LLM that says yes to what it likes, and gives no answer about dogs."""

    def complete(self, requests):
        told = [request.messages[-1].content for request in requests]
        return [
            Completion("failed") if "dogs" in text else Completion("ok", "yes" if "birds" in text else "no")
            for text in told
        ]

    def usage(self):
        return {"calls": 5}


def test_an_llm_ranks_passages_and_what_got_no_answer_goes_last():
    (found, none) = Pointwise(Yes()).rerank(["what do cats hunt?", "and?"], [HITS, []])
    assert order(found) == ["d2#0", "d0#0", "d1#0", "d4#0", "d3#0"]
    assert none == []


@pytest.mark.slow
def test_passages_that_an_llm_sees_in_part_are_counted_and_noted(cache):
    frame = pd.DataFrame({"id": ["short", "long"], "title": "", "text": ["a cat", "a cat " + "and so on " * 30]})
    index = Reranked(BM25(), Pointwise(Yes(), words=20)).index(Corpus(frame, "cats of two lengths"))
    assert notes(index.details()) == ()
    index.search(["cat", "cats"], 2)
    (note,) = notes(index.details())
    assert note.startswith("2 of 4 passages were shown to the reranker in part: retriever.reranker.words")


def test_a_real_llm_ranks_passages():
    from bakeoff.llm.local import LlamaCpp

    hits = [HITS[3], HITS[0]]
    (found,) = Pointwise(LlamaCpp(asset="smollm2", cache="off")).rerank(["What do cats hunt?"], [hits])
    assert sorted(order(found)) == sorted(order(hits))
    assert all(0 < hit.score < 1 for hit in found), "log-probabilities of the first token were read"


def test_a_cross_encoder_says_what_is_missing():
    try:
        import sentence_transformers  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match=r"retriever\.reranker: sentence-transformers is not installed"):
            CrossEncoder("any").rerank(["a"], [HITS])
    assert CrossEncoder("any").rerank(["a"], [[]]) == [[]]
