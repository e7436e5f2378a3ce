"""The decision rule: from gains with their intervals to ship, keep or inconclusive, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from bakeoff import metrics
from bakeoff.advice import listed, override
from bakeoff.compare.power import POWER, Z_OF_POWER
from bakeoff.config import components
from bakeoff.errors import ConfigError
from bakeoff.metrics import Metric
from bakeoff.metrics.base import LEAST_ROWS
from bakeoff.numbers import difference_with_interval, number
from bakeoff.numbers import threshold as threshold_text
from bakeoff.record import Score
from bakeoff.task import Schema
from bakeoff.tasks import kinds

Verdict = Literal["ship", "as_good", "keep", "inconclusive"]


@dataclass(frozen=True)
class Uninformed:
    """A challenger's gain over the yardstick of the metric: over a variant that knows nothing.

    Attributes:
        description: the uninformed variant, as a subject.
        value: its value of the metric.
        low, high: interval of the challenger's gain over it; positive is better.
    """

    description: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """A challenger's gain over the incumbent in the decision metric: positive is better, in the metric's unit.

    Attributes:
        variant: name of the challenger.
        value: its value of the metric.
        gain: the gain.
        low, high: its interval; the intervals of all challengers hold jointly.
        standard_error: standard error of the gain; None if unknown.
        evidence: number of test rows that the values are based on; None: all of them.
        uninformed: the gain over the metric's yardstick; None where the metric has none.
        alone: its interval by itself, not widened for the others; None: the joint one.
        against: the incumbent's value on the same rows; None: as on all of its rows.
        rows: number of test rows that challenger and incumbent both answered; None: all.
        refusal: why the gain has no interval, as a clause; empty where it has one.
        beyond: interval of the gain beyond a margin that is a share of the incumbent's value, which varies with the
            rows as the gain does; None where the margin is absolute.
        beyond_alone: the same, not widened for the others.
        within: interval of the gain and that margin together, above 0 where the challenger is as good.
    """

    variant: str
    value: float
    gain: float
    low: float
    high: float
    standard_error: float | None = None
    evidence: int | None = None
    uninformed: Uninformed | None = None
    alone: tuple[float, float] | None = None
    against: float | None = None
    rows: int | None = None
    refusal: str = ""
    beyond: tuple[float, float] | None = None
    beyond_alone: tuple[float, float] | None = None
    within: tuple[float, float] | None = None

    def clears(self, margin: float) -> bool:
        """Return whether the evidence shows a gain above the margin."""
        return self.low > margin and (self.beyond is None or self.beyond[0] > 0)

    def falls_short(self, margin: float) -> bool:
        """Return whether the evidence, of this challenger alone, shows that the gain is not above the margin."""
        high = self.high if self.alone is None else min(self.high, self.alone[1])
        return high <= margin and (self.beyond_alone is None or self.beyond_alone[1] <= 0)

    def is_as_good(self, margin: float) -> bool:
        """Return whether the evidence shows that it is no worse than the incumbent by more than the margin."""
        return self.low > -margin and (self.within is None or self.within[0] > 0)

    @property
    def is_informed(self) -> bool:
        """True if the evidence shows that it beats an uninformed variant."""
        return self.uninformed is None or self.uninformed.low > 0


@dataclass(frozen=True)
class Decision:
    """A verdict, the variant it names (None if inconclusive), and the reason."""

    verdict: Verdict
    winner: str | None
    reason: str


@dataclass(frozen=True)
class Threshold:
    """The minimum meaningful gain.

    Attributes:
        value: in the metric's unit; NaN where the declared one makes no sense.
        note: caveat for the reader; empty if the threshold is as declared.
        share: the same as a share of the incumbent's value; 0 for an absolute one.
    """

    value: float
    note: str = ""
    share: float = 0.0


class Rule(Protocol):
    """A way to reach a verdict, chosen by ``decision.rule``. Parameters go to the constructor and nowhere else."""

    def decide(
        self, metric: Metric, incumbent: str, value: float, gains: Sequence[Gain], margin: float, rows: int
    ) -> Decision:
        """Reach a verdict, given what the function ``decide`` of this module is given."""


def chosen(rule: Mapping[str, Any] | None) -> Callable[..., Decision]:
    """The function that reaches the verdict: a method of the component of that config, or ``decide``."""
    if rule is None:
        return decide
    component: Rule = components.instantiate(rule, "decision.rule", "decision.rule")
    return component.decide


def deciding_metric(declared: str | None, schema: Schema) -> Metric:
    """The metric that decides: the declared one, or the default of the task kind.

    Raises:
        ConfigError: there is no such metric, it is not defined for the task, or no verdict may rest on it.
    """
    if declared is None:
        declared = kinds.get(schema.kind).default_metric(schema)
    metric = metrics.asked(declared, "decision.metric")
    if not metric.can_decide:
        bound = override("search.constraints", {metric.name: "<= 1" if metric.direction == "minimize" else ">= 0.9"})
        raise ConfigError(
            f"decision.metric: {metric.name} cannot decide: {metric.cannot_decide}. Constrain a search by it: {bound}"
        )
    if not metric.applies(schema):
        allowed = listed((m.name for m in metrics.applicable(schema) if m.can_decide), most=40)
        raise ConfigError(f"decision.metric: {metric.name} is not defined for this task. Metrics that are: {allowed}.")
    return metric


def smallest_difference(declared: str, incumbent_value: float) -> float:
    """The declared minimum meaningful difference in the metric's unit, from ``0.01`` or ``1%`` (of the incumbent).

    Raises:
        ConfigError: it is neither, or negative.
    """
    text = str(declared).strip()
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ConfigError(
            f'decision.smallest_difference: "{declared}" is neither a number such as 0.01 '
            "nor a percentage of the incumbent's value such as 1%."
        )
    return value / 100 * abs(incumbent_value) if text.endswith("%") else value


def threshold(declared: str | None, metric: Metric, incumbent: str, score: Score) -> Threshold:
    """The minimum meaningful gain over an incumbent of that score; the metric's own where none is declared.

    A percentage of a value that is indistinguishable from 0 is no threshold: the metric's own takes its place where
    that is absolute. An error of 0 cannot be improved on, so a percentage of it is left alone.

    Raises:
        ConfigError: as ``smallest_difference``.
    """
    text = metric.margin if declared is None else str(declared).strip()
    value = math.nan if score.value is None else score.value
    difference = smallest_difference(text, value)
    if not text.endswith("%") or metric.direction == "minimize" or not _may_be_zero(score):
        share = float(text.rstrip("%")) / 100 if text.endswith("%") else 0.0
        note = "" if declared is None else _out_of_reach(text, difference, metric, incumbent, value)
        return Threshold(difference, note, share)
    problem = f"{text} of {incumbent}'s {metric.name} of {number(value)} is no meaningful threshold"
    if metric.margin.endswith("%"):
        return Threshold(math.nan, f"{problem}. Add {override('decision.smallest_difference', 0.01)}.")
    return Threshold(
        float(metric.margin), f"{problem}; {metric.margin} is used instead (decision.smallest_difference)."
    )


def _out_of_reach(text: str, difference: float, metric: Metric, incumbent: str, value: float) -> str:
    """A caveat where no variant can gain as much as the threshold, because the metric has a greatest value."""
    if metric.greatest is None or not metric.greatest - value < difference:
        return ""
    share = "" if text.endswith("%") or difference < 1 else f" For a share, write {text}%."
    return (
        f"No variant can gain {text} on {incumbent}'s {metric.name} of {number(value)}, which is at most "
        f"{metric.greatest:g}: no challenger can ship with this threshold (decision.smallest_difference).{share}"
    )


def _may_be_zero(score: Score) -> bool:
    if score.value is None or not math.isfinite(score.value):
        return False
    low = score.value if score.low is None else score.low
    high = score.value if score.high is None else score.high
    return score.value == 0 or low <= 0 <= high


def decide(metric: Metric, incumbent: str, value: float, gains: Sequence[Gain], margin: float, rows: int) -> Decision:
    """Compare each challenger's gain with the minimum meaningful one.

    An interval wholly above the margin is evidence to ship, provided that the challenger also beats the metric's
    yardstick; one wholly at or below the margin, or below the yardstick, is evidence that the challenger is not worth
    shipping, for which each challenger is judged alone; any other is no evidence either way. Nor is an interval of no
    width, or one that rests on too few rows. Ship if any challenger may be shipped (the best of them), keep if none is
    worth it, else inconclusive.

    Args:
        metric: the decision metric.
        incumbent: name of the variant to beat.
        value: its value of the metric.
        gains: gains of the challengers, with intervals that hold jointly.
        margin: the minimum meaningful gain, in the metric's unit.
        rows: number of test rows behind the intervals.
    """
    if not gains:
        return _open(f"{incumbent} is the only variant with results: there is nothing to compare.")
    if not math.isfinite(value):
        return _open(f"{metric.name} is not defined for {incumbent}.")
    gains = [replace(g, rows=rows if g.rows is None else g.rows) for g in gains]
    gains = [replace(g, against=value if g.against is None else g.against) for g in gains]
    if max(g.rows or 0 for g in gains) < LEAST_ROWS:
        rows = max(g.rows or 0 for g in gains)
        return _open(f"{rows} test rows are too few for a verdict; at least {LEAST_ROWS} are needed.")
    undefined = [g.variant for g in gains if not (g.refusal or math.isfinite(g.gain + g.low + g.high))]
    unjudged = (
        f"{metric.name} is not defined for {listed(undefined)} (a model may give no probabilities); "
        "choose another decision.metric to judge it."
        if undefined
        else ""
    )
    defined = [g for g in gains if g.variant not in undefined]
    if not defined:
        return _open(unjudged)
    weak = {g.variant: reason for g in defined if (reason := weakness(g, metric, incumbent))}
    sound = [g for g in defined if g.variant not in weak]
    shippable = [g for g in sound if g.clears(margin) and g.is_informed]
    if shippable:
        winner = max(shippable, key=lambda g: g.gain)
        reason = f"{_beats(winner, metric, incumbent)}, above the {threshold_text(margin)} threshold."
        return Decision("ship", winner.variant, f"{reason} {unjudged}".rstrip())
    if weak:
        return _open(f"{' '.join(dict.fromkeys(weak.values()))} {unjudged}".rstrip())
    if all(_is_not_worth_it(g, margin) for g in sound):
        best = max(sound, key=lambda g: g.gain)
        reason = f"no variant beats {incumbent} on {metric.name} by more than the {threshold_text(margin)} threshold"
        if best.uninformed is not None and not best.falls_short(margin):
            reason = f"no variant is better than a guess: {_guesses(best, metric, incumbent)}"
        else:
            reason = f"{reason}; closest: {_compared(best)}"
        return Decision("keep", incumbent, f"{reason}. {unjudged}".rstrip())
    nearest = max((g for g in sound if not _is_not_worth_it(g, margin)), key=lambda g: g.gain)
    if nearest.clears(margin):
        reason = f"{_guesses(nearest, metric, incumbent)}."
    else:
        reason = (
            f"{nearest.variant} vs {incumbent} on {metric.name}: {_figures(nearest, metric)}; the true gain may "
            f"be above or below the {threshold_text(margin)} threshold. {_detectable(nearest, margin)}"
        )
    return _open(f"{reason} {unjudged}".rstrip())


def _open(reason: str) -> Decision:
    return Decision("inconclusive", None, reason)


def weakness(gain: Gain, metric: Metric, incumbent: str) -> str:
    """Explain in a sentence why the interval of a gain is no evidence; empty where it is."""
    rows = gain.rows or 0
    evidence = rows if gain.evidence is None else gain.evidence
    if rows < LEAST_ROWS:
        return f"{gain.variant} and {incumbent} share {rows} test rows; a verdict needs at least {LEAST_ROWS}."
    if evidence < metric.least_evidence:
        counted = "1 test row" if evidence == 1 else f"{evidence} test rows"
        needed = math.ceil(rows * metric.least_evidence / evidence) if evidence else 0
        remedy = f" About {needed:,} test rows would hold them: raise data.split.test, or add data." if needed else ""
        return f"{metric.name} rests on only {counted}; a verdict needs at least {metric.least_evidence}.{remedy}"
    if gain.refusal or gain.low == gain.high:
        reason = gain.refusal or "it has no width"
        return (
            f"{gain.variant} vs {incumbent} on {metric.name}: a difference of {number(gain.gain)} without an interval, "
            f"because {reason}."
        )
    return ""


def _is_not_worth_it(gain: Gain, margin: float) -> bool:
    """Return whether there is evidence that the challenger is not worth shipping.

    To keep the incumbent, this must hold for every challenger: an intersection–union test, in which each challenger is
    judged by its own interval (Berger 1982).
    """
    return gain.falls_short(margin) or (gain.uninformed is not None and gain.uninformed.high <= 0)


def _figures(g: Gain, metric: Metric) -> str:
    """Format both values, and the difference with its interval as the metric measures it."""
    sign = 1 if metric.direction == "maximize" else -1
    low, high = sorted((sign * g.low, sign * g.high))
    return f"{_values(g)}, {difference_with_interval(sign * g.gain, low, high)}"


def _values(g: Gain) -> str:
    """Both values, on the rows that both variants answered."""
    return f"{number(g.value)} vs {number(g.against)}"


def _beats(g: Gain, metric: Metric, incumbent: str) -> str:
    return f"{g.variant} beats {incumbent} on {metric.name}: {_figures(g, metric)}"


def _guesses(g: Gain, metric: Metric, incumbent: str) -> str:
    """Describe a challenger that is not shown to beat an uninformed variant, whether or not it beats the incumbent."""
    assert g.uninformed is not None
    if g.gain <= 0:
        guess = f"{g.uninformed.description} ({number(g.uninformed.value)})"
        return f"{g.variant} has {metric.name} {number(g.value)}, below {guess}"
    return (
        f"{g.variant} has a better {metric.name} than {incumbent} ({_values(g)}), but is not "
        f"shown to beat {g.uninformed.description} ({number(g.uninformed.value)})"
    )


def _compared(g: Gain) -> str:
    low, high = (g.low, g.high) if g.alone is None else g.alone
    return f"{g.variant}, {_values(g)}, a gain of {difference_with_interval(g.gain, low, high)}"


def _detectable(gain: Gain, margin: float) -> str:
    """The minimum detectable gain of these test rows: margin plus the quantiles of the interval and of the power."""
    half = (gain.high - gain.low) / 2
    error = half / 1.96 if gain.standard_error is None else gain.standard_error
    least = margin + half + Z_OF_POWER * error
    return f"{gain.rows:,} test rows detect a gain of about {number(least)} or more ({POWER:.0%} power)."
