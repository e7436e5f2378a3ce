"""Columns that count the rows of a file."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

COUNTERS = frozenset(
    [
        "id",
        "idx",
        "index",
        "row",
        "row_id",
        "rowid",
        "row_number",
        "rownum",
        "rownames",
        "no",
        "nr",
        "#",
        "number",
        "record",
    ]
)
"""Names under which a column that counts the rows is left out; one of another name is kept, and named."""
UNNAMED = re.compile(r"Unnamed: \d+|index|level_0|__index_level_0__")
FEWEST_ROWS = 20  # below which 1, 2, 3 … may be values like any other


def counts_rows(values: pd.Series, is_test: NDArray[np.bool_] | None) -> bool:
    """Return whether a column numbers the rows.

    Args:
        values: n cells; the name of the series is that of the column.
        is_test: rows that the source brings for the test, shape (n,), which may be counted from the start again.
    """
    numbers = _whole(values)
    if numbers is None:
        return False
    if _is_unnamed(str(values.name)) and len(np.unique(numbers)) == len(numbers):
        return True  # an index that was written with the rows, in their order or not
    steps = np.diff(numbers)
    if is_test is not None and (first_test_row := int((~is_test).sum())):
        steps = np.delete(steps, first_test_row - 1)
    return bool(numbers[0] in (0, 1) and len(numbers) >= FEWEST_ROWS and (steps == 1).all())


def is_no_feature(name: str) -> bool:
    """Return whether a column that counts the rows is left out, going by its name."""
    return _is_unnamed(name) or name.strip().lower() in COUNTERS


def _is_unnamed(name: str) -> bool:
    return bool(UNNAMED.fullmatch(name)) or not name.strip()


def _whole(values: pd.Series) -> NDArray[np.int64] | None:
    """A column of whole numbers without a missing value; None where it is none."""
    if values.isna().any():
        return None
    if types.is_bool_dtype(values.dtype):
        return None
    if types.is_integer_dtype(values.dtype):
        return np.asarray(values, dtype=np.int64)
    head = values.iloc[:20].astype(str)
    if not head.str.fullmatch(r"\d+").all() or types.is_float_dtype(values.dtype):
        return None
    try:
        return np.asarray(values.astype("str").astype("int64"))
    except (ValueError, OverflowError, TypeError):
        return None
