"""Checks of labels: rows whose target is probably wrong."""

from __future__ import annotations

import numpy as np

from bakeoff.advice import listed
from bakeoff.compare import replicates
from bakeoff.compare.checks.base import Evidence, check

LEAST_VARIANTS, SURE, LEAST_ROWS = 3, 0.9, 3
"""Variants that must agree, their least mean probability, and rows from which the finding is worth a sentence."""


@check(
    "label_noise",
    "Are the rows free of targets that every variant contradicts?",
    applies=lambda schema: schema.kind == "classification",
    severity="note",
)
def label_noise(evidence: Evidence) -> list[str]:
    """Find rows where all variants confidently agree on another label: often the target is wrong (Northcutt 2021)."""
    # Seeds of one recipe agree with each other, and are one witness.
    learns = set(replicates.by_first([run.variant for run in evidence.runs if run.family != "rules"]))
    tables = [t for name, t in evidence.tables.items() if name in learns and t.predictions.proba is not None]
    if len(tables) < LEAST_VARIANTS:
        return []
    first = tables[0]
    if any(not np.array_equal(table.ids, first.ids) for table in tables[1:]):
        return []
    outputs = np.stack([table.predictions.output for table in tables])
    sure = np.mean([np.max(t.predictions.proba, axis=1) for t in tables if t.predictions.proba is not None], axis=0)
    is_contradicted = (outputs == outputs[0]).all(axis=0) & (outputs[0] != first.target) & (sure >= SURE)
    rows = np.flatnonzero(is_contradicted)
    if len(rows) < LEAST_ROWS:
        return []
    ids = listed([str(first.ids[row]) for row in rows[np.argsort(-sure[rows], kind="stable")]], most=5)
    return [
        f"All {len(tables)} variants that learn contradict the target of {len(rows):,} rows with confidence: {ids}."
    ]
