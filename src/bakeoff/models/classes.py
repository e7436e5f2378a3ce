"""Labels, class shares and probabilities, with columns in the order of ``Schema.classes``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def codes(y: NDArray[Any], classes: Sequence[str]) -> NDArray[np.intp]:
    """Position of each label in ``classes``, shape (n,)."""
    return pd.Categorical(y, categories=np.array(classes, dtype=object)).codes.astype(np.intp)


def shares(y: NDArray[Any], classes: Sequence[str]) -> NDArray[np.float64]:
    """Share of each class among the labels, shape (k,); equal shares when there are no labels."""
    if not len(y):
        return np.full(len(classes), 1 / len(classes))
    counts: NDArray[np.float64] = np.bincount(codes(y, classes), minlength=len(classes)) / len(y)
    return counts


def most_probable(proba: NDArray[np.float64], classes: Sequence[str]) -> NDArray[Any]:
    """The label of the largest probability in each row; the first of equal ones."""
    answers: NDArray[Any] = np.array(classes, dtype=object)[proba.argmax(axis=1)]
    return answers


def spread(code: int, confidence: float, priors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities, shape (k,), that give one class its confidence and share the rest in proportion to the priors."""
    others = priors.copy()
    others[code] = 0.0
    if not others.any():
        others = np.ones_like(priors)
        others[code] = 0.0
    proba: NDArray[np.float64] = others * (1 - confidence) / others.sum()
    proba[code] = confidence
    return proba
