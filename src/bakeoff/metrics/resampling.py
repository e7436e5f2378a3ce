"""Metrics of many bootstrap resamples at once.

A resample is how often each row was drawn, so B resamples are a matrix of counts, shape (B, n), and most metrics are
functions of a few sums that are weighted by it. ``FromSums`` states them that way: one matrix product serves all
resamples, and ``compare.statistics`` shares it between metrics and variants. ``FromLabels`` does the same for the
confusion matrix, whose cost does not grow with the number of labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.base import Resample, Value
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Counts = NDArray[np.float32]
Whole = NDArray[np.signedinteger[Any]]
OfLabels = Callable[[Floats, Floats, Floats], Floats]
PerExample = Callable[[PredictionTable], NDArray[np.floating] | NDArray[np.bool_]]


@dataclass(frozen=True)
class FromSums:
    """A metric that is a function of sums over the rows.

    Attributes:
        columns: what is summed: table (n rows) → shape (n, m). Metrics with the same function share its sums.
        combine: sums of the resamples, shape (B, m) → values, shape (B,).
    """

    columns: Callable[[PredictionTable], Floats]
    combine: Callable[[Floats], Floats]

    def __call__(self, table: PredictionTable, counts: Counts) -> Floats:
        """The value for each resample, shape (B,)."""
        return self.combine(counts.astype(np.float64) @ self.columns(table))


@dataclass(frozen=True)
class FromLabels:
    """A metric of the confusion matrix.

    Attributes:
        combine: of each label that occurs in the table, its correct predictions, its true rows and its predictions in
            each resample, three arrays of shape (B, k) → values, shape (B,).
        takes_rows: whether ``combine`` takes the number of rows of each resample too, shape (B, 1): where rows have
            several labels or none, the labels do not tell it.
    """

    combine: Callable[..., Floats]
    takes_rows: bool = False

    def __call__(self, table: PredictionTable, counts: Counts) -> Floats:
        """The value for each resample, shape (B,)."""
        drawn = counts.astype(np.int32).T
        return self.from_sums(label_sums(label_groups(table), drawn), drawn)

    def from_sums(self, sums: tuple[Floats, Floats, Floats], drawn: Whole | Floats) -> Floats:
        """The value for each resample from what ``label_sums`` gives of the drawn rows, shape (B,)."""
        if not self.takes_rows:
            return self.combine(*sums)
        return self.combine(*sums, drawn.sum(axis=0, dtype=np.float64)[:, None])


def counting(n: int) -> type[np.signedinteger[Any]]:
    """The narrowest integers that hold any sum over the drawn rows of a resample of n rows: narrow ones add up fast."""
    return np.int16 if n <= np.iinfo(np.int16).max else np.int32


def label_groups(table: PredictionTable) -> csr_matrix:
    """The rows of each label: those predicted correctly, those it is true of, those it is predicted for.

    Returns:
        A sparse matrix of zeros and ones, shape (3k, n): all labels' correct rows, then true rows, then predictions.
    """
    import pandas as pd
    from scipy.sparse import csr_matrix, vstack

    n, kind = len(table), kinds.get(table.schema.kind)
    (true_rows, true_labels), (rows, labels) = kind.labels(table.target), kind.labels(table.predictions.output)
    codes, distinct = pd.factorize(np.concatenate([true_labels, labels]), use_na_sentinel=False)

    def matrix(codes: NDArray[np.intp], rows: NDArray[np.intp]) -> csr_matrix:
        return csr_matrix((np.ones(len(rows), counting(n)), (codes, rows)), shape=(len(distinct), n))

    truth, predicted = matrix(codes[: len(true_rows)], true_rows), matrix(codes[len(true_rows) :], rows)
    return vstack([truth.multiply(predicted), truth, predicted], format="csr")


def label_sums(groups: csr_matrix, drawn: Whole | Floats) -> tuple[Floats, Floats, Floats]:
    """Sum the drawn rows of each group of ``label_groups``.

    Args:
        groups: shape (3k, n).
        drawn: how often each row was drawn, or its weight, shape (n, B).

    Returns:
        Correct predictions, true rows and predictions of each label, each of shape (B, k).
    """
    hits, truth, predicted = np.split(np.asarray(groups @ drawn, dtype=np.float64).T, 3, axis=1)
    return hits, truth, predicted


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Element-wise quotient, 0 where the denominator is 0: scikit-learn's ``zero_division=0``."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def per_row(sums: Floats) -> Floats:
    """The first sums divided by the last, which counts the rows."""
    values: Floats = sums[:, 0] / sums[:, -1]
    return values


def with_ones(*columns: NDArray[np.floating] | NDArray[np.bool_]) -> Floats:
    """The columns side by side, and a column that counts the rows, shape (n, m + 1)."""
    return np.column_stack([*columns, np.ones(len(columns[0]))]).astype(np.float64)


def mean_of(per_example: PerExample) -> FromSums:
    """Resample a mean over the rows of what ``per_example`` gives each of them, shape (n,)."""
    return FromSums(lambda table: with_ones(per_example(table)), per_row)


@dataclass(frozen=True)
class FromQuantile:
    """A metric that is the quantile ``q`` of one number a row; rows that have NaN are left out.

    Interpolates linearly, as ``numpy.quantile`` does (Hyndman & Fan 1996, type 7). NaN where no row is left.
    """

    per_example: PerExample
    q: float

    def __call__(self, table: PredictionTable, counts: Counts) -> Floats:
        """The value for each resample, shape (B,)."""
        return self.prepare(table)(counts)

    def prepare(self, table: PredictionTable) -> Callable[[Counts], Floats]:
        """The same for one table, whose rows are put in order once."""
        values = np.asarray(self.per_example(table), dtype=np.float64)
        order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
        rising = values[order]

        def resample(counts: Counts) -> Floats:
            if not len(order):
                return np.full(len(counts), np.nan)
            # Cumulative sums of integers are eight times faster than of floats.
            reached = np.cumsum(counts.take(order, axis=1).astype(np.int32), axis=1, dtype=np.int32)
            total = reached[:, -1]
            position = self.q * np.maximum(total - 1, 0)
            floor, ceiling = np.floor(position), np.ceil(position)
            below, above = (
                rising.take(np.count_nonzero(reached <= at.astype(np.int32)[:, None], axis=1), mode="clip")
                for at in (floor, ceiling)
            )
            return np.where(total > 0, below + (above - below) * (position - floor), np.nan)

        return resample


def by_loop(value: Value) -> Resample:
    """Resample anything, by calling ``value`` on one resampled table after another."""

    def resample(table: PredictionTable, counts: Counts) -> Floats:
        rows = np.arange(len(table))
        return np.array([value(table.take(np.repeat(rows, drawn.astype(np.intp)))) for drawn in counts])

    return resample
