"""The chapter of stages: what each stage of a rule set or a cascade predicted, how well, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeoff import numbers
from bakeoff.report.blocks import Table
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Flow
from bakeoff.report.stages import COLUMNS

MOST_STAGES = 15


def stages(material: Material) -> list[Block]:
    """The stages of each variant that has more than one; as a flow where rows pass from one to the next."""
    blocks: list[Block] = []
    for run in material.detailed:
        parts = dict(list(run.stages.items())[:MOST_STAGES])
        if len(parts) < 2:
            continue
        if all(stage.get("seen") is not None and stage.get("coverage") is not None for stage in parts.values()):
            rows = tuple((name, float(s["seen"]), float(s["coverage"]), _about(s)) for name, s in parts.items())
            blocks.append(Flow(f"{run.variant}: rows from stage to stage", rows))
        known = {key for part in parts.values() for key, value in part.items() if value is not None} | {"stage"}
        columns = tuple(column for column in COLUMNS if column.name in known)
        cells = tuple((name, *(part.get(c.name) for c in columns[1:])) for name, part in parts.items())
        blocks.append(Table(columns, cells, f"Stages of {run.variant}"))
    return blocks


def _about(stage: Mapping[str, Any]) -> str:
    """Accuracy, latency and price of a stage, as far as they are known."""
    words = [f"answers {stage['coverage']:.0%}"]
    if stage.get("accuracy") is not None:
        words.append(f"{stage['accuracy']:.1%} of them right")
    if stage.get("latency_p50_ms") is not None:
        words.append(f"{numbers.number(stage['latency_p50_ms'])} ms")
    if stage.get("cost_per_1k") is not None:
        words.append(f"$ {numbers.price(stage['cost_per_1k'])} per 1,000 seen")
    return ", ".join(words)
