"""A metric: a named function of the predictions table, with direction, unit, group, and whether it may decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff import plugins
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.task import PredictionTable, Schema

Direction = Literal["maximize", "minimize"]
Group = Literal["quality", "latency", "usage", "cost", "value"]
Value = Callable[[PredictionTable], float]
Resample = Callable[[PredictionTable, NDArray[np.float32]], NDArray[np.float64]]

LEAST_ROWS = 20
"""Test rows below which no interval is trusted, whatever the metric."""


@dataclass(frozen=True)
class Yardstick:
    """The value that an uninformed variant reaches, computed from the table of an informed one.

    Attributes:
        description: the uninformed variant, as a subject, such as ``always predicting the positive class``.
        resample: its value for each bootstrap resample, as ``Metric.resample`` gives the metric's own; None: the mean
            over random permutations of the truth, for metrics that reward ties and chance on few rows.
    """

    description: str
    resample: Resample | None = None


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
        needs: the fields of ``Predictions`` that it reads besides ``output``, ``grade:<name>`` for a grade, ``cost``.
        group: what it measures.
        cannot_decide: why no verdict may rest on it, as a clause; empty where one may.
        margin: minimum meaningful difference where none is declared, absolute or in percent of the incumbent's value.
        yardstick: of metrics that reward uninformed predictions or are zero for a constant by construction: a variant
            ships only if it beats this as well.
        evidence: how many rows of a table the value rests on.
        least_evidence: with how many of them an interval, and so a verdict, can be trusted.
        is_of_positive: whether the value is about the positive class of a binary task.
        label: heading of a column; empty: the name.
        is_headline: whether leaderboards show it for every kind of task.
        is_of_labels: whether it depends on nothing but the labels of truth and predictions: its interval then comes
            from their joint table.
        greatest: the greatest value that there can be, which no interval exceeds; None where there is no such value.
        no_interval: why no interval of it holds, as a clause; empty where one does.
    """

    name: str
    direction: Direction
    unit: str
    value: Value
    resample: Resample
    applies: Callable[[Schema], bool]
    needs: tuple[str, ...] = ()
    group: Group = "quality"
    cannot_decide: str = ""
    margin: str = "1%"
    yardstick: Yardstick | None = None
    evidence: Callable[[PredictionTable], int] = len
    least_evidence: int = LEAST_ROWS
    is_of_positive: bool = False
    label: str = ""
    is_headline: bool = False
    is_of_labels: bool = False
    greatest: float | None = None
    no_interval: str = ""

    @property
    def can_decide(self) -> bool:
        """True if a verdict may be based on this metric."""
        return not self.cannot_decide

    def title(self, schema: Schema) -> str:
        """The heading of its column for such a task: ``f1 of spam``, ``p95 ms``."""
        name = self.label or (f"{self.name} {self.unit}".rstrip() if self.unit else self.name)
        if not self.is_of_positive or schema.positive is None:
            return name
        label = schema.positive
        # A sentence as a label would push the figures out of the table; the note on data.positive gives it in full.
        return f"{name} of {label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + '…'}"


LONGEST_LABEL = 40  # characters of a class in a heading
_registry: dict[str, Metric] = {}
_own: set[str] = set()


def register(metric: Metric) -> Metric:
    """Make a metric known by its name. Raises ``ValueError`` when the name is taken."""
    if metric.name in _registry:
        raise ValueError(f'there is a metric "{metric.name}" already')
    _registry[metric.name] = metric
    return metric


def seal() -> None:
    """Mark the metrics registered so far as bakeoff's own: a plugin may not reuse their names."""
    _own.update(_registry)


def own() -> frozenset[str]:
    """Names of bakeoff's own metrics."""
    return frozenset(_own)


def names() -> list[str]:
    """Names of all metrics in the order in which they were registered, those of plugins not yet loaded last."""
    return list(dict.fromkeys([*_registry, *plugins.declared(plugins.METRICS)]))


def get(name: str, where: str = "metrics") -> Metric:
    """The metric of that name, from a plugin if need be.

    Raises:
        ConfigError: there is none, which names ``where`` it was asked for and the nearest name; or a plugin that brings
            it fails.
    """
    if name not in _registry and name in plugins.declared(plugins.METRICS):
        loaded = plugins.load(plugins.METRICS, name, where)
        if not isinstance(loaded, Metric) or loaded.name != name:
            who = plugins.declared(plugins.METRICS)[name][0]
            raise ConfigError(f'{where}: {who.plugin} declares {who.target}, which is no metric "{name}".')
        _registry.setdefault(name, loaded)
    if name not in _registry:
        raise ConfigError(
            f'{where}: there is no metric "{name}". Metrics: {", ".join(names())}.{did_you_mean(name, names())}'
        )
    return _registry[name]


def asked(name: str, where: str) -> Metric:
    """The metric that a person names. Raises ``ConfigError`` as ``get`` does, and when two packages bring it."""
    plugins.refuse_conflict(plugins.METRICS, name, where, is_own=name in _own)
    return get(name, where)


def applicable(schema: Schema) -> list[Metric]:
    """The metrics that are defined for such a task. Those of a plugin that cannot be loaded are named in the log."""
    for declared, _ in plugins.loadable(plugins.METRICS, _own):
        get(declared.name)
    return [metric for metric in _registry.values() if metric.applies(schema)]
