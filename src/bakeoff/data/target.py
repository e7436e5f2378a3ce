"""The target column: code for reading it shared by the task kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff.data import columns
from bakeoff.errors import DataError
from bakeoff.task import DataNote


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


def rows(positions: NDArray[np.intp]) -> str:
    """The first few positions for a message, counted from 0 as ids are."""
    examples = ", ".join(str(i) for i in positions[:5])
    return f"row{'s' if len(positions) > 1 else ''} {examples}{', …' if len(positions) > 5 else ''}, counting from 0"
