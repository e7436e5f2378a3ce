"""Columns of new data, read as a known task read them: no format is guessed, and what does not fit is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bakeoff import advice
from bakeoff.data import columns, dates, numerals, target
from bakeoff.data.numerals import NumberFormat
from bakeoff.errors import DataError
from bakeoff.task import Reading


@dataclass(frozen=True)
class KnownColumn:
    """A column of new data.

    Attributes:
        values: n numbers or dates.
        reading: how they were read.
        marks: texts that were read as missing, and their number of rows.
        remarks: what else happened, sentences with ``{columns}`` for the name.
    """

    values: pd.Series
    reading: Reading
    marks: tuple[tuple[str, int], ...]
    remarks: tuple[str, ...] = ()


def with_declared(reading: Reading, decimal: str | None, thousands: str | None) -> Reading:
    """The reading with what a person declares about the numbers of the new file."""
    decimal = decimal or reading.decimal
    if thousands is None:
        thousands = "" if reading.thousands == decimal else reading.thousands
    return replace(reading, decimal=decimal, thousands=thousands)


def as_numbers(texts: pd.Series, reading: Reading, where: str) -> KnownColumn:
    """Texts as numbers in the format of the known column.

    Raises:
        DataError: a text is neither a number in that format nor a mark of the known column.
    """
    form = NumberFormat(reading.decimal, reading.thousands, reading.affix)
    bare = numerals.unpadded(texts)
    numbers, wrong = numerals.parse(bare, form, frozenset({"", *(mark.strip() for mark in reading.missing)}))
    if wrong.any():
        positions = np.flatnonzero(wrong.to_numpy())
        text = str(texts.iloc[positions[0]])
        described = "" if form.is_plain else f" ({form})"
        raise DataError(
            f'data.columns: "{texts.name}" was read as numbers{described} before, and holds "{text}" in {where} '
            f"({len(positions):,} such rows: {target.rows(positions)}). Where the new file writes numbers in another "
            "way, say so: data.decimal, data.thousands. Where the text stands for a missing value: "
            f"{advice.override('data.missing', [text])}"
        )
    among = numerals.numbers_among(reading.missing)
    if among:
        numbers = numbers.mask(numbers.isin(among))
    remarks = []
    if not form.is_plain and numbers.notna().any():
        example = texts[numbers.notna()].iloc[0]
        remarks.append(f'{{columns}}: read as numbers as before, {form} ("{example}").')
    is_padded = (bare != texts) & texts.notna()
    if is_padded.any():
        remarks.append(f'{{columns}}: leading zeros dropped ("{texts[is_padded].iloc[0]}").')
    if numerals.loses_digits(texts):
        remarks.append("{columns}: whole numbers of more digits than a number holds, rounded.")
    return KnownColumn(numbers, reading, _marks(texts, numbers), tuple(remarks))


def as_dates(texts: pd.Series, reading: Reading, declared: str, where: str) -> KnownColumn:
    """Texts as dates in the format of the known column, or in the one that is declared for the new file.

    Raises:
        DataError: a text is neither a date in that format nor a mark of the known column.
    """
    form = declared or reading.date_format or dates.ISO
    texts_left = texts.mask(texts.isin(reading.missing) | (texts.str.strip() == ""))
    parsed = pd.to_datetime(texts_left.str.strip(), format=form, utc=True, errors="coerce")
    is_wrong = parsed.isna() & texts_left.notna()
    if form == dates.ISO:  # pandas takes a year alone for an ISO date
        is_wrong |= ~texts_left.str.strip().str.fullmatch(columns.ISO_DATE) & texts_left.notna()
    if is_wrong.any():
        positions = np.flatnonzero(is_wrong.to_numpy())
        text = str(texts.iloc[positions[0]])
        raise DataError(
            f'data.columns: "{texts.name}" was read as dates ({form}) before, and holds "{text}" in {where} '
            f"({len(positions):,} such rows: {target.rows(positions)}). Where the new file writes dates in another "
            f"way, give their format: {advice.override('data.columns', {str(texts.name): 'date:%d.%m.%Y'})}. Where the "
            f"text stands for a missing value: {advice.override('data.missing', [text])}"
        )
    values = parsed.dt.tz_localize(None).astype("datetime64[us]")
    return KnownColumn(values, replace(reading, date_format=form), _marks(texts, values))


def _marks(texts: pd.Series, values: pd.Series) -> tuple[tuple[str, int], ...]:
    """The texts that were read as missing, and their number of rows."""
    counts = texts[values.isna() & texts.notna()].value_counts()
    return tuple((str(text), int(rows)) for text, rows in counts.items())
