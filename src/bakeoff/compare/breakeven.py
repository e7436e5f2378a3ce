"""Break-even: the monthly number of predictions from which one variant is cheaper than another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff import cost
from bakeoff.compare import money
from bakeoff.config import components
from bakeoff.cost import TimeAndRequests
from bakeoff.record import Run
from bakeoff.task import PredictionTable

HOURS = 730.5
"""Hours of a month: 365.25 days by 24 hours by 1/12."""
MOST_PIECES = 100_000
"""Most pieces of a difference between rented machines that are looked at."""

Rented = Literal["local", "none"]
"""Which variants rent whole machines by the month: those that run locally, or none."""


@dataclass(frozen=True)
class Spending:
    """Monthly cost of a variant as a function of the number of predictions.

    Attributes:
        variant: its name.
        seconds: of a machine, for a prediction.
        per_prediction: price of its requests, its people and its share of search and fit, in US dollars.
        usd_per_hour: price of a machine.
        utilisation: greatest share of its time in which a machine predicts.
        is_rented: whether machines are rented whole, by the month; else only their busy seconds are paid.
        prices_of: date of the token prices, ISO; empty where no requests are paid.
        has_people: whether people decide some rows, at a price.
    """

    variant: str
    seconds: float
    per_prediction: float
    usd_per_hour: float
    utilisation: float = 1.0
    is_rented: bool = False
    prices_of: str = ""
    has_people: bool = False

    @property
    def capacity(self) -> float:
        """Predictions a month of one machine; infinite where none is rented."""
        busy = HOURS * 3600 * self.utilisation
        return busy / self.seconds if self.is_rented and self.seconds > 0 else math.inf

    @property
    def machine_usd(self) -> float:
        """Price of a rented machine a month; 0 where none is rented."""
        return HOURS * self.usd_per_hour if self.is_rented else 0.0

    @property
    def slope(self) -> float:
        """Cost of one more prediction where there are many."""
        if self.is_rented:
            return self.per_prediction + self.machine_usd / self.capacity
        return self.per_prediction + self.seconds * self.usd_per_hour / 3600 / self.utilisation

    def usd(self, volume: ArrayLike) -> NDArray[np.float64]:
        """Cost of a month with so many predictions, in US dollars."""
        n = np.asarray(volume, dtype=np.float64)
        if not self.is_rented:
            return n * self.slope
        machines = np.maximum(1.0, np.ceil(n / self.capacity - 1e-9))
        return n * self.per_prediction + machines * self.machine_usd


@dataclass(frozen=True)
class BreakEven:
    """Comparison of the monthly costs of two variants.

    Attributes:
        cheaper_below: name of the cheaper one for few predictions.
        cheaper_above: name of the cheaper one for many; None if they cost the same.
        first: volume from which the other is cheaper for the first time; None: never.
        last: volume from which it stays so; equal to ``first`` unless machines are rented in steps.
    """

    cheaper_below: str | None
    cheaper_above: str | None
    first: float | None
    last: float | None

    @property
    def is_never(self) -> bool:
        """True if the same variant is cheaper at every volume."""
        return self.first is None


def break_even(a: Spending, b: Spending) -> BreakEven:
    """Find where two monthly costs cross. Between the steps at which machines are added both are straight lines.

    Raises:
        ValueError: they lie so close that more than ``MOST_PIECES`` steps would have to be looked at.
    """
    tilt = a.slope - b.slope
    steps = [spending.capacity for spending in (a, b) if math.isfinite(spending.capacity)]
    bound = 2 * (a.machine_usd + b.machine_usd) / abs(tilt) if tilt else 0.0
    bound = max([bound, *(2 * step for step in steps), 1.0])
    if sum(bound / step for step in steps) > MOST_PIECES:
        raise ValueError("their costs per prediction are too close to tell")
    ends = [np.arange(1, math.floor(bound / step) + 1) * step for step in steps]
    knots = np.unique(np.concatenate([[0.0], *ends, [bound]]))
    # The difference just above a knot, and at the next: the piece between is straight.
    gap_at = b.usd(knots[1:]) - a.usd(knots[1:])
    inner = knots[:-1] + (knots[1:] - knots[:-1]) * 1e-6
    gap_above = b.usd(inner) - a.usd(inner)
    signs: list[tuple[float, float]] = []  # volume from which the sign of b - a holds
    for knot, start, end, left, right in zip(knots[:-1], inner, knots[1:], gap_above, gap_at, strict=True):
        signs.append((float(knot), float(np.sign(left))))
        if left * right < 0:
            signs.append((float(start + (end - start) * left / (left - right)), float(np.sign(right))))
    changes = [signs[0]]
    for volume, sign in signs[1:]:
        if sign not in (0.0, changes[-1][1]):
            changes.append((volume, sign))
    names = {1.0: a.variant, -1.0: b.variant}
    changes = [change for change in changes if change[1] != 0.0] or [(0.0, 0.0)]
    below, above = names.get(changes[0][1]), names.get(changes[-1][1])
    if len(changes) == 1 or below is None:
        return BreakEven(below, above, None, None)
    return BreakEven(below, above, changes[1][0], changes[-1][0])


def spendings(runs: Sequence[Run], rented: Rented = "local") -> tuple[list[Spending], list[str]]:
    """Monthly costs of finished runs by their cost models, and sentences on those whose cost is unknown.

    Args:
        runs: finished and priced, of one bake-off.
        rented: which variants rent whole machines. With a cost model of another class, no machine is known and the mean
            cost of a prediction is paid for each.
    """
    known: list[Spending] = []
    notes: list[str] = []
    for run in runs:
        table = money.priced(run, notes)
        if table.cost is None or not len(table.answered):
            notes.append(f"{run.variant}: without a price.")
            continue
        spending = _spending(run, table.answered, rented)
        if not math.isfinite(spending.slope):
            notes.append(f"{run.variant}: the price of its requests is unknown.")
            continue
        known.append(spending)
    return known, list(dict.fromkeys(notes))


def _spending(run: Run, table: PredictionTable, rented: Rented) -> Spending:
    paid = float(np.sum(table.predictions.usage.cost_usd))
    # Replayed requests were paid on an earlier day.
    day_of_requests = f"{'up to ' if 'replayed' in run.metrics else ''}{run.started[:10]}"
    prices_of = str((run.cost or {}).get("prices_of") or day_of_requests) if paid != 0 else ""
    model = components.instantiate(run.cost, "cost", "cost")
    if not isinstance(model, TimeAndRequests):
        assert table.cost is not None
        return Spending(run.variant, 0.0, float(np.mean(table.cost)), 0.0, prices_of=prices_of)
    throughput = float(run.metrics["throughput_rows_per_s"].value or math.nan)
    took = cost.run_seconds(run.seconds, run.search, throughput, run.details)
    expense = model.expense(table, took)
    seconds = float(np.mean(cost.machine_seconds(table, took.per_prediction)))
    others = float(np.mean(expense.learning + expense.requests + expense.people))
    is_rented = rented == "local" and run.card.get("hosting") != "api"
    return Spending(
        run.variant, seconds, others, model.usd_per_hour, model.utilisation, is_rented, prices_of,
        has_people=bool((expense.people > 0).any()),
    )  # fmt: skip
