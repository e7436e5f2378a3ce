"""Forecast metrics that do not depend on the unit of a series."""

from __future__ import annotations

import numpy as np

from bakeoff.metrics.defined import mean_of_defined, over
from bakeoff.metrics.definition import is_forecast, metric
from bakeoff.metrics.resampling import Floats, mean_of
from bakeoff.task import PredictionTable, series_of


def _scaled(table: PredictionTable) -> Floats:
    """Mean absolute error of each row by the scale of its series, shape (n,); NaN where that is 0."""
    series = table.schema.series
    assert series is not None
    scales = np.array([series.scales.get(name, np.nan) for name in series_of(table.ids)])
    errors = np.abs(table.predictions.output - table.target).mean(axis=1)
    scaled: Floats = np.divide(errors, scales, out=np.full(len(errors), np.nan), where=scales > 0)
    return scaled


def _symmetric(table: PredictionTable) -> Floats:
    error = np.abs(table.predictions.output - table.target)
    size = np.abs(table.predictions.output) + np.abs(table.target)
    shares: Floats = np.divide(2 * error, size, out=np.zeros_like(error), where=size > 0).mean(axis=1)
    return shares


_mase = mean_of_defined(_scaled)


@metric("mase", "minimize", applies=is_forecast, resample=_mase)
def mase(table: PredictionTable) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006): 1 is as good as the seasonal naive forecast in training.

    The absolute error, divided by the mean absolute error of the seasonal naive forecast, one step after the other,
    within the training part of the same series. Over the series where that is not 0; NaN where there is none.
    """
    return over(table, _mase)


@metric("smape", "minimize", applies=is_forecast, resample=mean_of(_symmetric))
def smape(table: PredictionTable) -> float:
    """Symmetric mean absolute percentage error as in the M4 competition: 2 |e| / (|y| + |ŷ|), from 0 to 2.

    0 where both are 0 (Makridakis, Spiliotis & Assimakopoulos 2020).
    """
    return float(_symmetric(table).mean())
