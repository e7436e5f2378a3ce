"""Agreement of two graders, corrected for chance."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000


@dataclass(frozen=True)
class Agreement:
    """Agreement of two graders who mark the same answers right or wrong.

    Attributes:
        n: number of answers.
        share: of them on which both agree; NaN if n is 0.
        kappa: Cohen's: 1 for full agreement, 0 for chance level; NaN if both always give the same single verdict.
        low, high: bounds of its 95 % bootstrap interval (percentiles), over the resamples that define it.
    """

    n: int
    share: float
    kappa: float
    low: float
    high: float


def measure(ours: NDArray[np.bool_], theirs: NDArray[np.bool_], seed: int = 0) -> Agreement:
    """The agreement of two columns of verdicts, shape (n,) each."""
    from sklearn.metrics import cohen_kappa_score

    if not len(ours):
        return Agreement(0, *[float("nan")] * 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where it is undefined, and says NaN
        kappa = float(cohen_kappa_score(ours, theirs, labels=[False, True]))
    # A resample of the rows is a draw of the four cells of their table.
    cells = np.bincount(2 * ours.astype(int) + theirs, minlength=4)
    drawn = np.random.default_rng(seed).multinomial(len(ours), cells / len(ours), size=RESAMPLES)
    values = kappas(drawn)
    defined = values[~np.isnan(values)]
    low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (np.nan, np.nan)
    return Agreement(len(ours), float(np.mean(ours == theirs)), kappa, float(low), float(high))


def kappas(cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """Cohen's kappa (1960) of tables of two columns of verdicts.

    Args:
        cells: counts of both wrong, only the second right, only the first right, both right: shape (B, 4).

    Returns:
        Shape (B,), NaN where both always give the same single verdict.
    """
    shares = cells / cells.sum(axis=1, keepdims=True)
    observed = shares[:, 0] + shares[:, 3]
    first, second = shares[:, 2] + shares[:, 3], shares[:, 1] + shares[:, 3]
    chance = first * second + (1 - first) * (1 - second)
    is_constant = (cells[:, [0, 3]] == cells.sum(axis=1, keepdims=True)).any(axis=1)
    undefined = np.full(len(cells), np.nan)
    return np.asarray(np.divide(observed - chance, 1 - chance, out=undefined, where=~is_constant))
