"""Search alone: enough different documents for each query, best first, whatever they are cut into."""

from __future__ import annotations

import numpy as np
import pytest
from counted import Counted, embedded

from bakeoff.errors import ConfigError
from bakeoff.models.qa.retrieve import Retrieve
from bakeoff.retrieval.chunk import Sentences
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.history import AsAsked, ByLLM
from bakeoff.retrieval.rerank import MMR, Pointwise
from bakeoff.retrieval.retrievers import BM25, Dense, Hybrid, Reranked
from bakeoff.task import Schema, concatenated

RANKING = Schema("retrieval", "answers", {"question": "text", "history": "text"})
SHORT = Sentences(words=8)
RETRIEVERS = {
    "bm25": BM25(chunker=SHORT),
    "dense": Dense(Hashing(), chunker=SHORT),
    "hybrid": Hybrid(Hashing(), chunker=SHORT),
    "reranked": Reranked(Hybrid(Hashing(), chunker=SHORT), MMR(Hashing())),
}
each = pytest.mark.parametrize("retriever", RETRIEVERS.values(), ids=RETRIEVERS)


def fitted(context, train, retriever=RETRIEVERS["bm25"], schema=RANKING, corpus=None, **parameters):
    model = Retrieve(retriever, **parameters)
    model.check(schema)
    model.fit(train, None, context(schema, **({} if corpus is None else {"corpus": corpus})))
    return model


@each
def test_documents_are_ranked_and_the_best_one_is_the_answer(context, asked, retriever):
    found = fitted(context, asked, retriever, depth=5).predict(asked.X)
    n = len(asked)
    for name in ("output", "retrieved", "seconds"):
        assert getattr(found, name).shape == (n,), name
    for output, retrieved in zip(found.output, found.retrieved, strict=True):
        assert len(set(retrieved)) == len(retrieved) <= 5
        assert output == (retrieved[0] if retrieved else "")
    right = [output in gold.relevance for output, gold in zip(found.output, asked.y, strict=True) if gold.relevance]
    assert sum(right) >= 7, "of eight"


@each
def test_one_document_of_many_passages_does_not_crowd_out_the_others(context, asked, corpus, rows, retriever):
    texts = {"long": " ".join(f"The cat hunts mice on day {i}." for i in range(60))}
    texts |= {f"short{i}": f"Once a cat saw town {i}." for i in range(12)}
    model = fitted(context, asked, retriever, corpus=corpus(texts), depth=8)
    (retrieved,) = model.predict(rows(("Which cat hunts mice?",)).X).retrieved
    assert retrieved[0] == "long" and len(set(retrieved)) == 8


@each
def test_no_more_documents_are_ranked_than_there_are(context, asked, retriever):
    found = fitted(context, asked, retriever, depth=1000).predict(asked.X)
    assert all(len(retrieved) <= 8 for retrieved in found.retrieved)


def test_a_deeper_ranking_begins_like_a_shallow_one(context, asked):
    shallow, deep = (fitted(context, asked, depth=depth).predict(asked.X).retrieved for depth in (2, 6))
    assert [names[:2] for names in deep] == list(shallow)


@each
def test_alone_a_query_gets_the_same_ranking_as_among_others_and_in_a_search(context, asked, retriever):
    model = fitted(context, asked, retriever, depth=6)
    together = model.predict(asked.X).retrieved.tolist()
    for row in range(len(asked)):
        assert model.predict(asked.X.iloc[row : row + 1]).retrieved[0] == together[row]
    in_search = Retrieve(retriever, depth=6)
    in_search.fit(asked, None, context(RANKING, memo={}))
    found = in_search.predict(asked.X)
    assert found.retrieved.tolist() == together and found.seconds is None


def test_a_question_is_answered_with_the_best_passage(context, asked):
    found = fitted(context, asked, schema=context().schema).predict(asked.X)
    assert found.output[3] == found.evidence[3] == "Bees make honey from nectar."
    assert found.cited[3] == ("bees",) and found.retrieved[3][0] == "bees"


def test_a_query_that_finds_nothing_has_no_answer(context, asked, rows):
    for schema in (RANKING, context().schema):
        found = fitted(context, asked, schema=schema).predict(rows(("xyzzy",)).X)
        assert found.output.tolist() == [""] and found.retrieved.tolist() == [()]
    assert found.cited.tolist() == [()]


def test_a_follow_up_is_made_self_contained_before_it_is_looked_up(context, asked):
    follow_up = asked.X.iloc[2:3]
    assert fitted(context, asked).predict(follow_up).output[0] == "whales"
    assert fitted(context, asked, rewriter=AsAsked()).predict(follow_up).output[0] != "whales"


@each
def test_a_saved_model_ranks_the_same_and_holds_no_pickle(context, asked, tmp_path, retriever):
    model = fitted(context, asked, retriever, depth=4)
    model.save(tmp_path)
    loaded = Retrieve.load(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".parquet"}
    assert (loaded.retriever, loaded.depth) == (retriever, 4)
    assert loaded.predict(asked.X).retrieved.tolist() == model.predict(asked.X).retrieved.tolist()


def test_trials_of_a_search_embed_each_text_once(context, asked, animals, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log, memo = tmp_path / "log", {}
    for depth in (2, 4, 8):
        model = Retrieve(Hybrid(Counted(str(log)), weight=depth / 10), depth=depth)
        model.fit(asked, None, context(RANKING, memo=memo))
        model.predict(asked.X)
    assert len(embedded(log)) == len(set(embedded(log))) == len(animals) + len(asked)


def test_what_is_asked_of_an_llm_is_counted_and_planned(context, asked, llm, prompt):
    """A follow-up is rewritten by one, and three passages of each query are judged by another."""
    rewriter = ByLLM(llm(), prompt("rewrite"), max_tokens=16)
    retriever = Reranked(Dense(Hashing()), Pointwise(llm(temperature=0.1), words=30), depth=3)
    model = fitted(context, asked, retriever, depth=1, rewriter=rewriter)
    few = asked.X.iloc[1:3]
    estimate = model.estimate_requests(asked, few, context(RANKING))
    assert {id(one.llm): len(one.requests) for one in estimate} == {id(rewriter.llm): 1, id(retriever.reranker.llm): 6}
    model.warm_up(few)
    assert rewriter.llm.usage()["calls"] == retriever.reranker.llm.usage()["calls"] == 0, "to warm up costs no request"
    found = model.predict(few)
    assert found.usage.calls.tolist() == [3, 4], "the second follows others"
    assert (
        (found.usage.input_tokens > 60).all()
        and (found.usage.output_tokens > 0).all()
        and found.usage.cost_usd.tolist() == [0, 0]
    )
    assert found.usage.cached.tolist() == [False, False] and model.predict(few).usage.cached.tolist() == [True, True]


def test_costs_of_a_search_are_not_lost_in_batches_that_ask_nothing(context, asked, llm, prompt):
    model = Retrieve(BM25(), rewriter=ByLLM(llm(), prompt("rewrite"), max_tokens=16))
    model.fit(asked, None, context(RANKING, memo={}))
    whole = concatenated([model.predict(asked.X.iloc[:2]), model.predict(asked.X.iloc[2:4])])
    assert whole.usage.calls.tolist() == [0, 0, 0.5, 0.5] and whole.usage.cost_usd.tolist() == [0] * 4


def test_predicting_before_fitting_is_refused(asked):
    with pytest.raises(RuntimeError, match="before fit"):
        Retrieve(BM25()).predict(asked.X)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_a_task_without_documents_is_refused(kind):
    with pytest.raises(ConfigError, match=f"Retrieve serves retrieval and qa, and this task is {kind}"):
        Retrieve(BM25()).check(Schema(kind, "y", {"text": "text"}))


def test_a_ranking_of_no_documents_is_refused():
    with pytest.raises(ConfigError, match=r"model\.depth: 0\. Rank at least 1 document"):
        Retrieve(BM25(), depth=0).check(RANKING)


def test_a_reranker_whose_file_is_missing_is_told_before_any_work(llm):
    with pytest.raises(ConfigError, match=r"llm\.path: there is no file"):
        Retrieve(Reranked(BM25(), Pointwise(llm(path="absent.gguf")))).check(RANKING)


def test_details_tell_what_was_indexed(context, asked):
    told = fitted(context, asked, Dense(Hashing())).report().details["retrieval"]
    assert (told["index"], told["passages"], told["recall_at_10"]) == ("exact", 8, 1.0)
    assert np.isfinite(told["index_seconds"])
