"""Cells of a whole column as texts, or as numbers in one format."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from bakeoff.advice import override
from bakeoff.columns.base import Converted
from bakeoff.data import columns, numerals, target
from bakeoff.data.known_columns import KnownColumn
from bakeoff.data.numerals import Guess, NumberFormat
from bakeoff.errors import DataError
from bakeoff.task import Reading


def numbers(texts: pd.Series, form: NumberFormat, guess: Guess, where: str) -> Converted:
    """Texts of one format as numbers.

    Raises:
        DataError: one of them is no number, and stands for no missing value.
    """
    numbers, wrong = numerals.parse(
        texts, form, frozenset(text.strip() for text, _ in guess.marks) if guess.marks else None
    )
    if wrong.any():
        positions = np.flatnonzero(wrong.to_numpy())
        example = str(texts.iloc[positions[0]])
        is_value = any(character.isdigit() for character in example)
        remedy = (
            "Write all numbers of the column alike, or declare it as category."
            if is_value
            else f"Name texts that stand for a missing value: {override('data.missing', [example])}"
        )
        raise DataError(
            f'data.columns: "{texts.name}" is declared as number, and holds "{example}" in {where} '
            f"({len(positions):,} such rows: {target.rows(positions)}). {remedy}"
        )
    remarks = []
    if not form.is_plain:
        example = texts[numbers.notna()].iloc[0]
        remarks.append((f'{{columns}}: read as numbers, {form} ("{example}").', "category"))
    negative = numerals.in_parentheses(numerals.as_arrow(texts.str.strip()))
    if negative:
        remarks.append((f"{{columns}}: {negative:,} rows in parentheses read as negative numbers.", "category"))
    remarks += remark_on(guess.marks)
    marks = tuple(text for text, _ in guess.marks)
    return Converted(numbers, Reading(form.decimal, form.thousands, form.affix, marks), tuple(remarks))


def remark_on(marks: Sequence[tuple[str, int]]) -> tuple[tuple[str, str], ...]:
    """Notes on texts that were read as missing, each with its number of rows."""
    if not marks:
        return ()
    listed = ", ".join(f'"{text}" ({rows:,} rows)' for text, rows in marks[:5])
    return ((f"{{columns}}: {listed} read as missing.", "category"),)


def from_known(column: KnownColumn) -> Converted:
    """A column of new data that was read as a known task read it."""
    remarks = tuple((text, "") for text in column.remarks)
    return Converted(column.values, column.reading, (*remarks, *remark_on(column.marks)))


def without_marks(texts: pd.Series, known: Reading | None) -> pd.Series:
    """The texts, where those that stood for a missing value in a known task are missing."""
    return texts.mask(texts.isin(known.missing)) if known and known.missing else texts


def texts(values: pd.Series) -> pd.Series:
    """Any column as texts, numbers by their shortest name, missing values kept."""
    if columns.is_string(values):
        return values
    present = values.dropna()
    labels = pd.Series([columns.label(value) for value in present], index=present.index, dtype="str")
    texts: pd.Series = labels.reindex(values.index).astype("str")
    texts.name = values.name
    return texts


def as_str(values: pd.Series) -> pd.Series:
    """A column of Python strings as one of type ``str``; any other as it is."""
    if types.is_object_dtype(values.dtype):
        return values.astype("str") if types.infer_dtype(values, skipna=True) == "string" else values
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values
    return values.astype("str") if types.is_string_dtype(values.dtype) else values
