"""Metrics of calibration: whether the stated probability of the most probable class is how often it is right.

Rows are put in bins of equal width by that probability. Chance alone moves the share that is right in a bin away from
the mean probability, so the plain error of a perfectly calibrated model is above 0, by more the fewer rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.definition import is_classification, metric
from bakeoff.metrics.resampling import Floats, FromSums, ratio, with_ones
from bakeoff.task import PredictionTable

BINS = 15
"""Bins of the confidence, as in Guo et al. (2017)."""

A_CONSTANT_WINS = "a constant that predicts the share of each class is perfectly calibrated"

calibration_metric = partial(
    metric, direction="minimize", applies=is_classification, needs=("proba",), cannot_decide=A_CONSTANT_WINS
)


@dataclass(frozen=True)
class FromGaps(FromSums):
    """A calibration error, less what chance adds; ``gaps`` gives what its interval is made of."""

    def gaps(self, table: PredictionTable) -> tuple[NDArray[np.intp], Floats]:
        """Bin of each row, and whether it is right less its confidence, shape (n,) each."""
        return calibration_gaps(table)


def calibration_gaps(table: PredictionTable) -> tuple[NDArray[np.intp], Floats]:
    """Of the most probable class: the bin of its probability, and whether it is right less that probability."""
    proba, rows = table.predictions.proba, np.arange(len(table))
    assert proba is not None
    top = proba.argmax(axis=1)
    confidence = proba[rows, top]
    bins = np.clip(np.ceil(confidence * BINS).astype(np.intp) - 1, 0, BINS - 1)
    is_right = table.target == np.array(table.schema.classes, dtype=object)[top]
    return bins, is_right.astype(np.float64) - confidence


def _by_bin(table: PredictionTable) -> Floats:
    """Gap of each row in the column of its bin, and a column that counts the rows, shape (n, BINS + 1)."""
    bins, gap = calibration_gaps(table)
    return with_ones(*(np.where(bins == i, gap, 0.0) for i in range(BINS)))


def _mean_gap(sums: Floats) -> Floats:
    return np.asarray(np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1])


def _powers_by_bin(table: PredictionTable) -> Floats:
    """Rows, gaps and squared gaps of each bin, shape (n, 3 BINS)."""
    bins, gap = calibration_gaps(table)
    is_in = bins[:, None] == np.arange(BINS)
    return np.hstack([is_in * power[:, None] for power in (np.ones(len(gap)), gap, gap**2)]).astype(np.float64)


def _root_mean_square(sums: Floats) -> Floats:
    rows, total, squares = np.split(sums, 3, axis=1)
    mean = ratio(total, rows)
    # The squared mean of a bin exceeds its square by its variance. A single row tells neither.
    variance = ratio(np.maximum(squares - rows * mean**2, 0), rows * (rows - 1))
    known = np.where(rows > 1, rows, 0)
    squared = (known * (mean**2 - variance)).sum(axis=1) / rows.sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(0, squared)))


@calibration_metric(
    "expected_calibration_error",
    resample=FromSums(_by_bin, _mean_gap),
    no_interval="chance alone moves it away from 0, where a calibrated model should be (see calibration_error)",
)
def expected_calibration_error(table: PredictionTable) -> float:
    """Distance between confidence and accuracy of the most probable class (Naeini et al. 2015, Guo et al. 2017)."""
    bins, gap = calibration_gaps(table)
    return float(np.abs(np.bincount(bins, weights=gap)).sum() / len(table))


@calibration_metric("calibration_error", greatest=1.0, resample=FromGaps(_powers_by_bin, _root_mean_square))
def calibration_error(table: PredictionTable) -> float:
    """Root mean square of the same distance over the bins, less what chance adds (Kumar, Liang & Ma 2019)."""
    if not len(table):
        return float("nan")
    return float(_root_mean_square(_powers_by_bin(table).sum(axis=0, keepdims=True))[0])
