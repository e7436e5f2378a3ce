"""How fast an answer comes, and the names of what the runner measures once per variant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bakeoff.metrics.base import Direction
from bakeoff.metrics.definition import metric
from bakeoff.metrics.resampling import Floats, FromQuantile
from bakeoff.task import PredictionTable


@dataclass(frozen=True)
class Measurement:
    """A single figure that the runner measures: it has a direction and a unit, and no bootstrap interval.

    Attributes:
        name: as it is written in configs and tables.
        direction: which way is better.
        unit: of the value.
    """

    name: str
    direction: Direction
    unit: str


MEASUREMENTS = {
    measurement.name: measurement
    for measurement in (
        Measurement("throughput_rows_per_s", "maximize", "rows/s"),
        Measurement("fit_seconds", "minimize", "s"),
        Measurement("model_bytes", "minimize", "bytes"),
        Measurement("peak_memory_mb", "minimize", "MB"),
    )
}
"""What the runner measures once per variant, by name."""


def _milliseconds(table: PredictionTable) -> Floats:
    return table.seconds * 1000


def _latency(table: PredictionTable, q: float) -> float:
    timed = ~np.isnan(table.seconds)
    return float(np.quantile(_milliseconds(table)[timed], q)) if timed.any() else float("nan")


@metric("latency_p50_ms", "minimize", unit="ms", resample=FromQuantile(_milliseconds, 0.5))
def latency_p50_ms(table: PredictionTable) -> float:
    """Median latency of one row alone, over the rows that were timed."""
    return _latency(table, 0.5)


@metric("latency_p95_ms", "minimize", unit="ms", resample=FromQuantile(_milliseconds, 0.95))
def latency_p95_ms(table: PredictionTable) -> float:
    """The latency that 95 % of the timed rows stay within."""
    return _latency(table, 0.95)
