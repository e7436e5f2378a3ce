"""Interval of a calibration error, which chance makes larger: no percentile and no jackknife holds near 0.

The squared gaps of the bins, weighted by their rows, are distributed as a multiple of a noncentral chi-squared
variable, whose noncentrality is the squared error. Bounds are the errors under which what was seen lies in a tail (Sun,
Song & Hero 2024 treat the same two cases, calibrated and not, by normal approximations).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.units import Units
from bakeoff.metrics.calibration import BINS

Floats = NDArray[np.float64]

MOST_CURVATURE = 1.0
"""Most variance of a row's gap: that of a share is at most 0.25, in four places of the formula."""

PRIOR_ROWS = 4
"""Rows that are added to those of a bin, half of them right (Agresti & Coull 1998): one that is nearly always right, or
nearly always wrong, happens to show too little variance when it matters most."""

LARGE_SUM = 1e5
"""Multiple of the scale above which SciPy's noncentral chi-squared distribution is NaN."""


@dataclass(frozen=True)
class CalibrationError:
    """Uncertainty of a calibration error.

    Attributes:
        value: the error, less what chance adds.
        squares: weighted squared gaps of the bins, with what chance adds.
        by_chance: what chance adds to them, or may: more than was subtracted for the value where bins show few errors.
        expected: sum of the squares to be expected under the error that was seen.
        scale: multiple of the chi-squared variable.
    """

    value: float
    squares: float
    by_chance: float
    expected: float
    scale: float

    @classmethod
    def from_gaps(cls, value: float, bins: NDArray[np.intp], gaps: Floats, units: Units) -> CalibrationError | None:
        """Sum up the gaps by bin; None where no bin has two units.

        Args:
            value: value of the metric.
            bins: bin of each row, shape (n,).
            gaps: whether each row is right less its confidence, shape (n,).
            units: units of resampling of the rows.
        """
        from scipy.stats import t

        n = len(gaps)
        rows = np.bincount(bins, minlength=BINS)
        mean = np.bincount(bins, gaps, BINS) / np.maximum(rows, 1)
        left = gaps - mean[bins]
        cells = np.unique(units.codes * BINS + bins)
        in_bin = rows if units.are_rows else np.bincount(cells % BINS, minlength=BINS)
        known = in_bin > 1
        if not known.any():
            return None
        mean, share = mean[known], rows[known] / n
        grown = np.sqrt(in_bin[known] / (in_bin[known] - 1)) / rows[known]
        of_rows = np.bincount(bins, left**2, BINS)[known]
        covariance, effect = np.diag(of_rows * grown**2), np.ones(len(mean))
        if not units.are_rows:
            sums = np.bincount(units.codes * BINS + bins, left, units.count * BINS).reshape(-1, BINS)[:, known]
            of_units = sums.T @ sums
            covariance = of_units * np.outer(grown, grown)
            most_effect = rows[known] / in_bin[known]
            effect = np.divide(np.diag(of_units), of_rows, where=of_rows > 0, out=most_effect.copy())
            effect = np.clip(effect, 1, np.maximum(1, most_effect))
        least = _least_variance(bins, gaps)[known] * effect / rows[known]
        squares = float((share * mean**2).sum())
        error_seen = max(0.0, squares - float(share @ np.diag(covariance)))
        np.fill_diagonal(covariance, np.maximum(np.diag(covariance), least))
        weighted = np.sqrt(share)[:, None] * covariance * np.sqrt(share)
        by_chance, spread = float(np.trace(weighted)), float((weighted**2).sum())
        of_error = squares - by_chance
        scale = spread / by_chance
        if of_error > 0:
            # Variance in the direction of the gaps, and of the shares of the bins, which vary as well.
            along = float((share * mean) @ covariance @ (share * mean)) - spread
            of_shares = max(0.0, float((share * mean**4).sum()) - squares**2) / (4 * n)
            most = float(np.linalg.eigvalsh(weighted)[-1]) + MOST_CURVATURE / n
            scale = max(scale, min((max(0.0, along) + of_shares) / of_error, most))
        wider = float(t.ppf(0.975, max(1, units.count - 1))) / 1.96
        return cls(value, squares, by_chance, by_chance + error_seen, scale * wider**2)

    @property
    def standard_error(self) -> float:
        """A quarter of the width of an interval of two standard errors to each side."""
        low, high = self.interval(0.9545)
        return (high - low) / 4

    def interval(self, confidence: float) -> tuple[float, float]:
        """Errors under which the squares that were seen are neither too small nor too large."""
        tail = (1 - confidence) / 2
        low = math.sqrt(self._noncentrality(self.squares / self.scale, 1 - tail) * self.scale)
        # A variance that is put too high must not make an error look small: the sum is never below its expectation.
        high = math.sqrt(self._noncentrality(max(self.squares, self.expected) / self.scale, tail) * self.scale)
        return min(low, self.value), min(1.0, max(high, self.value))

    def _noncentrality(self, x: float, probability: float) -> float:
        """The noncentrality with which a sum of at most x has that probability; 0 where it is less likely anyway."""
        from scipy.optimize import brentq
        from scipy.stats import chi2, ncx2, norm

        freedom = self.by_chance / self.scale
        if x > LARGE_SUM:  # a normal distribution of the same mean and variance is near
            return max(0.0, x - freedom - float(norm.ppf(probability)) * math.sqrt(2 * max(0.0, 2 * x - freedom)))
        if chi2.cdf(x, freedom) <= probability:
            return 0.0

        def excess(noncentrality: float) -> float:
            return float(ncx2.cdf(x, freedom, noncentrality)) - probability

        most = x + 50
        while excess(most) > 0:
            most *= 2
        return float(brentq(excess, 1e-12, most)) if excess(1e-12) > 0 else 0.0


def _least_variance(bins: NDArray[np.intp], gaps: Floats) -> Floats:
    """Variance of a row's gap in each bin, at least: of a share that is off 0 and 1, and of a calibrated model."""
    rows = np.bincount(bins, minlength=BINS)
    is_right = gaps >= 0
    right = np.bincount(bins, is_right, BINS)
    confidence = np.bincount(bins, is_right - gaps, BINS) / np.maximum(rows, 1)
    share = (right + PRIOR_ROWS / 2) / (rows + PRIOR_ROWS)
    return np.maximum(share * (1 - share), confidence * (1 - confidence))


@dataclass(frozen=True)
class Apart:
    """Uncertainty of a difference: the distances of both sides from their bounds, added up.

    In quadrature (MOVER, Zou & Donner 2008) they would have to be independent or to move alike. They are of the same
    rows: where one model is too sure and another is right, a lucky draw makes one error smaller and the other larger.

    Attributes:
        first, second: uncertainty of each side.
        share: share of the second that is subtracted.
    """

    first: CalibrationError
    second: CalibrationError
    share: float = 1.0

    @property
    def standard_error(self) -> float:
        """Of both together, at most."""
        return self.first.standard_error + self.share * self.second.standard_error

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds of the difference."""
        (a, b), (c, d) = self.first.interval(confidence), self.second.interval(confidence)
        one, other = self.first.value, self.second.value
        below, above = one - a + self.share * (d - other), b - one + self.share * (other - c)
        return one - self.share * other - below, one - self.share * other + above
