"""Abstention: the confidence threshold above which answering scores better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bakeoff.words import token_overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bakeoff.task import Gold


def calibrated(confidence: Sequence[float], answers: Sequence[str], golds: Sequence[Gold]) -> float:
    """Find the confidence threshold with the best token F1; abstaining on an unanswerable question scores 1.

    Args:
        confidence: of n answers, from 0 to 1.
        answers: n of them.
        golds: the truth about the n questions.
    """
    worth = [
        max((token_overlap(answer, right) for right in gold.answers), default=0.0)
        for answer, gold in zip(answers, golds, strict=True)
    ]
    pays = [float(not gold.is_answerable) for gold in golds]
    return best_threshold(np.array(confidence, dtype=np.float64), np.array(worth), np.array(pays))


def best_threshold(
    confidence: NDArray[np.float64], answering: NDArray[np.float64], abstaining: NDArray[np.float64]
) -> float:
    """Find the confidence above which answering pays, halfway between two observed ones; 0 if it always does.

    Args:
        confidence: of n answers, shape (n,).
        answering: score of each answer, shape (n,).
        abstaining: score of abstaining instead, shape (n,).
    """
    order = np.argsort(confidence, kind="stable")
    levels = np.concatenate([[0.0], confidence[order], [1.001]])
    # Abstaining from the k least sure, for k from 0 to n.
    worth = np.concatenate([[0.0], np.cumsum((abstaining - answering)[order])])
    halfway = (levels[:-1] + levels[1:]) / 2
    cuts = np.where(halfway > levels[:-1], halfway, levels[1:])  # between the smallest floats there is no half
    # Answers that are equally sure are given or withheld together.
    is_possible = np.concatenate([[True], confidence[order][1:] > confidence[order][:-1], [True]])
    best = int(np.flatnonzero(is_possible)[worth[is_possible].argmax()])
    return 0.0 if best == 0 else float(cuts[best])
