"""Chapters on tasks with numbers: residuals, forecasts by step."""

from __future__ import annotations

import numpy as np

from bakeoff import numbers
from bakeoff.report.blocks import Column, Table, Value
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart

MOST_POINTS = 200
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def residuals(material: Material) -> list[Block]:
    """Predictions against the truth, and quantiles of the errors."""
    if material.schema is None or material.schema.kind != "regression" or not material.answered:
        return []
    columns = (
        Column("variant", "variant"),
        *(Column(f"p{q * 100:g}", f"{q:.0%} of errors below", "number") for q in QUANTILES),
    )
    rows: list[tuple[Value, ...]] = []
    for name, table in material.answered.items():
        errors = table.predictions.output.astype(float) - table.target.astype(float)
        rows.append((name, *(float(value) for value in np.quantile(errors, QUANTILES))))
    blocks: list[Block] = [Table(columns, tuple(rows), "Errors: prediction minus truth")]
    leading = material.answered.get(material.leading or "")
    if leading is None:
        return blocks
    truth = leading.target.astype(float)
    order = np.argsort(truth, kind="stable")
    some = order[:: max(1, len(order) // MOST_POINTS)]
    x = tuple(float(value) for value in truth[some])
    figure = Chart(
        f"{material.leading}: prediction against truth, {numbers.number(len(some), 0)} rows",
        x,
        {"truth": x, "prediction": tuple(float(v) for v in leading.predictions.output.astype(float)[some])},
        "truth",
        "prediction",
        kind="scatter",
        reference="truth",
    )
    return [figure, *blocks]


def forecasts(material: Material) -> list[Block]:
    """Errors by step of the horizon, and the last forecast against what came."""
    if material.schema is None or material.schema.kind != "forecast" or not material.answered:
        return []
    steps: dict[str, tuple[float, ...]] = {}
    for name, table in material.answered.items():
        errors = np.abs(np.asarray(table.predictions.output, dtype=float) - np.asarray(table.target, dtype=float))
        steps[name] = tuple(float(value) for value in np.nanmean(errors, axis=0))
    horizon = tuple(float(step) for step in range(1, len(next(iter(steps.values()))) + 1))
    moment = material.schema.series.step if material.schema.series else "step"
    by_step = Chart("Mean absolute error by step of the horizon", horizon, steps, f"steps of {moment} ahead", "error")
    first = next(iter(material.answered.values()))
    origin = first.ids[-1]
    lines = {"truth": tuple(float(value) for value in np.asarray(first.target[-1], dtype=float))}
    for name, table in material.answered.items():
        at = np.flatnonzero(table.ids == origin)
        if len(at):
            lines[name] = tuple(float(value) for value in np.asarray(table.predictions.output[at[0]], dtype=float))
    example = Chart(
        f"Forecast from {origin}, the last of the test rows",
        horizon,
        lines,
        f"steps of {moment} ahead",
        material.schema.target,
        reference="truth",
    )
    return [by_step, example]
