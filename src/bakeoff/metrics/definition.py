"""Declaration of metrics: a decorator for functions of the table, and predicates on tasks."""

from __future__ import annotations

from collections.abc import Callable

from bakeoff.metrics.base import LEAST_ROWS, Direction, Group, Metric, Resample, Value, Yardstick, register
from bakeoff.metrics.resampling import by_loop
from bakeoff.predictions import is_missing, stated_confidence
from bakeoff.task import PredictionTable, Schema
from bakeoff.tasks import kinds


def is_any(schema: Schema) -> bool:
    """Every task."""
    return True


def is_classification(schema: Schema) -> bool:
    """The target is a label."""
    return schema.kind == "classification"


def is_binary(schema: Schema) -> bool:
    """The target is one of two labels, and one of them is named as the positive one."""
    return is_classification(schema) and len(schema.classes) == 2 and schema.positive is not None


def has_labels(schema: Schema) -> bool:
    """The target is a label, or any number of them."""
    return bool(schema.classes)


def is_multilabel(schema: Schema) -> bool:
    """The target is any number of labels."""
    return schema.kind == "multilabel"


def is_generation(schema: Schema) -> bool:
    """The target is a text."""
    return schema.kind == "generation"


def has_references(schema: Schema) -> bool:
    """Outputs are texts that are compared with reference texts."""
    return schema.kind in kinds.names() and kinds.get(schema.kind).has_references(schema)


def is_graded(schema: Schema) -> bool:
    """Outputs are texts that graders grade."""
    return schema.kind in kinds.names() and kinds.get(schema.kind).is_graded


def is_qa(schema: Schema) -> bool:
    """The target is the right answers to a question."""
    return schema.kind == "qa"


def has_corpus(schema: Schema) -> bool:
    """Answers are looked for in documents."""
    return schema.kind in kinds.names() and kinds.get(schema.kind).searches_documents


def is_regression(schema: Schema) -> bool:
    """The target is a number."""
    return schema.kind == "regression"


def is_forecast(schema: Schema) -> bool:
    """The target is the next values of a series."""
    return schema.kind == "forecast"


def is_numeric(schema: Schema) -> bool:
    """The target is a number, or several."""
    return schema.kind in kinds.names() and kinds.get(schema.kind).is_numeric


def metric(
    name: str,
    direction: Direction,
    *,
    unit: str = "",
    applies: Callable[[Schema], bool] = is_any,
    needs: tuple[str, ...] = (),
    resample: Resample | None = None,
    group: Group = "quality",
    cannot_decide: str = "",
    margin: str = "1%",
    yardstick: Yardstick | None = None,
    evidence: Callable[[PredictionTable], int] = len,
    least_evidence: int = LEAST_ROWS,
    is_of_positive: bool = False,
    label: str = "",
    is_headline: bool = False,
    is_of_labels: bool = False,
    greatest: float | None = None,
    no_interval: str = "",
) -> Callable[[Value], Metric]:
    """Decorate a function of the table: it becomes a registered metric.

    Args:
        name: as it is written in configs and tables.
        direction: which way is better.
        unit: of the value.
        applies: whether the metric is defined for such a task.
        needs: the fields of ``Predictions`` that it reads besides ``output``, ``grade:<name>`` for a grade, ``cost``.
        resample: all bootstrap resamples at once; when None, the function is called once per resample.
        group: what it measures: quality, latency, usage, cost or value.
        cannot_decide: why no verdict may rest on it, as a clause; empty where one may.
        margin: minimum meaningful difference where none is declared: ``0.01``, or ``1%`` of the incumbent's value.
        yardstick: the value of an uninformed variant, which a variant must beat to ship; None where the metric itself
            gives uninformed predictions no credit.
        evidence: how many rows of a table the value rests on; all of them by default.
        least_evidence: with how many of them an interval can be trusted.
        is_of_positive: whether the value is about the positive class of a binary task.
        label: heading of its column; the name and the unit by default.
        is_headline: whether leaderboards show it for every kind of task, as they do a plugin's.
        is_of_labels: whether it depends on nothing but the labels of truth and predictions.
        greatest: the greatest value that there can be, such as 1 for a share.
        no_interval: why no interval of it holds, as a clause; empty where one does.

    Raises:
        ValueError: the name is taken.
    """

    def declare(value: Value) -> Metric:
        return register(
            Metric(
                name,
                direction,
                unit,
                value,
                resample or by_loop(value),
                applies,
                needs,
                group,
                cannot_decide,
                margin,
                yardstick,
                evidence,
                least_evidence,
                is_of_positive,
                label,
                is_headline,
                is_of_labels,
                greatest,
                no_interval,
            )
        )

    return declare


def applies_to(metric: Metric, table: PredictionTable) -> bool:
    """Return whether the metric is defined for this task and these predictions."""
    return metric.applies(table.schema) and all(_has(table, name) for name in metric.needs)


def _has(table: PredictionTable, name: str) -> bool:
    field, _, grade = name.partition(":")
    if grade:
        return grade in table.grades
    if field == "usage":
        return True
    if field in ("cost", "value"):
        return getattr(table, field) is not None
    if field == "stated_confidence":
        return stated_confidence(table.predictions) is not None
    values = getattr(table.predictions, field)
    # Fields that only some parts of a model give (a cascade's later stages) do not describe the whole model.
    return values is not None and not is_missing(values).any()
