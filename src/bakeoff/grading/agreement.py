"""Agreement of graders, corrected for chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 10_000
PRIOR = 0.25
"""Rows that are added to each cell of the table of two graders: one row in all."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two graders who mark the same answers right or wrong.

    Attributes:
        n: number of answers.
        share: of them on which both agree; NaN if n is 0.
        kappa: Cohen's: 1 for full agreement, 0 for chance level; NaN if both always give the same single verdict.
        low, high: bounds of its 95 % interval; NaN where kappa is.
    """

    n: int
    share: float
    kappa: float
    low: float
    high: float


def measure(ours: NDArray[np.bool_], theirs: NDArray[np.bool_], seed: int = 0) -> Agreement:
    """The agreement of two columns of verdicts, shape (n,) each.

    The interval is that of kappa under a Dirichlet distribution of the four cells with a prior of one row. In
    simulation it covers the true kappa in at least 92 % of 600 sets at n = 20; a bootstrap of the rows in 33 to 92 %,
    because few disagreements are missing from most of its resamples.
    """
    if not len(ours):
        return Agreement(0, *[float("nan")] * 4)
    cells = np.bincount(2 * ours.astype(int) + theirs, minlength=4)
    drawn = np.random.default_rng(seed).dirichlet(cells + PRIOR, size=DRAWS)
    low, high = np.quantile(kappas(drawn), [0.025, 0.975])
    kappa = float(kappas(cells[None, :])[0])
    bounds = (min(float(low), kappa), max(float(high), kappa)) if np.isfinite(kappa) else (np.nan, np.nan)
    return Agreement(len(ours), float(np.mean(ours == theirs)), kappa, *bounds)


def kappas(cells: NDArray[np.integer] | Floats) -> Floats:
    """Cohen's kappa (1960) of tables of two columns of verdicts.

    Args:
        cells: counts or shares of both wrong, only the second right, only the first right, both right: shape (B, 4).

    Returns:
        Shape (B,), NaN where both always give the same single verdict.
    """
    shares = cells / cells.sum(axis=1, keepdims=True)
    observed = shares[:, 0] + shares[:, 3]
    first, second = shares[:, 2] + shares[:, 3], shares[:, 1] + shares[:, 3]
    chance = first * second + (1 - first) * (1 - second)
    is_constant = (cells[:, [0, 3]] == cells.sum(axis=1, keepdims=True)).any(axis=1)
    undefined = np.full(len(cells), np.nan)
    return np.asarray(np.divide(observed - chance, 1 - chance, out=undefined, where=~is_constant & (chance < 1)))


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha of any number of graders.

    Attributes:
        answers: number of answers with two grades or more.
        value: 1 for full agreement, 0 for chance level; NaN where it is not defined.
        low, high: bounds of its 95 % interval; NaN where it has none.
    """

    answers: int
    value: float
    low: float
    high: float


def krippendorff(grades: Floats) -> Alpha:
    """Krippendorff's alpha (2011) for grades on a scale with distances; grades may be missing.

    For grades of 0 and 1 it is the nominal alpha. The interval is Student's t of the jackknife over answers, on the
    scale of Fisher's z.

    Args:
        grades: shape (answers, graders), NaN for a missing grade.
    """
    grades = grades[(~np.isnan(grades)).sum(axis=1) >= 2]
    value = _alpha(grades)
    n = len(grades)
    left_out = np.array([_alpha(np.delete(grades, i, axis=0)) for i in range(n)]) if n > 2 else np.empty(0)
    if not np.isfinite(value) or value >= 1 or not len(left_out) or not np.isfinite(left_out).all():
        return Alpha(n, value, float("nan"), float("nan"))
    from scipy.stats import t

    z = np.arctanh(np.clip(left_out, -0.999999, 0.999999))
    error = float(np.sqrt((n - 1) / n * ((z - z.mean()) ** 2).sum()))
    half = float(t.ppf(0.975, n - 1)) * error
    middle = float(np.arctanh(np.clip(value, -0.999999, 0.999999)))
    return Alpha(n, value, float(np.tanh(middle - half)), float(np.tanh(middle + half)))


def _alpha(grades: Floats) -> float:
    """1 less observed over expected disagreement, of squared differences."""
    counts = (~np.isnan(grades)).sum(axis=1)
    n = int(counts.sum())
    if n < 2:
        return float("nan")
    sums, squares = np.nansum(grades, axis=1), np.nansum(grades**2, axis=1)
    observed = float((2 * (counts * squares - sums**2) / (counts - 1)).sum()) / n
    expected = 2 * (n * float(squares.sum()) - float(sums.sum()) ** 2) / (n * (n - 1))
    return 1 - observed / expected if expected > 0 else float("nan")
