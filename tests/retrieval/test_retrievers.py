"""What a user asks of a retriever: the right passages, by any index, under conditions, alone or in batches."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from counted import Counted, corpus
from omegaconf import OmegaConf

from bakeoff.config import components, wiring
from bakeoff.errors import ConfigError
from bakeoff.retrieval import conditions, vectors
from bakeoff.retrieval.chunk import Sentences, Whole
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.passages import POSITION, VECTOR
from bakeoff.retrieval.rerank import MMR
from bakeoff.retrieval.retrievers import BM25, Dense, Hybrid, Reranked
from bakeoff.retrieval.store import Store
from bakeoff.task import Corpus

CONF = Path(__file__).parents[2] / "conf"
DOCUMENTS = Corpus(
    pd.DataFrame(
        {
            "id": ["cats", "dogs", "whales", "old"],
            "title": ["Cats", "Dogs", "Whales", "Cats of old"],
            "text": [
                "A cat sleeps for most of the day. It hunts mice at night.",
                "A dog barks at strangers. It guards the house.",
                "A whale is a mammal of the sea. It sings.",
                "In Egypt a cat was a god. It hunted mice in the granaries.",
            ],
            "year": [2020, 2021, 2022, 1900],
            "Kept by": ["people", "people", None, "priests"],
            "size.m": [0.5, 0.8, "25 or more", 0.4],
        }
    ),
    "animals",
)
EVERY = [BM25(), Dense(Hashing()), Hybrid(Hashing()), Reranked(Hybrid(Hashing()), MMR(Hashing()))]
NAMES = ["bm25", "dense", "hybrid", "reranked"]
each = pytest.mark.parametrize("retriever", EVERY, ids=NAMES)


def found(index, query, k=3, where=None):
    return [hit.passage.document for hit in index.search([query], k, where)[0]]


@each
def test_the_passage_that_says_it_is_found_first(cache, retriever):
    index = retriever.index(DOCUMENTS)
    assert found(index, "Which animal barks at strangers?")[0] == "dogs"
    assert found(index, "Whales sing in the sea")[0] == "whales"


@each
def test_a_batch_finds_what_single_queries_find_and_scores_fall(cache, retriever):
    index = retriever.index(DOCUMENTS)
    asked = ["who hunts mice", "a mammal", "", "xyzzy", "the of and"]
    together = index.search(asked, 3)
    assert len(together) == len(asked)
    for query, hits in zip(asked, together, strict=True):
        (alone,) = index.search([query], 3)
        assert [h.passage.id for h in alone] == [h.passage.id for h in hits]
        assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
        assert len({h.passage.id for h in hits}) == len(hits) <= 3
    assert index.search([], 3) == []
    assert all(len(hits) <= 4 for hits in index.search(asked, 1000)), "no more than there are"


@each
@pytest.mark.parametrize(
    "where, left",
    [
        ("year >= 2021", {"dogs", "whales"}),
        ("title = 'Cats' OR title = 'Cats of old'", {"cats", "old"}),
        ("`Kept by` IS NULL", {"whales"}),
        ("size_m = '25 or more'", {"whales"}),
        ("year > 3000", set()),
    ],
)
def test_a_condition_leaves_only_documents_for_which_it_holds(cache, retriever, where, left):
    index = retriever.index(DOCUMENTS)
    assert set(found(index, "cat dog whale", 10, where)) == left
    assert set(found(index, "cat dog whale", 10)) == {"cats", "dogs", "whales", "old"}


@pytest.mark.parametrize("make", [BM25, lambda where: Dense(Hashing(), where=where)])
def test_a_condition_of_the_config_and_one_of_the_call_both_hold(cache, make):
    index = make(where="year > 2000 OR year < 1950").index(DOCUMENTS)
    assert set(found(index, "cat dog whale", 10, "year < 1950 OR year = 2020")) == {"cats", "old"}


@pytest.mark.parametrize(
    "where, told",
    [
        ("yeer > 2020", 'no column "yeer". Columns: id, title, year, Kept by, size_m. Did you mean "year"?'),
        ("year >", "cannot be asked"),
        ("sum(year) > 3", "cannot be asked"),
        ("year > 2000; DROP TABLE x", "cannot be asked"),
    ],
)
def test_a_wrong_condition_is_told_before_a_question_is_asked(cache, where, told):
    for make in (BM25, lambda where: Dense(Hashing(), where=where)):
        with pytest.raises(ConfigError) as error:
            make(where=where).index(DOCUMENTS)
        assert told in str(error.value)
        assert "bakeoff_" not in str(error.value)


@pytest.mark.parametrize("kind", ["exact", "ivf_flat", "ivf_hnsw_sq"])
def test_every_kind_of_index_finds_the_nearest_and_says_how_well(cache, tmp_path, kind):
    asked = corpus(600)
    index = Dense(Counted(str(tmp_path / "log")), kind=kind).index(asked)
    about = index.details()
    assert (about["index"], about["passages"]) == (kind, 600)
    assert about["recall_at_10"] >= 0.95
    texts = list(asked.documents["text"])
    hits = index.search(texts[:20], 3, "id <> 'd7'")
    assert all(h[0].passage.document == f"d{i}" for i, h in enumerate(hits) if i != 7)
    assert all(h.passage.document != "d7" for found in hits for h in found)
    assert hits[0][0].score == pytest.approx(1, abs=0.01)


def test_the_recall_that_is_reported_is_the_recall_that_a_user_gets(cache, tmp_path):
    """An index that looks into 8 of 64 partitions of vectors without order misses a good part."""
    import pyarrow as pa
    from lancedb.index import IvfFlat

    random = np.random.default_rng(0)
    stored = random.normal(size=(4000, 48)).astype(np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    column = pa.FixedSizeListArray.from_arrays(pa.array(stored.reshape(-1)), 48)
    rows = pa.table({POSITION: pa.array(range(4000), pa.int64()), VECTOR: column})
    table, _ = Store(str(tmp_path / "s")).table(
        "x", lambda: rows, lambda t: t.create_index(VECTOR, config=IvfFlat(distance_type="cosine", num_partitions=64))
    )
    searched = vectors.Vectors(table, "ivf_flat")
    asked = stored[::20] + 0.3 * random.normal(size=(200, 48)).astype(np.float32) / np.sqrt(48)
    asked = (asked / np.linalg.norm(asked, axis=1, keepdims=True)).astype(np.float32)
    truth = np.argsort(-(asked @ stored.T), axis=1)[:, :10]
    hit = np.mean([len({*t} & {*p}) / 10 for t, (p, _) in zip(truth, searched.search(asked, 10), strict=True)])
    assert hit < 0.9, "the index must miss some, or this says nothing"
    assert searched.recall() == pytest.approx(hit, abs=0.08)
    assert vectors.Vectors(table, "exact").recall() == 1.0


def test_an_index_that_misses_too_much_looks_further(cache, tmp_path):
    """16 partitions, of which 8 are looked through at first."""
    asked = corpus(16 * 4096)
    index = Dense(Counted(str(tmp_path / "log")), chunker=Whole(), kind="ivf_flat").index(asked)
    assert index.vectors.effort > 0.125
    assert index.details()["recall_at_10"] == index.vectors.recall() >= 0.99


def test_exact_search_is_that_of_a_plain_sort(cache):
    random = np.random.default_rng(1)
    stored, asked = (random.normal(size=(n, 16)).astype(np.float32) for n in (300, 40))
    stored[10] = stored[200]  # of equal ones the first
    only = np.arange(0, 300, 3)
    for metric in ("cosine", "euclidean"):
        for allowed in (None, only):
            rows = np.arange(300) if allowed is None else allowed
            score = asked @ stored[rows].T
            if metric == "euclidean":
                score = -((asked[:, None] - stored[rows][None]) ** 2).sum(axis=2)
            for got, wanted in zip(vectors.exact(stored, asked, 12, metric, allowed), score, strict=True):
                assert got[0].tolist() == rows[np.argsort(-wanted, kind="stable")[:12]].tolist()


@pytest.mark.parametrize(
    "rows, kind", [(1, "exact"), (200_000, "exact"), (200_001, "ivf_flat"), (2 * 10**6, "ivf_hnsw_sq")]
)
def test_the_kind_of_index_follows_the_size_unless_it_is_given(rows, kind):
    assert vectors.kind_for(rows) == kind
    assert vectors.kind_for(rows, "ivf_flat") == "ivf_flat"


@each
def test_passages_are_what_is_found_and_cost_no_index(cache, retriever):
    cut = retriever.passages(DOCUMENTS)
    assert [passage.document for passage in cut] == ["cats", "dogs", "whales", "old"]
    assert not (cache / "indexes").exists()
    assert not (cache / "embeddings").exists()
    assert all(hit.passage in cut for hit in retriever.index(DOCUMENTS).search(["a cat"], 4)[0])


def test_passages_are_those_of_the_chunker(cache):
    assert len(BM25(chunker=Sentences(words=8)).passages(DOCUMENTS)) == 8
    assert len(Dense(Hashing(), chunker=Whole()).passages(DOCUMENTS)) == 4
    assert len(Reranked(BM25(chunker=Sentences(words=8)), MMR(Hashing())).passages(DOCUMENTS)) == 8


def test_the_weight_of_meaning_reaches_from_words_alone_to_meaning_alone(cache):
    asked = "who hunted mice in Egypt"
    words, meaning = found(BM25().index(DOCUMENTS), asked, 2), found(Dense(Hashing()).index(DOCUMENTS), asked, 4)
    assert found(Hybrid(Hashing(), weight=0.0).index(DOCUMENTS), asked, 2) == words
    assert found(Hybrid(Hashing(), weight=1.0).index(DOCUMENTS), asked, 4) == meaning


@pytest.mark.parametrize("name", NAMES)
def test_a_retriever_of_the_config_is_written_back_as_it_was(name):
    content = {
        "retriever": OmegaConf.to_container(OmegaConf.load(CONF / "retriever" / f"{name}.yaml")),
        "embedder": OmegaConf.to_container(OmegaConf.load(CONF / "embedder" / "hashing.yaml")),
    }
    components.check_component(content["retriever"], "retriever", parts=wiring.parts(content))
    made = components.instantiate(wiring.assembled_from(content, "retriever"), "retriever")
    assert components.instantiate(components.describe(made), "retriever") == made
    assert made.top_k == 5


@pytest.mark.parametrize("make", [BM25, lambda top_k: Dense(Hashing(), top_k), lambda top_k: Hybrid(Hashing(), top_k)])
def test_a_retriever_that_finds_nothing_is_refused(make):
    with pytest.raises(ConfigError, match=r"retriever.top_k: 0"):
        make(0)


def test_a_condition_is_joined_in_brackets():
    assert conditions.both("a OR b", "c") == "(a OR b) AND (c)"
    assert conditions.both(None, "c") == "c"
    assert conditions.both(None, None) is None


def test_bm25_finds_chinese_stop_words_alone_and_long_words(tmp_path):
    texts = ["长城位于中国北部。", "to be or not to be, that is the question", "a" * 47 + " is a word", "other things"]
    documents = pd.DataFrame({"id": ["wall", "hamlet", "long", "other"], "title": "", "text": texts})
    index = BM25(store=str(tmp_path)).index(Corpus(documents, "scripts"), 1)
    found = index.search(["中国的长城在哪里", "to be or not to be", "a" * 47, "🙂"], 1)
    assert [[hit.passage.document for hit in hits] for hits in found] == [["wall"], ["hamlet"], ["long"], []]


@pytest.mark.parametrize(
    ("query", "first"),
    [("GRÖSSE", "german"), ("gro\u0308ße", "german"), ("abc1", "wide"), ("كتاب", "arabic"), ("σκυλος", "greek")],
)
def test_bm25_finds_words_however_they_are_composed_cased_or_marked(tmp_path, query, first):
    texts = {
        "german": "Die Gro\u0308ße zählt",
        "wide": "型号 ＡＢＣ１ 价格",
        "arabic": "هذا كِتَابٌ جميل",
        "greek": "Ο ΣΚΥΛΟΣ",
    }
    documents = pd.DataFrame({"id": list(texts), "title": "", "text": list(texts.values())})
    (hits,) = BM25(store=str(tmp_path)).index(Corpus(documents, "composed")).search([query], 1)
    assert [hit.passage.document for hit in hits] == [first]
