"""Metadata filters in SQL: the rows they match, and error messages for invalid ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.retrieval.passages import OWN, POSITION

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFUSED = (ValueError, RuntimeError)
"""Exceptions that LanceDB raises for a condition that it cannot parse or evaluate."""

_UNKNOWN = re.compile(r"No field named (\S+)\. Valid fields")
_NOISE = re.compile(r"^(Invalid input|lance error: [\w ]+:?),? ?|, \S+\.rs:[\d:]+$")


def both(one: str | None, other: str | None) -> str | None:
    """Combine two conditions with AND."""
    conditions = [condition for condition in (one, other) if condition is not None]
    return conditions[0] if len(conditions) == 1 else " AND ".join(f"({condition})" for condition in conditions) or None


def enclosed(where: str) -> str:
    """The condition as one expression: LanceDB reads no further than a semicolon, and says nothing."""
    return f"({where})"


def allowed(table: Any, where: str) -> NDArray[np.intp]:
    """Positions of the rows for which a condition holds, in order. Raises ``ConfigError`` that names the columns."""
    try:
        query = table.search().where(enclosed(where)).select([POSITION]).limit(max(1, table.count_rows()))
        return np.sort(query.to_arrow()[POSITION].to_numpy()).astype(np.intp)
    except REFUSED as error:
        raise refused(where, table, error) from None


def refused(where: str | None, table: Any, error: Exception) -> Exception:
    """Translate LanceDB's error about a condition; the error itself if there was no condition."""
    if where is None:
        return error
    columns = [name for name in table.schema.names if name not in OWN]
    if unknown := _UNKNOWN.search(str(error)):
        name = unknown[1].strip("`\"'")
        return ConfigError(
            f'retriever.where: "{where}": documents have no column "{name}". Columns: {", ".join(columns)}.'
            f"{did_you_mean(name, columns)}"
        )
    message = _NOISE.sub("", _NOISE.sub("", str(error).splitlines()[0]))[:300]
    return ConfigError(f'retriever.where: "{where}" cannot be asked: {message}. Columns: {", ".join(columns)}.')
