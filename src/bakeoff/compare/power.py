"""Power: the smallest gain that some test rows detect, and the rows that a gain needs, with or without a pilot.

Normal approximation of a two-sided test (Cohen 1988): a true gain is detected with a power of 80 % where it exceeds the
threshold by the half-width of the interval and 0.84 standard errors more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from bakeoff.numbers import number, threshold

if TYPE_CHECKING:
    from bakeoff.compare.comparison import Comparison
    from bakeoff.metrics import Metric
    from bakeoff.task import Schema

POWER = 0.8
"""Probability with which the minimum detectable gain is found."""

Z_OF_POWER = NormalDist().inv_cdf(POWER)


DISCORDANT = 0.05, 0.2
"""Share of the rows on which two variants usually disagree, from alike ones to different ones: without a pilot."""

RELATIVE_NOISE = 0.35, 1.0
"""Standard deviation of the difference of two variants' errors on a row, in units of the mean error; the same."""


@dataclass(frozen=True)
class Pilot:
    """Noise of a gain, as known from an earlier comparison.

    Attributes:
        metric: name of the decision metric.
        rows: number of test rows.
        standard_error: of the gain of a challenger on these rows.
        confidence: of each challenger's interval.
        margin: the minimum meaningful gain; 0 if unknown.
    """

    metric: str
    rows: int
    standard_error: float
    confidence: float
    margin: float

    @property
    def detectable(self) -> float:
        """The minimum detectable gain of these rows."""
        return self.margin + self._quantiles * self.standard_error

    def rows_for(self, gain: float) -> int | None:
        """Number of test rows that detect a gain with that power; None for one that is not above the margin."""
        if gain <= self.margin:
            return None
        return math.ceil(self.rows * (self._quantiles * self.standard_error / (gain - self.margin)) ** 2)

    @property
    def _quantiles(self) -> float:
        return NormalDist().inv_cdf((1 + self.confidence) / 2) + Z_OF_POWER


def pilots(comparison: Comparison) -> list[Pilot]:
    """One for each challenger of a comparison whose gain has an interval."""
    margin = comparison.smallest_difference if math.isfinite(comparison.smallest_difference) else 0.0
    looks = comparison.looks
    confidence = max(comparison.joint_confidence, looks.confidence(looks.number) if looks.is_held else 0.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    return [
        Pilot(d.metric, d.rows, (d.high - d.low) / 2 / z, confidence, margin)
        for d in comparison.differences
        if d.metric == comparison.metric and math.isfinite(d.high - d.low) and d.high > d.low
    ]


def describe(comparison: Comparison) -> list[str]:
    """Describe the gains that the test rows of an earlier comparison detect, in sentences; empty without a challenger.

    Challengers differ in how often they disagree with the incumbent, and so in their noise: figures are a range from
    the least noisy challenger to the noisiest.
    """
    known = pilots(comparison)
    if not known:
        return []
    least = sorted(pilot.detectable for pilot in known)
    gain = max(2 * known[0].margin, float(f"{least[0] / 2:.1g}"))
    needed = sorted(n for pilot in known if (n := pilot.rows_for(gain)) is not None)
    rows = sorted({pilot.rows for pilot in known})
    tested, detected = _range([f"{n:,}" for n in rows]), _range([number(value) for value in least])
    more = _range([f"{_rounded(n):,}" for n in needed])
    return [
        f"{tested} test rows detect a gain in {comparison.metric} of about {detected} or more ({POWER:.0%} power); "
        f"a gain of {threshold(gain)} needs about {more} rows."
    ]


def assume(
    metric: Metric,
    schema: Schema,
    rows: int,
    units: int,
    positives: float,
    challengers: int,
    confidence: float = 0.95,
    declared: str | None = None,
) -> str:
    """Describe the gain that test rows detect before anything has run, under an assumption that is stated.

    Args:
        metric: the decision metric.
        schema: schema of the task.
        rows: number of test rows.
        units: number of units of resampling among them.
        positives: share of rows of the positive class; 1 without one.
        challengers: number of challengers.
        confidence: with which all intervals hold.
        declared: the declared minimum meaningful difference; None: the metric's own.

    Returns:
        A sentence; empty for metrics for which nothing can be assumed.
    """
    confidence = 1 - (1 - confidence) / max(1, challengers)
    least = str(declared or metric.margin).strip()
    relative = least.endswith("%")
    if relative != metric.margin.endswith("%"):
        return ""  # the noise is assumed in the unit of the usual margin
    if not relative and metric.greatest is None:
        return ""
    margin = float(least.rstrip("%")) / (100 if relative else 1)
    counted = positives if metric.is_of_positive else 1.0
    # Rows of one group may say as much as one row: the noisier end of the range takes that to be so.
    noise = RELATIVE_NOISE if relative else tuple(share**0.5 for share in DISCORDANT)
    known = [
        Pilot(metric.name, rows, spread / max(1.0, n * counted) ** 0.5, confidence, margin)
        for spread, n in zip(noise, (rows, units), strict=True)
    ]
    gain = 2 * margin
    needed = _range([f"{_rounded(n):,}" for pilot in known if (n := pilot.rows_for(gain)) is not None])
    scale = 100 if relative else 1
    least = _range([f"{number(scale * pilot.detectable)}{'%' if relative else ''}" for pilot in known])
    wanted = f"{threshold(scale * gain)}{'%' if relative else ''}"
    where = f" of {schema.positive}" if metric.is_of_positive and schema.positive is not None else ""
    assumed = (
        "if errors differ from row to row as they usually do"
        if relative
        else f"if two variants disagree on {DISCORDANT[0]:.0%} to {DISCORDANT[1]:.0%} of the rows{where}"
    )
    of_units = "" if units == rows else f" in {units:,} units"
    return (
        f"{rows:,} test rows{of_units} detect a gain in {metric.name} of about {least} or more ({POWER:.0%} power), "
        f"{assumed}; a gain of {wanted} needs about {needed} rows."
    )


def _range(values: list[str]) -> str:
    """The first and the last, or the only one."""
    return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


def _rounded(rows: int) -> int:
    """Two significant digits: more would pretend to know the noise better than a pilot does."""
    digits = max(0, len(str(rows)) - 2)
    return int(math.ceil(rows / 10**digits) * 10**digits)
