"""Checks of the test rows: how many there are, and what they can show."""

from __future__ import annotations

from collections import Counter

from bakeoff import advice
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.decision import Gain
from bakeoff.compare.power import POWER, Z_OF_POWER
from bakeoff.compare.units import Units
from bakeoff.numbers import number, threshold
from bakeoff.tasks import kinds

FEW_ROWS, FEW_OF_A_CLASS, LEAST_UNITS = 100, 10, 5
COARSE = 5  # multiple of the threshold from which the minimum detectable gain is worth a sentence


@check("enough_rows", "Are there enough test rows?")
def enough_rows(evidence: Evidence) -> list[str]:
    """On few rows intervals are rough, and so is a metric that counts classes alike where one of them is rare."""
    table = min(evidence.tables.values(), key=len)
    findings = []
    if len(table) < FEW_ROWS:
        findings.append(
            f"{len(table)} test rows are compared: on fewer than {FEW_ROWS}, intervals are rough themselves."
        )
    counts = Counter(kinds.get(evidence.schema.kind).labels(table.target)[1])
    rare = [f"{label} ({counts[label]})" for label in evidence.schema.classes if counts[label] < FEW_OF_A_CLASS]
    if rare:
        findings.append(f"Of some classes fewer than {FEW_OF_A_CLASS} test rows are compared: {advice.listed(rare)}.")
    return findings


@check("enough_units", "Are there enough independent units among the test rows?", severity="blocks")
def enough_units(evidence: Evidence) -> list[str]:
    """Rows of a few groups, or of a few blocks of time, say as much as so many rows."""
    units = Units.from_table(min(evidence.tables.values(), key=len))
    if units.are_rows or units.count >= LEAST_UNITS:
        return []
    return [f"{units}: a verdict needs at least {LEAST_UNITS} {units.kind}s, however many rows they hold."]


@check("detectable", "Can these test rows show the gain that matters?", severity="note")
def detectable(evidence: Evidence) -> list[str]:
    """Find a minimum detectable gain far above the threshold: an inconclusive verdict then says little."""
    if any(g.low > evidence.margin for g in evidence.gains):
        return []
    undecided = [g for g in evidence.gains if g.standard_error and g.low <= evidence.margin < g.high]
    least = [(evidence.margin + _half(g) + Z_OF_POWER * (g.standard_error or 0), g) for g in undecided]
    coarse = [(value, g) for value, g in least if evidence.margin > 0 and value > COARSE * evidence.margin]
    if not coarse:
        return []
    value, gain = min(coarse, key=lambda pair: pair[0])
    return [
        f"{gain.rows or 0:,} test rows detect a gain of about {number(value)} ({POWER:.0%} power), "
        f"{value / evidence.margin:.0f} times the threshold of {threshold(evidence.margin)}: label more rows, or "
        "accept a larger threshold (decision.smallest_difference)."
    ]


def _half(gain: Gain) -> float:
    return (gain.high - gain.low) / 2
