"""Racing: stop a multi-objective trial once a trial on the Pareto front dominates it with high confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.99


def is_dominated(
    folds: Sequence[Sequence[float]],
    other: Sequence[Sequence[float]],
    signs: Sequence[int],
    confidence: float = CONFIDENCE,
) -> bool:
    """Return whether ``other`` is better in every objective, by one-sided paired t-tests over their common folds.

    Args:
        folds: of the trial so far, shape (folds done, objectives).
        other: of a trial on the front, at least as many folds.
        signs: 1 where more is better, -1 where less is.
        confidence: of all tests together (Bonferroni).

    Returns:
        False while there are fewer than two folds to compare.
    """
    from scipy.stats import ttest_rel

    n_folds = len(folds)
    if n_folds < 2 or len(other) < n_folds:
        return False
    mine, theirs = np.array(folds) * signs, np.array(other[:n_folds]) * signs
    alpha = (1 - confidence) / len(signs)
    for a, b in zip(mine.T, theirs.T, strict=True):
        gaps = b - a
        if np.ptp(gaps) == 0:
            if gaps[0] <= 0:
                return False
        elif not ttest_rel(b, a, alternative="greater").pvalue < alpha:
            return False
    return True
