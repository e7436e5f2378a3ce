"""Chapters on answers from documents: what searches found, and which rows have no answer."""

from __future__ import annotations

from collections import Counter

from bakeoff.report.blocks import Column, Table
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart

RECALL = "recall_at_"


def found(material: Material) -> list[Block]:
    """Share of the relevant documents among the first k."""
    series: dict[str, dict[int, float]] = {}
    for run in material.detailed:
        values = {
            int(name.removeprefix(RECALL)): score.value
            for name, score in run.metrics.items()
            if name.startswith(RECALL) and name.removeprefix(RECALL).isdigit() and score.value is not None
        }
        if values:
            series[run.variant] = values
    if not series:
        return []
    ks = sorted({k for values in series.values() for k in values})
    lines = {name: tuple(values.get(k, float("nan")) for k in ks) for name, values in series.items()}
    return [Chart("Relevant documents among the first k", tuple(map(float, ks)), lines, "k", "recall")]


def unanswered(material: Material) -> list[Block]:
    """Count the rows without an answer, by reason."""
    rows = []
    for name, table in material.tables.items():
        p = table.predictions
        lost = Counter(
            (str(status), str(reason)) for status, reason in zip(p.status, p.reason, strict=True) if status != "ok"
        )
        rows += [(name, status, reason, count) for (status, reason), count in lost.most_common(10)]
    if not rows:
        return []
    columns = (
        Column("variant", "variant"),
        Column("status", "status"),
        Column("reason", "reason"),
        Column("rows", "rows", "count"),
    )
    return [Table(columns, tuple(rows), "Rows without an answer")]
