"""The chapter of stages: what each stage of a rule set or a cascade predicted, how well, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeoff.report.blocks import Table
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart
from bakeoff.report.stages import COLUMNS

MOST_STAGES = 15


def stages(material: Material) -> list[Block]:
    """The stages of each variant that has more than one."""
    blocks: list[Block] = []
    for run in material.detailed:
        parts = dict(list(run.stages.items())[:MOST_STAGES])
        if len(parts) < 2:
            continue
        known = {key for part in parts.values() for key, value in part.items() if value is not None} | {"stage"}
        columns = tuple(column for column in COLUMNS if column.name in known)
        shares = {c.title: _values(parts, c.name) for c in columns if c.name in ("seen", "coverage")}
        rows = tuple((name, *(part.get(c.name) for c in columns[1:])) for name, part in parts.items())
        blocks.append(Chart(f"{run.variant}: rows by stage", tuple(parts), shares, "share of test rows", kind="bar"))
        blocks.append(Table(columns, rows, f"Stages of {run.variant}"))
    return blocks


def _values(parts: Mapping[str, Mapping[str, Any]], key: str) -> tuple[float, ...]:
    found = (part.get(key) for part in parts.values())
    return tuple(float("nan") if value is None else float(value) for value in found)
