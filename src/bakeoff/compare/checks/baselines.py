"""Checks of what the variants are compared with."""

from __future__ import annotations

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.tasks import kinds


@check(
    "simple_baseline",
    "Is there a simple baseline among the variants?",
    applies=lambda schema: bool(kinds.get(schema.kind).baselines),
)
def simple_baseline(evidence: Evidence) -> list[str]:
    """Without a rule or a constant as a baseline, a score is hard to judge."""
    if len(evidence.runs) < 2 or evidence.is_confirmation or any(run.family == "rules" for run in evidence.runs):
        return []
    simple = " or ".join(f"model={name}" for name in kinds.get(evidence.schema.kind).baselines)
    return [f"No simple baseline. Add {simple}."]


@check(
    "references",
    "Are texts compared with references?",
    applies=lambda schema: kinds.get(schema.kind).is_graded and not kinds.get(schema.kind).has_references(schema),
)
def references(evidence: Evidence) -> list[str]:
    """Without references, a verdict rests on graders alone, and each of them can be pleased by a bad text."""
    findings = [
        "There are no references: judge is the opinion of a language model, and input_support is 1 for any text that "
        "copies its input. Name a column of references: data.target=…"
    ]
    if not any("judge" in table.grades for table in evidence.tables.values()):
        findings.append("No text was scored by a language model. Add metrics=judged_texts.")
    return findings
