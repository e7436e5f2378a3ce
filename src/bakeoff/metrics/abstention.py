"""Metrics of selective prediction: errors among the rows about which a variant is surest (El-Yaniv and Wiener 2010).

A threshold on the confidence accepts all rows of equal confidence or none of them, so risks are measured at such
thresholds only. Rows that the variant withholds are the last to be accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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


def confidence_order(table: PredictionTable) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows by falling confidence, shape (n,), and the position after each group of equal confidence, shape (g,)."""
    sure = stated_confidence(table.predictions)
    assert sure is not None
    sure = np.where(table.predictions.status == WITHHELD, -1.0, np.nan_to_num(sure, nan=-1.0))
    order = np.argsort(-sure, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(sure[order]) != 0, True)) + 1


def risks(table: PredictionTable, counts: Counts) -> tuple[Floats, Floats]:
    """Share of rows accepted at each threshold, and the share of errors among them, shape (B, g) each.

    A threshold at which no drawn row is accepted has risk 0.
    """
    order, ends = confidence_order(table)
    right = kinds.get(table.schema.kind).is_right(table.predictions.output, table.target)
    assert right is not None
    drawn = counts.take(order, axis=1).astype(np.float64)
    accepted = np.cumsum(drawn, axis=1)[:, ends - 1]
    errors = np.cumsum(drawn * ~np.asarray(right, dtype=np.bool_)[order], axis=1)[:, ends - 1]
    risk = np.divide(errors, accepted, out=np.zeros_like(errors), where=accepted > 0)
    return accepted / accepted[:, -1:], risk


def _area(coverage: Floats, risk: Floats) -> Floats:
    return np.asarray((np.diff(coverage, axis=1, prepend=0) * risk).sum(axis=1))


def _greatest_coverage(most: float) -> OfRisks:
    def greatest(coverage: Floats, risk: Floats) -> Floats:
        return np.asarray(np.where(risk <= most, coverage, 0).max(axis=1))

    return greatest


def _resampled(table: PredictionTable, counts: Counts, of: OfRisks) -> Floats:
    return of(*risks(table, counts))


def _over(table: PredictionTable, of: OfRisks) -> float:
    return float(of(*risks(table, np.ones((1, len(table)), dtype=np.float32)))[0])


@selective_metric("aurc", "minimize", resample=partial(_resampled, of=_area))
def aurc(table: PredictionTable) -> float:
    """Area under the risk-coverage curve (Geifman et al. 2019): mean share of errors over all thresholds."""
    return _over(table, _area)


def _declare_coverage(percent: int) -> None:
    """Register the greatest share of rows that can be accepted with at most so many errors per hundred."""
    greatest = _greatest_coverage(percent / 100)

    def coverage(table: PredictionTable) -> float:
        return _over(table, greatest)

    coverage.__doc__ = f"Greatest share of rows that a threshold accepts with at most {percent} % of errors among them."
    resample = partial(_resampled, of=greatest)
    selective_metric(f"coverage_at_risk_{percent}", "maximize", greatest=1.0, resample=resample)(coverage)


for _percent in (1, 5, 10):
    _declare_coverage(_percent)
