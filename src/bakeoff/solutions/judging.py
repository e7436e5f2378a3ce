"""Judgement of candidate predictions on validation rows: one metric, under limits on others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bakeoff import metrics
from bakeoff.errors import ConfigError
from bakeoff.metrics.bounds import Bound
from bakeoff.predictions import Predictions
from bakeoff.task import Examples, PredictionTable, Schema
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd


def unpriced(table: PredictionTable, X: pd.DataFrame) -> PredictionTable:
    """Leave a table without costs."""
    return table


@dataclass(frozen=True)
class Judge:
    """Ranks predictions: first by how far they break the limits, then by the metric, then by their expense.

    Attributes:
        metric: name of the metric that is optimised.
        limits: bounds on other metrics.
        price: adds costs and values to a table, given the feature columns of its rows.
    """

    metric: str
    limits: tuple[Bound, ...] = ()
    price: Callable[[PredictionTable, pd.DataFrame], PredictionTable] = unpriced

    @classmethod
    def of_schema(cls, schema: Schema, objective: str | None, limits: tuple[Bound, ...]) -> Judge:
        """The judge of a task without a cost model: the declared metric, or the default of the kind."""
        return cls(objective or kinds.get(schema.kind).default_metric(schema), limits)

    def table(self, schema: Schema, rows: Examples, predictions: Predictions) -> PredictionTable:
        """The predictions beside the truth, priced."""
        seconds = np.full(len(rows), math.nan) if predictions.seconds is None else predictions.seconds
        return self.price(PredictionTable(schema, rows.ids, rows.y, predictions, seconds, rows.slices), rows.X)

    def rank(self, table: PredictionTable) -> tuple[float, float, float]:
        """Rank of a table: the larger, the better. The rank of one without a value is the lowest.

        Raises:
            ConfigError: a metric is not defined for these predictions, such as a cost where there is no cost model.
        """
        names = list(dict.fromkeys([self.metric, *(limit.metric for limit in self.limits)]))
        table = table.answered
        values = _values(table, names) if len(table) else dict.fromkeys(names, math.nan)
        missing = [name for name in names if name not in values]
        if missing:
            raise ConfigError(
                f"model.objective: {', '.join(missing)} cannot be measured on the validation rows (a cost needs a cost "
                "model, a value needs business=…, a latency needs timed parts)."
            )
        excess = sum(max(0.0, limit.violation(values[limit.metric])) for limit in self.limits)
        value = values[self.metric] * (1 if metrics.get(self.metric).direction == "maximize" else -1)
        spent = table.predictions.machine_seconds
        expense = 0.0 if spent is None or not len(spent) else float(spent.mean())
        return -excess, -math.inf if math.isnan(value) else value, -expense

    def value(self, table: PredictionTable) -> float:
        """The metric of the answered rows; NaN where there are none."""
        table = table.answered
        return _values(table, [self.metric]).get(self.metric, math.nan) if len(table) else math.nan


def _values(table: PredictionTable, names: Sequence[str]) -> dict[str, float]:
    """Values of metrics that are defined for a table, by their fast way: one resample in which each row stands once."""
    once = np.ones((1, len(table)), dtype=np.float32)
    asked = [metrics.get(name) for name in names]
    return {m.name: float(m.resample(table, once)[0]) for m in asked if metrics.applies_to(m, table)}
