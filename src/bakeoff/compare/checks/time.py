"""Checks of rows that follow each other in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.checks.losses import row_losses
from bakeoff.compare.units import Units

LEAST_ROWS, WORTH, SPANS = 100, 0.8, 2
"""Rows below which a correlation is not looked for, the share of independent rows below which it matters, and how many
independent rows a block of time must hold to contain it."""


@check(
    "serial_dependence",
    "Are test rows that follow each other in time independent?",
    applies=lambda schema: schema.series is None,
)
def serial_dependence(evidence: Evidence) -> list[str]:
    """A promotion or an outage makes neighbouring rows hard together, so that they are worth fewer independent ones."""
    split = next((run.task.get("split") or {} for run in evidence.runs if run.task), {})
    if split.get("kind") != "time":
        return []
    losses = {name: loss for name, table in evidence.tables.items() if (loss := row_losses(table)) is not None}
    first, *others = losses or [""]
    findings = []
    for name in others:
        table = evidence.tables[name]
        if len(table) < LEAST_ROWS or not np.array_equal(table.ids, evidence.tables[first].ids):
            continue
        units, worth = Units.from_table(table), effective_rows(losses[name] - losses[first])
        # A block holds the dependence if it is longer than that reaches: rows for each independent one, twice.
        least = WORTH * len(table) if units.are_rows else SPANS * units.count
        if worth < least:
            findings.append((worth / least, _describe(name, first, len(table), worth, units)))
    return [min(findings)[1]] if findings else []


def _describe(name: str, first: str, n: int, worth: float, units: Units) -> str:
    drawn = "" if units.are_rows else f", about as few as the {units.count} blocks of time that intervals draw"
    return (
        f"Test rows follow each other in time, and so do their errors: for {name} vs {first}, {n:,} rows are worth "
        f"about {round(worth):,}{drawn}. Draw rows of one period together: data.group=COLUMN, such as the month, with "
        "data.split.kind=time."
    )


def effective_rows(values: NDArray[np.float64]) -> float:
    """Number of independent rows that a series of values is worth for its mean.

    Autocorrelations are added up in pairs while these are positive (Geyer 1992).
    """
    n, centred = len(values), values - values.mean()
    variance = float((centred**2).mean())
    if variance == 0:
        return float(n)
    correlations = [float((centred[:-lag] * centred[lag:]).sum()) / n / variance for lag in range(1, min(n // 4, 200))]
    if not correlations or correlations[0] < 3 / np.sqrt(n):  # within the noise of independent rows
        return float(n)
    total = 1.0 + 2 * correlations[0]
    for odd, even in zip(correlations[1::2], correlations[2::2], strict=False):
        if odd + even <= 0:
            break
        total += 2 * (odd + even)
    return n / max(1.0, total)
