"""People's labels of answers: they correct the judge, and show how far it agrees with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare import powered
from bakeoff.compare.intervals import Unknown
from bakeoff.compare.panels import Corrected, Panel
from bakeoff.compare.units import Units
from bakeoff.config.settings import DecisionSettings
from bakeoff.grading import agreement
from bakeoff.grading.labels import GRADE, KEY, Labels
from bakeoff.numbers import number
from bakeoff.record import Run, Score
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]

LEAST_LABELS = 20
"""Answers labelled for both variants below which a corrected difference has no interval."""


def corrected(pair: Panel, labels: Labels | None) -> Panel:
    """A panel in which differences of the judge's grades are those of people's labels (``powered``)."""
    if labels is None:
        return pair
    corrections = {name: one for name in pair.challengers if (one := _difference(pair, name, labels)) is not None}
    return replace(pair, corrected={GRADE: corrections} if corrections else {})


def _difference(pair: Panel, name: str, labels: Labels) -> Corrected | None:
    tables = [pair.tables[name], pair.tables[pair.incumbent]]
    if not all(GRADE in table.grades for table in tables):
        return None
    is_graded = ~np.isnan(tables[0].grades[GRADE]) & ~np.isnan(tables[1].grades[GRADE])
    tables = [table.take(is_graded) for table in tables]
    new, old = (labels.of(v, table) for v, table in zip((name, pair.incumbent), tables, strict=True))
    n = int((~np.isnan(new) & ~np.isnan(old)).sum())
    values = [pair.values[v].get(GRADE, float("nan")) for v in (name, pair.incumbent)]
    if n < LEAST_LABELS:
        reason = f"people labelled {n} answers of both, and {LEAST_LABELS} are needed to correct the judge ({KEY})"
        return Corrected(values[0], values[1], Unknown(values[0] - values[1], reason))
    known = powered.difference(
        (tables[0].grades[GRADE], tables[1].grades[GRADE]), (new, old), Units.from_table(tables[0]).codes
    )
    return Corrected(known.value, known.against, known)


def corrected_scores(
    tables: Mapping[str, PredictionTable], labels: Labels | None, confidence: float
) -> dict[str, Score]:
    """Variant → its mean label with its interval, for those with enough labels."""
    scores: dict[str, Score] = {}
    for variant, table in tables.items() if labels is not None else ():
        if GRADE not in table.grades:
            continue
        table = table.take(~np.isnan(table.grades[GRADE]))
        marks = labels.of(variant, table) if labels is not None else np.empty(0)
        if int((~np.isnan(marks)).sum()) >= LEAST_LABELS:
            known = powered.mean(table.grades[GRADE], marks, Units.from_table(table).codes)
            low, high = known.interval(confidence)
            scores[variant] = Score(known.value, max(low, 0.0), min(high, 1.0))
    return scores


def notes(
    tables: Mapping[str, PredictionTable], labels: Labels | None, scores: Mapping[str, Score], metric: str = GRADE
) -> list[str]:
    """Sentences on what labels corrected, and on how far judge and people agree.

    Args:
        tables: variant → its predictions.
        labels: people's labels.
        scores: variant → its mean label, where there are enough.
        metric: name of the decision metric.
    """
    if labels is None:
        return []
    lines = []
    for variant, table in tables.items():
        if GRADE not in table.grades:
            continue
        marks, grades = labels.of(variant, table), table.grades[GRADE]
        both = ~np.isnan(marks) & ~np.isnan(grades)
        raw = float(np.nanmean(grades))
        if variant in scores:
            lines.append(
                f"{variant}: people labelled {int(both.sum()):,} of its answers; judge {number(raw)} is corrected to "
                f"{number(scores[variant].value)}. {_agreement(grades[both], marks[both])}"
            )
        else:
            lines.append(
                f"{variant}: judge {number(raw)} is not corrected: people labelled {int(both.sum())} of its answers, "
                f"and {LEAST_LABELS} are needed."
            )
    if metric != GRADE:
        lines.append(
            f"The labels correct {GRADE} alone, and the verdict is by {metric}. To decide by what people say: "
            f"decision.metric={GRADE}"
        )
    if len(labels.raters) > 1:
        lines.append(_between_people(labels))
    if labels.empty:
        lines.append(f"{labels.file}: {labels.empty:,} rows have no grade yet, and count as unlabelled.")
    return lines


def _agreement(grades: Floats, marks: Floats) -> str:
    if np.isin(grades, (0, 1)).all() and np.isin(marks, (0, 1)).all():
        known = agreement.measure(grades == 1, marks == 1)
        if np.isnan(known.kappa):
            return "Judge and people give all of them the same grade: kappa is not defined."
        return f"They agree at kappa {known.kappa:.2f} [{known.low:.2f}, {known.high:.2f}]."
    alpha = agreement.krippendorff(np.column_stack([grades, marks]))
    return f"They agree at {_alpha(alpha)}."


def _alpha(known: agreement.Alpha) -> str:
    bounds = f" [{known.low:.2f}, {known.high:.2f}]" if np.isfinite(known.low) else ""
    return f"Krippendorff's alpha {number(known.value, 2)}{bounds}"


def _between_people(labels: Labels) -> str:
    raters = labels.raters
    grades = np.array(
        [[marks.get(r, np.nan) for r in raters] for rows in labels.marks.values() for marks in rows.values()]
    )
    known = agreement.krippendorff(grades)
    return (
        f"{len(raters)} people agree with each other at {_alpha(known)} over {known.answers:,} answers that several "
        "labelled."
    )


def distrust(
    metric_needs: Sequence[str],
    runs: Sequence[Run],
    tables: Mapping[str, PredictionTable],
    settings: DecisionSettings,
) -> str:
    """Explain why no verdict rests on the deciding metric, a judge that nobody validated; empty where one may."""
    judges = [name for name in _judges(metric_needs, runs) if any(name in table.grades for table in tables.values())]
    if not judges or settings.trust_judge or (judges == [GRADE] and settings.labels is not None):
        return ""
    if all(_details(run, name).get("validated") for run in runs for name in judges):
        return ""
    if judges != [GRADE]:
        return (
            f"the verdict rests on grades of a language model ({', '.join(judges)}) that nobody validated, and labels "
            f"of people correct {GRADE} alone. Take its word: decision.trust_judge=true"
        )
    return (
        "the judge is not validated: nobody knows how far people agree with it, or whether it is softer on one "
        f"variant. Label answers of both (bakeoff compare DIR labels=labels.csv, or {KEY}), or take its word: "
        "decision.trust_judge=true."
    )


def trusted(metric_needs: Sequence[str], runs: Sequence[Run], settings: DecisionSettings) -> str:
    """A sentence for a verdict that rests on a judge's word; empty for any other."""
    judges = _judges(metric_needs, runs)
    if not judges or (judges == [GRADE] and settings.labels is not None):
        return ""
    if all(_details(run, name).get("validated") for run in runs for name in judges):
        return (
            "The judge was validated on other answers (metrics.graders.judge.labels): one that is softer on a "
            "variant is not corrected."
        )
    return "Nobody validated the judge (decision.trust_judge=true)."


def _judges(metric_needs: Sequence[str], runs: Sequence[Run]) -> list[str]:
    """Names of the graders that a metric rests on and that are language models: those that people can validate."""
    names = [need.removeprefix("grade:") for need in metric_needs if need.startswith("grade:")]
    return [name for name in names if name == GRADE or any("validated" in _details(run, name) for run in runs)]


def _details(run: Run, grader: str) -> Mapping[str, Any]:
    known = run.details.get(grader)
    return known if isinstance(known, Mapping) else {}
