"""Metrics of rankings. Each is a mean over the lists in which some items are better than others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bakeoff.extend import PredictionTable, Schema, mean_of_defined, metric, over
from bakeoff_ranking.kind import NAME
from bakeoff_ranking.lists import order_of

Floats = NDArray[np.float64]


def is_ranking(schema: Schema) -> bool:
    """The target is the grades of the items of a list."""
    return schema.kind == NAME


def grades_in_order(table: PredictionTable) -> list[list[float]]:
    """The grades of each list in the order that was answered."""
    return [
        [grades[i] for i in order_of(output, len(grades))]
        for output, grades in zip(table.predictions.output, table.target, strict=True)
    ]


def ndcg(table: PredictionTable) -> Floats:
    """Normalised discounted cumulative gain of each list, NaN where all items are equal (Järvelin & Kekäläinen 2002).

    As in bakeoff's own: the gain is the grade itself, here above the least of the list; the discount is log2(rank + 1).
    """
    return np.array([_ndcg(grades) for grades in grades_in_order(table)])


def _ndcg(grades: list[float]) -> float:
    low = min(grades)
    best = _gain(sorted(grades, reverse=True), low)
    return _gain(grades, low) / best if best > 0 else math.nan


def _gain(grades: list[float], low: float) -> float:
    return sum((grade - low) / math.log2(rank + 2) for rank, grade in enumerate(grades))


def pairs(table: PredictionTable) -> Floats:
    """Share of the pairs of each list, among those of different grade, that are in the right order."""
    return np.array([_pairs(np.array(grades)) for grades in grades_in_order(table)])


def _pairs(grades: Floats) -> float:
    steps = (grades[:, None] - grades[None, :])[np.triu_indices(len(grades), 1)]
    differ = steps != 0
    return float((steps[differ] > 0).mean()) if differ.any() else math.nan


def best_first(table: PredictionTable) -> Floats:
    """1 for each list with one of its best items first, else 0; NaN where all are equal."""
    return np.array([float(g[0] == max(g)) if max(g) > min(g) else math.nan for g in grades_in_order(table)])


_ndcg_mean, _pairs_mean, _first_mean = mean_of_defined(ndcg), mean_of_defined(pairs), mean_of_defined(best_first)


@metric("list_ndcg", "maximize", applies=is_ranking, resample=_ndcg_mean)
def list_ndcg(table: PredictionTable) -> float:
    """Mean normalised discounted cumulative gain of whole lists."""
    return over(table, _ndcg_mean)


@metric("list_pairs", "maximize", applies=is_ranking, resample=_pairs_mean)
def list_pairs(table: PredictionTable) -> float:
    """Mean share of the pairs of a list that are in the right order."""
    return over(table, _pairs_mean)


@metric("list_best_first", "maximize", applies=is_ranking, resample=_first_mean)
def list_best_first(table: PredictionTable) -> float:
    """Share of the lists whose best item comes first."""
    return over(table, _first_mean)
