"""Retrieval metrics, computed by ir-measures (MacAvaney, Macdonald & Ounis 2022).

Every value is a mean over the questions for which documents were judged; one of which none is relevant, or for which
nothing was found, counts 0, as in BEIR and trec_eval. The document that is the query itself is no hit. NaN where no
question was judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from bakeoff.metrics.defined import over, share
from bakeoff.metrics.definition import has_corpus, metric
from bakeoff.metrics.resampling import Floats, FromSums
from bakeoff.task import PredictionTable

MEASURES = ("R@1", "R@5", "R@10", "P@5", "P@10", "RR", "nDCG@10", "AP")
"""In the spelling of ir-measures."""

document_metric = partial(
    metric, direction="maximize", greatest=1.0, applies=has_corpus, needs=("retrieved",), margin="0.01"
)


def per_question(table: PredictionTable, measures: Sequence[str] = MEASURES) -> Floats:
    """Each measure for each row, shape (n, m); rows without relevant documents are 0."""
    import ir_measures

    retrieved = table.predictions.retrieved
    assert retrieved is not None
    # Rows are named by their position: a resample holds the same question several times.
    qrels = {str(i): dict(gold.relevance) for i, gold in enumerate(table.target) if gold.relevance}
    # Scores fall from document to document: trec_eval orders by score alone, and equal ones by name.
    run = {
        i: {
            str(name): -float(rank)
            for rank, name in enumerate(retrieved[int(i)])
            if not table.target[int(i)].itself or str(name) != table.target[int(i)].itself
        }
        for i in qrels
    }
    values = np.zeros((len(table), len(measures)))
    column_of: dict[Any, int] = {ir_measures.parse_measure(name): column for column, name in enumerate(measures)}
    if qrels:
        for measured in ir_measures.iter_calc(list(column_of), qrels, run):
            values[int(measured.query_id), column_of[measured.measure]] = measured.value
    return values


def _columns(table: PredictionTable, measures: Sequence[str] = MEASURES) -> Floats:
    """Each measure, and whether documents were judged, shape (n, m + 1)."""
    is_judged = np.array([bool(gold.relevance) or gold.none_relevant for gold in table.target], dtype=np.float64)
    return np.column_stack([per_question(table, measures), is_judged])


def _all(table: PredictionTable) -> Floats:
    return _columns(table)


def _mean(measure: str) -> FromSums:
    """Resample the mean of one measure. All share the sums of all, so that a run is evaluated once."""
    at = MEASURES.index(measure)
    return FromSums(_all, lambda sums: share(sums[:, [at, -1]]))


def _value(table: PredictionTable, measure: str) -> float:
    return over(table, FromSums(partial(_columns, measures=(measure,)), share))


@document_metric("recall_at_1", resample=_mean("R@1"))
def recall_at_1(table: PredictionTable) -> float:
    """Mean share of the relevant documents that are found in the first place."""
    return _value(table, "R@1")


@document_metric("recall_at_5", resample=_mean("R@5"))
def recall_at_5(table: PredictionTable) -> float:
    """Mean share of the relevant documents that are among the first 5."""
    return _value(table, "R@5")


@document_metric("recall_at_10", resample=_mean("R@10"))
def recall_at_10(table: PredictionTable) -> float:
    """Mean share of the relevant documents that are among the first 10."""
    return _value(table, "R@10")


@document_metric("precision_at_5", resample=_mean("P@5"))
def precision_at_5(table: PredictionTable) -> float:
    """Mean share of the first 5 places that hold a relevant document; empty places count as wrong ones."""
    return _value(table, "P@5")


@document_metric("precision_at_10", resample=_mean("P@10"))
def precision_at_10(table: PredictionTable) -> float:
    """Mean share of the first 10 places that hold a relevant document; empty places count as wrong ones."""
    return _value(table, "P@10")


@document_metric("mrr", resample=_mean("RR"))
def mrr(table: PredictionTable) -> float:
    """Mean reciprocal rank of the first relevant document, over all that were retrieved (Voorhees 1999)."""
    return _value(table, "RR")


@document_metric("ndcg_at_10", resample=_mean("nDCG@10"))
def ndcg_at_10(table: PredictionTable) -> float:
    """Mean normalised discounted cumulative gain of the first 10 documents (Järvelin & Kekäläinen 2002).

    As trec_eval, and so BEIR, does it: the gain is the grade itself, not 2^grade − 1; the discount is log2(rank + 1).
    """
    return _value(table, "nDCG@10")


@document_metric("map", resample=_mean("AP"))
def mean_average_precision(table: PredictionTable) -> float:
    """Mean, over the questions, of the precision at each relevant document, 0 for those that were not retrieved."""
    return _value(table, "AP")
