"""Infer the kind of each feature column, and convert the frame accordingly."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff import advice
from bakeoff.columns import kinds
from bakeoff.errors import DataError
from bakeoff.task import DataNote

ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
MOST_CATEGORIES = 1_000  # maximum number of stored values of a column, to detect new ones


@dataclass(frozen=True)
class Columns:
    """Converted columns by name, their kinds, and those that were found to be free text."""

    values: Mapping[str, pd.Series]
    kinds: Mapping[str, str]
    texts: tuple[str, ...]


def read(frame: pd.DataFrame, names: Iterable[str], declared: Mapping[str, str], where: str) -> Columns:
    """Find the kind of each named column, and convert it.

    Numbers stay as they are, or become ``float64`` where a value is missing. Dates become ``datetime64[us]`` in UTC
    without a time zone. Categories are ``str``, those of numbers and booleans too ("1", "True"). Missing text becomes
    empty.

    Args:
        frame: n rows.
        names: the columns to read, in this order.
        declared: the kind of those that have a declared one.
        where: what messages call the data, such as ``my.csv``.

    Raises:
        DataError: a column holds an infinite value, or what is neither number, date nor string.
    """
    converted: dict[str, pd.Series] = {}
    kind_of: dict[str, str] = {}
    recognised_texts = []
    for name in names:
        values = plain(frame[name], where)
        if name in declared:
            kind_of[name] = declared[name]
        else:
            kind_of[name], values = _recognise(values)
            if kind_of[name] == "text":
                recognised_texts.append(name)
        missing = kinds.get(kind_of[name]).missing
        converted[name] = values if missing is None else values.fillna(missing)
    _refuse_infinite(converted, where)
    return Columns(converted, kind_of, tuple(recognised_texts))


def text_notes(names: Sequence[str]) -> tuple[DataNote, ...]:
    """Notes on the columns that were inferred to be free text."""
    if not names:
        return ()
    remedy = advice.override("data.columns", {names[0]: "category"})
    return (DataNote(f"{advice.listed(names)}: read as free text.", remedy),)


def words(values: pd.Series) -> str:
    """Describe how a column of strings is read."""
    kind, _ = _recognise(values)
    return {"text": "free text", "categorical": "categories"}.get(kind, f"{kind}s")


def empty_in(features: Mapping[str, pd.Series], rows: NDArray[np.intp]) -> list[str]:
    """The columns without a value in any of the given rows, from which nothing can be learnt."""
    empty = []
    for name, values in features.items():
        there = values.iloc[rows]
        if (there.isna() | (there == "") if is_string(values) else there.isna()).all():
            empty.append(name)
    return empty


def categories(values: pd.Series) -> tuple[str, ...] | None:
    """The values of a categorical column, sorted; None if there are too many to be worth storing."""
    distinct = values.dropna().unique()
    return tuple(sorted(str(value) for value in distinct)) if len(distinct) <= MOST_CATEGORIES else None


def plain(values: pd.Series, where: str) -> pd.Series:
    """Convert the values to numbers, dates or ``str``, whatever types the source used.

    Raises:
        DataError: they are of another type, or of several.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return values.cat.rename_categories([label(value) for value in dtype.categories]).astype("str")
    if types.is_object_dtype(dtype):
        values = _unboxed(values, where)
        dtype = values.dtype
    if types.is_bool_dtype(dtype):
        return values.astype("object").map({True: "True", False: "False"}).astype("str")
    if types.is_complex_dtype(dtype) or types.is_timedelta64_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        raise unsupported(values, str(dtype), where)
    if types.is_numeric_dtype(dtype):
        if isinstance(dtype, np.dtype):
            return values
        return values.astype("float64" if values.isna().any() or types.is_float_dtype(dtype) else "int64")
    if types.is_datetime64_any_dtype(dtype):
        return _in_utc(values)
    if types.is_string_dtype(dtype):
        return values.astype("str")
    raise unsupported(values, str(dtype), where)


def label(value: Any) -> str:
    """A class by its name: 1 and 1.0 are both "1"."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def is_string(values: pd.Series) -> bool:
    """Return whether a plain column holds strings."""
    return isinstance(values.dtype, pd.StringDtype)


def describe(values: pd.Series) -> str:
    """Describe the contents of a plain column in one word."""
    if is_string(values):
        return "strings"
    return "dates" if types.is_datetime64_any_dtype(values.dtype) else "numbers"


def dates(values: pd.Series) -> pd.Series | None:
    """Plain strings as dates, if each that is not missing is an ISO date."""
    present = values.dropna()
    if (
        present.empty
        or not bool(present.iloc[:100].str.fullmatch(ISO_DATE).all())
        or not bool(present.str.fullmatch(ISO_DATE).all())
    ):
        return None
    parsed = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
    return None if parsed.isna().sum() > values.isna().sum() else _in_utc(parsed)


def mixed_offsets(values: pd.Series) -> tuple[str, str] | None:
    """A time with an offset from UTC and one without, where a column of ISO dates has both; else None."""
    present = values.dropna()
    has_offset = present.str.fullmatch(r".*[T ].*(?:Z|[+-]\d{2}:?\d{2})")
    if not has_offset.any() or has_offset.all():
        return None
    return str(present[has_offset].iloc[0]), str(present[~has_offset].iloc[0])


def row_hashes(features: Mapping[str, pd.Series] | pd.DataFrame, n: int) -> NDArray[np.uint64]:
    """A hash of each row's content, shape (n,). Equal rows have equal hashes, whatever width their numbers have."""
    mixed = np.zeros(n, dtype=np.uint64)
    for _, values in features.items():
        if types.is_numeric_dtype(values.dtype):
            as_float = values.to_numpy(dtype=np.float64) + 0.0  # -0.0 becomes 0.0
            as_float[np.isnan(as_float)] = np.nan  # of the many bit patterns of NaN, one
            values = pd.Series(as_float)
        mixed *= np.uint64(1_000_003)  # so that the order of columns matters
        mixed ^= pd.util.hash_pandas_object(values, index=False).to_numpy()
    return mixed


def _recognise(values: pd.Series) -> tuple[str, pd.Series]:
    """Infer the kind of a plain column without a declared type; return it with the values."""
    recognised = ((kind.name, kind.recognise(values)) for kind in kinds.own())
    return next((name, of_kind) for name, of_kind in recognised if of_kind is not None)


def _unboxed(values: pd.Series, where: str) -> pd.Series:
    """Python objects as a column of one type."""
    dtype = types.infer_dtype(values, skipna=True)
    if dtype in ("string", "empty"):
        return values.astype("str")
    if dtype in ("integer", "floating", "mixed-integer-float", "decimal", "boolean", "datetime64", "datetime", "date"):
        if dtype in ("datetime64", "datetime", "date"):
            return pd.to_datetime(values, utc=True)
        if dtype == "boolean":
            return values.astype("boolean")
        return values.astype("float64" if dtype != "integer" or values.isna().any() else "int64")
    example = next(
        (
            v
            for v in values
            if not isinstance(v, str | numbers.Number | decimal.Decimal | datetime.date) and v is not None
        ),
        None,
    )
    raise unsupported(values, "values of several types" if example is None else f"a {type(example).__name__}", where)


def _in_utc(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    return values.astype("datetime64[us]")


def unsupported(values: pd.Series, dtype: str, where: str) -> DataError:
    """The error of a column that holds what no column can."""
    return DataError(
        f'data: column "{values.name}" of {where} holds {dtype}. A column holds numbers, dates, booleans or strings. '
        "Convert it, or add it to data.ignore."
    )


def _refuse_infinite(converted: Mapping[str, pd.Series], where: str) -> None:
    counts = {
        name: int(np.isinf(values.to_numpy()).sum())
        for name, values in converted.items()
        if types.is_float_dtype(values.dtype)
    }
    infinite = [f'"{name}" ({count})' for name, count in counts.items() if count]
    if infinite:
        raise DataError(
            f"data: {where} holds infinite values in {', '.join(infinite)}. Replace them, or leave them empty."
        )
