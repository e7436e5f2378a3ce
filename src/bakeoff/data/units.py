"""Units of resampling: test rows that are not independent of each other, and so are drawn together.

Rows of one group share what makes them hard (a patient, an author, a document), windows of one stretch of time share
its surprises. An interval that treats them as independent is too narrow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.task import DataNote, NoteRank

Units = NDArray[np.intp]

LEAST_BLOCKS = 8
"""Blocks of time that are wanted: where there are fewer, the units are the series, if these are more, or the rows."""


def from_groups(groups: NDArray[Any]) -> Units | None:
    """Number rows alike that belong together; None where each row stands for itself.

    Args:
        groups: equal for rows that belong together, shape (n,).
    """
    codes, distinct = pd.factorize(groups)
    return None if len(distinct) == len(groups) else codes.astype(np.intp)


def from_documents(targets: NDArray[Any]) -> Units | None:
    """Number questions alike that share their most relevant document; None where no two do.

    Args:
        targets: ``Gold`` of each question, shape (n,).
    """
    names = [
        ("document", max(gold.relevance, key=lambda name: gold.relevance[name])) if gold.relevance else ("row", row)
        for row, gold in enumerate(targets)
    ]
    return from_groups(pd.Series(names, dtype=object).to_numpy())


def from_origins(numbers: NDArray[np.intp], series: NDArray[Any], horizon: int) -> Units | None:
    """Cut forecasts into blocks of consecutive origins (Künsch 1989); all series of the same time are one block.

    A block spans at least two horizons, so that the overlap of windows lies mostly inside it, and as many origins as
    1.5 times the root of their number (of that order: Flegal & Jones 2010), as long as that leaves enough blocks. Where
    few are left, and there are more series, the series are the units.

    Args:
        numbers: moment of the origin of each row, shape (n,).
        series: series of each row, shape (n,).
        horizon: number of moments that a row predicts.
    """
    moments = np.unique(numbers)
    if len(numbers) < 2:
        return None
    steps = np.diff(moments)
    stride = int(np.median(steps)) if len(steps) else 1
    overlap = -(-2 * horizon // stride) if stride < horizon else 1
    length = max(overlap, min(round(1.5 * math.sqrt(len(moments))), len(moments) // LEAST_BLOCKS), 1)
    number_of_blocks = max(1, len(moments) // length)
    place = np.searchsorted(moments, numbers)
    blocks = np.minimum(place // length, number_of_blocks - 1)
    if number_of_blocks < LEAST_BLOCKS and len(set(series.tolist())) > number_of_blocks:
        return from_groups(series)
    return from_groups(blocks)


def from_moments(times: NDArray[Any]) -> Units | None:
    """Cut rows into blocks of neighbouring moments; None where each block is a row, or too few moments make blocks.

    Rows that follow each other in time share its surprises. A block spans twice the cube root of the number of
    moments, of the order that Hall, Horowitz & Jing (1995) find best for a variance: rows that are independent after
    all lose little by it, and the check ``serial_dependence`` finds dependence that outlasts it. A time that only
    names the year, or the batch, orders the parts, and tells nothing of rows that follow each other.

    Args:
        times: moment of each row, shape (n,).
    """
    place = np.unique(times, return_inverse=True)[1]
    count = int(place.max()) + 1 if len(place) else 0
    if count < LEAST_BLOCKS:
        return None
    length = min(round(2 * count ** (1 / 3)), count // LEAST_BLOCKS)
    return from_groups(np.minimum(place // length, count // length - 1))


def notes_on_moments(times: NDArray[Any]) -> list[DataNote]:
    """A note where test rows share so few moments that no blocks are made of them."""
    count = len(np.unique(times))
    if count >= min(LEAST_BLOCKS, len(times)):
        return []
    moments = "one value" if count == 1 else f"{count} values"
    text = (
        f"The {len(times):,} test rows share {moments} of the time, too few for blocks of time: intervals take rows to "
        "be independent. Name a finer time, if there is one."
    )
    return [DataNote(text, "data.time", NoteRank.CHOICES)]
