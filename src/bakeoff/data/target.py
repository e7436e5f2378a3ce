"""The target column: code for reading it shared by the task kinds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff import advice
from bakeoff.data import columns
from bakeoff.errors import DataError
from bakeoff.task import DataNote, NoteRank


@dataclass(frozen=True)
class Target:
    """A target column, read as a task kind reads it.

    Attributes:
        kind: name of the task kind.
        y: the targets, shape (n,).
        classes: the labels, sorted; empty where targets are no labels.
        positive: the class that binary metrics speak of.
        notes: what was chosen.
    """

    kind: str
    y: NDArray[Any]
    classes: tuple[str, ...] = ()
    positive: str | None = None
    notes: tuple[DataNote, ...] = ()

    def with_note(self, note: DataNote) -> Target:
        """The same, with a note before the others."""
        return replace(self, notes=(note, *self.notes))


def read_with(read: Callable[[pd.Series], NDArray[Any]], column: pd.Series, kind: str, where: str) -> NDArray[Any]:
    """Read a complete column of plain values with a function of a task kind.

    Raises:
        DataError: a value is missing, or the function cannot read the column.
    """
    refuse_missing(column, where)
    try:
        return read(columns.plain(column, where))
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(
            f'data.target: "{column.name}" of {where} cannot be read as {kind}: {type(error).__name__}: {error}.'
        ) from error


def read_numbers(column: pd.Series, where: str) -> NDArray[np.float64]:
    """Read a complete column of finite numbers, shape (n,). Raises ``DataError`` where it is none."""
    refuse_missing(column, where)
    values = columns.plain(column, where)
    if not types.is_numeric_dtype(values.dtype):
        contents = "booleans" if types.is_bool_dtype(column.dtype) else columns.describe(values)
        raise DataError(
            f'data.target: "{column.name}" holds {contents} in {where}, such as "{values.iloc[0]}". '
            "Regression needs numbers."
        )
    y = values.to_numpy(dtype=np.float64)
    infinite = int(np.isinf(y).sum())
    if infinite:
        raise DataError(f'data.target: "{column.name}" holds {infinite} infinite values in {where}. Remove those rows.')
    return y


def refuse_missing(column: pd.Series, where: str) -> None:
    """Raise ``DataError`` where a row has no target."""
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(
            f'data.target: "{column.name}" is missing in {len(missing):,} of {len(column):,} rows of {where} '
            f"({rows(missing)}). Remove those rows, or fill them."
        )


MARKS_OF_MISSING = frozenset({"n/a", "na", "nan", "null", "-", "--", "?", "#n/a", "missing", "unknown", "<na>", "."})
LEAST_RECURRING = 2  # rows with one far value, from which it may stand for a missing one
_NINES = re.compile(r"-?9{2,}(\.0*)?|-1(\.0*)?")


def stand_in_notes(y: NDArray[np.float64]) -> list[DataNote]:
    """A note on a number such as -999 that recurs far from all others: it may stand for a missing value.

    Far means that the gap to the next value exceeds the range of all others.
    """
    values, counts = np.unique(y, return_counts=True)
    if len(values) < 3:
        return []
    ends = ((0, values[1], values[-1]), (-1, values[-2], values[0]))
    for end, nearest, farthest in ends:
        value, count = float(values[end]), int(counts[end])
        is_far = abs(value - nearest) > abs(farthest - nearest)
        if count >= LEAST_RECURRING and is_far and _NINES.fullmatch(f"{value:.6f}"):
            text = (
                f"{count:,} of {len(y):,} targets are {value:g}, far from all others ({min(nearest, farthest):g} to "
                f"{max(nearest, farthest):g}), and are learnt and scored as values. Where it means that the value is "
                "missing, remove those rows."
            )
            return [DataNote(text, "data.target", NoteRank.VALUES)]
    return []


def mark_notes(y: NDArray[Any], classes: tuple[str, ...]) -> list[DataNote]:
    """A note on classes whose name often marks a missing value, such as ``n/a``: they are classes all the same."""
    marks = [name for name in classes if name.strip().lower() in MARKS_OF_MISSING]
    if not marks:
        return []
    examples = advice.listed(f'"{name}" ({(y == name).sum():,} rows)' for name in marks)
    text = f"Taken for classes, though they may mark missing labels: {examples}. Where they do, remove those rows."
    return [DataNote(text, "data.target", NoteRank.VALUES)]


def rows(positions: NDArray[np.intp]) -> str:
    """The first few positions for a message, counted from 0 as ids are."""
    examples = ", ".join(str(i) for i in positions[:5])
    return f"row{'s' if len(positions) > 1 else ''} {examples}{', …' if len(positions) > 5 else ''}, counting from 0"
