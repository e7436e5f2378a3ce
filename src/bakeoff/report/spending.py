"""Blocks on monthly costs: a table with the break-even volumes, and the curves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bakeoff.compare.breakeven import BreakEven, Spending, break_even
from bakeoff.report.blocks import Column, Table, Text, Value
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart

POINTS = 21
"""Points of a curve."""
DEFAULT_VOLUME = 100_000.0
"""Predictions a month at the middle of the curves, where no break-even and no volume is known."""


def blocks(
    spendings: Sequence[Spending], reference: str, notes: Sequence[str] = (), volume: float | None = None
) -> list[Block]:
    """A table of monthly costs with the volume from which each variant is cheaper than the reference, and the curves.

    Args:
        spendings: monthly costs of the variants.
        reference: name of the variant that the others are compared with.
        notes: sentences on variants that are left out.
        volume: predictions a month of the business; None: unknown.
    """
    base = next((spending for spending in spendings if spending.variant == reference), None)
    lines = list(notes)
    if base is None or len(spendings) < 2:
        return [Text(tuple(lines), title="Break-even")] if lines else []
    crossings: list[float] = []
    rows: list[tuple[Value, ...]] = []
    for spending in spendings:
        if spending is base:
            words = "reference"
        else:
            try:
                found = break_even(base, spending)
            except ValueError as error:
                words = f"unknown: {error}"
            else:
                words = _in_words(found, spending.variant)
                crossings += [at for at in (found.first, found.last) if at is not None]
        rows.append(_row(spending, words, volume))
    columns = [
        Column("variant", "variant"),
        Column("per_1k", "$ per 1k besides machines", "price"),
        Column("machine", "$ per machine and month", "price"),
        Column("capacity", "predictions a month per machine", "count"),
        Column("prices_of", "token prices of"),
        *([Column("at_volume", f"$ a month at {volume:,.0f}", "price")] if volume is not None else []),
        Column("break_even", f"cheaper than {reference}"),
    ]
    table = Table(tuple(columns), tuple(rows), "Break-even: monthly cost by number of predictions")
    return [table, _curves(spendings, crossings, volume), *([Text(tuple(lines))] if lines else [])]


def _row(spending: Spending, words: str, volume: float | None) -> tuple[Value, ...]:
    machine: Value = spending.machine_usd if spending.is_rented else "seconds only"
    capacity: Value = spending.capacity if math.isfinite(spending.capacity) else "any"
    at_volume = () if volume is None else (float(spending.usd(volume)),)
    per_1k = 1000 * (spending.per_prediction if spending.is_rented else spending.slope)
    return (spending.variant, per_1k, machine, capacity, spending.prices_of or "no tokens", *at_volume, words)


def _in_words(found: BreakEven, variant: str) -> str:
    if found.cheaper_below is None and found.cheaper_above is None:
        return "costs the same"
    if found.first is None or found.last is None:
        return "always" if found.cheaper_above == variant else "never"
    first, last = f"{found.first:,.0f}", f"{found.last:,.0f}"
    if found.cheaper_above == variant:
        return f"from {last} a month" if first == last else f"from {last} a month; between {first} and {last} it varies"
    if found.cheaper_below == variant:
        return f"up to {first} a month" if first == last else f"up to {first} a month; varies up to {last}, then never"
    return f"between {first} and {last} a month"


def _curves(spendings: Sequence[Spending], crossings: Sequence[float], volume: float | None) -> Chart:
    middle = max([*crossings, *([volume] if volume is not None else [])], default=DEFAULT_VOLUME)
    x = np.linspace(0.0, 2 * middle, POINTS)
    series = {spending.variant: tuple(float(usd) for usd in spending.usd(x)) for spending in spendings}
    return Chart(
        "Cost of a month by number of predictions",
        tuple(float(value) for value in x),
        series,
        "predictions a month",
        "US dollars a month",
        begins_at_zero=True,
    )
