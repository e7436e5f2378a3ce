"""Checks of the data, recorded when the variants ran."""

from __future__ import annotations

from bakeoff.compare.checks.base import Evidence, check


@check(
    "single_column",
    "Is the target free of any single column that gives it away?",
    applies=lambda schema: schema.series is None,
)
def single_column(evidence: Evidence) -> list[str]:
    """A column that predicts the target alone is often a trace of it, which new rows do not have."""
    return _leaks(evidence, "single_column")


@check("ordered_classes", "Are ids and timestamps unrelated to the target?", applies=lambda s: s.series is None)
def ordered_classes(evidence: Evidence) -> list[str]:
    """Row numbers reveal the class if rows were collected class by class."""
    return _leaks(evidence, "ordered_classes")


@check(
    "near_duplicates",
    "Are the test texts free of near-duplicates from training?",
    applies=lambda schema: bool(schema.of_kind("text")),
)
def near_duplicates(evidence: Evidence) -> list[str]:
    """A model that recognises a template scores well on it, and only on it."""
    return _leaks(evidence, "near_duplicates")


@check(
    "copied_texts",
    "Are most test texts other than those of training?",
    applies=lambda schema: bool(schema.of_kind("text")),
    severity="blocks",
)
def copied_texts(evidence: Evidence) -> list[str]:
    """Copies of training texts in the test rows reward a model for memorising them."""
    return _leaks(evidence, "copied_texts")


def _leaks(evidence: Evidence, name: str) -> list[str]:
    """Leaks recorded under that check's name when the variants ran, each once."""
    recorded = [leak for run in evidence.runs for leak in (run.task or {}).get("leaks", ())]
    return list(dict.fromkeys(str(leak["text"]) for leak in recorded if leak["check"] == name))
