"""Scoring of a run: over all rows, by slice, and by the stage of the model that made the prediction."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import cost, metrics
from bakeoff.compare import draws, scores
from bakeoff.config.component import Component
from bakeoff.record import Score
from bakeoff.request.spec import Request
from bakeoff.task import Predictions, PredictionTable, StageTrace
from bakeoff.tasks import kinds


def score(table: PredictionTable, request: Request) -> dict[str, Score]:
    """Compute the requested metrics with their bootstrap intervals.

    The bootstrap values stay in the run folder, beside its predictions: a comparison need not compute them again.
    """
    values = metrics.score(table, _wanted(request))
    asked = request.decision
    scored = scores.of_table(table, values, asked.resamples, asked.confidence)
    draws.write(request.folder, table, scored.draws, asked.confidence, asked.resamples)
    return dict(scored.scores)


def slices(table: PredictionTable, request: Request) -> dict[str, Any]:
    """Score slices of the rows: by the declared columns, and by the task kind's own breakdown."""
    by_column: dict[str, Any] = {}
    for column in table.slices.columns:
        of_column = by_column.setdefault(str(column), {})
        for value, rows in table.slices.groupby(column, dropna=False).indices.items():
            part = table.take(np.asarray(rows, dtype=np.intp))
            of_column[str(value)] = {"rows": len(part), "metrics": metrics.score(part, _wanted(request))}
    for name, parts_of in kinds.get(table.schema.kind).breakdown(table).items():
        by_column[name] = {
            part: {"rows": len(of_part), "metrics": metrics.score(of_part, _wanted(request))}
            for part, of_part in parts_of.items()
        }
    return by_column


def stages(table: PredictionTable, priced_by: Component | None = None) -> dict[str, Any]:
    """Count the rows that each stage of the model predicted, and how many were right.

    Of a model made of models, besides: the share of rows that each saw, its own latency, and its price for these rows.

    Args:
        table: all predictions.
        priced_by: cost model; None: nothing is priced.
    """
    stage = table.predictions.stage
    if stage is None:
        return {}
    is_right = kinds.get(table.schema.kind).is_right(table.predictions.output, table.target)
    of_parts = [trace for trace in table.predictions.trace if "/" not in trace.name]
    if not of_parts:
        return {str(name): _answered(stage == name, is_right) for name in dict.fromkeys(stage)}
    by_stage = {}
    outer = np.array([str(name).partition("/")[0] for name in stage], dtype=object)
    for trace in of_parts:
        seen = {"seen": len(trace.rows) / len(table), **_expense(table, trace, priced_by)}
        by_stage[trace.name] = {**_answered(outer == trace.name, is_right), **seen}
    return by_stage


def _answered(here: NDArray[np.bool_], is_right: NDArray[np.bool_] | None) -> dict[str, float | None]:
    known: dict[str, float | None] = {"coverage": float(here.mean())}
    if is_right is not None:
        known["accuracy"] = float(is_right[here].mean()) if here.any() else None
    return known


def _expense(table: PredictionTable, trace: StageTrace, priced_by: Component | None) -> dict[str, float]:
    """Median latency of a stage by itself, and the price of 1,000 rows that it sees, without a share of any fit."""
    latency_ms = float(np.nanmedian(trace.seconds) * 1000) if np.isfinite(trace.seconds).any() else math.nan
    if not len(trace.rows):
        return {"latency_p50_ms": latency_ms}
    of_rows = table.take(trace.rows)
    alone = Predictions(
        of_rows.predictions.output,
        seconds=trace.seconds,
        usage=trace.usage,
        machine_seconds=trace.machine_seconds,
        human_usd=trace.human_usd,
    )
    is_priceable = trace.machine_seconds is not None or trace.human_usd is not None or bool(trace.usage.calls.any())
    if not is_priceable:  # a stage without a time of its own is not free
        return {"latency_p50_ms": latency_ms}
    priced = cost.priced(
        replace(of_rows, predictions=alone, seconds=trace.seconds), priced_by, cost.RunSeconds(0.0, 0.0)
    )
    return {
        "latency_p50_ms": latency_ms,
        **({} if priced.cost is None else {"cost_per_1k": float(priced.cost.mean() * 1000)}),
    }


def _wanted(request: Request) -> list[str] | None:
    """Names of the requested metrics, always including the deciding one; None for all that apply."""
    if request.metrics.names is None:
        return None
    deciding = [name for name in (request.decision.metric, request.data.metric) if name]
    return list(dict.fromkeys([*request.metrics.names, *deciding]))
