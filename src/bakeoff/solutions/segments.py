"""Segments of rows: by the values of columns, or by the language of their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bakeoff.errors import ConfigError
from bakeoff.models import columns
from bakeoff.models.rules.conditions import check_column
from bakeoff.solutions import language
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd

WHERE = "model.by"
LANGUAGE = "language"
"""Column by which texts are told apart by their language, where the table has none of that name."""


def columns_of(by: list[str] | str) -> list[str]:
    """Names of the columns in ``model.by``, which may be a single name."""
    return [by] if isinstance(by, str) else list(by)


def check(by: list[str] | str, schema: Schema) -> None:
    """Raise ``ConfigError`` where a task cannot be segmented by these columns."""
    if not by:
        raise ConfigError(f"{WHERE}: name the columns whose values make the segments, such as [region].")
    for name in columns_of(by):
        if name != LANGUAGE or name in schema.columns:
            check_column(name, schema, WHERE)
        elif not schema.of_kind("text"):
            raise ConfigError(f"{WHERE}: there is no text in which a language could be detected (data.text).")
        else:
            language.require_detector()


def values(name: str, X: pd.DataFrame, schema: Schema, missing: str | None) -> NDArray[Any]:
    """The value of a column, or the detected language, of each row as ``str``, shape (n,).

    Args:
        name: of the column, or ``language``.
        X: n rows.
        schema: of the task.
        missing: what stands for a missing value.
    """
    if name != LANGUAGE or name in schema.columns:
        return columns.strings(X[name], missing)
    texts = X[schema.of_kind("text")]
    return language.detected(texts.astype(str).where(texts.notna(), "").agg("\n".join, axis=1))
