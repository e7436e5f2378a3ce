"""Power: the smallest gain that some test rows detect, and the rows that a gain needs.

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

POWER = 0.8
"""Probability with which the minimum detectable gain is found."""

Z_OF_POWER = NormalDist().inv_cdf(POWER)


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
    z = NormalDist().inv_cdf((1 + comparison.joint_confidence) / 2)
    return [
        Pilot(d.metric, d.rows, (d.high - d.low) / 2 / z, comparison.joint_confidence, margin)
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


def _range(values: list[str]) -> str:
    """The first and the last, or the only one."""
    return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


def _rounded(rows: int) -> int:
    """Two significant digits: more would pretend to know the noise better than a pilot does."""
    digits = max(0, len(str(rows)) - 2)
    return int(math.ceil(rows / 10**digits) * 10**digits)
