"""Other goals than the best variant: the cheapest that is good enough, and the variants that nobody dominates.

A variant is good enough if it is shown to be non-inferior to every other one, so also to the best, whichever that is:
an intersection–union test (Berger 1982), each part of which has the whole error rate. Several variants may be shown so:
they share the rate (Bonferroni), so that the chance of naming a variant that is worse than the best by more than the
margin is held, whatever the prices are. One of them is the best and no error, which leaves a reserve for the tails of
intervals from few rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bakeoff import numbers
from bakeoff.advice import listed
from bakeoff.compare import panels
from bakeoff.compare.decision import Decision
from bakeoff.compare.equivalence import CHEAPER, FASTER, LEAST_COST
from bakeoff.compare.intervals import Unknown
from bakeoff.compare.panels import Panel
from bakeoff.metrics import Metric
from bakeoff.metrics.base import LEAST_ROWS
from bakeoff.record import Score
from bakeoff.task import PredictionTable

Scores = Mapping[str, Mapping[str, Score]]
PRICE, LATENCY = "cost_per_1k", "latency_p50_ms"


@dataclass(frozen=True)
class Contest:
    """Candidates of a goal, and the standard by which it chooses among them.

    Attributes:
        tables: variants that may be shipped → predictions.
        scores: variant → metric → score, by which prices and latencies are known.
        metric: the decision metric.
        incumbent: name of the variant in production.
        margin: how much worse than the best is good enough, in the metric's unit.
        confidence: two-sided; the chance to name a variant that is not good enough is half of what it leaves.
        resamples: number of bootstrap resamples.
    """

    tables: Mapping[str, PredictionTable]
    scores: Scores
    metric: Metric
    incumbent: str
    margin: float
    confidence: float
    resamples: int

    def value(self, name: str, metric: str) -> float:
        """The score of a variant; NaN if it is not known."""
        score = self.scores.get(name, {}).get(metric)
        return math.nan if score is None or score.value is None else score.value


@dataclass(frozen=True)
class Gap:
    """The gain of a variant over another one in the decision metric; positive is better.

    Attributes:
        over: name of the other.
        gain: the gain.
        low: its lower bound; minus infinity where there is no evidence.
        high: its upper bound; infinity where there is none.
    """

    over: str
    gain: float
    low: float
    high: float


def gaps(
    tables: Mapping[str, PredictionTable], metric: Metric, confidence: float, resamples: int
) -> dict[str, list[Gap]]:
    """The gaps of each variant to all others, each with its own interval at that confidence.

    Args:
        tables: variant → predictions of the rows that it answered.
        metric: the decision metric.
        confidence: of each interval, two-sided.
        resamples: number of bootstrap resamples.
    """
    found: dict[str, list[Gap]] = {name: [] for name in tables}
    names = list(tables)
    for i, name in enumerate(names[:-1]):
        rest = {other: tables[other] for other in names[i:]}
        beside = panels.panels(name, rest, [metric], resamples)
        for other in names[i + 1 :]:
            panel = next((panel for panel in beside if other in panel.challengers), None)
            gap = _gap(panel, metric, other, confidence)
            found[other].append(Gap(name, gap.gain, gap.low, gap.high))
            found[name].append(Gap(other, -gap.gain, -gap.high, -gap.low))
    return found


def _gap(panel: Panel | None, metric: Metric, name: str, confidence: float) -> Gap:
    nothing = Gap("", math.nan, -math.inf, math.inf)
    if panel is None or panel.rows < LEAST_ROWS or not panel.has(name, metric.name):
        return nothing
    if min(metric.evidence(panel.tables[one]) for one in (panel.incumbent, name)) < metric.least_evidence:
        return nothing
    known = panel.uncertainty(name, metric)
    low, high = known.interval(confidence)
    if isinstance(known, Unknown) or not math.isfinite(low + high):
        return nothing
    gain = panel.difference(name, metric.name)
    if metric.direction == "minimize":
        gain, low, high = -gain, -high, -low
    return Gap("", gain, low, high)


def cheapest(
    contest: Contest,
) -> Decision:
    """The cheapest variant that is shown to be worse than the best by less than the margin."""
    tables, metric, margin = contest.tables, contest.metric, contest.margin
    prices = {name: contest.value(name, PRICE) for name in tables}
    unknown = [name for name, price in prices.items() if not math.isfinite(price)]
    if unknown:
        return _open(f"the cheapest variant is not known: {listed(unknown)} has no price (cost).")
    if len(tables) < 2:
        return _open("there is one variant only: nothing to compare.")
    if not margin > 0:
        return _open(
            f"nothing can be shown to be as good as the best on {metric.name} within a margin of 0. "
            "Add decision.smallest_difference=…"
        )
    level = 1 - (1 - contest.confidence) / len(tables)
    of_all = gaps(tables, metric, level, contest.resamples)
    worst = {name: min(of_one, key=lambda gap: gap.low) for name, of_one in of_all.items()}
    good = sorted((name for name, gap in worst.items() if gap.low > -margin), key=lambda name: prices[name])
    shown = numbers.threshold(margin)
    if not good:
        name = max(worst, key=lambda one: worst[one].low)
        return _open(
            f"no variant is shown to be within {shown} of every other one on {metric.name}; nearest: {name}, "
            f"which may be {_at_worst(worst[name].low)} than {worst[name].over}."
        )
    winner = good[0]
    gap = worst[winner]
    beaten = [name for name in good[1:] if prices[name] > prices[winner]]
    doubtful = sorted((n for n in tables if n not in good and prices[n] < prices[winner]), key=lambda n: prices[n])
    reason = (
        f"{winner} is the cheapest variant shown to be within {shown} of the best on {metric.name}: at worst "
        f"{_at_worst(gap.low)} than {gap.over}; {numbers.price(prices[winner])} USD per 1,000 predictions"
    )
    if beaten:
        reason += f" vs {', '.join(f'{numbers.price(prices[name])} of {name}' for name in beaten[:3])}"
    reason += "."
    if doubtful:
        reason += f" Cheaper, but not shown to be good enough: {listed(doubtful)}."
    return Decision("keep" if winner == contest.incumbent else "ship", winner, reason)


def _at_worst(low: float) -> str:
    """Put the lower bound of a gain in words: ``0.02 worse``."""
    if not math.isfinite(low):
        return "worse by an unknown amount"
    return f"{numbers.number(-low)} worse" if low < 0 else f"{numbers.number(low)} better"


def front(
    contest: Contest,
) -> Decision:
    """The variants that no other is shown to dominate in quality, price and latency.

    One dominates another if it is non-inferior in quality within the margin, not more expensive, not slower, and
    clearly better in one of them. The intervals of all pairs hold together. Price and latency rest on one timing each,
    so that only large differences of them count, as they do for "as good".
    """
    tables, metric = contest.tables, contest.metric
    if len(tables) < 2:
        return _open("there is one variant only: nothing to compare.")
    pairs = len(tables) * (len(tables) - 1) / 2
    of_all = gaps(tables, metric, 1 - (1 - contest.confidence) / pairs, contest.resamples)
    dominated: dict[str, str] = {}
    for name, of_one in of_all.items():
        for gap in of_one:
            reasons = _dominates(gap.over, name, gap, contest)
            if reasons:
                dominated[name] = f"{name} by {gap.over} ({', '.join(reasons)})"
                break
    left = [name for name in tables if name not in dominated]
    beaten = f" Dominated: {'; '.join(dominated.values())}." if dominated else ""
    axes = f"{metric.name}, price and latency"
    if not left:
        return _open(f"in {axes} each variant is dominated by another: raise decision.smallest_difference.{beaten}")
    if len(left) == 1:
        return Decision(
            "keep" if left[0] == contest.incumbent else "ship",
            left[0],
            f"{left[0]} dominates every other variant in {axes}.{beaten}",
        )
    return _open(f"{len(left)} variants are not dominated in {axes}: {listed(left)}; choose among them.{beaten}")


def _dominates(other: str, name: str, gap: Gap, contest: Contest) -> list[str]:
    """In what ``other`` is clearly better than ``name``; empty where it does not dominate it.

    Args:
        gap: the gain of ``name`` over ``other``.
    """
    if not gap.high < max(contest.margin, 0.0):  # other is not shown to be non-inferior
        return []
    better = ["better"] if gap.high < 0 and gap.gain < -contest.margin else []
    for metric, factor, word, least in ((PRICE, CHEAPER, "cheaper", LEAST_COST), (LATENCY, FASTER, "faster", 0.0)):
        new, old = contest.value(other, metric), contest.value(name, metric)
        if not (math.isfinite(new) and math.isfinite(old)):
            return []
        if max(new, old) < least:
            continue
        if old < factor * new:  # other is clearly worse in this
            return []
        if new <= factor * old:
            better.append(word)
    return better


def _open(reason: str) -> Decision:
    return Decision("inconclusive", None, reason)


def decide(goal: str, contest: Contest) -> Decision:
    """The decision by ``cheapest_good_enough`` or ``pareto``."""
    return {"cheapest_good_enough": cheapest, "pareto": front}[goal](contest)
