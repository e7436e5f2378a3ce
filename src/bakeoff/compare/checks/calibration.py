"""Checks of probabilities: whether what a classifier states is how often it is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.task import PredictionTable

BINS, LEAST_ROWS = 10, 200
"""Bins of equal size, and rows below which they tell nothing."""

LARGE, RARE = 0.05, 0.001
"""Root mean squared error of stated probabilities that matters, and error rate of the test that it is there."""


@check(
    "calibration",
    "Are stated probabilities as often right as they say?",
    applies=lambda schema: schema.kind == "classification",
    severity="note",
)
def calibration(evidence: Evidence) -> list[str]:
    """Thresholds, costs and cascades that use probabilities need them to be true; labels and ranks do not."""
    learns = {run.variant for run in evidence.runs if run.family != "rules"}
    return [finding for name, table in evidence.tables.items() if name in learns and (finding := _off_by(name, table))]


def _off_by(name: str, table: PredictionTable) -> str:
    proba = table.predictions.proba
    if proba is None or len(table) < LEAST_ROWS or np.isnan(proba).any():
        return ""
    stated = proba.max(axis=1)
    most_likely = np.array(table.schema.classes, dtype=object)[proba.argmax(axis=1)]
    is_right = most_likely == table.target
    error, is_clear = debiased_error(stated, is_right)
    if error < LARGE or not is_clear:
        return ""
    mean = float(stated.mean() - is_right.mean())
    direction = "too high" if mean > 0 else "too low"
    return (
        f"{name}: stated probabilities are off by {error:.2f} (root mean square), on average {abs(mean):.2f} "
        f"{direction}. Calibrate them where they are used: model=calibrated."
    )


def debiased_error(stated: NDArray[np.float64], is_right: NDArray[np.bool_]) -> tuple[float, bool]:
    """Root mean squared calibration error, less what chance alone gives (Kumar, Liang & Ma 2019).

    Args:
        stated: probability of each prediction, shape (n,).
        is_right: whether it is right, shape (n,).

    Returns:
        The error, and whether the test of Hosmer & Lemeshow (1980) shows that there is any.
    """
    from scipy.stats import chi2

    bins = np.array_split(np.argsort(stated, kind="stable"), BINS)
    gaps = np.array([stated[rows].mean() - is_right[rows].mean() for rows in bins])
    sizes = np.array([len(rows) for rows in bins])
    shares = np.array([is_right[rows].mean() for rows in bins])
    means = np.clip([stated[rows].mean() for rows in bins], 1e-6, 1 - 1e-6)
    squared = float((sizes * (gaps**2 - shares * (1 - shares) / (sizes - 1))).sum() / sizes.sum())
    statistic = float((sizes * gaps**2 / (means * (1 - means))).sum())
    return max(0.0, squared) ** 0.5, bool(chi2.sf(statistic, BINS) < RARE)
