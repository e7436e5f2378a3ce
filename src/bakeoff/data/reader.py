"""New rows in the form of a known task: exactly its columns, each with its original type and number format."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.columns import kinds
from bakeoff.data import columns
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import HISTORY, QUESTION, Reading, Schema

Problems = Literal["report", "refuse"]
PROBLEMS: tuple[Problems, ...] = ("report", "refuse")
MOST_SHOWN = 5

RawRows = pd.DataFrame | Sequence[Mapping[str, Any]] | Mapping[str, Any] | str
"""New rows: a frame, a list of dicts, one dict, or JSON of either."""


@dataclass(frozen=True)
class NewRows:
    """Rows that a model of the task can predict.

    Attributes:
        X: the feature columns of the task, n rows.
        messages: of each row, what was wrong with it, shape (n,): ``object`` array of tuples of sentences.
        can_predict: False for rows that lack what a model cannot do without, shape (n,).
        common: what is wrong with every row, such as a missing column; the last messages of each.
    """

    X: pd.DataFrame
    messages: NDArray[Any]
    can_predict: NDArray[np.bool_]
    common: tuple[str, ...] = ()


class RowReader:
    """Turns new rows into the feature columns of a known task.

    Four things can be wrong with a row: a column is missing, a column is there that the task does not have, a category
    was never seen, a value is of another type. A missing column or a value of another type is read as missing.

    Args:
        schema: of the task.
        problems: ``report`` says of each row what is wrong with it; ``refuse`` raises ``DataError`` instead.
        others: columns that rows may have as well, such as that of an id.

    Raises:
        ConfigError: the schema is of a forecast, which takes a history (``bakeoff.data.history``).
    """

    def __init__(self, schema: Schema, problems: Problems = "report", others: Collection[str] = ()) -> None:
        if schema.series is not None:
            raise ConfigError("predict: a forecast takes the history of its series, not rows.")
        if problems not in PROBLEMS:
            raise ConfigError(f'problems: "{problems}" is unknown. Allowed: {", ".join(PROBLEMS)}.')
        self.schema, self.problems, self.others = schema, problems, {*others, schema.target}

    def read(self, rows: RawRows) -> NewRows:
        """Read new rows.

        Raises:
            DataError: there are none, they are no table, or one is wrong and ``problems`` is ``refuse``.
        """
        frame = as_frame(rows)
        problems: list[list[str]] = [[] for _ in range(len(frame))]
        schema = self.schema
        extra = [str(name) for name in frame.columns if name not in schema.columns and name not in self.others]
        absent = [name for name in schema.columns if name not in frame.columns and name != HISTORY]
        X: dict[str, pd.Series] = {}
        for name, kind in schema.columns.items():
            values = frame[name] if name in frame else pd.Series(None, index=frame.index, dtype=object)
            if name == HISTORY and QUESTION in schema.columns:
                X[name] = _histories(values, problems)
            else:
                X[name] = kinds.get(kind).read(values, schema.readings.get(name, Reading()), problems, name)
        common = [f"{name}: no such column" for name in absent]
        keys = _keys(rows)
        if not keys:
            common += [f"{name}: not a column of the task" for name in extra]
        for row, own in zip(problems, keys, strict=False):
            row += [f"{name}: missing" for name in schema.columns if name in frame and name not in own | {HISTORY}]
            row += [f"{name}: not a column of the task" for name in extra if name in own]
        can_predict = np.ones(len(frame), dtype=bool)
        if QUESTION in schema.columns and HISTORY in schema.columns:
            can_predict = (X[QUESTION].str.strip() != "").to_numpy(dtype=bool)
            for i in np.flatnonzero(~can_predict).tolist():
                problems[i].append(f"{QUESTION}: empty, nothing to answer")
        for row in problems:
            row.extend(common)
        if self.problems == "refuse":
            _refuse(problems, common)
        return NewRows(pd.DataFrame(X, copy=False), as_messages(problems), can_predict, tuple(common))


def as_frame(rows: RawRows) -> pd.DataFrame:
    """New rows of any form as a frame with an index from 0. Raises ``DataError`` where they are none."""
    if isinstance(rows, str):
        try:
            rows = json.loads(rows)
        except json.JSONDecodeError as error:
            raise DataError(f"predict: this is not JSON: {error.msg} at column {error.colno}.") from None
    if isinstance(rows, Mapping):
        rows = [rows]
    if not isinstance(rows, pd.DataFrame):
        if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
            raise DataError("predict: give a frame, a list of dicts, one dict, or JSON of either.")
        records: list[Mapping[str, Any]] = [row for row in rows if isinstance(row, Mapping)]
        names = list(dict.fromkeys(name for record in records for name in record))
        rows = pd.DataFrame({name: pd.Series([row.get(name) for row in records], dtype=object) for name in names})
    if rows.empty:
        raise DataError("predict: there are no rows.")
    twice = rows.columns[rows.columns.duplicated()]
    if len(twice):
        raise DataError(f'predict: there are two columns "{twice[0]}". Rename one.')
    return rows.rename(columns=str).reset_index(drop=True)


def _keys(rows: RawRows) -> list[set[str]]:
    """The keys of each row of dicts; of a frame, in which every row has every column, none."""
    rows = json.loads(rows) if isinstance(rows, str) else rows
    if isinstance(rows, pd.DataFrame):
        return []
    return [set(row) for row in ([rows] if isinstance(rows, Mapping) else rows) if isinstance(row, Mapping)]


def as_messages(problems: Sequence[Sequence[str]]) -> NDArray[Any]:
    """The messages of n rows as an ``object`` array of tuples, shape (n,)."""
    messages = np.empty(len(problems), dtype=object)
    messages[:] = [tuple(row) for row in problems]
    return messages


def texts(values: pd.Series) -> pd.Series:
    """Values of any types as texts, whole numbers without a point, lists and objects as JSON; missing ones missing."""
    if columns.is_string(values):
        return values
    values_as_text = [None if _is_missing(value) else _text(value) for value in values]
    return pd.Series(values_as_text, index=values.index, dtype="str")


def _histories(values: pd.Series, problems: list[list[str]]) -> pd.Series:
    """The turns before each question as JSON; none where they cannot be read."""
    encoded = texts(values).fillna("[]")
    for i, text in enumerate(encoded):
        try:
            turns = json.loads(text or "[]")
            is_history = isinstance(turns, list) and all({"role", "content"} == set(turn) for turn in turns)
        except (json.JSONDecodeError, TypeError):
            is_history = False
        if not is_history:
            problems[i].append(f'{HISTORY}: not a list of {{"role": …, "content": …}}, left out')
            encoded.iloc[i] = "[]"
    return encoded.mask(encoded == "", "[]")


def _refuse(problems: Sequence[Sequence[str]], common: Sequence[str]) -> None:
    """Raise ``DataError`` with what is wrong with the rows, where anything is."""
    own = [(i, row[: len(row) - len(common)]) for i, row in enumerate(problems) if len(row) > len(common)]
    lines = [*common, *(f"row {i}: {'; '.join(row)}" for i, row in own[:MOST_SHOWN])]
    if len(own) > MOST_SHOWN:
        lines.append(f"… and {len(own) - MOST_SHOWN:,} more rows")
    if lines:
        raise DataError("predict: these rows are not as those of the task.\n" + "\n".join(lines))


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return columns.label(value)
