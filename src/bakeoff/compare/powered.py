"""Prediction-powered inference: means of human labels on some rows, made precise by a judge's grades on all rows.

PPI++ (Angelopoulos, Duchi & Zrnic 2023): the mean over the labelled rows, plus a weight times the difference of the
mean grade on the other rows and on the labelled ones. Whatever the judge's errors are, and however unlike they are for
two variants, the estimate is unbiased if the labelled rows are a random sample; the weight that minimises its variance
makes it at least as precise as the labels alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Powered:
    """A difference of two means of human labels, or one mean, with its uncertainty.

    Attributes:
        value, against: the two means; ``against`` is 0 for one mean.
        standard_error: of the difference.
        freedom: degrees of freedom: labelled units less one.
        weight: weight of the judge's grades, from 0 (useless) to 1.
        labelled: number of labelled rows.
    """

    value: float
    against: float
    standard_error: float
    freedom: int
    weight: float
    labelled: int

    def interval(self, confidence: float) -> tuple[float, float]:
        """Student's t interval of the difference."""
        from scipy.stats import t

        half = float(t.ppf((1 + confidence) / 2, self.freedom)) * self.standard_error
        return self.value - self.against - half, self.value - self.against + half


def difference(
    grades: tuple[Floats, Floats], labels: tuple[Floats, Floats], units: NDArray[np.intp] | None = None
) -> Powered:
    """The mean label of one variant less that of another, on rows that a judge graded for both.

    Args:
        grades: the judge's, for the variant and for the other, shape (n,) each; finite.
        labels: people's, shape (n,) each; NaN where there is none. Only rows labelled for both count.
        units: equal for rows that are not independent, shape (n,); None: each row is a unit.

    Raises:
        ValueError: fewer than two units are labelled for both.
    """
    judged, labelled = grades[0] - grades[1], labels[0] - labels[1]
    is_labelled = ~np.isnan(labelled)
    n, others = int(is_labelled.sum()), int((~is_labelled).sum())
    codes = np.arange(len(judged)) if units is None else units
    freedom = len(np.unique(codes[is_labelled])) - 1
    if freedom < 1:
        raise ValueError("fewer than two units are labelled for both")
    weight = _weight(judged, labelled[is_labelled], is_labelled)
    value, against = (
        float(
            y[is_labelled].mean() + weight * (_mean(j[~is_labelled]) - j[is_labelled].mean())
            if others
            else y[is_labelled].mean()
        )
        for y, j in zip(labels, grades, strict=True)
    )
    residual = labelled[is_labelled] - (weight * judged[is_labelled] if others else 0.0)
    moved = np.zeros(len(judged))
    moved[is_labelled] = (residual - residual.mean()) / n
    if others:
        moved[~is_labelled] = weight * (judged[~is_labelled] - judged[~is_labelled].mean()) / others
    of_units = np.bincount(np.unique(codes, return_inverse=True)[1], weights=moved)
    variance = float((of_units**2).sum()) * (freedom + 1) / freedom
    if np.isin(labelled[is_labelled], (-1.0, 0.0, 1.0)).all():
        # Two pseudo-rows, one for either variant (as Agresti & Min 2005): few labels may hide what they disagree on.
        variance += 2 / n**2
    return Powered(value, against, float(np.sqrt(variance)), freedom, weight, n)


def mean(grades: Floats, labels: Floats, units: NDArray[np.intp] | None = None) -> Powered:
    """The mean label of one variant; arguments and errors as of ``difference``."""
    none = np.zeros(len(grades))
    return difference((grades, none), (labels, none), units)


def _weight(judged: Floats, labelled: Floats, is_labelled: NDArray[np.bool_]) -> float:
    """The weight of least variance, from 0 to 1 (PPI++, section 6)."""
    n, others = len(labelled), int((~is_labelled).sum())
    spread = float(judged.var(ddof=1)) if len(judged) > 1 else 0.0
    if not others or n < 2 or spread == 0:
        return 0.0
    together = float(np.cov(labelled, judged[is_labelled], ddof=1)[0, 1])
    return min(1.0, max(0.0, together / ((1 + n / others) * spread)))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
