"""Conversion between label tuples and indicator matrices with one column per label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.task import Predictions

LIKELY = 0.5
"""Probability from which a label is predicted."""


def indicators(y: NDArray[Any], classes: Sequence[str]) -> NDArray[np.int8]:
    """Indicator matrix of labels: 1 where a row has a label, else 0, shape (n, k)."""
    position = {label: column for column, label in enumerate(classes)}
    matrix = np.zeros((len(y), len(classes)), dtype=np.int8)
    for row, labels in enumerate(y):
        matrix[row, [position[label] for label in labels]] = 1
    return matrix


def outputs(is_predicted: NDArray[np.bool_], classes: Sequence[str]) -> NDArray[Any]:
    """Sorted tuples of the labels that are predicted, shape (n,).

    Args:
        is_predicted: shape (n, k).
        classes: the labels, sorted.
    """
    names = np.array(classes, dtype=object)
    label_sets = np.empty(len(is_predicted), dtype=object)
    label_sets[:] = [tuple(names[row]) for row in is_predicted]
    return label_sets


def from_proba(proba: NDArray[np.float64], classes: Sequence[str]) -> Predictions:
    """Predict the labels with a probability of at least one half; ``proba`` has shape (n, k)."""
    return Predictions(outputs(proba >= LIKELY, classes), proba)


def shares(y: NDArray[Any], classes: Sequence[str]) -> NDArray[np.float64]:
    """Share of rows that have each label, shape (k,); 0 where there are no rows."""
    return indicators(y, classes).mean(axis=0) if len(y) else np.zeros(len(classes))
