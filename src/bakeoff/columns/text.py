"""Free text."""

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

TEXT_WORDS = 4  # on average, at least
TEXT_UNIQUE = 0.5  # share of distinct values, more than
TEXT_DISTINCT = 50  # distinct values of fewer words, more than: names and codes, none of which says much as a category


class Text(ColumnKind):
    """Words of people; a missing text is an empty one."""

    name = "text"
    words = ("text",)
    missing = ""

    def recognise(self, values: pd.Series) -> pd.Series | None:
        """Strings of several words or many, most of which occur once; or many different ones of several words."""
        present = values.dropna() if columns.is_string(values) else values.iloc[:0]
        if present.empty:
            return None
        distinct = present.nunique()
        is_long = float(present.str.count(r"\S+").mean()) >= TEXT_WORDS
        is_unique = distinct > TEXT_UNIQUE * len(present)
        is_many = distinct > TEXT_DISTINCT
        is_text = (is_unique or is_many) if is_long else (is_unique and is_many)
        return values if is_text else None

    def convert(self, values: pd.Series, declared: Declared) -> Converted:
        """Values by their shortest name."""
        return Converted(conversion.without_marks(conversion.texts(values), declared.known))

    def read(self, values: pd.Series, reading: Reading, problems: Sequence[list[str]], name: str) -> pd.Series:
        """Any values as texts, lists and objects as JSON."""
        texts = reader.texts(values)
        return texts.mask(texts.isin(reading.missing)).fillna("")

    def array(self, column: pd.Series[Any]) -> NDArray[Any]:
        """Strings, empty where one is missing."""
        return arrays.strings(column, missing="")

    def profile(self, present: pd.Series[Any], with_values: bool) -> dict[str, Any]:
        """Number of texts, and quantiles of their lengths in characters."""
        texts = present.astype(str)
        lengths = np.asarray(texts.str.len(), dtype=np.float64)
        return {"distinct": int(texts.nunique()), "characters": profile.quantiles(lengths)["quantiles"]}


KIND = Text()
