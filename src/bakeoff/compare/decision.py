"""The decision rule: from differences with their intervals to ship, keep or inconclusive, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bakeoff import metrics
from bakeoff.config import components
from bakeoff.errors import ConfigError
from bakeoff.metrics import Metric
from bakeoff.task import Schema
from bakeoff.tasks import kinds

Verdict = Literal["ship", "keep", "inconclusive"]


@dataclass(frozen=True)
class Gain:
    """By how much a challenger beats the incumbent in the decision metric: positive is better, in the metric's unit."""

    variant: str
    value: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Decision:
    """A verdict, whom it names, and why."""

    verdict: Verdict
    winner: str | None
    reason: str


class Rule(Protocol):
    """A way to reach a verdict, chosen by ``decision.rule``. Parameters go to the constructor and nowhere else."""

    def decide(
        self, metric: Metric, incumbent: str, value: float, gains: Sequence[Gain], margin: float, rows: int
    ) -> Decision:
        """What the function ``decide`` of this module does, in its own way."""


def chosen(rule: Mapping[str, Any] | None) -> Callable[..., Decision]:
    """What reaches the verdict: the component of that config, or ``decide``."""
    if rule is None:
        return decide
    made: Rule = components.instantiate(rule, "decision.rule")
    return made.decide


def deciding_metric(declared: str | None, schema: Schema) -> Metric:
    """The metric that decides: the declared one, or the usual one for such a task.

    Raises:
        ConfigError: there is no such metric, or it is not defined for the task.
    """
    if declared is None:
        declared = kinds.get(schema.kind).default_metric(schema)
    metric = metrics.asked(declared, "decision.metric")
    if metric.name in metrics.FROM_ONE_TIMING:
        raise ConfigError(
            f"decision.metric: {metric.name} rests on one timing of a run, so its interval is not to be trusted "
            f'and it cannot decide. Hold a search to it: search.constraints={{{metric.name}: "<= 1"}}.'
        )
    if not metric.applies(schema):
        allowed = ", ".join(m.name for m in metrics.applicable(schema))
        raise ConfigError(f"decision.metric: {metric.name} is not defined for this task. Metrics that are: {allowed}.")
    return metric


def smallest_difference(declared: str, incumbent_value: float) -> float:
    """The difference that matters, in the metric's unit, from ``0.01`` or ``1%`` (of the incumbent's value).

    Raises:
        ConfigError: it is neither, or negative.
    """
    text = str(declared).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ConfigError(
            f'decision.smallest_difference: "{declared}" is neither a number such as 0.01 '
            "nor a percentage of the incumbent's value such as 1%."
        )
    return number / 100 * abs(incumbent_value) if text.endswith("%") else number


def decide(metric: Metric, incumbent: str, value: float, gains: Sequence[Gain], margin: float, rows: int) -> Decision:
    """Compare each challenger's gain with the smallest difference that matters.

    An interval wholly above the margin is evidence to ship, one wholly at or below it is evidence that the
    challenger is not worth shipping; an interval that holds the margin is no evidence either way. Ship if any
    challenger may be shipped (the best of them), keep if none is worth it, and say that the evidence does not suffice
    otherwise.

    Args:
        metric: the decision metric.
        incumbent: name of the variant to beat.
        value: its value of the metric.
        gains: of the challengers, with intervals that hold jointly.
        margin: the smallest difference that matters, in the metric's unit.
        rows: how many test rows the intervals come from.
    """
    if not gains:
        return Decision(
            "inconclusive", None, f"{incumbent} is the only variant with results: there is nothing to compare."
        )
    if not math.isfinite(value):
        return Decision("inconclusive", None, f"{metric.name} is not defined for {incumbent}.")
    undefined = [g.variant for g in gains if not math.isfinite(g.gain + g.low + g.high)]
    unjudged = (
        f"{metric.name} is not defined for {', '.join(undefined)}, as where a model gives no probabilities; "
        "another decision.metric may be."
        if undefined
        else ""
    )
    gains = [g for g in gains if g.variant not in undefined]
    if not gains:
        return Decision("inconclusive", None, unjudged)
    best = max(gains, key=lambda g: g.gain)
    shippable = [g for g in gains if g.low > margin]
    if shippable:
        winner = max(shippable, key=lambda g: g.gain)
        reason = f"{_told(winner, metric, incumbent, value)}, more than the {number(margin)} that matters."
        return Decision("ship", winner.variant, f"{reason} {unjudged}".rstrip())
    if all(g.high <= margin for g in gains):
        reason = (
            f"no variant is better by the {number(margin)} that matters; "
            f"at best, {_told(best, metric, incumbent, value)}."
        )
        return Decision("keep", incumbent, f"{reason} {unjudged}".rstrip())
    nearest = max((g for g in gains if g.high > margin), key=lambda g: g.gain)
    reason = (
        f"{_told(nearest, metric, incumbent, value)}, which may or may not exceed the {number(margin)} that matters; "
        f"{_needed(nearest, margin, rows)}."
    )
    return Decision("inconclusive", None, f"{reason} {unjudged}".rstrip())


def _told(g: Gain, metric: Metric, incumbent: str, value: float) -> str:
    return f"{g.variant} has {metric.name} {number(g.value)} against {number(value)} of {incumbent}, " + (
        f"a gain of {number(g.gain)} [{number(g.low)}, {number(g.high)}]"
        if g.gain >= 0
        else f"worse by {number(-g.gain)} [{number(-g.high)}, {number(-g.low)}]"
    )


def _needed(gain: Gain, margin: float, rows: int) -> str:
    """How many more test rows would settle it, if the gain stays: an interval shrinks with the root of the rows."""
    distance = abs(gain.gain - margin)
    half = gain.gain - gain.low if gain.gain > margin else gain.high - gain.gain
    ratio = half / distance if distance else math.inf
    needed = rows * ratio * ratio
    if needed > 1_000_000:
        return "no number of test rows within reach would settle it"
    return f"about {_round_up(needed - rows):,} more test rows would settle it"


def _round_up(count: float) -> int:
    scale = 10.0 ** max(0, math.floor(math.log10(max(count, 1))) - 1)
    return max(1, int(math.ceil(round(count / scale, 6)) * scale))


def number(value: float) -> str:
    """Three significant digits and four decimals at most, without an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value + 0.0:g}"  # a 0 has no sign
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 4)}f}"
