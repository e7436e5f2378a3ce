"""Gains of the challengers over the incumbent and over the metric's yardstick, with intervals that hold jointly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.decision import Gain, Uninformed
from bakeoff.compare.intervals import LEAST_IN_TAIL, Side, Unknown, needs_draws, uncertainty
from bakeoff.compare.panels import Panel
from bakeoff.compare.statistics import bootstrap, interval
from bakeoff.metrics import Metric
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A variant's value less the incumbent's, with an interval that holds jointly over all variants.

    Attributes:
        variant: name of the variant.
        metric: name of the metric.
        difference: the difference, on the rows that both answered.
        low, high: its interval; NaN where the rows say nothing about it.
        rows: number of these rows.
    """

    variant: str
    metric: str
    difference: float
    low: float
    high: float
    rows: int


LEAST_JOINT_DRAWS = 100
"""Resamples that define all differences, below which intervals are widened by Bonferroni instead."""

PERMUTATIONS = 8
"""Random permutations of the truth over which a yardstick without a formula is averaged."""


def joint_level(differences: Sequence[Floats], confidence: float) -> float:
    """The confidence of each challenger's interval with which all of them hold together.

    The least level at which the intervals of ``confidence`` of the shared resamples hold all differences at once
    (max-T over ranks: Westfall & Young 1993, Mandel & Betensky 2008). Challengers that are alike need less than
    Bonferroni's share, which is the upper bound. Differences on other rows have resamples of their own: they count as
    independent, which is never too narrow (Šidák 1967).

    Args:
        differences: bootstrap values of each challenger's difference from the incumbent.
        confidence: with which all intervals hold.
    """
    most = 1 - (1 - confidence) / max(1, len(differences))
    if len(differences) < 2:
        return most
    shared = min(len(drawn) for drawn in differences)
    together = np.column_stack([drawn[:shared] for drawn in differences])
    together = together[~np.isnan(together).any(axis=1)]
    if len(together) < LEAST_JOINT_DRAWS or (1 - confidence) * len(together) < LEAST_IN_TAIL:
        return most
    level = float(np.quantile(_distances_from_median(together).max(axis=1), confidence))
    return min(most, max(confidence, level))


def _distances_from_median(draws: Floats) -> Floats:
    """Level of the interval of each column that just holds each of its draws, shape as ``draws``.

    Labels on few rows give few different values. Draws of one value count by the outermost of their ranks: their mean
    rank would let the interval end within them, and levels come out too low. Those at the median are inside of every
    interval.
    """
    from scipy.stats import rankdata

    first, last = (2 * rankdata(draws, method=side, axis=0) / (len(draws) + 1) - 1 for side in ("min", "max"))
    distances: Floats = np.where(first * last <= 0, np.abs(first + last) / 2, np.maximum(np.abs(first), np.abs(last)))
    return distances


def level(metric: str, panels: Sequence[Panel], confidence: float) -> float:
    """The joint level of the differences of all panels in one metric."""
    return _joint(metric, [(p, name) for p in panels for name in p.challengers], confidence)


def _joint(metric: str, counted: Sequence[tuple[Panel, str]], confidence: float) -> float:
    """The joint level of some challengers; Bonferroni's where people's labels correct them, and no draws do."""
    having = [(panel, name) for panel, name in counted if panel.has(name, metric)]
    if any(name in panel.corrected.get(metric, {}) for panel, name in having):
        return 1 - (1 - confidence) / len(having)
    return joint_level([panel.drawn(name, metric) for panel, name in having], confidence)


def differences(panels: Sequence[Panel], measured: Sequence[Metric], confidence: float) -> list[Difference]:
    """The differences of all metrics that challenger and incumbent share; those of a metric hold jointly."""
    levels = {metric.name: level(metric.name, panels, confidence) for metric in measured}
    return [
        Difference(
            name,
            metric.name,
            panel.difference(name, metric.name),
            *panel.uncertainty(name, metric).interval(levels[metric.name]),
            panel.rows,
        )
        for panel in panels
        for name in panel.challengers
        for metric in measured
        if panel.has(name, metric.name)
    ]


def as_judged(differences: Sequence[Difference], metric: Metric, judged: Sequence[Gain]) -> list[Difference]:
    """The differences, with those in the decision metric by the intervals of the verdict: one gain has one interval."""
    sign = 1 if metric.direction == "maximize" else -1
    bounds = {gain.variant: _signed(sign, (gain.low, gain.high)) for gain in judged}
    return [
        replace(each, low=bounds[each.variant][0], high=bounds[each.variant][1])
        if each.metric == metric.name and each.variant in bounds
        else each
        for each in differences
    ]


def gains(
    metric: Metric,
    panels: Sequence[Panel],
    confidence: float,
    variants: Sequence[str] | None = None,
    to_ship: float | None = None,
    share: float = 0.0,
) -> list[Gain]:
    """The gains in the decision metric, positive for better; NaN for a challenger that has no such metric.

    Args:
        metric: the decision metric.
        panels: challengers beside the incumbent.
        confidence: of the interval of each challenger alone, by which an incumbent is kept.
        variants: the challengers that count; None: all.
        to_ship: confidence with which the intervals of all of them hold together; None: the same.
        share: minimum meaningful gain as a share of the incumbent's value; 0 where it is absolute.
    """
    counted = [(p, name) for p in panels for name in p.challengers if variants is None or name in variants]
    together = confidence if to_ship is None else to_ship
    joint = _joint(metric.name, counted, together)
    return [_gain(metric, panel, name, joint, confidence, share) for panel, name in counted]


def in_batches(
    metric: Metric,
    panels: Sequence[Panel],
    confidence: float,
    batches: Sequence[tuple[float, Sequence[str]]],
    share: float = 0.0,
) -> list[Gain]:
    """The gains of all challengers; those of each batch hold jointly at its confidence (``Looks.batches``)."""
    return [gain for to_ship, names in batches for gain in gains(metric, panels, confidence, names, to_ship, share)]


def _gain(metric: Metric, panel: Panel, name: str, joint: float, confidence: float, share: float) -> Gain:
    value, of_incumbent = panel.both(name, metric.name)
    if not panel.has(name, metric.name):
        return Gain(name, value, np.nan, np.nan, np.nan, against=of_incumbent, rows=panel.rows)
    sign = 1 if metric.direction == "maximize" else -1
    known = panel.uncertainty(name, metric)
    low, high = _signed(sign, known.interval(joint))
    evidence = min(metric.evidence(panel.tables[v]) for v in (panel.incumbent, name))
    # A margin of 1 % of an error is drawn with the rows: new less 0.99 times old, in each of them.
    of_margin = sign * share * float(np.sign(of_incumbent)) if name not in panel.corrected.get(metric.name, {}) else 0.0
    beyond, within = (
        panel.uncertainty(name, metric, 1 + direction * of_margin) if of_margin else None for direction in (1, -1)
    )
    return Gain(
        name,
        value,
        sign * (value - of_incumbent),
        low,
        high,
        standard_error=known.standard_error,
        evidence=evidence,
        alone=_signed(sign, known.interval(confidence)),
        uninformed=_over_a_guess(metric, panel, name, sign, joint),
        against=of_incumbent,
        rows=panel.rows,
        refusal=known.reason if isinstance(known, Unknown) and np.isfinite(value - of_incumbent) else "",
        beyond=None if beyond is None else _signed(sign, beyond.interval(joint)),
        beyond_alone=None if beyond is None else _signed(sign, beyond.interval(confidence)),
        within=None if within is None else _signed(sign, within.interval(joint)),
    )


def _signed(sign: int, bounds: tuple[float, float]) -> tuple[float, float]:
    """The bounds of a gain from those of a difference."""
    low, high = bounds
    return (low, high) if sign > 0 else (-high, -low)


def _over_a_guess(metric: Metric, panel: Panel, name: str, sign: int, confidence: float) -> Uninformed | None:
    """The gain of a challenger over the metric's yardstick; None where it has none."""
    yardstick, table = metric.yardstick, panel.tables[name]
    if yardstick is None:
        return None
    value, drawn = panel.values[name][metric.name], panel.draws[name][metric.name]
    if yardstick.resample is None:
        guess, of_guess = _permuted(metric, table, len(drawn))
        low, high = _signed(sign, interval(drawn - of_guess, confidence))
        return Uninformed(yardstick.description, guess, low, high)
    uninformed = replace(metric, resample=yardstick.resample)
    guess = float(yardstick.resample(table, np.ones((1, len(table)), dtype=np.float32))[0])
    if needs_draws(metric, table):
        drawn = drawn - bootstrap({name: table}, [uninformed], len(drawn))[name][metric.name]
    known = uncertainty([Side(metric, table, value), Side(uninformed, table, guess)], drawn)
    low, high = _signed(sign, known.interval(confidence))
    return Uninformed(yardstick.description, guess, low, high)


def _permuted(metric: Metric, table: PredictionTable, resamples: int) -> tuple[float, Floats]:
    """The mean over permutations of the truth, and that of its bootstrap values."""
    random = np.random.default_rng(0)
    shuffled = {
        str(i): replace(table, target=table.target[random.permutation(len(table))]) for i in range(PERMUTATIONS)
    }
    draws = bootstrap(shuffled, [metric], resamples)
    values = [metric.value(of) for of in shuffled.values()]
    return float(np.mean(values)), np.mean([of[metric.name] for of in draws.values()], axis=0)


def close_to(metric: Metric, panels: Sequence[Panel], confidence: float) -> list[str]:
    """The challengers of a winner that are statistically indistinguishable from it: they may be cheaper to run.

    Args:
        metric: the decision metric.
        panels: the others beside the winner.
        confidence: of each interval.
    """
    close = []
    for panel in panels:
        for name in panel.challengers:
            if panel.has(name, metric.name):
                low, high = panel.uncertainty(name, metric).interval(confidence)
                if not (low > 0 or high < 0):
                    close.append(name)
    return close
