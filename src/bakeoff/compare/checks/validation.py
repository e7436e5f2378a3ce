"""Checks of training and validation rows against test rows: whether what was seen on the former holds on the latter."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bakeoff import record
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.numbers import number
from bakeoff.record import Run, Score

LARGE, SMALL = 0.1, 0.5
"""Distance of a score on training rows from the interval on test rows that is large, and share of an error, or of
another gap, that is small."""


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


@check("training_gap", "Are variants that are far better on training rows worth it on test rows?", severity="note")
def training_gap(evidence: Evidence) -> list[str]:
    """Forests know their training rows by heart, which is no fault unless a variant that does not is as good."""
    known = [one for run in evidence.runs if (one := _Seen.from_run(run, evidence)) is not None]
    least = 0.0 if math.isnan(evidence.margin) else evidence.margin
    findings = []
    for one in known:
        as_good = [
            other
            for other in known
            if evidence.sign * (other.tested - one.tested) >= -least and other.gap <= SMALL * one.gap
        ]
        if not (as_good and one.is_large(evidence.sign)):
            continue
        other = max(as_good, key=lambda each: evidence.sign * each.tested)
        findings.append(
            f"{one.run.variant}: {evidence.metric} {number(one.trained)} on {one.rows:,} of its training rows, "
            f"{number(one.tested)} on test rows; {other.run.variant}, with {number(other.trained)} and "
            f"{number(other.tested)}, is as good on new rows. Simplify or regularise {one.run.variant}."
        )
    return findings


@dataclass(frozen=True)
class _Seen:
    """The decision metric of a run on some of its training rows, and on test rows.

    Attributes:
        run: the run.
        rows: number of these training rows.
        trained, tested: values on them, and on test rows.
        bound: bound of the interval on test rows, on the side of better values.
        gap: by how much the value on training rows is better.
    """

    run: Run
    rows: int
    trained: float
    tested: float
    bound: float
    gap: float

    @classmethod
    def from_run(cls, run: Run, evidence: Evidence) -> _Seen | None:
        seen, score = run.details.get(record.SEEN_ROWS) or {}, run.metrics.get(evidence.metric, Score(None))
        trained = (seen.get("metrics") or {}).get(evidence.metric)
        bound = score.high if evidence.sign > 0 else score.low
        if trained is None or score.value is None or bound is None:
            return None
        gap = evidence.sign * (trained - score.value)
        values = _values(run, evidence)
        # Rows of validation that are as easy as those of training: the test rows differ, which is another finding.
        if values is not None and evidence.sign * (values[0] - score.value) > gap / 2:
            return None
        return cls(run, int(seen["rows"]), float(trained), score.value, bound, gap)

    def is_large(self, sign: int) -> bool:
        return self.trained - self.bound > LARGE if sign > 0 else self.trained < SMALL * self.bound


def _values(run: Run, evidence: Evidence) -> tuple[float, float] | None:
    """The decision metric on validation rows, as the search saw it, and on test rows."""
    search, score = run.search or {}, run.metrics.get(evidence.metric)
    objectives, best = list(search.get("objectives") or ()), search.get("best") or {}
    if evidence.metric not in objectives or score is None or score.value is None:
        return None
    values = best.get("values") or ()
    place = objectives.index(evidence.metric)
    return (float(values[place]), score.value) if place < len(values) else None
