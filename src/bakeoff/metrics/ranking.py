"""Metrics of how a model ranks the examples, for many bootstrap resamples at once.

The order of the scores does not depend on the resample, so it is found once; a resample only changes how often each row
counts. The distinct scores of a class's own rows cut the other rows into bins, and the counts of the bins, one sparse
matrix product for all classes and resamples, give the confusion matrix at every threshold. Several classes are ranked
one against the rest and averaged over those for which the value is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.definition import is_binary
from bakeoff.metrics.resampling import Counts, Floats, Whole, counting
from bakeoff.task import PredictionTable, Schema

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Rankings:
    """The rows of each ranked class and the other rows, by falling score of that class.

    The q thresholds of a class are the distinct scores of its own rows, falling; those of all classes stand one after
    another, t in all. The matrices are sparse, of zeros and ones, shape (t, n).

    Attributes:
        sizes: q of each class; classes without a row are left out.
        own: rows of the class at each threshold.
        between: other rows that score less than the threshold before and more than this one.
        level: other rows that score exactly as much as the threshold; None where no class has such a row.
    """

    sizes: tuple[int, ...]
    own: csr_matrix
    between: csr_matrix
    level: csr_matrix | None


@dataclass(frozen=True)
class Ranked:
    """One class's ranking with the counts of B resamples: the confusion matrix at each of q distinct scores, falling.

    Attributes:
        weight: drawn rows of the class that have this score, shape (q, B).
        hits: drawn rows of the class that score at least as much, shape (q, B).
        above: drawn other rows that score more, shape (q, B).
        level: drawn other rows that score at least as much, shape (q, B).
        n_positives: drawn rows of the class, shape (B,).
        n_negatives: drawn other rows, shape (B,).
    """

    weight: Whole
    hits: Whole
    above: Whole
    level: Whole
    n_positives: Floats
    n_negatives: Floats


Rows = NDArray[np.intp]
Statistic = Callable[[Ranked], Floats]


@dataclass(frozen=True)
class FromRanks:
    """A metric of the ranking by probability: ``statistic`` gives its values, shape (B,), NaN where undefined."""

    statistic: Statistic

    def __call__(self, table: PredictionTable, counts: Counts) -> Floats:
        """The value for each resample, shape (B,)."""
        return rank_values(rankings(table), counts.astype(np.int32).T, [self.statistic])[0]

    def value(self, table: PredictionTable) -> float:
        """The value for these rows, each counted once."""
        return float(self(table, np.ones((1, len(table)), dtype=np.float32))[0])


def ranked_classes(schema: Schema) -> list[str]:
    """The classes whose probabilities are ranked: the positive one of a binary task, or each one against the rest."""
    return [c for c in schema.classes if c == schema.positive] if is_binary(schema) else list(schema.classes)


def rankings(table: PredictionTable) -> Rankings:
    """The rankings of all ranked classes. The table must have probabilities."""
    proba = table.predictions.proba
    assert proba is not None
    sizes: list[int] = []
    cells: list[tuple[Rows, Rows, Rows]] = []
    for name in ranked_classes(table.schema):
        is_own = np.asarray(table.target == name)
        if is_own.any():
            falling = -proba[:, table.schema.classes.index(name)]
            thresholds = np.unique(falling[is_own])
            first = sum(sizes)
            own, others = np.flatnonzero(is_own), np.flatnonzero(~is_own)
            at = np.searchsorted(thresholds, falling[others])
            is_above = at < len(thresholds)  # the others that score less than all rows of the class never matter
            others, at = others[is_above], at[is_above]
            is_level = thresholds[at] == falling[others]
            cells.append(
                (
                    np.stack([first + np.searchsorted(thresholds, falling[own]), own]),
                    np.stack([first + at[~is_level], others[~is_level]]),
                    np.stack([first + at[is_level], others[is_level]]),
                )
            )
            sizes.append(len(thresholds))
    own, between, level = (_ones([each[i] for each in cells], (sum(sizes), len(table))) for i in range(3))
    return Rankings(tuple(sizes), own, between, level if level.nnz else None)


def rank_values(rankings: Rankings, drawn: Whole, statistics: Sequence[Statistic]) -> list[Floats]:
    """Average each statistic over the classes that define it.

    Args:
        rankings: of n rows.
        drawn: how often each row was drawn, shape (n, B); integers that are wide enough for n.
        statistics: of one class's ranking.

    Returns:
        The values of each statistic, shape (B,).
    """
    totals = np.zeros((len(statistics), drawn.shape[1]))
    defined = np.zeros_like(totals)
    own, between = rankings.own @ drawn, rankings.between @ drawn
    level = None if rankings.level is None else rankings.level @ drawn
    n_drawn = drawn.sum(axis=0, dtype=np.float64)
    first = 0
    for size in rankings.sizes:
        rows = slice(first, first + size)
        first += size
        ranked = _ranked(own[rows], between[rows], None if level is None else level[rows], n_drawn)
        for i, statistic in enumerate(statistics):
            values = statistic(ranked)
            is_defined = ~np.isnan(values)
            totals[i] += np.where(is_defined, values, 0.0)
            defined[i] += is_defined
    with np.errstate(invalid="ignore"):
        return list(totals / defined)


def area_under_roc(ranked: Ranked) -> Floats:
    """Share of pairs of a positive and a negative that are in order, ties half (Hanley & McNeil 1982)."""
    disordered = np.einsum("qb,qb->b", ranked.weight, (ranked.above + ranked.level).astype(np.float64)) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - disordered / (ranked.n_positives * ranked.n_negatives))


def average_precision(ranked: Ranked) -> Floats:
    """Mean, over the positives, of the precision at their score: no interpolation, as in scikit-learn."""
    # A row that was not drawn may have nothing at or above it: its weight is 0, so any denominator will do.
    precision = ranked.hits / np.maximum(ranked.hits + ranked.level, 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.einsum("qb,qb->b", ranked.weight, precision) / ranked.n_positives)


def leave_one_out(rankings: Rankings, statistic: Statistic, n: int) -> Floats | None:
    """The value without each row in turn, averaged over the classes, shape (n,).

    Args:
        rankings: of n rows.
        statistic: ``area_under_roc`` or ``average_precision``; None is returned for any other.
        n: number of rows.

    Returns:
        NaN where a class is undefined without the row.
    """
    if statistic not in (area_under_roc, average_precision):
        return None
    without = _roc_without if statistic is area_under_roc else _precision_without
    # One threshold index for each row that has one: own, between, and level rows of all classes, in the same numbers.
    own, between, level = (None if m is None else m.tocoo() for m in (rankings.own, rankings.between, rankings.level))
    total = np.zeros(n)
    everything = np.ones((n, 1), dtype=np.int32)
    first = 0
    for size in rankings.sizes:
        rows = slice(first, first + size)

        def places(matrix: Any, first: int = first, size: int = size) -> tuple[Rows, Rows]:
            if matrix is None:
                return np.empty(0, np.intp), np.empty(0, np.intp)
            here = (matrix.row >= first) & (matrix.row < first + size)
            return matrix.row[here] - first, matrix.col[here]

        tied = None if rankings.level is None else rankings.level[rows] @ everything
        ranked = _ranked(
            rankings.own[rows] @ everything, rankings.between[rows] @ everything, tied, np.array([n * 1.0])
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            total += without(ranked, n, places(own), places(between), places(level))
        first += size
    values: Floats = total / len(rankings.sizes)
    return values


Places = tuple[Rows, Rows]


def _roc_without(ranked: Ranked, n: int, own: Places, between: Places, level: Places) -> Floats:
    """Area under the ROC curve of one class without each row, shape (n,)."""
    weight, above, at_least = (x[:, 0].astype(np.float64) for x in (ranked.weight, ranked.above, ranked.level))
    positives, negatives = float(ranked.n_positives[0]), float(ranked.n_negatives[0])
    disordered = float(weight @ (above + at_least)) / 2
    below = np.cumsum(weight[::-1])[::-1]  # own rows at or below each threshold
    values = np.full(n, 1 - disordered / (positives * (negatives - 1)))
    at, rows = own
    values[rows] = 1 - (disordered - (above + at_least)[at] / 2) / ((positives - 1) * negatives)
    at, rows = between
    values[rows] = 1 - (disordered - below[at]) / (positives * (negatives - 1))
    at, rows = level
    values[rows] = 1 - (disordered - below[at] + weight[at] / 2) / (positives * (negatives - 1))
    return values


def _precision_without(ranked: Ranked, n: int, own: Places, between: Places, level: Places) -> Floats:
    """Average precision of one class without each row, shape (n,)."""
    weight, hits, others = (x[:, 0].astype(np.float64) for x in (ranked.weight, ranked.hits, ranked.level))
    positives = float(ranked.n_positives[0])
    before = np.concatenate([[0.0], np.cumsum(weight * hits / (hits + others))])  # sums over earlier thresholds
    less_other = weight * hits / np.maximum(hits + others - 1, 1)
    less_own = weight * (hits - 1) / np.maximum(hits - 1 + others, 1)
    from_other, from_own = (np.concatenate([np.cumsum(x[::-1])[::-1], [0.0]]) for x in (less_other, less_own))
    values = np.full(n, before[-1] / positives)
    for at, rows in (between, level):
        values[rows] = (before[at] + from_other[at]) / positives
    at, rows = own
    here = (weight[at] - 1) * (hits[at] - 1) / np.maximum(hits[at] - 1 + others[at], 1)
    values[rows] = (before[at] + here + from_own[at + 1]) / (positives - 1)
    return values


def _ones(cells: Sequence[Rows], shape: tuple[int, int]) -> csr_matrix:
    """A sparse matrix that has ones at the given positions, each of shape (2, m)."""
    from scipy.sparse import csr_matrix

    where = np.hstack(cells) if cells else np.empty((2, 0), np.intp)
    return csr_matrix((np.ones(where.shape[1], counting(shape[1])), (where[0], where[1])), shape=shape)


def _ranked(own: Whole, between: Whole, level: Whole | None, n_drawn: Floats) -> Ranked:
    hits = np.cumsum(own, axis=0, dtype=np.int32)
    misses = np.cumsum(between, axis=0, dtype=np.int32)
    ties = None if level is None else np.cumsum(level, axis=0, dtype=np.int32)
    at_least = misses if ties is None else misses + ties
    above = misses if level is None else at_least - level
    n_positives = hits[-1].astype(np.float64)
    return Ranked(own, hits, above, at_least, n_positives, n_drawn - n_positives)
