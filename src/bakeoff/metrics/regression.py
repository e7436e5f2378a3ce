"""Regression metrics: errors of predicted numbers."""

from __future__ import annotations

from functools import partial

import numpy as np

from bakeoff.metrics.base import Yardstick
from bakeoff.metrics.definition import is_numeric, is_regression, metric
from bakeoff.metrics.resampling import Floats, FromQuantile, FromSums, mean_of, per_row, with_ones
from bakeoff.task import PredictionTable


def _error(table: PredictionTable) -> Floats:
    return np.asarray(table.predictions.output - table.target, dtype=np.float64)


def _absolute(table: PredictionTable) -> Floats:
    return np.abs(_error(table))


def _of_rows(values: Floats) -> Floats:
    """One number a row: itself, or the mean over the steps of a forecast, shape (n,)."""
    rows: Floats = values if values.ndim == 1 else values.mean(axis=1)
    return rows


def _absolute_of_rows(table: PredictionTable) -> Floats:
    return _of_rows(_absolute(table))


def _relative(table: PredictionTable) -> Floats:
    return np.asarray(_absolute(table) / np.maximum(np.abs(table.target), np.finfo(np.float64).eps))


def _squares(table: PredictionTable) -> Floats:
    # Centred at the median, so that the spread is not lost as the difference of two large numbers.
    centred = table.target - np.median(table.target)
    return with_ones(*(_of_rows(values) for values in (_error(table) ** 2, centred, centred**2)))


def _root(sums: Floats) -> Floats:
    return np.sqrt(per_row(sums))


def _explained(sums: Floats) -> Floats:
    residual, centred, squares, n = sums.T
    spread = squares - centred**2 / n
    # As scikit-learn: a constant target is explained fully or not at all. Rounding leaves a spread of about 1e-16.
    constant = spread <= 1e-13 * squares
    r2 = np.where(constant, residual == 0, 1 - residual / np.where(constant, 1, spread))
    return np.where(n < 2, np.nan, r2)


def _pinball(table: PredictionTable, q: float) -> Floats:
    error = _error(table)
    return np.maximum((1 - q) * error, -q * error)


def _distance_to_median(table: PredictionTable) -> Floats:
    return _of_rows(np.asarray(np.abs(table.target - np.median(table.target)), dtype=np.float64))


@metric(
    "mae",
    "minimize",
    applies=is_numeric,
    resample=mean_of(_absolute_of_rows),
    yardstick=Yardstick("always predicting the median", mean_of(_distance_to_median)),
)
def mae(table: PredictionTable) -> float:
    """Mean absolute error, in units of the target; of a forecast over all steps alike."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(table.target.ravel(), table.predictions.output.ravel()))


def _spread(sums: Floats) -> Floats:
    """Root mean squared error of the mean of the targets."""
    _, centred, squares, n = sums.T
    return np.asarray(np.sqrt(np.maximum(squares - centred**2 / n, 0) / n))


def _zero(sums: Floats) -> Floats:
    return np.zeros(len(sums))


MEAN = "always predicting the mean"


@metric(
    "rmse",
    "minimize",
    applies=is_numeric,
    resample=FromSums(_squares, _root),
    yardstick=Yardstick(MEAN, FromSums(_squares, _spread)),
)
def rmse(table: PredictionTable) -> float:
    """Root of the mean squared error, in units of the target; of a forecast over all steps alike."""
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(table.target.ravel(), table.predictions.output.ravel()))


@metric(
    "r2",
    "maximize",
    greatest=1.0,
    applies=is_regression,
    resample=FromSums(_squares, _explained),
    margin="0.01",
    yardstick=Yardstick(MEAN, FromSums(_squares, _zero)),
)
def r2(table: PredictionTable) -> float:
    """Share of the target's variance that is explained; NaN for fewer than two rows."""
    from sklearn.metrics import r2_score

    return float(r2_score(table.target, table.predictions.output)) if len(table) > 1 else float("nan")


@metric("mape", "minimize", applies=is_regression, resample=mean_of(_relative))
def mape(table: PredictionTable) -> float:
    """Mean absolute error as a share of the target; very large where the target is 0."""
    from sklearn.metrics import mean_absolute_percentage_error

    return float(mean_absolute_percentage_error(table.target, table.predictions.output))


@metric("median_absolute_error", "minimize", applies=is_regression, resample=FromQuantile(_absolute, 0.5))
def median_absolute_error(table: PredictionTable) -> float:
    """Median absolute error, in units of the target: a few large errors do not move it."""
    from sklearn.metrics import median_absolute_error

    return float(median_absolute_error(table.target, table.predictions.output))


def _pinball_loss(table: PredictionTable, q: float) -> float:
    from sklearn.metrics import mean_pinball_loss

    return float(mean_pinball_loss(table.target, table.predictions.output, alpha=q))


@metric("pinball_10", "minimize", applies=is_regression, resample=mean_of(partial(_pinball, q=0.1)))
def pinball_10(table: PredictionTable) -> float:
    """Quantile loss at 10 % (Koenker & Bassett 1978): a unit too high costs 0.9, a unit too low 0.1."""
    return _pinball_loss(table, 0.1)


@metric("pinball_90", "minimize", applies=is_regression, resample=mean_of(partial(_pinball, q=0.9)))
def pinball_90(table: PredictionTable) -> float:
    """Quantile loss at 90 % (Koenker & Bassett 1978): a unit too low costs 0.9, a unit too high 0.1."""
    return _pinball_loss(table, 0.9)
