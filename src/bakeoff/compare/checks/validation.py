"""Checks of validation against test: whether choices made on the one hold on the other."""

from __future__ import annotations

import math

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.numbers import number
from bakeoff.record import Run


@check("same_order", "Do validation and test rows agree on which tuned variant is best?", severity="note")
def same_order(evidence: Evidence) -> list[str]:
    """Disagreement means that one split is too small, or that their rows differ: by time, by group, by sampling."""
    known = [(run, *values) for run in evidence.runs if (values := _values(run, evidence)) is not None]
    if len(known) < 2:
        return []
    sign, name = evidence.sign, evidence.metric
    first, *_ = sorted(known, key=lambda each: -sign * each[1])
    best, *_ = sorted(known, key=lambda each: -sign * each[2])
    least = 0.0 if math.isnan(evidence.margin) else evidence.margin
    gaps = sign * (first[1] - best[1]), sign * (best[2] - first[2])
    if min(gaps) <= least:
        return []
    return [
        f"{first[0].variant} has the best {name} on validation rows ({number(first[1])} vs {number(best[1])}), "
        f"{best[0].variant} on test rows ({number(best[2])} vs {number(first[2])}): settings were chosen on rows that "
        "tell another story."
    ]


@check("validation_gap", "Are tuned variants about as good on test rows as on validation rows?", severity="note")
def validation_gap(evidence: Evidence) -> list[str]:
    """A search takes the best of many trials, which is better by luck; a large gap also has other reasons."""
    findings = []
    for run in evidence.runs:
        values, score = _values(run, evidence), run.metrics.get(evidence.metric)
        if values is None or score is None or score.low is None or score.high is None:
            continue
        chosen, tested = values
        least = 0.0 if math.isnan(evidence.margin) else evidence.margin
        bound = score.high if evidence.sign > 0 else score.low
        # Validation rows have noise of their own: about that of as many test rows.
        if evidence.sign * (chosen - bound) > max(least, (score.high - score.low) / 4):
            findings.append(
                f"{run.variant}: {evidence.metric} {number(chosen)} on the validation rows by which it was tuned, "
                f"{number(tested)} [{number(score.low)}, {number(score.high)}] on test rows."
            )
    return findings


def _values(run: Run, evidence: Evidence) -> tuple[float, float] | None:
    """The decision metric on validation rows, as the search saw it, and on test rows."""
    search, score = run.search or {}, run.metrics.get(evidence.metric)
    objectives, best = list(search.get("objectives") or ()), search.get("best") or {}
    if evidence.metric not in objectives or score is None or score.value is None:
        return None
    values = best.get("values") or ()
    place = objectives.index(evidence.metric)
    return (float(values[place]), score.value) if place < len(values) else None
