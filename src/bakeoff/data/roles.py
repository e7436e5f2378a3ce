"""The rows as one table, and its columns that have a role other than feature."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff import advice
from bakeoff.config import components
from bakeoff.data import columns, dates
from bakeoff.data.dealing import TEST, TRAIN, VALID
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.data.sources import Rows
from bakeoff.data.target import rows as listed
from bakeoff.errors import DataError, did_you_mean
from bakeoff.task import DataNote, NoteRank


def stack(rows: Rows, where: str) -> tuple[pd.DataFrame, NDArray[np.bool_] | None]:
    """Development and given test rows as one table, and which rows are the given test; None when none are given.

    Raises:
        DataError: a table is empty, has two columns of one name, or the two do not match.
    """
    for frame, words in ((rows.frame, where), (rows.test, f"the test rows of {where}")):
        if frame is None:
            continue
        frame.columns = frame.columns.astype(str)
        if frame.empty:
            raise DataError(f"data: {words} holds no rows. It must hold a header and at least one row.")
        twice = frame.columns[frame.columns.duplicated()]
        if len(twice):
            raise DataError(f'data: {words} has two columns "{twice[0]}". Rename one.')
    if rows.test is None:
        return rows.frame, None
    for name in rows.frame.columns:
        if name not in rows.test:
            near = did_you_mean(name, rows.test.columns)
            raise DataError(f'data: the test rows of {where} have no column "{name}".{near}')
    both = pd.concat([rows.frame, rows.test[rows.frame.columns]], ignore_index=True)
    return both, np.arange(len(both)) >= len(rows.frame)


def features(frame: pd.DataFrame, settings: DataSettings, where: str, left_out: Sequence[str] = ()) -> list[str]:
    """The feature columns, in frame order.

    Raises:
        DataError: a declared column does not exist, or none is left as a feature.
    """
    refuse_absent(frame, settings, where)
    names = [name for name in frame.columns if name not in settings.apart and name not in left_out]
    if not names:
        more = f" ({', '.join(left_out)}: empty, or counts the rows)" if left_out else ""
        raise DataError(
            f"data: {where} has no feature: each column is the target, data.id, group, time or ignore, "
            f"or left out{more}."
        )
    return names


def refuse_copies(frame: pd.DataFrame, names: Sequence[str], target: str, where: str) -> None:
    """Raise ``DataError`` for a feature that is the target once more, under a name that hardly differs.

    pandas writes the second of two columns ``y`` as ``y.1``.
    """
    again = re.compile(rf"{re.escape(target.strip().casefold())}(?:[._ ]?\d{{1,2}})?")
    for name in names:
        if again.fullmatch(name.strip().casefold()) and frame[name].equals(frame[target].rename(name)):
            raise DataError(
                f'data.target: "{name}" of {where} is "{target}" once more, equal in every row. Leave it out: '
                f"{advice.override('data.ignore', [name])}"
            )


def refuse_absent(frame: pd.DataFrame, settings: DataSettings, where: str) -> None:
    """Raise ``DataError`` where a declared column does not exist."""
    for key, name in _declared(settings):
        if name not in frame:
            raise DataError(
                f'{key}: there is no column "{name}" in {where}. '
                f"Columns: {_some(list(frame.columns))}.{did_you_mean(name, frame.columns)}{_other_separator(frame)}"
            )


def _other_separator(frame: pd.DataFrame) -> str:
    """A hint, where all of a header is one column."""
    header = str(frame.columns[0])
    looks_like = next((s for s in (";", "\t", "|", ",") if s in header), None) if frame.shape[1] == 1 else None
    if looks_like is None:
        return ""
    separator = looks_like.replace("\t", "\\t")
    return f' The fields seem to be separated by "{separator}": add "data.separator=\'{separator}\'".'


def ids(frame: pd.DataFrame, name: str | None, is_test: NDArray[np.bool_] | None, where: str) -> NDArray[Any]:
    """Id of each row, shape (n,): the declared column, or positions. Given test rows may repeat ids of others.

    Raises:
        DataError: an id is missing or occurs twice.
    """
    if name is None:
        return np.arange(len(frame))
    values = complete(frame, name, "id", where)
    twice = pd.DataFrame({"id": values, "is_test": False if is_test is None else is_test}).duplicated().to_numpy()
    if twice.any():
        raise DataError(
            f'data.id: "{name}" of {where} is not unique: {values[twice].iloc[0]} occurs more than once '
            f"({twice.sum():,} repeated rows). Choose another column, or none."
        )
    return values.to_numpy()


def groups(frame: pd.DataFrame, name: str | None, where: str) -> NDArray[Any] | None:
    """Group of each row, kept together by the split, shape (n,). Raises ``DataError`` when a value is missing."""
    return None if name is None else complete(frame, name, "group", where).to_numpy()


def times(frame: pd.DataFrame, name: str | None, where: str) -> NDArray[Any] | None:
    """Times by which rows are ordered, shape (n,). Raises ``DataError`` when one is missing, or no number or date."""
    if name is None:
        return None
    values = columns.plain(complete(frame, name, "time", where), where)
    if columns.is_string(values):
        parsed = columns.dates(values)
        if parsed is None:
            odd = values[~values.str.fullmatch(columns.ISO_DATE)]
            example = odd.iloc[0] if len(odd) else values.iloc[0]
            raise DataError(
                f'data.time: "{name}" of {where} holds "{example}". It must hold numbers or dates such as 2024-05-31.'
                f"{_date_advice(values)}"
            )
        if mixed := columns.mixed_offsets(values):
            raise DataError(
                f'data.time: "{name}" of {where} holds times with an offset from UTC ("{mixed[0]}") and without '
                f'("{mixed[1]}"): their order is not known. Write all with their offset, or none.'
            )
        values = parsed
    return values.to_numpy()


def _date_advice(values: pd.Series) -> str:
    """The declaration that makes a column of dates in another format one of dates."""
    form = dates.advised(values)
    if form is None and dates.looks_like(values) is None:
        return ""
    declared = {str(values.name): f"date:{form or '%d/%m/%Y'}"}
    which = "" if form else " with the format that they have"
    return f" Declare what they are{which}: {advice.override('data.columns', declared)}"


PART_OF = {"train": TRAIN, "valid": VALID, "validation": VALID, "dev": VALID, "test": TEST}
"""Accepted names for the parts of a split in a column of the data."""


SPLITTER = "data.split.splitter"
"""Name of the temporary column that holds a splitter's output."""


class Splitter(Protocol):
    """A way to split, chosen by ``data.split.splitter``. Parameters go to the constructor and nowhere else."""

    def assign(self, frame: pd.DataFrame, seed: int) -> Sequence[str]:
        """``train``, ``valid`` or ``test`` for each row of the table as it was read; equal for equal arguments."""


def assigned(
    frame: pd.DataFrame, settings: SplitSettings, is_test: NDArray[np.bool_] | None, where: str
) -> tuple[NDArray[np.int8] | None, NDArray[np.bool_] | None]:
    """Apply ``parts`` to the declared column, or to the output of the chosen splitter."""
    if settings.splitter is None:
        return parts(frame, settings.column, is_test, where)
    splitter: Splitter = components.instantiate(settings.splitter, "data.split.splitter", "data.split.splitter")
    assignment = np.asarray(splitter.assign(frame, settings.seed), dtype=object)
    if assignment.shape != (len(frame),):
        raise DataError(f"data.split.splitter: it gave {assignment.shape} parts for {len(frame):,} rows of {where}.")
    return parts(frame.assign(**{SPLITTER: assignment}), SPLITTER, is_test, where)


def parts(
    frame: pd.DataFrame, name: str | None, is_test: NDArray[np.bool_] | None, where: str
) -> tuple[NDArray[np.int8] | None, NDArray[np.bool_] | None]:
    """Read the split from the data: the part of each row, or only which rows are test rows.

    Raises:
        DataError: a value is none of the parts, no row is for the test, or test rows come from two places.
    """
    if name is None:
        return None, is_test
    if is_test is not None:
        raise DataError(f'data.split.column: {where} brings its own test rows. Remove "{name}", or the test rows.')
    values = complete(frame, name, "split.column", where).astype(str).str.lower()
    odd = values[~values.isin(PART_OF)]
    if len(odd):
        raise DataError(
            f'data.split.column: "{name}" of {where} holds "{odd.iloc[0]}". Allowed: {", ".join(PART_OF)}.'
            f"{did_you_mean(odd.iloc[0], PART_OF)}"
        )
    part = np.asarray(values.map(PART_OF), dtype=np.int8)
    if not (part == TEST).any():
        raise DataError(f'data.split.column: no row of {where} is for the test in "{name}".')
    return (part, None) if (part == VALID).any() else (None, part == TEST)


def unused_parts(frame: pd.DataFrame, names: Sequence[str]) -> list[DataNote]:
    """Notes on features that name a part of the split for each row, while the split is made otherwise."""
    notes = []
    for name in names:
        values = {str(value).strip().lower() for value in frame[name].dropna().unique()[: len(PART_OF) + 1]}
        if {"train", "test"} <= values <= set(PART_OF):
            declaration = advice.override("data.split.column", name)
            text = (
                f'"{name}" names a part of the split for each row, and is taken for a feature: another split is made. '
                f"To split by it: {declaration}; to leave it out: {advice.override('data.ignore', [name])}."
            )
            notes.append(DataNote(text, "data.split.column", NoteRank.ROWS))
    return notes


def unused_columns(rows: Rows) -> list[DataNote]:
    """A note on columns that only the given test rows have, which nothing can be learnt about."""
    extra = [] if rows.test is None else [name for name in rows.test.columns if name not in rows.frame.columns]
    if not extra:
        return []
    text = f"Columns that only the test rows have are left out: {advice.listed(extra)}."
    return [DataNote(text, "data.test_path", NoteRank.VALUES)]


def _declared(settings: DataSettings) -> Iterator[tuple[str, str]]:
    if settings.target:
        yield "data.target", settings.target
    for key, name in (("data.id", settings.id), ("data.group", settings.group), ("data.time", settings.time)):
        if name is not None:
            yield key, name
    if settings.split.column is not None:
        yield "data.split.column", settings.split.column
    if settings.forecast.series is not None:
        yield "data.forecast.series", settings.forecast.series
    for key, names in (
        ("data.forecast.known", settings.forecast.known),
        ("data.columns", list(settings.column_types)),
        ("data.text", settings.text),
        ("data.slices", settings.slices),
        ("data.ignore", settings.ignore),
    ):
        for name in names:
            yield key, name


def complete(frame: pd.DataFrame, name: str, role: str, where: str) -> pd.Series:
    """A column that plays a role, of which no value is missing. Raises ``DataError`` where one is."""
    missing = np.flatnonzero(frame[name].isna())
    if len(missing):
        raise DataError(
            f'data.{role}: "{name}" is missing in {len(missing):,} of {len(frame):,} rows of {where} '
            f"({listed(missing)}). Fill it, or remove those rows."
        )
    return frame[name]


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
