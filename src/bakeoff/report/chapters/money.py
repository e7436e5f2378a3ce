"""Chapters on money: value per month, and the volume from which one variant is cheaper than another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bakeoff import business, numbers
from bakeoff.compare import breakeven
from bakeoff.compare import money as priced_runs
from bakeoff.errors import BakeoffError
from bakeoff.report import monthly, spending
from bakeoff.report.blocks import Text
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart

if TYPE_CHECKING:
    from bakeoff.record import Run
    from bakeoff.task import PredictionTable

STEPS = 41
"""Thresholds of a curve, from 0 to 1."""
MOST_CURVES = 6


def value(material: Material) -> list[Block]:
    """Value of a month with intervals, where the business declares how many predictions it makes."""
    return monthly.blocks(material.comparison)


def break_even(material: Material) -> list[Block]:
    """Monthly costs by number of predictions, where several variants have a price."""
    priced = [run for run in material.detailed if run.cost is not None]
    if len(priced) < 2:
        return []
    known, notes = breakeven.spendings(priced)
    per_month = (material.comparison.business or {}).get("per_month")
    if per_month is None and not any(one.prices_of or one.has_people for one in known):
        return []  # machines alone: their differences are in the leaderboard
    names = [one.variant for one in known]
    reference = next((name for name in (material.comparison.incumbent, *names) if name in names), "")
    return spending.blocks(known, reference, notes, None if per_month is None else float(per_month))


def thresholds(material: Material) -> list[Block]:
    """Business value by the threshold of the positive class, for the variants with probabilities."""
    schema, model = material.schema, material.comparison.business
    if schema is None or schema.kind != "classification" or schema.positive is None or model is None:
        return []
    runs = [run for run in material.detailed if run.variant in material.answered]
    curves: dict[str, tuple[float, ...]] = {}
    lines: list[str] = []
    steps = np.linspace(0.0, 1.0, STEPS)
    for run in runs:
        table = material.answered[run.variant]
        if table.predictions.proba is None or len(curves) == MOST_CURVES:
            continue
        try:
            curve = _values_at(replace(run, business=model), table, steps)
        except BakeoffError as error:
            return [Text((f"The value at other thresholds is unknown: {error}",))]
        if not np.isfinite(curve).all():
            continue
        curves[run.variant] = tuple(float(value) for value in curve)
        half, best = curve[STEPS // 2], int(np.argmax(curve))
        lines.append(
            f"{run.variant}: {numbers.number(half)} at one half; on these test rows the most, "
            f"{numbers.number(curve[best])}, at {steps[best]:.3g}."
        )
    if not curves:
        return []
    figure = Chart(
        "Business value by threshold",
        tuple(float(step) for step in steps),
        curves,
        f"probability of {schema.positive} from which it is predicted",
        "US dollars per 1,000 predictions, before costs",
    )
    advice = (
        "A threshold read off test rows looks better than it is. Add model=threshold: it learns on validation rows."
    )
    return [figure, Text((*lines, advice))]


def _values_at(run: Run, table: PredictionTable, steps: np.ndarray) -> np.ndarray:
    """Value of 1,000 predictions at each threshold."""
    schema = table.schema
    proba = table.predictions.proba
    assert proba is not None and schema.positive is not None, "only variants with probabilities come here"
    positive = np.nan_to_num(proba[:, list(schema.classes).index(schema.positive)])
    other = next(label for label in schema.classes if label != schema.positive)
    X, value = priced_runs.features(run, table), business.build_valuer(run.business, schema)
    values = []
    for step in steps:
        output = np.where(positive >= step, schema.positive, other).astype(object)
        valued = value(replace(table, predictions=replace(table.predictions, output=output)), X).value
        values.append(np.nan if valued is None else 1000 * float(np.mean(valued)))
    return np.array(values)
