"""Leave-one-unit-out values of metrics, and the intervals of Student's t that they give.

The jackknife of Quenouille and Tukey (Efron & Tibshirani 1993, chapter 11). Its variance is that of the metric's linear
part, so one formula serves means, ratios, roots, and ranks: for the area under the ROC curve it is that of DeLong,
DeLong & Clarke-Pearson (1988). Where units hold several rows (groups, blocks of time), a whole unit is left out: the
cluster jackknife, and for blocks the block jackknife of Künsch (1989).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics import FromRanks, FromSums, Metric
from bakeoff.metrics.ranking import leave_one_out, rankings
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]
Scale = Literal["identity", "log", "logit"]

LARGE = 300.0
"""Most of an exponent: an interval that wide says nothing anyway."""

LEAST_FREEDOM = 4.0
"""Least degrees of freedom for a long tail of errors: fewer widen the interval and hold no more often."""


@dataclass(frozen=True)
class StudentT:
    """A value whose interval is Student's t.

    Attributes:
        value: of the whole table.
        standard_error: of the value.
        freedom: degrees of freedom.
        scale: on which the interval is drawn: of the value itself, of its logarithm for errors, of its logit for
            areas (Pepe 2003), whose intervals then end at 0 and 1.
        shift: half-widths by which both bounds move away from the long tail of the errors, on the log scale.
    """

    value: float
    standard_error: float
    freedom: float
    scale: Scale = "identity"
    shift: float = 0.0

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds with that confidence."""
        from scipy.stats import t

        quantile = float(t.ppf((1 + confidence) / 2, self.freedom))
        half = quantile * self.standard_error
        x = self.value
        if self.scale == "log" and x > 0:
            relative = self.standard_error / x
            below, above = quantile - min(self.shift, quantile / 2), quantile + self.shift
            return x * math.exp(-min(below * relative, LARGE)), x * math.exp(min(above * relative, LARGE))
        if self.scale == "logit" and 0 < x < 1:
            odds, half = x / (1 - x), half / (x * (1 - x))
            low, high = odds * math.exp(-min(half, LARGE)), odds * math.exp(min(half, LARGE))
            return low / (1 + low), high / (1 + high)
        return x - half, x + half


def influences(metric: Metric, table: PredictionTable, units: NDArray[np.intp]) -> Floats | None:
    """Influence of each unit on the value: the whole value less the one without the unit, shape (g,).

    Args:
        metric: the metric; None is returned unless it is made of sums or of ranks.
        table: n rows.
        units: unit of each row, numbered from 0 without gaps, shape (n,).

    Returns:
        None also where the value is undefined without some unit.
    """
    resample = metric.resample
    if isinstance(resample, FromSums):
        columns = np.asarray(resample.columns(table), dtype=np.float64)
        whole = columns.sum(axis=0)
        of_units = columns
        if len(units) > units.max() + 1:
            of_units = np.stack([np.bincount(units, column) for column in columns.T], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = float(resample.combine(whole[None])[0]) - resample.combine(whole - of_units)
    elif isinstance(resample, FromRanks):
        # A unit of several rows moves the value by about the sum of what they move it by: exact to first order.
        without = leave_one_out(rankings(table), resample.statistic, len(table))
        if without is None:
            return None
        moved = np.bincount(units, resample.value(table) - without).astype(np.float64)
    else:
        return None
    return moved if np.isfinite(moved).all() else None


def student(value: float, moved: Floats, freedom: int, scale: Scale = "identity") -> StudentT:
    """Student's t from the influences of the units on a value.

    Args:
        value: the value, or a difference of values.
        moved: influences of the units, or their differences, shape (g,).
        freedom: degrees of freedom: the units less 1, or fewer where the value rests on few rows.
        scale: on which the interval is symmetric.
    """
    g = len(moved)
    variance = (g - 1) / g * float(((moved - moved.mean()) ** 2).sum())
    error = float(np.sqrt(variance))
    if scale == "log" and variance > 0:
        return StudentT(value, error, *_of_long_tail(moved, freedom))
    return StudentT(value, error, freedom, scale)


def _of_long_tail(moved: Floats, freedom: int) -> tuple[float, Scale, float]:
    """Degrees of freedom, scale and shift of a mean error, whose rows have a long tail.

    A variance that rests on few large errors is known badly: its degrees of freedom are n / (kurtosis - 1), half of
    those of Satterthwaite (1946), which measured coverage asks for. The bounds move up by half the correction for
    skewness of Cornish & Fisher (1938).
    """
    n, centred = len(moved), moved - moved.mean()
    spread = float((centred**2).mean())
    kurtosis, skewness = float((centred**4).mean()) / spread**2, float((centred**3).mean()) / spread**1.5
    shift = max(0.0, skewness) / (12 * math.sqrt(n)) * (1 + 2 * 1.96**2)
    known = max(LEAST_FREEDOM, n / max(kurtosis - 1, 1e-9))
    return min(float(freedom), known), "log", shift
