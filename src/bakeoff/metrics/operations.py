"""Latency, usage and cost of predictions, and the figures that the runner measures once per variant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from bakeoff.metrics.base import Direction, Group
from bakeoff.metrics.defined import over
from bakeoff.metrics.definition import metric
from bakeoff.metrics.resampling import Floats, FromQuantile, FromSums, with_ones
from bakeoff.task import PredictionTable


@dataclass(frozen=True)
class Measurement:
    """A single figure that the runner measures: it has a direction and a unit, and no bootstrap interval.

    Attributes:
        name: as it is written in configs and tables.
        direction: which way is better.
        unit: of the value.
        group: what it measures.
        label: heading of its column; empty: name and unit.
        is_headline: whether leaderboards show it.
    """

    name: str
    direction: Direction
    unit: str
    group: Group
    label: str = ""
    is_headline: bool = False

    @property
    def title(self) -> str:
        """The heading of its column."""
        return self.label or f"{self.name} {self.unit}"


MEASUREMENTS = {
    measurement.name: measurement
    for measurement in (
        Measurement("throughput_rows_per_s", "maximize", "rows/s", "latency"),
        Measurement("fit_seconds", "minimize", "s", "usage", label="fit s", is_headline=True),
        Measurement("model_bytes", "minimize", "bytes", "usage"),
        Measurement("peak_memory_mb", "minimize", "MB", "usage"),
        Measurement("replayed", "minimize", "of rows", "usage", label="replayed", is_headline=True),
    )
}
"""Measurements that the runner takes once per variant, by name."""


def _milliseconds(table: PredictionTable) -> Floats:
    return table.seconds * 1000


def _latency(table: PredictionTable, q: float) -> float:
    timed = ~np.isnan(table.seconds)
    return float(np.quantile(_milliseconds(table)[timed], q)) if timed.any() else float("nan")


def _timed(table: PredictionTable) -> int:
    return int((~np.isnan(table.seconds)).sum())


@metric(
    "latency_p50_ms",
    "minimize",
    unit="ms",
    resample=FromQuantile(_milliseconds, 0.5),
    group="latency",
    evidence=_timed,
    label="p50 ms",
    is_headline=True,
)
def latency_p50_ms(table: PredictionTable) -> float:
    """Median latency of one row alone, over the rows that were timed."""
    return _latency(table, 0.5)


@metric(
    "latency_p95_ms",
    "minimize",
    unit="ms",
    resample=FromQuantile(_milliseconds, 0.95),
    group="latency",
    evidence=_timed,
    least_evidence=100,  # five rows beyond the quantile
    label="p95 ms",
    is_headline=True,
)
def latency_p95_ms(table: PredictionTable) -> float:
    """The latency that 95 % of the timed rows stay within."""
    return _latency(table, 0.95)


def _spent(table: PredictionTable, field: str) -> Floats:
    """Usage of each row, whether it is unknown, and a column that counts the rows. Shape (n, 3)."""
    values = np.asarray(getattr(table if field == "cost" else table.predictions.usage, field), dtype=np.float64)
    return with_ones(np.nan_to_num(values), np.isnan(values))


def thousandfold(sums: Floats) -> Floats:
    """Total per 1,000 rows; NaN if any row is unknown, since a partial sum would pass for the total."""
    known = (sums[:, 1] == 0) & (sums[:, 2] > 0)
    return np.asarray(np.divide(1000 * sums[:, 0], sums[:, 2], out=np.full(len(sums), np.nan), where=known))


def _per_1k(field: str) -> FromSums:
    return FromSums(partial(_spent, field=field), thousandfold)


_calls, _input, _output = (_per_1k(field) for field in ("calls", "input_tokens", "output_tokens"))
_requests, _cost = (_per_1k(field) for field in ("cost_usd", "cost"))


@metric("calls_per_1k", "minimize", unit="calls/1k", needs=("usage",), group="usage", resample=_calls)
def calls_per_1k(table: PredictionTable) -> float:
    """LLM requests per 1,000 predictions; replayed ones count too."""
    return over(table, _calls)


@metric("input_tokens_per_1k", "minimize", unit="tokens/1k", needs=("usage",), group="usage", resample=_input)
def input_tokens_per_1k(table: PredictionTable) -> float:
    """LLM input tokens per 1,000 predictions."""
    return over(table, _input)


@metric("output_tokens_per_1k", "minimize", unit="tokens/1k", needs=("usage",), group="usage", resample=_output)
def output_tokens_per_1k(table: PredictionTable) -> float:
    """LLM output tokens per 1,000 predictions."""
    return over(table, _output)


@metric("requests_usd_per_1k", "minimize", unit="USD/1k", needs=("usage",), group="cost", resample=_requests)
def requests_usd_per_1k(table: PredictionTable) -> float:
    """Price of the LLM requests per 1,000 predictions, in US dollars; NaN where a price is unknown, never 0."""
    return over(table, _requests)


@metric(
    "cost_per_1k",
    "minimize",
    unit="USD/1k",
    needs=("cost",),
    resample=_cost,
    group="cost",
    cannot_decide="it rests on one timing of a run, of which resampled rows do not show the noise",
    label="$ per 1k",
    is_headline=True,
)
def cost_per_1k(table: PredictionTable) -> float:
    """Cost of 1,000 predictions in US dollars by the cost model, machine included; NaN where a price is unknown."""
    return over(table, _cost)
