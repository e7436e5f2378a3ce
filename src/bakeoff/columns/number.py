"""Numbers, in whatever format a file writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff.columns.base import ColumnKind, Converted, Declared
from bakeoff.data import columns, conversion, known_columns, numerals, profile, reader
from bakeoff.data.numerals import NumberFormat
from bakeoff.models import columns as arrays
from bakeoff.task import Reading


class Number(ColumnKind):
    """Numbers, whole or not."""

    name = "numeric"
    words = ("number",)
    has_order = True
    operand = "number"

    def recognise(self, values: pd.Series) -> pd.Series | None:
        """Every column that holds neither dates nor strings."""
        return None if columns.is_string(values) or types.is_datetime64_any_dtype(values.dtype) else values

    def convert(self, values: pd.Series, declared: Declared) -> Converted:
        """Texts in the one format that fits all of them; leading zeros do not matter, as a person declared numbers."""
        if types.is_bool_dtype(values.dtype) or types.is_numeric_dtype(values.dtype):
            return Converted(values.astype("float64") if types.is_bool_dtype(values.dtype) else values)
        texts = conversion.as_str(values)
        if not columns.is_string(texts):
            return Converted(values)
        if declared.known is not None:
            known = known_columns.with_declared(declared.known, declared.decimal, declared.thousands)
            return conversion.from_known(known_columns.as_numbers(texts, known, declared.where))
        texts = numerals.unpadded(texts)
        guess = numerals.guess(texts, declared.decimal, declared.thousands)
        formats = guess.formats
        if not formats and guess.odd:  # in the format of the rest, an error names the odd texts
            rest = texts[texts.str.contains(r"\d", na=False)]
            formats = numerals.guess(rest, declared.decimal, declared.thousands).formats
        usual = NumberFormat(declared.decimal or ".", declared.thousands or "")
        return conversion.numbers(texts, formats[0] if formats else usual, guess, declared.where)

    def read(self, values: pd.Series, reading: Reading, problems: Sequence[list[str]], name: str) -> pd.Series:
        """Numbers as they are, texts in the known format; infinite ones are missing."""
        if types.is_numeric_dtype(values.dtype):
            numbers = values.astype("float64") if not isinstance(values.dtype, np.dtype) else values
            is_wrong = np.zeros(len(values), dtype=bool)
        else:
            texts = reader.texts(
                values.map(lambda v: int(v) if isinstance(v, bool) else v) if values.dtype == object else values
            )
            form = NumberFormat(reading.decimal, reading.thousands, reading.affix)
            numbers, wrong = numerals.parse(texts, form, frozenset(text.strip() for text in reading.missing))
            is_plain = np.array([isinstance(value, int | float) and not isinstance(value, bool) for value in values])
            if is_plain.any():  # a number of JSON is no text in the format of a file
                numbers = numbers.astype("float64").mask(
                    pd.Series(is_plain, index=values.index), pd.to_numeric(values.where(is_plain))
                )
                wrong &= ~is_plain
            is_wrong = wrong.to_numpy()
            for i in np.flatnonzero(is_wrong).tolist():
                problems[i].append(f'{name}: "{texts.iloc[i]}" is no number, read as missing')
        marks = numerals.numbers_among(reading.missing)
        if marks:
            numbers = numbers.mask(numbers.isin(marks))
        infinite = np.isinf(numbers.to_numpy(dtype=np.float64))
        for i in np.flatnonzero(infinite).tolist():
            problems[i].append(f"{name}: infinite, read as missing")
        return numbers.mask(infinite) if infinite.any() else numbers

    def array(self, column: pd.Series[Any]) -> NDArray[Any]:
        """Floats."""
        return arrays.numbers(column)

    def parse_operand(self, value: Any) -> float:
        """A float."""
        return float(value)

    def profile(self, present: pd.Series[Any], with_values: bool) -> dict[str, Any]:
        """Quantiles, mean and standard deviation."""
        numbers = present.to_numpy(dtype=np.float64)
        return {**profile.quantiles(numbers), "mean": float(numbers.mean()), "std": float(numbers.std())}


KIND = Number()
