"""Vetoes: variants that may not be shipped, by their card or by a bound on a metric, whatever the statistics say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import capacity, metrics
from bakeoff.capacity import Capacity
from bakeoff.compare.units import Units, effect_on_mean
from bakeoff.config import cards
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.metrics import Metric
from bakeoff.metrics.bounds import read_bounds
from bakeoff.numbers import number
from bakeoff.predictions import OK
from bakeoff.record import Run, Score
from bakeoff.task import PredictionTable

CARD = ("family", "licence", *cards.ORDERED)
"""Keys of a card that may be required."""
CONFIDENCE = 0.95
"""Of the interval that must lie above a capacity."""


def check(required: Mapping[str, Any] | None) -> None:
    """Raise ``ConfigError`` for a requirement that is neither a key of a card nor a bound on a metric."""
    for key, wanted in (required or {}).items():
        if key in CARD:
            cards.check_required(str(key), wanted)
            continue
        names = [*metrics.names(), *metrics.MEASUREMENTS]
        if key not in names:
            raise ConfigError(
                f"decision.require.{key}: there is no such requirement. Keys of cards: {', '.join(CARD)}; or a metric "
                f'with a bound such as "<= 200".{did_you_mean(str(key), [*CARD, *names])}'
            )
        read_bounds({key: wanted}, "decision.require")


def find(
    runs: Sequence[Run],
    scores: Mapping[str, Mapping[str, Score]],
    required: Mapping[str, Any] | None,
    tables: Mapping[str, PredictionTable] | None = None,
) -> dict[str, str]:
    """Name of each variant that may not be shipped → why, as a clause with the variant as its subject.

    Args:
        runs: finished runs.
        scores: of each variant, by metric.
        required: ``decision.require``. What a card does not state, and a metric that is not known, is not met.
        tables: predictions of each variant, which may exceed the capacity of its business model.
    """
    check(required)
    found: dict[str, list[str]] = {}
    for run in runs:
        for key, wanted in (required or {}).items():
            if key in CARD:
                reason = _of_card(key, wanted, run.card)
            else:
                known = scores.get(run.variant, {}).get(key) or run.metrics.get(key)
                reason = _of_metric(key, wanted, None if known is None else known.value)
            if reason:
                found.setdefault(run.variant, []).append(reason)
        if (table := (tables or {}).get(run.variant)) is not None:
            limit = capacity.of_business(run.business, table.schema)
            if limit is not None and (reason := excess(limit, table)):
                found.setdefault(run.variant, []).append(reason)
    return {name: f"{name} may not be shipped: {'; '.join(reasons)}" for name, reasons in found.items()}


def describe(
    vetoed: Mapping[str, str], metric: Metric, scores: Mapping[str, Mapping[str, Score]], named: str | None
) -> list[str]:
    """Sentences on the variants that may not be shipped, first those that are better than the one that is named."""

    def value(name: str | None) -> float | None:
        score = scores.get(name or "", {}).get(metric.name)
        return None if score is None else score.value

    sign, best = (1 if metric.direction == "maximize" else -1), value(named)
    sentences = []
    for name, clause in vetoed.items():
        mine = value(name)
        is_better = mine is not None and best is not None and sign * mine > sign * best
        if is_better and mine is not None and best is not None:
            clause = f"{clause}, although its {metric.name} is better ({number(mine)} vs {number(best)})"
        sentences.append((not is_better, f"{clause}{key(clause)}."))
    return [sentence for _, sentence in sorted(sentences, key=lambda pair: pair[0])]


def key(clause: str) -> str:
    """The key that a reason is about, in brackets; empty where the reason names its own."""
    return "" if capacity.KEY in clause else " (decision.require)"


def excess(limit: Capacity, table: PredictionTable) -> str:
    """Say in a clause that more rows are predicted positive than a capacity allows; empty where that may be chance.

    A threshold that keeps it on validation rows exceeds it on every other sample of test rows by chance: only where
    the whole interval of the share lies above does it count (Wilson 1927). The rows of one group or block of time
    count as many independent ones as their variance is worth (Kish 1965), with as many degrees of freedom as there are
    units. Rows without an answer say nothing of the share.
    """
    answered = table.take(table.predictions.status == OK)
    if not len(answered):
        return ""
    is_positive = answered.predictions.output == answered.schema.positive
    share = float(is_positive.mean())
    if _least_share(is_positive.astype(float), Units.from_table(answered)) <= limit.share:
        return ""
    return (
        f'it predicts "{answered.schema.positive}" for {share:.1%} of the rows, more than the {limit.share:.2%} of '
        f"{capacity.KEY}={limit.text}"
    )


def _least_share(values: NDArray[np.float64], units: Units) -> float:
    """Lower end of the interval of a share of 0 and 1, shape (n,), whose rows may come in units."""
    from scipy.stats import norm, t

    n, share, quantile = float(len(values)), float(values.mean()), float(norm.ppf(0.5 + CONFIDENCE / 2))
    if not units.are_rows:
        if units.count < 2:
            return 0.0
        quantile = float(t.ppf(0.5 + CONFIDENCE / 2, units.count - 1))
        effect = effect_on_mean(values, units.codes, units.count)
        n = units.count if isnan(effect) else n / max(1.0, effect)
    middle, half = share + quantile**2 / (2 * n), quantile * sqrt(share * (1 - share) / n + quantile**2 / (4 * n**2))
    return (middle - half) / (1 + quantile**2 / n)


def _of_card(key: str, wanted: Any, card: Mapping[str, Any]) -> str:
    allowed = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    stated = card.get(key)
    if key == "commercial_use":
        allowed = [{True: "yes", False: "no"}.get(one, one) for one in allowed]  # as YAML reads them
        stated = stated or cards.commercial_use(str(card.get("licence") or cards.NOT_STATED))
    if stated is None:
        return f"its card states no {key}"
    if key == "licence":
        wrong: list[Any] = cards.refused_licences(str(stated), allowed)
    else:
        wrong = [] if str(stated).lower() in {str(one).lower() for one in allowed} else [stated]
    return f"its {key} is {wrong[0]}, not {' or '.join(map(str, allowed))}" if wrong else ""


def _of_metric(name: str, wanted: Any, value: float | None) -> str:
    (bound,) = read_bounds({name: str(wanted)}, "decision.require")
    if value is None:
        return f"its {name} is not known"
    return f"its {name} is {number(value)}, not {str(bound).partition(' ')[2]}" if bound.violation(value) > 0 else ""
