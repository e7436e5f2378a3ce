"""Quality of single outputs: right or wrong, near the truth or far from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bakeoff.tasks import kinds
from bakeoff.words import normalised, token_overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable


def per_row(table: PredictionTable) -> NDArray[np.float64]:
    """Score each output, higher is better, shape (n,); NaN where there is no output or it cannot be judged.

    1 or 0 for labels, minus the mean absolute error for numbers, the overlap with the nearest reference for texts.
    """
    kind, p = kinds.get(table.schema.kind), table.predictions
    right = kind.is_right(p.output, table.target)
    if right is not None:
        quality = np.asarray(right, dtype=np.float64)
    elif kind.is_numeric:
        errors = np.abs(np.asarray(p.output, dtype=float) - np.asarray(table.target, dtype=float))
        quality = -errors.reshape(len(table), -1).mean(axis=1)
    else:
        outputs = p.output if p.short is None else p.short
        quality = np.asarray(kind.closeness(outputs, table.target, token_overlap), dtype=np.float64)
    return np.where(p.is_answered, quality, np.nan)


def wrong(table: PredictionTable) -> NDArray[np.intp]:
    """Positions of the rows with a wrong output, worst first.

    Labels and texts are wrong where they differ from the truth, texts compared without case, articles and punctuation.
    Numbers are never exact: all rows, by the size of their error.
    """
    kind, quality = kinds.get(table.schema.kind), per_row(table)
    p = table.predictions
    candidates = np.isfinite(quality) & (p.status == "ok")
    if kind.is_right(p.output, table.target) is not None:
        candidates &= quality < 1
    elif not kind.is_numeric:
        outputs = p.output if p.short is None else p.short
        exact = kind.closeness(outputs, table.target, same_words)
        candidates &= np.asarray(exact, dtype=np.float64) < 1
    order = np.argsort(np.where(candidates, quality, np.inf), kind="stable")
    return np.asarray(order[: int(candidates.sum())], dtype=np.intp)


def same_words(answer: str, reference: str) -> float:
    """1 for equal texts, compared without case, articles and punctuation; else 0."""
    return float(normalised(answer) == normalised(reference))
