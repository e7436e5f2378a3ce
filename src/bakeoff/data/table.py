"""All rows of a task, read and checked, before they are split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from bakeoff.data.splits import Traits
from bakeoff.task import Corpus, DataNote, Schema


@dataclass(frozen=True)
class Table:
    """All n rows before they are split: their schema, and the properties that decide their part of the split."""

    schema: Schema
    X: dict[str, pd.Series]  # the features, column by column
    y: NDArray[Any]
    ids: NDArray[Any]
    slices: pd.DataFrame
    traits: Traits
    notes: tuple[DataNote, ...]
    corpus: Corpus | None = None
    texts: tuple[str, ...] = ()  # columns inferred to be free text that no note mentions yet
