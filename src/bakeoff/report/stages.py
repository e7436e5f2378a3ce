"""Tables of the stages of solutions: what share each answers, how well, how fast and at what price."""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff.record import Run
from bakeoff.report.blocks import Column, Table
from bakeoff.report.document import Block

COLUMNS = (
    Column("stage", "stage"),
    Column("seen", "share seen", "number"),
    Column("coverage", "share answered", "number"),
    Column("accuracy", "accuracy", "number"),
    Column("latency_p50_ms", "own p50 ms", "number"),
    Column("cost_per_1k", "own $ per 1k seen", "price"),
)


def blocks(runs: Sequence[Run]) -> list[Block]:
    """A table for each finished run whose model is made of models.

    Accuracy is over the rows that a stage answers; latency and price are its own, for the rows that it sees.
    """
    found: list[Block] = []
    for run in runs:
        stages = {name: stage for name, stage in run.stages.items() if "seen" in stage}
        if run.status != "ok" or not stages:
            continue
        columns = tuple(c for c in COLUMNS if c.name == "stage" or any(c.name in stage for stage in stages.values()))
        rows = tuple((name, *(stage.get(c.name) for c in columns[1:])) for name, stage in stages.items())
        found.append(Table(columns, rows, f"Stages of {run.variant}"))
    return found
