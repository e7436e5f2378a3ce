"""Loss of each row, for checks that look at single rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
