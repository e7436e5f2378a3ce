import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from questions import DOCUMENTS, answered, assert_faces_agree, rankings, resampled, tables

from bakeoff import metrics
from bakeoff.task import Gold

MEASURES = {
    "recall_at_1": "R@1",
    "recall_at_5": "R@5",
    "recall_at_10": "R@10",
    "precision_at_5": "P@5",
    "precision_at_10": "P@10",
    "mrr": "RR",
    "ndcg_at_10": "nDCG@10",
    "map": "AP",
}


def ranked(*rows, kind="retrieval"):
    """A table of what was retrieved, and how relevant what is."""
    return answered([("", Gold((), relevance)) for _, relevance in rows], kind=kind, retrieved=[ids for ids, _ in rows])


@settings(max_examples=100, deadline=None)
@given(tables())
def test_values_are_those_of_ir_measures_on_the_same_run(table):
    qrels = [
        ir_measures.Qrel(f"q{i}", document, grade)
        for i, gold in enumerate(table.target)
        for document, grade in gold.relevance.items()
    ]
    run = [
        ir_measures.ScoredDoc(f"q{i}", document, 1 / (1 + rank))
        for i, ids in enumerate(table.predictions.retrieved)
        for rank, document in enumerate(ids)
    ]
    scores = metrics.score(table, list(MEASURES))
    if not qrels:
        assert np.isnan(list(scores.values())).all()
        return
    parsed = {name: ir_measures.parse_measure(measure) for name, measure in MEASURES.items()}
    expected = ir_measures.calc_aggregate(list(parsed.values()), qrels, run)
    assert scores == pytest.approx({name: expected[measure] for name, measure in parsed.items()})


judgements = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(-2, 3), max_size=5).filter(
    # pytrec_eval crashes where all grades of a query are negative.
    lambda judged: not judged or max(judged.values()) >= 0
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(judgements, rankings, st.sampled_from(["", "d0"])), min_size=1, max_size=6))
def test_values_are_those_of_ir_measures_with_negative_and_zero_grades_and_queries_that_are_documents(queries):
    golds = [
        Gold((), {d: g for d, g in judged.items() if g > 0}, bool(judged) and max(judged.values()) <= 0, itself)
        for judged, _, itself in queries
    ]
    table = answered([("", gold) for gold in golds], kind="retrieval", retrieved=[ids for _, ids, _ in queries])
    scores = metrics.score(table, list(MEASURES))
    qrels = [
        ir_measures.Qrel(f"q{i}", document, grade)
        for i, (judged, _, _) in enumerate(queries)
        for document, grade in judged.items()
    ]
    if not qrels:
        assert np.isnan(list(scores.values())).all()
        return
    run = [
        ir_measures.ScoredDoc(f"q{i}", document, -rank)
        for i, (_, ids, itself) in enumerate(queries)
        for rank, document in enumerate(ids)
        if document != itself
    ]
    parsed = {name: ir_measures.parse_measure(measure) for name, measure in MEASURES.items()}
    expected = ir_measures.calc_aggregate(list(parsed.values()), qrels, run)
    assert scores == pytest.approx({name: expected[measure] for name, measure in parsed.items()})


def test_a_query_that_was_judged_to_have_no_relevant_document_counts_0():
    """As BEIR has it; a question for which nobody judged documents says nothing."""
    golds = [Gold((), {"a": 1}), Gold((), {}, none_relevant=True), Gold()]
    table = answered([("", gold) for gold in golds], kind="retrieval", retrieved=[("a",)] * 3)
    assert metrics.score(table, ["recall_at_5", "mrr"]) == {"recall_at_5": 0.5, "mrr": 0.5}


@pytest.mark.parametrize("name", list(MEASURES))
@settings(max_examples=25, deadline=None)
@given(resampled())
def test_resampling_gives_what_the_value_of_each_resample_is(name, sample):
    assert_faces_agree(name, *sample)


def test_gain_is_the_grade_and_the_discount_is_of_the_rank():
    table = ranked((("b", "x", "a"), {"a": 3, "b": 1}))
    expected = (1 / np.log2(2) + 3 / np.log2(4)) / (3 / np.log2(2) + 1 / np.log2(3))
    assert metrics.score(table, ["ndcg_at_10"])["ndcg_at_10"] == pytest.approx(expected)


def test_the_order_counts_and_not_the_names():
    assert metrics.score(ranked((("z", "a"), {"a": 1})), ["mrr"])["mrr"] == 0.5
    assert metrics.score(ranked((("a", "z"), {"z": 1})), ["mrr"])["mrr"] == 0.5


def test_what_retrieves_nothing_counts_and_what_has_nothing_to_find_does_not():
    table = ranked((("a",), {"a": 1}), ((), {"a": 1}), (("a",), {}))
    assert metrics.score(table, ["recall_at_1", "map"]) == {"recall_at_1": 0.5, "map": 0.5}


def test_ranking_is_measured_for_questions_and_for_queries_alike():
    for kind in ("qa", "retrieval"):
        assert set(MEASURES) <= set(metrics.score(ranked((("a",), {"a": 1}), kind=kind)))


def test_queries_have_no_metrics_of_answers():
    assert not {"exact_match", "coverage"} & set(metrics.score(ranked((("a",), {"a": 1}))))


def test_ids_that_are_numbers_are_found():
    assert metrics.score(ranked(((7, 8), {"8": 1})), ["mrr"])["mrr"] == 0.5


def test_no_rows_have_no_score():
    assert np.isnan(list(metrics.score(ranked(), list(MEASURES)).values())).all()
