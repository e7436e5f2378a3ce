"""Metrics of many bootstrap resamples at once.

A resample is how often each row was drawn, so B resamples are a matrix of counts, shape (B, n), and most metrics are
functions of a few sums that are weighted by it. ``FromSums`` states them that way: one matrix product serves all
resamples, and ``compare.statistics`` shares it between metrics and variants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.base import Resample, Value
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]
Counts = NDArray[np.float32]
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
        return self.of(table)(counts)

    def of(self, table: PredictionTable) -> Callable[[Counts], Floats]:
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
