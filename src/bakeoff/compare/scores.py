"""Scores of one variant on the test rows that it answered: values, bootstrap values and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff import metrics
from bakeoff.compare import draws as recorded
from bakeoff.compare.intervals import Side, uncertainty
from bakeoff.compare.outcomes import Outcomes
from bakeoff.compare.statistics import bootstrap
from bakeoff.config.settings import DecisionSettings
from bakeoff.metrics import Metric
from bakeoff.record import Run, Score
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Metrics of a table.

    Attributes:
        scores: metric → value with its interval; None for bounds that the rows do not support.
        draws: metric → bootstrap values, shape (resamples,).
    """

    scores: Mapping[str, Score]
    draws: Mapping[str, Floats]


def of_table(
    table: PredictionTable,
    values: Mapping[str, float],
    resamples: int,
    confidence: float,
    known: Mapping[str, Floats] | None = None,
    intervals: Mapping[str, Score] | None = None,
) -> Scored:
    """Give values their intervals.

    Args:
        table: n rows.
        values: metric → value.
        resamples: number of bootstrap resamples.
        confidence: of the intervals.
        known: bootstrap values that the same draws gave before.
        intervals: scores that were computed before.
    """
    measured = [metrics.get(name) for name in values]
    draws = bootstrap({"": table}, measured, resamples, known={"": known or {}})[""]
    found = dict(intervals or {})
    joint = None
    for metric in measured:
        if metric.name in found or metric.name not in draws:
            continue
        if joint is None and metric.is_of_labels and kinds.get(table.schema.kind).has_one_label:
            joint = Outcomes.from_tables([table])
        value = values[metric.name]
        low, high = uncertainty([Side(metric, table, value)], draws[metric.name], joint).interval(confidence)
        if metric.greatest is not None:
            high = min(high, metric.greatest)
        known_bounds = bool(np.isfinite(low) and np.isfinite(high))
        found[metric.name] = Score(value, low, high) if known_bounds else Score(value)
    return Scored({name: found[name] for name in values if name in found}, draws)


def of_run(run: Run, table: PredictionTable, measured: Sequence[Metric], settings: DecisionSettings) -> Scored:
    """Scores of a finished run, those that it recorded where they are what would be computed now.

    Args:
        run: the run.
        table: its predictions, as the comparison reads and prices them, without rows that have no answer.
        measured: metrics; those that are not defined for the table are left out.
        settings: settings of the verdict.
    """
    values = {m.name: m.value(table) for m in measured if metrics.applies_to(m, table)}
    known = recorded.read(run, table, values)
    is_same = known.confidence == settings.confidence and known.resamples >= settings.resamples
    intervals = {name: run.metrics[name] for name in known.draws} if is_same else {}
    return of_table(table, values, settings.resamples, settings.confidence, known.draws, intervals)
