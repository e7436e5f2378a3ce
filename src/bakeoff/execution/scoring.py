"""Scoring of a run: over all rows, by slice, and by the stage of the model that made the prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from bakeoff import metrics
from bakeoff.compare import draws
from bakeoff.compare.statistics import bootstrap, interval
from bakeoff.record import Score
from bakeoff.request.spec import Request
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds


def score(table: PredictionTable, request: Request) -> dict[str, Score]:
    """Compute the requested metrics with their bootstrap intervals.

    The bootstrap values stay in the run folder, beside its predictions: a comparison need not compute them again.
    """
    values = metrics.score(table, _wanted(request))
    drawn = bootstrap({"": table}, [metrics.get(name) for name in values], request.decision.resamples)[""]
    draws.write(request.folder, table, drawn)
    confidence = request.decision.confidence
    return {name: Score(value, *interval(drawn[name], confidence)) for name, value in values.items()}


def slices(table: PredictionTable, request: Request) -> dict[str, Any]:
    """Score slices of the rows: by the declared columns, and by the task kind's own breakdown."""
    found: dict[str, Any] = {}
    for column in table.slices.columns:
        of_column = found.setdefault(str(column), {})
        for value, rows in table.slices.groupby(column, dropna=False).indices.items():
            part = table.take(np.asarray(rows, dtype=np.intp))
            of_column[str(value)] = {"rows": len(part), "metrics": metrics.score(part, _wanted(request))}
    for name, parts_of in kinds.get(table.schema.kind).breakdown(table).items():
        found[name] = {
            part: {"rows": len(of_part), "metrics": metrics.score(of_part, _wanted(request))}
            for part, of_part in parts_of.items()
        }
    return found


def stages(table: PredictionTable) -> dict[str, Any]:
    """Count the rows that each stage of the model predicted, and how many were right."""
    stage = table.predictions.stage
    if stage is None:
        return {}
    is_right = kinds.get(table.schema.kind).is_right(table.predictions.output, table.target)
    found = {}
    for name in dict.fromkeys(stage):
        here = stage == name
        found[str(name)] = {"coverage": float(here.mean())}
        if is_right is not None:
            found[str(name)]["accuracy"] = float(is_right[here].mean())
    return found


def _wanted(request: Request) -> list[str] | None:
    """Names of the requested metrics, always including the deciding one; None for all that apply."""
    if request.metrics.names is None:
        return None
    deciding = [name for name in (request.decision.metric, request.data.metric) if name]
    return list(dict.fromkeys([*request.metrics.names, *deciding]))
