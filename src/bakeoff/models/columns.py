"""Feature columns as plain arrays, independent of their dtype in the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """The column as floats, shape (n,); NaN where a value is missing or is not a number."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        column = pd.to_numeric(column, errors="coerce")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def strings(column: pd.Series[Any], missing: str | None) -> NDArray[Any]:
    """The column as ``str`` objects, shape (n,); ``missing`` where a value is missing.

    Numbers lose a trailing ``.0``: a column of integers that is read with a gap becomes floats, and is still the same.
    """
    values = column.to_numpy(dtype=object, na_value=None)  # type: ignore[call-overload]
    numeric = pd.api.types.is_numeric_dtype(column.dtype)
    return np.array([missing if value is None else _text(value, numeric) for value in values], dtype=object)


def _text(value: Any, numeric: bool) -> str:
    return str(value).removesuffix(".0") if numeric else str(value)


def dates(column: pd.Series[Any]) -> NDArray[np.datetime64]:
    """The column as points in time, shape (n,); NaT where a value is missing. Time zones become UTC."""
    return pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy(dtype="datetime64[s]")


DATE_PARTS = ("year", "month", "day", "weekday", "hour", "days")


def date_parts(column: pd.Series[Any]) -> NDArray[np.float64]:
    """A date column as numbers, shape (n, 6) in the order of ``DATE_PARTS``; NaN where a date is missing.

    ``days`` counts from 1970 with fractions, so that models can learn a trend over time.
    """
    moments = dates(column)
    parts = pd.DatetimeIndex(moments)
    days = np.where(np.isnat(moments), np.nan, moments.astype(np.float64) / 86_400)
    calendar = (parts.year, parts.month, parts.day, parts.day_of_week, parts.hour)
    return np.column_stack([*(part.to_numpy(dtype=np.float64) for part in calendar), days])


def as_numbers(X: pd.DataFrame, numeric: Sequence[str], date: Sequence[str]) -> Iterator[NDArray[np.float64]]:
    """The numeric columns, then the parts of each date, one array of shape (n,) at a time."""
    for name in numeric:
        yield numbers(X[name])
    for name in date:
        yield from date_parts(X[name]).T
