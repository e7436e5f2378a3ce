"""Means over the rows that define them: questions that have an answer, queries that have relevant documents."""

from __future__ import annotations

import numpy as np

from bakeoff.metrics.resampling import Floats, FromSums, PerExample
from bakeoff.task import PredictionTable


def mean_of_defined(per_example: PerExample) -> FromSums:
    """Resample a mean over the rows whose number is not NaN; NaN where there is no such row.

    Args:
        per_example: one number a row, shape (n,).
    """

    def columns(table: PredictionTable) -> Floats:
        values = np.asarray(per_example(table), dtype=np.float64)
        return np.column_stack([np.nan_to_num(values), ~np.isnan(values)])

    return FromSums(columns, share)


def share(sums: Floats) -> Floats:
    """The first sums divided by the second, shape (B,); NaN where these are 0."""
    undefined = np.full(len(sums), np.nan)
    return np.asarray(np.divide(sums[:, 0], sums[:, 1], out=undefined, where=sums[:, 1] != 0))


def over(table: PredictionTable, sums: FromSums) -> float:
    """The value over the whole table of what ``sums`` resamples."""
    return float(sums.combine(sums.columns(table).sum(axis=0, keepdims=True))[0])
