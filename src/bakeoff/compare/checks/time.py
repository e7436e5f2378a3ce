"""Checks of rows that follow each other in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.checks.losses import row_losses
from bakeoff.compare.units import Units

LEAST_ROWS, WORTH = 100, 0.8
"""Rows below which a correlation is not looked for, and the share of independent rows below which it matters."""


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
    worth = []
    for name in others:
        same = np.array_equal(evidence.tables[name].ids, evidence.tables[first].ids)
        if same and len(losses[name]) >= LEAST_ROWS and Units.from_table(evidence.tables[name]).are_rows:
            worth.append((effective_rows(losses[name] - losses[first]), name, len(losses[name])))
    if not worth or min(worth)[0] >= WORTH * min(worth)[2]:
        return []
    rows, name, n = min(worth)
    return [
        f"Test rows follow each other in time, and so do their errors: for {name} vs {first}, {n:,} rows are worth "
        f"about {round(rows):,}. Draw rows of one period together: data.group=COLUMN, such as the day or the week."
    ]


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
