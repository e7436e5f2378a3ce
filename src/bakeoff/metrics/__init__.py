"""Metrics: named functions of the predictions table, each with a direction, a unit and a group.

A metric of your own is one decorated function. It is known by its name as soon as its module is imported::

    from bakeoff.metrics import is_regression, metric

    @metric("within_10_percent", "maximize", applies=is_regression)
    def within_10_percent(table):
        return float((abs(table.predictions.output - table.target) <= 0.1 * abs(table.target)).mean())

Its bootstrap then calls the function once per resample. Say how the value is made from the rows, and all resamples are
computed at once, far faster::

    from bakeoff.metrics import is_regression, mean_of, metric

    def hits(table):
        return abs(table.predictions.output - table.target) <= 0.1 * abs(table.target)

    @metric("within_10_percent", "maximize", applies=is_regression, resample=mean_of(hits))
    def within_10_percent(table):
        return float(hits(table).mean())

``mean_of`` and ``FromQuantile`` take a function of the table that gives one number a row; ``FromSums`` takes several
columns and combines their sums (a ratio, a root, a correlation); ``FromLabels`` takes a statistic of the confusion
matrix, ``FromRanks`` one of the ranking.
"""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff.errors import ConfigError
from bakeoff.metrics import (
    abstention,
    answers,
    calibration,
    classification,
    documents,
    forecast,
    generation,
    multilabel,
    operations,
    regression,
    value,
)
from bakeoff.metrics.base import (
    Direction,
    Group,
    Metric,
    Resample,
    Yardstick,
    applicable,
    asked,
    get,
    names,
    own,
    register,
    seal,
)
from bakeoff.metrics.definition import (
    applies_to,
    has_corpus,
    has_labels,
    has_references,
    is_any,
    is_binary,
    is_classification,
    is_forecast,
    is_generation,
    is_graded,
    is_multilabel,
    is_numeric,
    is_qa,
    is_regression,
    metric,
)
from bakeoff.metrics.operations import MEASUREMENTS, Measurement
from bakeoff.metrics.ranking import FromRanks
from bakeoff.metrics.resampling import FromLabels, FromQuantile, FromSums, mean_of
from bakeoff.task import PredictionTable

__all__ = [
    "MEASUREMENTS",
    "Direction",
    "FromLabels",
    "FromQuantile",
    "FromRanks",
    "FromSums",
    "Group",
    "Measurement",
    "Metric",
    "Resample",
    "Yardstick",
    "abstention",
    "answers",
    "applicable",
    "applies_to",
    "asked",
    "calibration",
    "classification",
    "documents",
    "forecast",
    "generation",
    "get",
    "has_corpus",
    "has_labels",
    "has_references",
    "is_any",
    "is_binary",
    "is_classification",
    "is_forecast",
    "is_generation",
    "is_graded",
    "is_money",
    "is_multilabel",
    "is_numeric",
    "is_qa",
    "is_regression",
    "mean_of",
    "metric",
    "multilabel",
    "names",
    "operations",
    "own",
    "register",
    "regression",
    "score",
    "value",
]


seal()


def score(table: PredictionTable, names: Sequence[str] | None = None) -> dict[str, float]:
    """The value of each named metric that is defined for this table; of all that are, when ``names`` is None.

    A metric that is not defined here (it needs probabilities and the model gave none) is absent, never 0. A value is
    NaN where these rows leave it undefined. Raises ``ConfigError`` for a name that no metric has.
    """
    if names is None:
        # Omit LLM usage of 0 for models that call no language model, unless the metric is requested by name.
        asked_any = table.predictions.usage.asked_any
        scored = [m for m in applicable(table.schema) if asked_any or "usage" not in m.needs]
    else:
        scored = [get(name) for name in names]
    return {metric.name: metric.value(table) for metric in scored if applies_to(metric, table)}


def is_money(name: str) -> bool:
    """Return whether a metric depends on a cost or business model; False for one that none has, or that cannot load."""
    try:
        return not {"cost", "value"}.isdisjoint(get(name).needs)
    except ConfigError:
        return False
