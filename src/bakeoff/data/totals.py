"""Totals that a report or a spreadsheet writes below its rows, or above them: rows of sums are no examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff.data import columns, conversion
from bakeoff.errors import DataError

WORDS = frozenset(
    [
        "total",
        "totals",
        "sum",
        "subtotal",
        "grandtotal",
        "overall",
        "average",
        "mean",
        "summe",
        "gesamt",
        "gesamtsumme",
        "insgesamt",
        "zwischensumme",
        "durchschnitt",
        "totaal",
        "moyenne",
        "totale",
        "somme",
        "suma",
        "promedio",
        "razem",
        "итого",
        "всего",
        "合计",
        "总计",
    ]
)
"""Names of such rows, in lower case and without spaces."""
FEWEST = 5
"""Other rows, below which a value that equals their sum may be chance."""
FEWEST_VALUES = 21
"""Distinct targets of the other rows, below which one that equals their sum may be chance, or a class."""
MOST_MISSING = 0.05
"""Share of the other rows up to which a column lacks so few values that a missing one tells a total."""
ROUNDING = 0.005
"""Relative difference up to which a cell of a row that is named a total is the sum or mean of its column."""
ACCURACY = 1e-9
"""Relative difference up to which a target is the sum of the others."""


def refuse(frame: pd.DataFrame, target: pd.Series, is_test: NDArray[np.bool_] | None, where: str, kind: str) -> None:
    """Raise ``DataError`` where the first or last row of a file is the total of the others.

    Args:
        frame: n rows, as they were read.
        target: the column of the targets.
        is_test: rows of the file of test rows, shape (n,); None where there is none.
        where: name of the source.
        kind: of the task, as declared: classes are never sums.
    """
    can_be_sum = kind not in ("classification", "multilabel")
    for rows, words in _files(len(frame), is_test, where):
        if len(rows) <= FEWEST:
            continue
        for position, which in ((rows[-1], "last"), (rows[0], "first")):
            others = rows[rows != position]
            reason = _named(frame, position, others) or (_summed(target, position, others) if can_be_sum else None)
            if reason:
                raise DataError(
                    f"data: the {which} row of {words} looks like a total: {reason}. A total is no example. Remove it; "
                    "if it is an example, move it from the end."
                )


def _files(n: int, is_test: NDArray[np.bool_] | None, where: str) -> Iterator[tuple[NDArray[np.intp], str]]:
    if is_test is None:
        yield np.arange(n), where
    else:
        yield np.flatnonzero(~is_test), where
        yield np.flatnonzero(is_test), f"the test rows of {where}"


def _named(frame: pd.DataFrame, position: int, others: NDArray[np.intp]) -> str | None:
    """Say which cell names the row a total, as no other row is, where a cell beside it bears that out."""
    for name in frame.columns:
        values = frame[name]
        if not (columns.is_string(values) or types.is_object_dtype(values.dtype)):
            continue
        cell = values.iloc[position]
        if _is_total(cell) and not conversion.as_str(values.iloc[others]).eq(cell).any():
            beside = (frame[other] for other in frame.columns if other != name)
            if any(_is_telling(column, position, others) for column in beside):
                return f'"{cell}" in "{name}"'
    return None


def _is_telling(values: pd.Series, position: int, others: NDArray[np.intp]) -> bool:
    """Return whether a cell is missing where hardly another is, or is their sum, mean or more.

    A word alone tells nothing: a text to classify may be "average".
    """
    missing = values.isna().to_numpy()
    if missing[position]:
        return bool(missing[others].mean() <= MOST_MISSING)
    if not types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype):
        return False
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    value, rest = numbers[position], numbers[others]
    rest = rest[np.isfinite(rest)]
    if np.count_nonzero(rest) < FEWEST or (rest == value).any():
        return False
    is_more_than_all = bool((rest >= 0).all()) and value >= rest.sum()
    return is_more_than_all or any(abs(value - x) <= ROUNDING * abs(x) for x in (rest.sum(), rest.mean()))


def _is_total(cell: Any) -> bool:
    return isinstance(cell, str) and "".join(cell.casefold().split()).rstrip(":") in WORDS


def _summed(target: pd.Series, position: int, others: NDArray[np.intp]) -> str | None:
    """Say that the target of the row is the sum of the other targets, where it is."""
    if not types.is_numeric_dtype(target.dtype) or types.is_bool_dtype(target.dtype):
        return None
    values = target.to_numpy(dtype=np.float64, na_value=np.nan)
    rest = values[others]
    value, total = values[position], rest.sum()
    has_one_sign = bool((rest >= 0).all() or (rest <= 0).all())  # else values may cancel out by chance
    if (
        not np.isfinite(total)
        or value == 0
        or not has_one_sign
        or len(np.unique(rest)) < FEWEST_VALUES
        or not abs(value - total) <= ACCURACY * abs(total)
    ):
        return None
    return f'its "{target.name}" is the sum of all others'
