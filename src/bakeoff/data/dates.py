"""Dates as people write them, and the formats that a column of them may have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bakeoff.data import columns, numerals
from bakeoff.errors import ConfigError, DataError

FORMATS = tuple(
    f"{day}{time}"
    for day in (
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y/%m/%d",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%Y.%m.%d",
        "%Y%m%d",
        "%d.%m.%y",
        "%d %b %Y",
        "%b %d, %Y",
        "%d-%b-%Y",
        "%d-%b-%y",
        "%d %B %Y",
        "%B %d, %Y",
        "%Y-%m",
        "%m/%Y",
    )
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)
ISO = "ISO8601"
_SHAPE = (
    r"\s*(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./]\d{1,2}[./]\d{1,2}"
    r"|\d{1,2}[ -][A-Z][A-Za-z]{2,8}[ -]\d{2,4}|[A-Z][a-z]{2,8} \d{1,2}, \d{4}|\d{4}-\d{1,2}|\d{1,2}/\d{4})"
    r"(?: \d{1,2}:\d{2}(?::\d{2})?(?: ?[APap][Mm])?)?\s*"
)
_MOST_ODD = 0.2  # share of texts that are no dates, up to which a column is almost one of dates


def recognised(texts: pd.Series, marks: bool) -> tuple[pd.Series | None, str | None, tuple[tuple[str, int], ...]]:
    """ISO dates, among which marks of missing values may stand.

    Returns:
        The dates, None where the texts are none; their format; and the marks with their number of rows.
    """
    parsed = columns.dates(texts)
    if parsed is not None:
        return parsed, ISO, ()
    if not marks or not texts.dropna().iloc[:2_000].str.fullmatch(columns.ISO_DATE).any():
        return None, None, ()
    is_mark = texts.str.strip().str.lower().isin(numerals.MARKS) & texts.notna()
    if not is_mark.any() or (parsed := columns.dates(texts.mask(is_mark))) is None:
        return None, None, ()
    return parsed, ISO, tuple((str(text), int(rows)) for text, rows in texts[is_mark].value_counts().items())


def looks_like(texts: pd.Series) -> str | None:
    """One of the texts, where all are dates in a format other than ISO; else None."""
    present = texts.dropna()
    if present.empty or not present.iloc[:100].str.fullmatch(_SHAPE).all() or not present.str.fullmatch(_SHAPE).all():
        return None
    return str(present.iloc[0])


def almost(texts: pd.Series) -> str | None:
    """What a column holds that is almost one of dates, in words; None where it is none."""
    present = texts.dropna().str.strip()
    shape = f"(?:{columns.ISO_DATE})|(?:{_SHAPE})"
    if present.empty or present.iloc[:100].str.fullmatch(shape).mean() < 1 - _MOST_ODD:
        return None
    is_iso, has_shape = present.str.fullmatch(columns.ISO_DATE), present.str.fullmatch(shape)
    is_date = has_shape & ~is_iso
    is_date[is_iso] = pd.to_datetime(present[is_iso], format="ISO8601", utc=True, errors="coerce").notna()
    odd = present[~is_date]
    if len(odd) > _MOST_ODD * len(present):
        return None
    if len(odd):
        examples = ", ".join(f'"{text}"' for text in odd.unique()[:3])
        return f"dates but for {len(odd):,} rows ({examples})"
    return (
        f'dates in several formats ("{present[is_iso].iloc[0]}", "{present[~is_iso].iloc[0]}")'
        if is_iso.any()
        else None
    )


def advised(texts: pd.Series) -> str | None:
    """The format to declare for a column of dates, where just one fits; None where none does, or several."""
    try:
        return parsed(texts, None, "", "")[1]
    except (DataError, ConfigError):
        return None


def parsed(texts: pd.Series, form: str | None, key: str, where: str) -> tuple[pd.Series, str]:
    """Texts as dates in a declared format, or in the only one that fits them all.

    Raises:
        DataError: a text is no date in that format, or in any.
        ConfigError: several formats fit and give different dates.
    """
    iso = columns.dates(texts) if form in (None, ISO) else None
    if iso is not None:
        return iso, ISO
    formats: Sequence[str] = FORMATS if form is None else (form,)
    fitting: dict[str, pd.Series] = {}
    for candidate in formats:
        try:
            fitting[candidate] = _in(texts, candidate)
        except (ValueError, TypeError):
            continue
    if not fitting:
        raise _refused(texts, formats, key, where)
    first, *others = fitting.items()
    other = next((name for name, dates in others if not dates.equals(first[1])), None)
    if other is not None:
        raise ConfigError(
            f'{key}: "{texts.dropna().iloc[0]}" of {where} may be {first[0]} or {other}. Say which: "date:{first[0]}".'
        )
    return first[1], first[0]


def _in(texts: pd.Series, form: str) -> pd.Series:
    dates = pd.to_datetime(texts.str.strip(), format=form, utc=True)
    return dates.dt.tz_localize(None).astype("datetime64[us]")


def _refused(texts: pd.Series, formats: Sequence[str], key: str, where: str) -> DataError:
    """The error that shows a text that is no date in the most fitting format."""
    wrong = {
        form: pd.to_datetime(texts.str.strip(), format=form, errors="coerce").isna() & texts.notna() for form in formats
    }
    fewest = min(wrong.values(), key=lambda mask: int(mask.sum()))
    position = int(np.flatnonzero(fewest.to_numpy())[0])
    return DataError(
        f'{key}: declared as date, and "{texts.iloc[position]}" of {where} is none (row {position}, counting from 0). '
        'Give its format, e.g. "date:%d.%m.%Y", or name what stands for a missing value: data.missing'
    )
