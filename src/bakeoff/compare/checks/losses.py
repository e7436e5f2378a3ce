"""Loss of each row, for checks that look at single rows."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.units import Units
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds


def row_losses(table: PredictionTable) -> NDArray[np.float64] | None:
    """Loss per row: 1 if an output is wrong, or the absolute error; None if outputs are neither right nor wrong."""
    kind, outputs = kinds.get(table.schema.kind), table.predictions.output
    is_right = kind.is_right(outputs, table.target)
    if is_right is not None:
        return 1 - np.asarray(is_right, dtype=np.float64)
    return np.abs(outputs - table.target) if kind.is_numeric and outputs.ndim == 1 else None


def loss_of_constant(target: NDArray[Any]) -> float:
    """Mean loss of the best constant: how hard the rows are for a model that knows nothing."""
    if target.dtype == np.float64:
        return float(np.abs(target - np.median(target)).mean())
    counts = Counter(map(str, target))
    return 1 - max(counts.values()) / len(target)


def excess(loss: NDArray[np.float64], rows: NDArray[np.bool_], among: NDArray[np.bool_], units: Units) -> float:
    """Difference of the mean loss inside and outside of a slice, in standard errors (Welch 1947).

    Rows of one unit count together (Liang & Zeger 1986). One unit on both sides makes the error larger than it is.

    Args:
        loss: of n rows.
        rows: whether each is in the slice, shape (n,).
        among: whether each is looked at, shape (n,).
        units: of the rows.

    Returns:
        Minus infinity where one side has fewer than two units, or does not vary.
    """
    means, variance = [], 0.0
    for side in (rows & among, ~rows & among):
        n = int(side.sum())
        if n < 2:
            return -math.inf
        means.append(float(loss[side].mean()))
        apart: NDArray[Any] = loss[side] - means[-1]
        count = n
        if not units.are_rows:
            codes = units.codes[side]
            apart, count = np.bincount(codes, apart), int(np.count_nonzero(np.bincount(codes)))
        if count < 2:
            return -math.inf
        variance += count / (count - 1) * float((apart**2).sum()) / n**2
    return (means[0] - means[1]) / math.sqrt(variance) if variance > 0 else -math.inf
