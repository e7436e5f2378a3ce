"""Categories: labels of any type by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.columns.base import ColumnKind, Converted, Declared
from bakeoff.data import columns, conversion, profile, reader
from bakeoff.models import columns as arrays
from bakeoff.task import Reading


class Category(ColumnKind):
    """One of some labels; those of training are remembered."""

    name = "categorical"
    words = ("category", "id")
    remembers_values = True

    def recognise(self, values: pd.Series) -> pd.Series | None:
        """Every column of strings; those of dates and of free text are recognised before."""
        return values if columns.is_string(values) else None

    def convert(self, values: pd.Series, declared: Declared) -> Converted:
        """Values by their shortest name."""
        return Converted(conversion.without_marks(conversion.texts(values), declared.known))

    def read(self, values: pd.Series, reading: Reading, problems: Sequence[list[str]], name: str) -> pd.Series:
        """Values by their shortest name; one that training did not have is kept, and named."""
        texts = reader.texts(values)
        if reading.missing:
            texts = texts.mask(texts.isin(reading.missing))
        if reading.categories is not None:
            unseen = ~texts.isin(reading.categories) & texts.notna()
            for i in np.flatnonzero(unseen.to_numpy()).tolist():
                problems[i].append(f'{name}: "{texts.iloc[i]}" was never seen in training')
        return texts

    def array(self, column: pd.Series[Any]) -> NDArray[Any]:
        """Strings."""
        return arrays.strings(column, missing=None)

    def profile(self, present: pd.Series[Any], with_values: bool) -> dict[str, Any]:
        """Number of labels, and the most frequent of them by name."""
        texts = present.astype(str)
        summary: dict[str, Any] = {"distinct": int(texts.nunique())}
        if with_values:
            counts = texts.value_counts()
            frequent = counts.head(profile.MOST_CATEGORIES)
            summary["categories"] = {str(name): int(count) for name, count in frequent.items()}
            summary["other_categories"] = int(counts.sum() - frequent.sum())
        return summary


KIND = Category()
