"""Forecasting: the next values of a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.data import windows
from bakeoff.errors import ConfigError
from bakeoff.task import PredictionTable, Schema, Task
from bakeoff.tasks.base import Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Source

STEPS_AHEAD, MOST_STEPS = "steps ahead", 12
"""Title of the breakdown of a forecast, and how many parts it has at most."""


class Forecast(Kind):
    """The next values of a series: targets and outputs are ``float64`` arrays of shape (n, horizon)."""

    name = "forecast"
    summary = "the next values of a series"
    is_numeric = True
    head = "regressor"
    baselines = ("seasonal_naive",)

    def default_metric(self, schema: Schema) -> str:
        """Mean absolute scaled error."""
        return "mase"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """Mean absolute error: scaled, as it is, and in percent."""
        return ("mase", "mae", "smape")

    def check_settings(self, settings: DataSettings) -> None:
        """Check horizon, time and split. Raises ``ConfigError`` where one is missing or does not fit a series."""
        if not settings.target:
            raise ConfigError("data.target: it is empty, and a forecast needs the column to be predicted.")
        if settings.forecast.horizon is None:
            raise ConfigError(
                "data.forecast.horizon: a forecast needs to know how far ahead. Add data.forecast.horizon=…"
            )
        if settings.time is None:
            raise ConfigError("data.time: a forecast needs the column that says when. Add data.time=…")
        for role in ("id", "group", "positive", "text"):
            if getattr(settings, role):
                raise ConfigError(f"data.{role}: a forecast has no use for it. Remove it.")
        if settings.duplicates != "auto":
            raise ConfigError("data.duplicates: a forecast has no use for it. Remove it.")
        if settings.split.column is not None or settings.split.kind not in ("auto", "time", "given"):
            raise ConfigError(
                "data.split: a forecast is split by time, or has test rows of its own. "
                "Remove data.split.kind and data.split.column."
            )
        for column in settings.forecast.known:
            if column in settings.apart:
                raise ConfigError(f'data.forecast.known: "{column}" is no feature: it has another role, or is ignored.')

    def load(self, source: Source, settings: DataSettings) -> Task:
        """Read the series and cut it into windows."""
        return windows.load(source, settings)

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Each row as a tuple of numbers."""
        column = np.empty(len(targets), dtype=object)
        for i, path in enumerate(targets.tolist()):
            column[i] = tuple(path)
        return column

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """The rows, shape (n, horizon)."""
        return np.array([list(values) for values in column], dtype=np.float64)

    def write_outputs(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """As targets are."""
        return self.write_targets(outputs)

    def read_outputs(self, column: pd.Series) -> NDArray[Any]:
        """As targets are."""
        return self.read_targets(column)

    def output_shape(self, schema: Schema) -> tuple[int, ...]:
        """One value for each step of the horizon."""
        return (schema.series.horizon,) if schema.series else ()

    def breakdown(self, table: PredictionTable) -> Mapping[str, Mapping[str, PredictionTable]]:
        """The steps ahead, in at most ``MOST_STEPS`` ranges of equal length. A step has no latency of its own."""
        untimed = np.full(len(table), np.nan)
        horizon = table.target.shape[1]
        length = -(-horizon // MOST_STEPS)
        parts = {}
        for first in range(0, horizon, length):
            steps = slice(first, min(first + length, horizon))
            name = str(steps.stop) if steps.stop - first == 1 else f"{first + 1}–{steps.stop}"
            predictions = replace(table.predictions, output=table.predictions.output[:, steps])
            parts[name] = replace(table, target=table.target[:, steps], predictions=predictions, seconds=untimed)
        return {STEPS_AHEAD: parts}


KIND = Forecast()
