"""Chapters on what it took: searches, training, latency, seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import record
from bakeoff.report.blocks import Column, Table, Text, Value
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart, Parallel

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.record import Run

MOST_STEPS = 200
STILL_IMPROVING = 0.2
"""A search whose best trial is among this last share of its trials was probably still improving."""
PARAMETER = "param:"
MOST_LINES = 60
BUDGET = {"trials": "trials", "seconds": "seconds", "dollars": "US dollars"}
"""Keys of a budget, and their words."""
MOST_AXES = 6
AXES = ("epoch", "step", "iteration")
NO_CURVES = ("steps", "learning_rate", "lr", "seconds")
"""Columns of the curves that say how the training went on, not how well."""
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
        blocks += _trials(run.variant, trials, objective, direction)
        importances = summary.get("importances") or {}
        if importances:
            names = tuple(map(str, importances))
            values = tuple(float(value) for value in importances.values())
            figure = Chart(
                f"{run.variant}: importance of what was searched", names, {"importance": values},
                "share of the variation that each explains", kind="bar",
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


def race(material: Material) -> list[Block]:
    """Table of a race: the budget that each variant was given and used, and the round after which it got no more."""
    of_variants = [(run.variant, run.search or {}) for run in material.finished]
    raced = [(variant, search, search["racing"]) for variant, search in of_variants if search.get("racing")]
    if not raced:
        return []
    given = [key for key in BUDGET if any(search["budget"].get(key) is not None for _, search, _ in raced)]
    objective = next(iter(raced[0][1]["objectives"]), "objective")
    columns = (
        Column("variant", "variant"), *(Column(key, f"{BUDGET[key]} given", "number") for key in given),
        Column("used", "trials run", "count"), Column("seconds", "seconds of search", "number"),
        Column("best", f"best {objective} on validation rows", "number"), Column("outcome", "outcome"),
    )  # fmt: skip
    rows = []
    for variant, search, racing in sorted(raced, key=lambda each: -each[2]["lasted"]):
        is_last = racing["lasted"] == racing["rounds"]
        outcome = f"in all {racing['rounds']} rounds" if is_last else f"no more after round {racing['lasted']}"
        best = search["best"]["values"][0] if search.get("best") else None
        budget = [search["budget"].get(key) for key in given]
        rows.append((variant, *budget, search["trials"], search["seconds"], best, outcome))
    return [Table(columns, tuple(rows), f"Race for one budget, in {raced[0][2]['rounds']} rounds")]


def _trials(variant: str, trials: pd.DataFrame, objective: str, direction: str) -> list[Block]:
    """Every finished trial as a line over its parameters; the best ones, where there are many."""
    finished = trials[(trials["state"] == "COMPLETE") & trials[objective].notna()]
    searched = [str(name) for name in finished if str(name).startswith(PARAMETER) and finished[name].notna().all()]
    varied = [name for name in searched if finished[name].astype(str).nunique() > 1]
    if len(finished) < 3 or not varied:
        return []
    best = finished.sort_values(objective, ascending=direction != "maximize").head(MOST_LINES)
    shown = varied[:MOST_AXES]
    rows = tuple(
        tuple(value if isinstance(value, str) else float(value) for value in row)
        for row in zip(*(_scale(best[name]) for name in shown), best[objective], strict=True)
    )
    some = "" if len(best) == len(finished) else f", the best {len(best)} of {len(finished)}"
    axes = (*(name.removeprefix(PARAMETER).removeprefix("model.") for name in shown), objective)
    return [Parallel(f"{variant}: trials{some}", axes, rows, direction == "maximize")]


def _scale(values: pd.Series[Any]) -> list[float | str]:
    """Values of one parameter, which trials record as text: numbers if all of them are."""
    try:
        return [float(value) for value in values]
    except ValueError:
        return [str(value) for value in values]


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
        axis = next((name for name in AXES if name in some), None)
        x = some[axis] if axis else np.arange(1, len(some) + 1)
        drawn = [str(name) for name in some if name not in (*AXES, axis, *NO_CURVES) and some[name].notna().any()]
        losses = [name for name in drawn if "loss" in name]
        for title, names in (("loss", losses), ("validation", [name for name in drawn if name not in losses])):
            if names:
                lines = {name: tuple(float(v) for v in some[name]) for name in names}
                unit = axis or "row"
                blocks.append(Chart(f"{run.variant}: {title} by {unit}", tuple(map(float, x)), lines, unit, title))
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
        *(Column(f"p{p}", f"{ {50: 'median', 100: 'longest'}.get(p, f'p{p}')}, ms", "number") for p in PERCENTILES),
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
