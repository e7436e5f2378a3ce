"""What a metric is: a named function of the predictions table, with a direction and a unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.task import PredictionTable, Schema

Direction = Literal["maximize", "minimize"]
Value = Callable[[PredictionTable], float]
Resample = Callable[[PredictionTable, NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True)
class Metric:
    """A named function of the predictions table.

    Attributes:
        name: as it is written in configs and tables.
        direction: which way is better.
        unit: of the value; empty when it has none.
        value: the value over the whole table; NaN where it is not defined.
        resample: the value for each of B bootstrap resamples at once. Takes the table (n rows) and how often each row
            was drawn, shape (B, n); returns shape (B,). ``resample(table, ones((1, n)))[0]`` equals ``value(table)``.
        applies: whether the metric is defined for such a task.
        needs: the fields of ``Predictions`` that it reads besides ``output``, and ``grade:<name>`` for a grade.
    """

    name: str
    direction: Direction
    unit: str
    value: Value
    resample: Resample
    applies: Callable[[Schema], bool]
    needs: tuple[str, ...] = ()

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` is strictly better than ``b``."""
        return a > b if self.direction == "maximize" else a < b


_registry: dict[str, Metric] = {}


def register(metric: Metric) -> Metric:
    """Make a metric known by its name. Raises ``ValueError`` when the name is taken."""
    if metric.name in _registry:
        raise ValueError(f'there is a metric "{metric.name}" already')
    _registry[metric.name] = metric
    return metric


def names() -> list[str]:
    """Names of all registered metrics, in the order in which they were registered."""
    return list(_registry)


def get(name: str, where: str = "metrics") -> Metric:
    """The metric of that name. Raises ``ConfigError`` that names ``where`` it was asked for and the nearest name."""
    if name not in _registry:
        raise ConfigError(
            f'{where}: there is no metric "{name}". Metrics: {", ".join(_registry)}.{did_you_mean(name, _registry)}'
        )
    return _registry[name]


def applicable(schema: Schema) -> list[Metric]:
    """The registered metrics that are defined for such a task."""
    return [metric for metric in _registry.values() if metric.applies(schema)]
