"""Chapters on what it took: searches, training, latency, seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import record
from bakeoff.report.blocks import Column, Table, Text, Value
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.record import Run

MOST_STEPS = 200
STILL_IMPROVING = 0.2
"""A search whose best trial is among this last share of its trials was probably still improving."""
PERCENTILES = (50, 90, 95, 99, 100)


def searches(material: Material) -> list[Block]:
    """The best value so far, trial by trial, what was chosen, and which parameters mattered."""
    histories, chosen, findings = {}, [], []
    blocks: list[Block] = []
    objective = ""
    for run in material.detailed:
        trials = material.frame(run, record.TRIALS)
        summary = run.search or {}
        if trials is None or not summary.get("objectives"):
            continue
        objective, direction = next(iter(summary["objectives"].items()))
        best = _best_so_far(trials, objective, direction)
        if best is None:
            continue
        histories[run.variant] = best
        chosen += _chosen(run)
        reached = int(np.nanargmax(best) if direction == "maximize" else np.nanargmin(best))
        if len(best) >= 10 and reached >= len(best) * (1 - STILL_IMPROVING):
            findings.append(
                f"{run.variant}: the best of {len(best)} trials was number {reached + 1}; "
                "the search was still improving when it stopped."
            )
        importances = summary.get("importances") or {}
        if importances:
            names = tuple(map(str, importances))
            values = tuple(float(value) for value in importances.values())
            figure = Chart(
                f"{run.variant}: importance of what was searched", names, {"importance": values},
                "share of the variation that it explains", kind="bar",
            )  # fmt: skip
            blocks.append(figure)
    if not histories:
        return []
    longest = max(map(len, histories.values()))
    step = -(-longest // MOST_STEPS)
    lines = {
        name: tuple([*values, *[float("nan")] * (longest - len(values))][::step]) for name, values in histories.items()
    }
    x = tuple(float(number) for number in range(1, longest + 1, step))
    history = Chart("Best value so far", x, lines, "trial", f"{objective} on validation rows")
    columns = (Column("variant", "variant"), Column("key", "key"), Column("value", "chosen"))
    table = Table(columns, tuple(chosen), "What the searches chose")
    return [history, *([Text(tuple(findings), style="warning")] if findings else []), *blocks, table]


def _best_so_far(trials: pd.DataFrame, objective: str, direction: str) -> list[float] | None:
    if objective not in trials:
        return None
    values = trials.sort_values("number")
    finished = values[objective].where(values["state"] == "COMPLETE").astype(float)
    best = finished.cummax() if direction == "maximize" else finished.cummin()
    best = best.ffill()
    return [float(value) for value in best] if best.notna().any() else None


def _chosen(run: Run) -> list[tuple[str, str, str]]:
    keys = (run.search or {}).get("importances") or {}
    return [(run.variant, key, str(run.parameters.get(key.removeprefix("model."), "–"))) for key in keys]


def training(material: Material) -> list[Block]:
    """Training curves of models that are trained in epochs."""
    blocks: list[Block] = []
    for run in material.detailed:
        curves = material.frame(run, record.CURVES)
        if curves is None or len(curves) < 2:
            continue
        some = curves.iloc[:: -(-len(curves) // MOST_STEPS)].select_dtypes("number")
        axis = next((name for name in ("epoch", "step", "iteration") if name in some), None)
        x = some[axis] if axis else np.arange(1, len(some) + 1)
        losses = {
            str(name): tuple(float(v) for v in some[name]) for name in some if name != axis and "loss" in str(name)
        }
        others = {
            str(name): tuple(float(v) for v in some[name])
            for name in some
            if name != axis
            and "loss" not in str(name)
            and "second" not in str(name)
            and str(name) not in ("lr", "step")
        }
        for title, lines in (("loss", losses), ("validation", others)):
            if lines:
                blocks.append(
                    Chart(
                        f"{run.variant}: {title} by {axis or 'row'}",
                        tuple(float(v) for v in x),
                        lines,
                        axis or "row",
                        title,
                    )
                )
    return blocks


def latency(material: Material) -> list[Block]:
    """Percentiles of the latency of single predictions."""
    rows: list[tuple[Value, ...]] = []
    for name, table in material.tables.items():
        timed = table.seconds[np.isfinite(table.seconds)] * 1000
        if len(timed):
            rows.append((name, len(timed), *(float(value) for value in np.percentile(timed, PERCENTILES))))
    if not rows:
        return []
    columns = (
        Column("variant", "variant"), Column("rows", "rows timed", "count"),
        *(Column(f"p{p}", "longest" if p == 100 else f"{p} % below, ms", "number") for p in PERCENTILES),
    )  # fmt: skip
    return [Table(columns, tuple(rows), "Latency of one prediction")]


def seconds(material: Material) -> list[Block]:
    """Seconds of each step of each run."""
    steps = list(dict.fromkeys(step for run in material.finished for step in run.seconds))
    if not steps:
        return []
    columns = (Column("variant", "variant"), *(Column(step, f"{step}, s", "number") for step in steps))
    rows: list[tuple[Any, ...]] = [
        (run.variant, *(run.seconds.get(step) for step in steps)) for run in material.finished
    ]
    return [Table(columns, tuple(rows), "Time spent on each step")]
