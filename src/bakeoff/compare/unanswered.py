"""Rows that a variant lost, and the rest that can be compared: rows both sides answered, no verdict on too few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bakeoff.metrics import Metric
from bakeoff.predictions import in_words
from bakeoff.task import NO_ANSWER, PredictionTable


@dataclass(frozen=True)
class Lost:
    """The rows of a variant without an answer.

    Attributes:
        rows: number of rows requested.
        reasons: number of lost rows by reason.
    """

    rows: int
    reasons: Counter[str]

    @classmethod
    def from_table(cls, table: PredictionTable) -> Lost:
        """Count them."""
        return cls(len(table), table.predictions.reasons(NO_ANSWER))

    @property
    def count(self) -> int:
        """Number of lost rows."""
        return sum(self.reasons.values())

    @property
    def share(self) -> float:
        """The same as a share of the rows that were asked."""
        return self.count / self.rows if self.rows else 0.0

    def __str__(self) -> str:
        """Describe in words, such as ``24 of 40 test rows have no answer (24 cut at 64 tokens: model.max_tokens)``."""
        return f"{self.count:,} of {self.rows:,} test rows have no answer ({in_words(self.reasons)})"


def too_many(lost: Mapping[str, Lost], most: float) -> dict[str, str]:
    """Variants that lost too many rows for a verdict, each with the reason in a sentence.

    Args:
        lost: variant → rows that it lost.
        most: share of the rows that a variant may lose (``decision.max_unanswered``).
    """
    return {
        name: f"no verdict leans on {name}: {rows}, more than decision.max_unanswered={most:.0%}"
        for name, rows in lost.items()
        if rows.share > most
    }


def too_few_grades(tables: Mapping[str, PredictionTable], metric: Metric, most: float) -> dict[str, str]:
    """Variants with too few graded answers for the metric to be meaningful, each with the reason.

    Args:
        tables: variant → predictions of the same rows.
        metric: the decision metric; one that needs no grades rules nothing out.
        most: share of the rows with a grade in some variant that may have none in another.
    """
    refused = {}
    for need in metric.needs:
        kind, _, grader = need.partition(":")
        if kind != "grade":
            continue
        graded = {name: ~np.isnan(t.grades[grader]) for name, t in tables.items() if grader in t.grades}
        gradable = np.logical_or.reduce(list(graded.values())) if graded else np.zeros(0, dtype=np.bool_)
        for name, has_grade in graded.items():
            missing = int((gradable & ~has_grade).sum())
            if missing > most * gradable.sum():
                refused[name] = (
                    f"no verdict leans on {name}: {missing:,} of its {int(gradable.sum()):,} answers have no usable "
                    f"grade of {grader}, more than decision.max_unanswered={most:.0%}"
                )
    return refused
