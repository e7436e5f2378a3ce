"""Gains of the challengers over the incumbent and over the metric's yardstick, from shared bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bakeoff import metrics
from bakeoff.compare.decision import Gain, Uninformed
from bakeoff.compare.statistics import bootstrap, interval
from bakeoff.metrics import Metric
from bakeoff.task import PredictionTable

Values = Mapping[str, Mapping[str, float]]
Draws = Mapping[str, Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Difference:
    """A variant's value less the incumbent's, with an interval that holds jointly over all variants."""

    variant: str
    metric: str
    difference: float
    low: float
    high: float


LEAST_JOINT_DRAWS = 100
"""Resamples that define all differences, below which intervals are widened by Bonferroni instead."""

PERMUTATIONS = 8
"""Random permutations of the truth over which a yardstick without a formula is averaged."""


@dataclass(frozen=True)
class Guess:
    """Score of an uninformed variant derived from a challenger's predictions: its value, and that of each resample."""

    value: float
    draws: NDArray[Any]


def guesses(metric: Metric, tables: Mapping[str, PredictionTable], resamples: int, seed: int = 0) -> dict[str, Guess]:
    """The metric's yardstick for each variant, over the same resamples as its other values; empty where it has none.

    Args:
        metric: the decision metric.
        tables: predictions of each variant on the same rows.
        resamples: as given to ``bootstrap``.
        seed: as given to ``bootstrap``.
    """
    if metric.yardstick is None or not tables:
        return {}
    resample = metric.yardstick.resample
    if resample is None:
        return _permuted(metric, tables, resamples, seed)
    once = np.ones((1, len(next(iter(tables.values())))), dtype=np.float32)
    draws = bootstrap(tables, [replace(metric, resample=resample)], resamples, seed)
    return {
        name: Guess(float(resample(tables[name], once)[0]), of[metric.name])
        for name, of in draws.items()
        if metric.name in of
    }


def _permuted(metric: Metric, tables: Mapping[str, PredictionTable], resamples: int, seed: int) -> dict[str, Guess]:
    """The mean over permutations of the truth, the same for all variants."""
    found = {}
    for name, table in tables.items():
        if not metrics.applies_to(metric, table):
            continue
        random = np.random.default_rng(0)
        shuffled = {
            str(i): replace(table, target=table.target[random.permutation(len(table))]) for i in range(PERMUTATIONS)
        }
        draws = bootstrap(shuffled, [metric], resamples, seed)
        values = [metric.value(of) for of in shuffled.values()]
        found[name] = Guess(float(np.mean(values)), np.mean([of[metric.name] for of in draws.values()], axis=0))
    return found


def joint_level(metric: str, draws: Draws, incumbent: str, challengers: Sequence[str], confidence: float) -> float:
    """The confidence of each challenger's interval with which all of them hold together.

    The least level at which the intervals of ``confidence`` of the shared resamples hold all differences at once
    (max-T over ranks: Westfall & Young 1993, Mandel & Betensky 2008). Challengers that are alike need less than
    Bonferroni's share, which is the upper bound.

    Args:
        metric: metric of the differences.
        draws: variant → metric → values over the same resamples.
        incumbent: name of the variant to beat.
        challengers: names of the others; those without the metric are left out.
        confidence: with which all intervals hold.
    """
    most = 1 - (1 - confidence) / max(1, len(challengers))
    if metric not in draws[incumbent]:
        return most
    columns = [draws[name][metric] - draws[incumbent][metric] for name in challengers if metric in draws[name]]
    if len(columns) < 2:
        return most
    together = np.column_stack(columns)
    together = together[~np.isnan(together).any(axis=1)]
    if len(together) < LEAST_JOINT_DRAWS:
        return most
    ranks = rankdata(together, axis=0) / (len(together) + 1)
    level = float(np.quantile(np.abs(2 * ranks - 1).max(axis=1), confidence))
    return min(most, max(confidence, level))


def differences(
    values: Values, draws: Draws, incumbent: str, challengers: Sequence[str], confidence: float
) -> list[Difference]:
    """The differences of all metrics that challenger and incumbent share; those of a metric hold jointly."""
    names = dict.fromkeys(name for variant in challengers for name in values[variant] if name in values[incumbent])
    levels = {name: joint_level(name, draws, incumbent, challengers, confidence) for name in names}
    return [
        Difference(
            variant,
            name,
            value - values[incumbent][name],
            *interval(draws[variant][name] - draws[incumbent][name], levels[name]),
        )
        for variant in challengers
        for name, value in values[variant].items()
        if name in levels
    ]


def gains(
    metric: Metric,
    tables: Mapping[str, PredictionTable],
    values: Values,
    draws: Draws,
    guessed: Mapping[str, Guess],
    incumbent: str,
    challengers: Sequence[str],
    confidence: float,
) -> list[Gain]:
    """The gains in the decision metric, positive for better; NaN for a challenger that has no such metric.

    Args:
        metric: the decision metric.
        tables: predictions of each variant on the same rows.
        values: variant → metric → value.
        draws: variant → metric → values over the same resamples.
        guessed: result of ``guesses``.
        incumbent: name of the variant to beat.
        challengers: names of the others.
        confidence: with which the intervals of all challengers hold together.
    """
    level = joint_level(metric.name, draws, incumbent, challengers, confidence)
    sign = 1 if metric.direction == "maximize" else -1
    evidence_of_incumbent = metric.evidence(tables[incumbent])
    gains = []
    for name in challengers:
        if metric.name not in values[name] or metric.name not in values[incumbent]:
            value = values[name].get(metric.name, np.nan)
            gains.append(Gain(name, value, np.nan, np.nan, np.nan))
            continue
        value = values[name][metric.name]
        drawn = sign * (draws[name][metric.name] - draws[incumbent][metric.name])
        low, high = interval(drawn, level)
        gains.append(
            Gain(
                name,
                value,
                sign * (value - values[incumbent][metric.name]),
                low,
                high,
                standard_error=float(np.nanstd(drawn)) if np.isfinite(drawn).any() else None,
                evidence=min(evidence_of_incumbent, metric.evidence(tables[name])),
                alone=interval(drawn, confidence),
                uninformed=_over_a_guess(metric, guessed.get(name), draws[name], sign, level),
            )
        )
    return gains


def _over_a_guess(
    metric: Metric, guess: Guess | None, draws: Mapping[str, NDArray[Any]], sign: int, confidence: float
) -> Uninformed | None:
    if guess is None or metric.yardstick is None:
        return None
    low, high = interval(sign * (draws[metric.name] - guess.draws), confidence)
    return Uninformed(metric.yardstick.description, guess.value, low, high)


def close_to(
    winner: str, metric: Metric, values: Values, draws: Draws, challengers: Sequence[str], confidence: float
) -> list[str]:
    """The challengers that are statistically indistinguishable from the winner: they may be cheaper to run."""
    close = []
    for other in challengers:
        if other != winner and metric.name in values[other]:
            low, high = interval(draws[other][metric.name] - draws[winner][metric.name], confidence)
            if low <= 0 <= high:
                close.append(other)
    return close
