"""Checks of predictions: too good, too alike, missing."""

from __future__ import annotations

from collections import Counter

import numpy as np

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.checks.rows import FEW_OF_A_CLASS
from bakeoff.predictions import in_words
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

FEW_ERRORS = 0.01  # share of the majority label's errors up to which a score is too good to be true
NEARLY_ALL = 0.9995  # share of the variance from which a score is too good to be true
SAME = 1e-9  # relative tolerance within which a predicted value equals the target


@check("too_good", "Is a score too good to be true?")
def too_good(evidence: Evidence) -> list[str]:
    """Real data are noisy: a model that is hardly ever wrong may have seen the answers."""
    findings = [
        f"{name} is right about {_all_but(errors)}: look for the answer among the features."
        for name, table in evidence.tables.items()
        if (errors := _surprisingly_few_errors(table)) is not None
    ]
    if evidence.schema.kind == "regression":
        findings += [
            f"{name} explains {share:.2%} of the variance: look for the answer among the features."
            for name, table in evidence.tables.items()
            if len(table) >= FEW_OF_A_CLASS and NEARLY_ALL <= (share := _explained(table)) < 1
        ]
    return findings


@check("says_more_than_one_thing", "Does every variant that learns predict more than one value?")
def says_more_than_one_thing(evidence: Evidence) -> list[str]:
    """A model that answers every row alike has learnt nothing, or its answers were not understood."""
    if not kinds.get(evidence.schema.kind).repeats_are_suspicious:
        return []
    learns = {run.variant for run in evidence.runs if run.family != "rules"}
    return [
        f"{name} gives every row the same answer, {table.predictions.output[0]}."
        for name, table in evidence.tables.items()
        if name in learns and len(table) >= FEW_OF_A_CLASS and len(set(table.predictions.output.tolist())) == 1
    ]


@check("alike", "Do variants differ in what they predict?", severity="note")
def alike(evidence: Evidence) -> list[str]:
    """Two models that agree on every row are often one model: a setting that did nothing, a cache, a wrong name."""
    learns = [run.variant for run in evidence.runs if run.family != "rules" and run.variant in evidence.tables]
    groups: list[list[str]] = []
    for name in learns:
        table = evidence.tables[name]
        group = next((each for each in groups if _predict_the_same(evidence.tables[each[0]], table)), None)
        groups += [[name]] if group is None else []
        if group is not None:
            group.append(name)
    return [
        f"{', '.join(group[:-1])} and {group[-1]} predict the same for all {len(evidence.tables[group[0]]):,} rows."
        for group in groups
        if len(group) > 1
    ]


def _predict_the_same(first: PredictionTable, second: PredictionTable) -> bool:
    """Return whether two variants give the same outputs and probabilities for the same rows."""
    if len(first) < FEW_OF_A_CLASS or not np.array_equal(first.ids, second.ids):
        return False
    one, other = first.predictions, second.predictions
    if (one.proba is None) != (other.proba is None) or not np.array_equal(one.output, other.output):
        return False
    return one.proba is None or other.proba is None or np.array_equal(one.proba, other.proba)


@check("answered", "Did every variant predict all test rows?")
def answered(evidence: Evidence) -> list[str]:
    """A row without an answer is neither right nor wrong: what is left may be the easier rows."""
    findings = []
    for run in evidence.runs:
        rows = run.details.get("rows") or {}
        if lost := rows.get("no_answer"):
            rows_lost = f"{sum(lost.values()):,} of {rows['asked']:,} rows"
            findings.append(f"{run.variant} gave no answer to {rows_lost} ({in_words(lost)}).")
    return findings


@check("found_something", "Did searches find something for every query?")
def found_something(evidence: Evidence) -> list[str]:
    """A search that finds nothing often fails for a reason: another language, a filter, words that are not indexed."""
    findings = []
    for name, table in evidence.tables.items():
        retrieved = table.predictions.retrieved
        if retrieved is None:
            continue
        searched = [ids for ids in retrieved if ids is not None]  # not those of a person, or of a part without a search
        if empty := sum(not ids for ids in searched):
            findings.append(f"{name} found nothing for {empty:,} of {len(searched):,} queries.")
    return findings


def _surprisingly_few_errors(table: PredictionTable) -> int | None:
    """The number of errors where it is 0, or hardly any of those of the most frequent label; None elsewhere."""
    kind, output = kinds.get(table.schema.kind), table.predictions.output
    if len(table) < FEW_OF_A_CLASS:
        return None
    if kind.is_numeric:
        is_exact = bool(np.ptp(table.target) > 0) and np.allclose(output, table.target, rtol=SAME, atol=0)
        return 0 if is_exact else None
    right = kind.is_right(output, table.target)
    if right is None:
        return None
    errors, of_constant = int((~np.asarray(right, dtype=bool)).sum()), _errors_of_constant(table)
    return errors if errors <= FEW_ERRORS * of_constant and of_constant >= FEW_OF_A_CLASS else None


def _explained(table: PredictionTable) -> float:
    """Share of the variance of the targets that is explained; 0 where there is none, 1 for exact predictions."""
    if _surprisingly_few_errors(table) == 0:
        return 1.0
    spread = float(((table.target - table.target.mean()) ** 2).sum())
    return 1 - float(((table.predictions.output - table.target) ** 2).sum()) / spread if spread > 0 else 0.0


def _errors_of_constant(table: PredictionTable) -> int:
    """Number of rows that the most frequent label gets wrong; all rows if targets are not labels."""
    labels = [target for target in table.target if isinstance(target, str)]
    return len(table) - (max(Counter(labels).values()) if len(labels) == len(table) else 0)


def _all_but(errors: int) -> str:
    return f"all but {errors:,} rows" if errors > 1 else "all rows but one" if errors else "every row"
