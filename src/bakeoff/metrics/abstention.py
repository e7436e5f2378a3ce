"""Metrics of selective prediction: errors among the rows about which a variant is surest (El-Yaniv and Wiener 2010).

A threshold on the confidence accepts all rows of equal confidence or none of them, so risks are measured at such
thresholds only. Rows that the variant withholds are the last to be accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.definition import is_classification, is_multilabel, metric
from bakeoff.metrics.resampling import Counts, Floats
from bakeoff.predictions import WITHHELD, stated_confidence
from bakeoff.task import PredictionTable, Schema
from bakeoff.tasks import kinds

OfRisks = Callable[[Floats, Floats], Floats]


def _is_right_or_wrong(schema: Schema) -> bool:
    return is_classification(schema) or is_multilabel(schema)


selective_metric = partial(
    metric,
    applies=_is_right_or_wrong,
    needs=("stated_confidence",),
    cannot_decide="a constant prediction of a frequent class has a good value without knowing anything",
)


@dataclass(frozen=True)
class Selection:
    """Rows by falling confidence.

    Attributes:
        order: rows by falling confidence, shape (n,).
        ends: position after each group of equal confidence, shape (g,).
        is_wrong: whether each row in that order is wrong, shape (n,).
    """

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    is_wrong: NDArray[np.bool_]

    @classmethod
    def from_table(cls, table: PredictionTable) -> Selection:
        """Put the rows in order. The table must state confidences."""
        sure = stated_confidence(table.predictions)
        right = kinds.get(table.schema.kind).is_right(table.predictions.output, table.target)
        assert sure is not None and right is not None
        sure = np.where(table.predictions.status == WITHHELD, -1.0, np.nan_to_num(sure, nan=-1.0))
        order = np.argsort(-sure, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True)) + 1
        return cls(order, ends, ~np.asarray(right, dtype=np.bool_)[order])

    def risks(self, counts: NDArray[Any]) -> tuple[Floats, Floats]:
        """Share of rows accepted at each threshold, and the share of errors among them, shape (B, g) each.

        A threshold at which no drawn row is accepted has risk 0.

        Args:
            counts: how often each row was drawn, shape (B, n).
        """
        drawn = counts.take(self.order, axis=1).astype(np.int32)
        accepted = np.cumsum(drawn, axis=1, dtype=np.int32).take(self.ends - 1, axis=1).astype(np.float64)
        drawn *= self.is_wrong
        errors = np.cumsum(drawn, axis=1, dtype=np.int32).take(self.ends - 1, axis=1)
        risk = np.divide(errors, accepted, out=np.zeros_like(accepted), where=accepted > 0)
        return accepted / accepted[:, -1:], risk


@dataclass(frozen=True)
class FromRisks:
    """A metric of the risks at all thresholds: ``of`` takes coverage and risk, shape (B, g) each, and gives (B,)."""

    of: OfRisks

    def __call__(self, table: PredictionTable, counts: Counts) -> Floats:
        """The value for each resample, shape (B,)."""
        return self.of(*Selection.from_table(table).risks(counts))


def _area(coverage: Floats, risk: Floats) -> Floats:
    return np.asarray((np.diff(coverage, axis=1, prepend=0) * risk).sum(axis=1))


def _greatest_coverage(most: float) -> OfRisks:
    def greatest(coverage: Floats, risk: Floats) -> Floats:
        return np.asarray(np.where(risk <= most, coverage, 0).max(axis=1))

    return greatest


def _over(table: PredictionTable, of: OfRisks) -> float:
    return float(FromRisks(of)(table, np.ones((1, len(table)), dtype=np.float32))[0])


@selective_metric("aurc", "minimize", resample=FromRisks(_area))
def aurc(table: PredictionTable) -> float:
    """Area under the risk-coverage curve (Geifman et al. 2019): mean share of errors over all thresholds."""
    return _over(table, _area)


def _declare_coverage(percent: int) -> None:
    """Register the greatest share of rows that can be accepted with at most so many errors per hundred."""
    greatest = _greatest_coverage(percent / 100)

    def coverage(table: PredictionTable) -> float:
        return _over(table, greatest)

    coverage.__doc__ = f"Greatest share of rows that a threshold accepts with at most {percent} % of errors among them."
    selective_metric(f"coverage_at_risk_{percent}", "maximize", greatest=1.0, resample=FromRisks(greatest))(coverage)


for _percent in (1, 5, 10):
    _declare_coverage(_percent)
