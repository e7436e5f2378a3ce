"""Interval of each metric by the method whose coverage holds for it: the one place where that is chosen.

| metric | interval |
|---|---|
| of labels of a classification | Dirichlet on the joint table (``outcomes``) |
| mean of rows that are 0 or 1 | the same |
| other means, ratios, roots of sums; ROC AUC, average precision | Student's t of the jackknife (``jackknife``) |
| calibration error | noncentral chi-squared distribution of the squared gaps (``calibration_error``) |
| the same where every row contributes alike (AUC 1 and 0.5; equal answers) | Jeffreys' bound on the share of others |
| the rest: quantiles, labels of several per row, functions of the whole table | percentile, expanded for few units |

``tests/compare/test_coverage.py`` (slow) measures the coverage of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare import jackknife, outcomes
from bakeoff.compare.calibration_error import Apart, CalibrationError
from bakeoff.compare.outcomes import Outcomes
from bakeoff.compare.units import Units
from bakeoff.metrics import FromLabels, FromRanks, FromSums, Metric
from bakeoff.metrics.calibration import FromGaps
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

Floats = NDArray[np.float64]

ROUNDING, ROUNDING_OF_ROWS = 1e-12, 1e-6
"""Relative size up to which a standard error is 0, and distance from 0 or 1 up to which a row is 0 or 1."""

LEAST_EVIDENCE = 5
"""Rows below which there is no interval: of a metric of one class, rows of the rarer class."""

LEAST_IN_TAIL = 2
"""Draws beyond a quantile below which the quantile is extrapolated."""

LEAST_DISTINCT = 10
"""Distinct bootstrap values below which a percentile interval is refused."""


class Uncertainty(Protocol):
    """Uncertainty of a value, or of a difference of two."""

    @property
    def standard_error(self) -> float:
        """Standard error of the value; NaN if unknown."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Lower and upper bound with that confidence; NaN, NaN where the rows say nothing about it."""


@dataclass(frozen=True)
class Drawn:
    """Uncertainty from draws of the value.

    Attributes:
        value: the value, which every interval includes.
        draws: draws of it, sorted, without NaN.
        freedom: degrees of freedom for which the quantiles are moved outwards as Student's t is wider than the normal
            (Hesterberg 2015); None: not at all.
        is_difference: whether it is a difference; a value by itself is never extrapolated beyond its draws, since a
            share cannot be below 0.
    """

    value: float
    draws: Floats
    freedom: int | None = None
    is_difference: bool = True

    @property
    def standard_error(self) -> float:
        """Standard deviation of the draws."""
        return float(self.draws.std())

    def interval(self, confidence: float) -> tuple[float, float]:
        """Quantiles of the draws."""
        tail = (1 - confidence) / 2
        if self.freedom is not None:
            from scipy.stats import norm, t

            n = self.freedom + 1
            tail = float(norm.cdf(np.sqrt(n / (n - 1)) * t.ppf(tail, self.freedom)))
        low, high = self._quantiles(tail)
        if not self.is_difference:
            low, high = max(low, float(self.draws[0])), min(high, float(self.draws[-1]))
        return min(float(low), self.value), max(float(high), self.value)

    def _quantiles(self, tail: float) -> tuple[float, float]:
        """Lower and upper quantile; beyond what the draws can show, extrapolated as those of a normal distribution."""
        if tail * len(self.draws) >= LEAST_IN_TAIL:
            low, high = np.quantile(self.draws, [tail, 1 - tail])
            return float(low), float(high)
        from scipy.stats import norm

        shown = min(0.025, max(0.005, 20 / len(self.draws)))
        low, middle, high = np.quantile(self.draws, [shown, 0.5, 1 - shown])
        further = norm.ppf(tail) / norm.ppf(shown)
        return float(middle + (low - middle) * further), float(middle + (high - middle) * further)


@dataclass(frozen=True)
class Uniform:
    """Uncertainty of a value, or a difference, to which every row contributes alike: a flawless ranking, for example.

    Rows of another sort may exist, which these did not happen to show. Their share has the upper bound of Jeffreys
    (Brown, Cai & DasGupta 2001) after none among ``rows``, and each of them may lose as much as a row can gain.

    Attributes:
        value: the value, or the difference.
        rows: number of rows, or units, that it rests on.
        scale: change of the value if all rows were of the other sort.
    """

    value: float
    rows: int
    scale: float

    @property
    def standard_error(self) -> float:
        """Standard deviation of the share of other rows, in units of the value."""
        a, b = 0.5, self.rows + 0.5
        return self.scale * float(np.sqrt(a * b / (a + b + 1)) / (a + b))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds with that confidence."""
        from scipy.stats import beta

        reach = self.scale * float(beta.ppf((1 + confidence) / 2, 0.5, self.rows + 0.5))
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class Unknown:
    """Uncertainty of a value about which the rows say nothing.

    Attributes:
        value: the value, if there is one.
        reason: why there is no interval, as a clause.
    """

    value: float
    reason: str
    standard_error: float = float("nan")

    def interval(self, confidence: float) -> tuple[float, float]:
        """No bounds."""
        return float("nan"), float("nan")


@dataclass(frozen=True)
class Side:
    """A metric of a table: one side of a difference, or a value by itself.

    Attributes:
        metric: the metric.
        table: n rows.
        value: value of the metric.
        share: share of it that is subtracted from the first side: 0.99 for a margin of 1 % of an error.
    """

    metric: Metric
    table: PredictionTable
    value: float
    share: float = 1.0


def uncertainty(sides: Sequence[Side], draws: Floats, joint: Outcomes | None = None) -> Uncertainty:
    """Uncertainty of a value, or of the difference of the first side from the second.

    Args:
        sides: one, or two with tables of the same rows in the same order.
        draws: bootstrap values by unit, of the value or of the difference, shape (resamples,); of a share of the
            second side, as it says.
        joint: the joint table of these sides, where it is known; shared between metrics, so are its draws.
    """
    first, *others = sides
    share = others[0].share if others else 1.0
    value = first.value - share * sum(side.value for side in others)
    if first.metric.no_interval:
        return Unknown(value, first.metric.no_interval)
    draws = np.sort(draws[~np.isnan(draws)])
    if not np.isfinite(value) or not len(draws):
        return Unknown(value, "it is not defined on these rows")
    evidence = min(side.metric.evidence(side.table) for side in sides)
    if evidence < LEAST_EVIDENCE:
        return Unknown(value, f"it rests on {evidence} {'row' if evidence == 1 else 'rows'}")
    units = Units.from_table(first.table)
    if units.count < 2:
        return Unknown(value, f"all its rows are of one {units.kind}")
    freedom = max(1, min(units.count, evidence) - 1)
    metrics, tables = [side.metric for side in sides], [side.table for side in sides]
    if all(_has_outcomes(metric, first.table) for metric in metrics):
        joint = joint or Outcomes.from_tables(tables)
        of_rows = partial(joint.draw, metrics, len(draws), with_prior=False, share=share)
        effect = units.effect(draws, of_rows)
        freedom = min(freedom, _rows_of_a_class(first) - 1)
        is_exact = units.are_rows and freedom >= units.count - 1
        drawn = np.sort(joint.draw(metrics, len(draws), effect, share=share))
        if drawn[-1] - drawn[0] <= ROUNDING and others:
            return _uniform(sides, value, max(1, freedom) + 1)
        return Drawn(value, drawn, None if is_exact else max(1, freedom), bool(others))
    if isinstance(first.metric.resample, FromGaps):
        return _of_calibration(sides, units, value)
    moved = [
        influences
        for side in sides
        if (influences := jackknife.influences(side.metric, side.table, units.codes)) is not None
    ]
    if len(moved) == len(sides):
        rows = [zeros_and_ones for side in sides if (zeros_and_ones := _binary_rows(side)) is not None]
        if len(rows) == len(sides):
            effect = units.effect(draws, lambda: outcomes.draw_means(rows, len(draws), with_prior=False, share=share))
            drawn = outcomes.draw_means(rows, len(draws), effect, share=share)
            return Drawn(value, np.sort(drawn), None if units.are_rows else freedom, bool(others))
        student = jackknife.student(
            value, moved[0] - share * sum(moved[1:]), freedom, "identity" if others else _scale(first)
        )
        is_uniform = student.standard_error <= ROUNDING * max(1.0, abs(value))
        return _uniform(sides, value, freedom + 1, (len(moved[0]) - 1) * moved[0]) if is_uniform else student
    if draws[0] == draws[-1] and (not value or all(isinstance(metric.resample, FromLabels) for metric in metrics)):
        return _uniform(sides, value, min(freedom + 1, _rows_of_a_class(first)))
    if len(np.unique(draws)) < LEAST_DISTINCT:
        return Unknown(value, f"its resamples have fewer than {LEAST_DISTINCT} distinct values")
    return Drawn(value, draws, freedom, bool(others))


def _of_calibration(sides: Sequence[Side], units: Units, value: float) -> Uncertainty:
    """Uncertainty of a calibration error, or of the difference of two."""
    errors = []
    for side in sides:
        assert isinstance(side.metric.resample, FromGaps)
        error = CalibrationError.from_gaps(side.value, *side.metric.resample.gaps(side.table), units)
        if error is None:
            return Unknown(value, "no two rows have the same confidence")
        errors.append(error)
    first, *others = errors
    return Apart(first, others[0], sides[1].share) if others else first


def needs_draws(metric: Metric, table: PredictionTable) -> bool:
    """Return whether the interval of a metric is computed from bootstrap values."""
    return not (_has_outcomes(metric, table) and Units.from_table(table).are_rows)


def _has_outcomes(metric: Metric, table: PredictionTable) -> bool:
    """Return whether the interval of a metric is computed from the joint table of labels."""
    return metric.is_of_labels and kinds.get(table.schema.kind).has_one_label


def effective_rows(side: Side, draws: Floats) -> float | None:
    """Number of independent rows that the rows of a table are worth for a metric: rows by design effect (Kish 1965).

    Args:
        side: the metric and its table.
        draws: bootstrap values by unit, shape (resamples,).

    Returns:
        None where the metric is neither of labels nor made of sums or ranks, or its values do not vary.
    """
    units, n = Units.from_table(side.table), len(side.table)
    if units.are_rows:
        return float(n)
    known = draws[~np.isnan(draws)]
    if _has_outcomes(side.metric, side.table):
        joint = Outcomes.from_tables([side.table])
        effect = units.effect(known, partial(joint.draw, [side.metric], len(known), with_prior=False))
        return n / effect if len(known) and known.var() > 0 else None
    by_row, by_unit = (
        jackknife.influences(side.metric, side.table, codes) for codes in (np.arange(n, dtype=np.intp), units.codes)
    )
    if by_row is None or by_unit is None or not by_row.var() > 0:
        return None
    errors = [jackknife.student(side.value, moved, 1).standard_error for moved in (by_row, by_unit)]
    return n * min(1.0, (errors[0] / errors[1]) ** 2) if errors[1] > 0 else None


def _uniform(sides: Sequence[Side], value: float, rows: int, moved: Floats | None = None) -> Uncertainty:
    """Uncertainty where every row contributes alike; unknown for a value of 0 that tells no scale.

    Two variants that agree on every row may differ on others. A share has a range, which is the most that such a row
    changes. For an error or an amount of money without bounds it is taken to be as much as the value itself, or as the
    standard deviation of one unit where that is more: two models that differ hardly do so by more (``power`` assumes
    the same).

    Args:
        sides: as given to ``uncertainty``.
        value: the value, or the difference.
        rows: number of rows, or units, that it rests on.
        moved: contribution of each unit to the first side, shape (g,); None if unknown.
    """
    first, *others = sides
    scale = max(abs(value), first.metric.greatest or 0.0)
    if not scale and others:
        scale = max(abs(first.value), 0.0 if moved is None else float(moved.std()))
    if not scale or (not value and not others):
        return Unknown(value, "every test row gives the same difference" if others else "every error is 0")
    return Uniform(value, rows, scale)


def _rows_of_a_class(side: Side) -> int:
    """Number of rows that the mean over several classes rests on, for each; all rows for other metrics."""
    n, classes = len(side.table), len(side.table.schema.classes)
    return n // classes if isinstance(side.metric.resample, FromLabels) and classes > 2 else n


def _scale(side: Side) -> jackknife.Scale:
    """The scale on which the interval of a value is symmetric."""
    if isinstance(side.metric.resample, FromRanks):
        return "logit"
    return "log" if side.metric.direction == "minimize" else "identity"


def _binary_rows(side: Side) -> NDArray[np.bool_] | None:
    """Contribution of each row to a share, a mean of zeros and ones, shape (n,); None for any other metric.

    A mean that happens to be near 0, as a price or an error may be, is no share. The pseudo-values of the jackknife are
    the rows themselves where, and only where, the metric is their mean.
    """
    n = len(side.table)
    if not isinstance(side.metric.resample, FromSums) or side.metric.greatest != 1.0 or n < 2:
        return None
    moved = jackknife.influences(side.metric, side.table, np.arange(n))
    if moved is None:
        return None
    rows = side.value + (n - 1) * moved
    is_binary = np.isclose(rows, 0, atol=ROUNDING_OF_ROWS) | np.isclose(rows, 1, atol=ROUNDING_OF_ROWS)
    return np.asarray(rows > 0.5) if is_binary.all() else None
