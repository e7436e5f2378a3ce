"""Metrics of the order in which a model puts the examples, for many bootstrap resamples at once.

The order of the scores does not depend on the resample, so it is found once; a resample only changes how often each row
counts. Cumulative counts along that order give the confusion matrix at every threshold. Several classes are ranked one
against the rest and averaged over those for which the value is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.definition import is_binary
from bakeoff.metrics.resampling import Counts, Floats
from bakeoff.task import PredictionTable, Schema

Rows = NDArray[np.intp]
Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Ranking:
    """The rows of one class and the others, each by falling score of that class.

    Attributes:
        positives: rows of the class, shape (p,).
        negatives: the other rows, shape (n - p,).
        hits: how many positives score at least as much as each positive, shape (p,).
        above: how many negatives score more than each positive, shape (p,).
        level: how many negatives score at least as much as each positive, shape (p,).
    """

    positives: Rows
    negatives: Rows
    hits: Rows
    above: Rows
    level: Rows


@dataclass(frozen=True)
class Ranked:
    """A ranking with the counts of B resamples: the confusion matrix at the score of each positive.

    Attributes:
        weight: how often each positive was drawn, shape (B, p).
        hits: drawn positives that score at least as much, shape (B, p).
        above: drawn negatives that score more, shape (B, p).
        level: drawn negatives that score at least as much, shape (B, p).
        n_positives: drawn positives, shape (B,).
        n_negatives: drawn negatives, shape (B,).
    """

    weight: Numbers
    hits: Numbers
    above: Numbers
    level: Numbers
    n_positives: Floats
    n_negatives: Floats


Statistic = Callable[[Ranked], Floats]


@dataclass(frozen=True)
class FromRanks:
    """A metric of the ranking by probability: ``statistic`` gives its values, shape (B,), NaN where undefined."""

    statistic: Statistic

    def __call__(self, table: PredictionTable, counts: Counts) -> Floats:
        """The value for each resample, shape (B,)."""
        return rank_values(rankings(table), counts, [self.statistic])[0]


def ranked_classes(schema: Schema) -> list[str]:
    """The classes whose probabilities are ranked: the positive one of a binary task, or each one against the rest."""
    return [c for c in schema.classes if c == schema.positive] if is_binary(schema) else list(schema.classes)


def rankings(table: PredictionTable) -> list[Ranking]:
    """One ranking for each class that is ranked. The table must have probabilities."""
    proba = table.predictions.proba
    assert proba is not None
    return [
        _ranking(table.target == name, proba[:, table.schema.classes.index(name)])
        for name in ranked_classes(table.schema)
    ]


def rank_values(ranks: Sequence[Ranking], counts: Counts, statistics: Sequence[Statistic]) -> list[Floats]:
    """Each statistic for each resample, shape (B,) a statistic: the mean over the rankings that define it."""
    whole = counts.astype(np.int32)  # cumulative sums of integers are eight times faster
    totals = np.zeros((len(statistics), len(counts)))
    defined = np.zeros_like(totals)
    for ranking in ranks:
        ranked = _count(ranking, whole)
        for i, statistic in enumerate(statistics):
            values = statistic(ranked)
            totals[i] += np.nan_to_num(values)
            defined[i] += ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return list(totals / defined)


def area_under_roc(ranked: Ranked) -> Floats:
    """Share of pairs of a positive and a negative that are in order, ties half (Hanley & McNeil 1982)."""
    disordered = np.sum(ranked.weight * (ranked.above + ranked.level), axis=1, dtype=np.int64) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - disordered / (ranked.n_positives * ranked.n_negatives))


def average_precision(ranked: Ranked) -> Floats:
    """Mean, over the positives, of the precision at their score: no interpolation, as in scikit-learn."""
    # A row that was not drawn may have nothing at or above it: its weight is 0, so any denominator will do.
    precision = ranked.hits / np.maximum(ranked.hits + ranked.level, 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sum(ranked.weight * precision, axis=1) / ranked.n_positives)


def _ranking(is_positive: NDArray[np.bool_], score: Floats) -> Ranking:
    falling = np.argsort(-score, kind="stable")
    positives, negatives = falling[is_positive[falling]], falling[~is_positive[falling]]
    positive, negative = -score[positives], -score[negatives]
    return Ranking(
        positives,
        negatives,
        hits=np.searchsorted(positive, positive, side="right"),
        above=np.searchsorted(negative, positive, side="left"),
        level=np.searchsorted(negative, positive, side="right"),
    )


def _count(ranking: Ranking, counts: Numbers) -> Ranked:
    weight = counts.take(ranking.positives, axis=1)
    hits = _cumulative(weight)
    misses = _cumulative(counts.take(ranking.negatives, axis=1))
    level = misses.take(ranking.level, axis=1)
    without_ties = np.array_equal(ranking.above, ranking.level)
    return Ranked(
        weight,
        hits=hits.take(ranking.hits, axis=1),
        above=level if without_ties else misses.take(ranking.above, axis=1),
        level=level,
        n_positives=hits[:, -1].astype(np.float64),
        n_negatives=misses[:, -1].astype(np.float64),
    )


def _cumulative(counts: Numbers) -> Numbers:
    """Sums of the first 0, 1, … p columns, shape (B, p + 1)."""
    sums = np.zeros((len(counts), counts.shape[1] + 1), dtype=np.int32)
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums
