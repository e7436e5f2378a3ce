"""Dates and moments, with or without a time of day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff.columns.base import ColumnKind, Converted, Declared
from bakeoff.data import columns, conversion, dates, known_columns, profile, reader
from bakeoff.models import columns as arrays
from bakeoff.task import Reading


class Date(ColumnKind):
    """Points in time, in UTC without a time zone."""

    name = "date"
    words = ("date",)
    has_format = True
    has_order = True
    operand = "ISO date"

    def recognise(self, values: pd.Series) -> pd.Series | None:
        """Dates, and strings all of which are ISO dates."""
        if columns.is_string(values):
            return columns.dates(values)
        return values if types.is_datetime64_any_dtype(values.dtype) else None

    def convert(self, values: pd.Series, declared: Declared) -> Converted:
        """Texts in the declared format, or in the one that fits all of them."""
        if types.is_datetime64_any_dtype(columns.plain(values, declared.where).dtype):
            return Converted(values)
        texts = conversion.texts(values)
        if declared.known is not None:
            column = known_columns.as_dates(texts, declared.known, declared.form, declared.where)
            return conversion.from_known(column)
        key = f"data.columns.{values.name}"
        parsed, used = dates.parsed(texts, declared.form or None, key, declared.where)
        return Converted(parsed, Reading(date_format=used))

    def read(self, values: pd.Series, reading: Reading, problems: Sequence[list[str]], name: str) -> pd.Series:
        """Dates as they are, texts in the known format."""
        if types.is_datetime64_any_dtype(values.dtype):
            return columns.plain(values, "the new rows")
        texts = reader.texts(values)
        if reading.missing:
            texts = texts.mask(texts.isin(reading.missing))
        form = dates.ISO if reading.date_format is None else reading.date_format
        parsed = pd.to_datetime(texts.str.strip(), format=form, utc=True, errors="coerce")
        for i in np.flatnonzero((parsed.isna() & texts.notna()).to_numpy()).tolist():
            problems[i].append(f'{name}: "{texts.iloc[i]}" is no date as in training, read as missing')
        return parsed.dt.tz_localize(None).astype("datetime64[us]")

    def array(self, column: pd.Series[Any]) -> NDArray[Any]:
        """Points in time, to the second."""
        return arrays.dates(column)

    def parse_operand(self, value: Any) -> np.datetime64:
        """An ISO date, to the second."""
        return np.datetime64(str(value), "s")

    def profile(self, present: pd.Series[Any], with_values: bool) -> dict[str, Any]:
        """Quantiles, each of them a date that occurs."""
        moments = present.astype("datetime64[ns]").to_numpy().astype(np.int64)
        quantiles = np.quantile(moments, profile.QUANTILES, method="nearest").astype("datetime64[ns]")
        labels = np.datetime_as_string(quantiles, "s")
        return {"quantiles": dict(zip(map(str, profile.QUANTILES), labels, strict=True))}


KIND = Date()
