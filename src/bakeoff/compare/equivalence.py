"""A verdict for challengers that are as good as the incumbent, and cheaper, faster or freer.

Non-inferiority (Blackwelder 1982): the whole interval of the gain lies above minus the minimum meaningful difference,
jointly for all challengers. Such a challenger replaces the incumbent only if it has an advantage and no drawback.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakeoff import numbers
from bakeoff.advice import listed
from bakeoff.compare.decision import Decision, Gain, weakness
from bakeoff.compare.panels import Panel
from bakeoff.metrics import Metric, get
from bakeoff.numbers import difference_with_interval, number
from bakeoff.record import Run, Score

LEAST_COST = 0.01
"""US dollars per 1,000 predictions below which costs are alike: what costs nearly nothing cannot be much cheaper."""

CHEAPER, FASTER = 0.5, 0.8
"""Shares of the incumbent's cost and latency from which a challenger is cheaper or faster: costs rest on one timing."""


@dataclass(frozen=True)
class Traits:
    """List clauses for and against a challenger, besides the decision metric."""

    advantages: tuple[str, ...] = ()
    drawbacks: tuple[str, ...] = ()


def traits(
    run: Run,
    scores: Mapping[str, Score],
    incumbent: Run,
    of_incumbent: Mapping[str, Score],
    panel: Panel,
    may_keep: bool = True,
) -> Traits:
    """Compare price, latency, licence and hosting of a challenger, which may be shipped, with those of the incumbent.

    Args:
        run: the challenger.
        scores: its metrics.
        incumbent: the incumbent.
        of_incumbent: its metrics.
        panel: both on the same rows.
        may_keep: whether the incumbent meets the requirements.
    """
    advantages = [] if may_keep else [f"meets the requirements, which {incumbent.variant} does not"]
    drawbacks = []
    cost, old_cost = (s["cost_per_1k"].value if "cost_per_1k" in s else None for s in (scores, of_incumbent))
    if cost is not None and old_cost is not None and math.isfinite(cost + old_cost):
        prices = f"{numbers.price(cost)} vs {numbers.price(old_cost)} USD per 1,000 predictions"
        is_worth_it = max(cost, old_cost) >= LEAST_COST
        if is_worth_it and cost <= CHEAPER * old_cost and _is_surely_cheaper(run.variant, panel):
            advantages.append(f"cheaper ({prices})")
        elif is_worth_it and old_cost <= CHEAPER * cost:
            drawbacks.append(f"more expensive ({prices})")
    latency = get("latency_p50_ms")
    if panel.has(run.variant, latency.name):
        new, old = (panel.values[name][latency.name] for name in (run.variant, incumbent.variant))
        low, high = panel.uncertainty(run.variant, latency).interval(0.95)
        if high < 0 and new <= FASTER * old:
            advantages.append(f"faster ({number(new)} vs {number(old)} ms)")
        elif low > 0 and old <= FASTER * new:
            drawbacks.append(f"slower ({number(new)} vs {number(old)} ms)")
    for key, free, better, worse in (
        ("data_leaves_network", False, "free of calls outside the network", "dependent on calls outside the network"),
        ("source", "open", "open source", "not open source"),
    ):
        new_value, old_value = run.card.get(key), incumbent.card.get(key)
        if new_value is not None and old_value is not None and new_value != old_value:
            (advantages if new_value == free else drawbacks).append(better if new_value == free else worse)
    return Traits(tuple(advantages), tuple(drawbacks))


def _is_surely_cheaper(variant: str, panel: Panel) -> bool:
    """Return whether a variant stays below ``CHEAPER`` times the incumbent's price, whichever rows had been drawn.

    Where every row costs the same there is no interval, and other rows would not change the price.
    """
    price = get("cost_per_1k")
    if not panel.has(variant, price.name):
        return True
    high = panel.uncertainty(variant, price, CHEAPER).interval(0.95)[1]
    return math.isnan(high) or high <= 0


def decide(
    metric: Metric, incumbent: str, gains: Sequence[Gain], margin: float, of: Mapping[str, Traits]
) -> Decision | None:
    """The best challenger that is as good as the incumbent and dominates it otherwise; None if there is none.

    Args:
        metric: the decision metric.
        incumbent: name of the incumbent.
        gains: gains with intervals that hold jointly, on at least the least rows.
        margin: the minimum meaningful difference; nothing is as good within a margin of 0.
        of: challenger → what speaks for and against it.
    """
    if not margin > 0:
        return None
    able = [
        g
        for g in gains
        if g.is_as_good(margin)
        and g.is_informed
        and not weakness(g, metric, incumbent)
        and of.get(g.variant, Traits()).advantages
        and not of[g.variant].drawbacks
    ]
    if not able:
        return None
    best = max(able, key=lambda g: (len(of[g.variant].advantages), g.gain))
    sign = 1 if metric.direction == "maximize" else -1
    low, high = sorted((sign * best.low, sign * best.high))
    return Decision(
        "as_good",
        best.variant,
        f"{best.variant} is as good as {incumbent} on {metric.name} within {numbers.threshold(margin)} "
        f"({number(best.value)} vs {number(best.against)}, {difference_with_interval(sign * best.gain, low, high)}), "
        f"and {listed(of[best.variant].advantages)}.",
    )
