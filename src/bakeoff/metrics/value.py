"""Business value of predictions, before and after their cost."""

from __future__ import annotations

import numpy as np

from bakeoff.metrics.defined import over
from bakeoff.metrics.definition import metric
from bakeoff.metrics.operations import thousandfold
from bakeoff.metrics.resampling import Floats, FromSums, with_ones
from bakeoff.task import PredictionTable


def _gross(table: PredictionTable) -> Floats:
    values = np.asarray(table.value, dtype=np.float64)
    return with_ones(np.nan_to_num(values), np.isnan(values))


def _net(table: PredictionTable) -> Floats:
    values = np.asarray(table.value, dtype=np.float64) - np.asarray(table.cost, dtype=np.float64)
    return with_ones(np.nan_to_num(values), np.isnan(values))


_value = FromSums(_gross, thousandfold)
_net_value = FromSums(_net, thousandfold)


@metric(
    "value_per_1k", "maximize", unit="USD/1k", needs=("value",), resample=_value, group="value", label="value per 1k"
)
def value_per_1k(table: PredictionTable) -> float:
    """Business value of 1,000 predictions in US dollars, before their cost; NaN where a value is unknown."""
    return over(table, _value)


@metric(
    "net_value_per_1k",
    "maximize",
    unit="USD/1k",
    needs=("value", "cost"),
    resample=_net_value,
    group="value",
    label="net value per 1k",
    is_headline=True,
)
def net_value_per_1k(table: PredictionTable) -> float:
    """Business value of 1,000 predictions less their cost, in US dollars; NaN where either is unknown."""
    return over(table, _net_value)
