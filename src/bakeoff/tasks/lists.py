"""Columns whose cells are lists, as JSON and Parquet bring them, or the text of lists, as a CSV file does."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_WITHOUT_COMMAS = re.compile(r"""(['"])\s+['"]""")
"""An array of strings as NumPy prints it, without commas: Python would join two neighbours into one string."""


def is_list(cell: Any) -> bool:
    """Return whether a cell is a list: Python's from JSON, NumPy's from Parquet."""
    return isinstance(cell, list | tuple | np.ndarray)


def holds_lists(column: pd.Series) -> bool:
    """Return whether the first non-missing cell is a list."""
    present = column.dropna()
    return column.dtype == object and len(present) > 0 and is_list(present.iloc[0])


def looks_like_list(text: str) -> bool:
    """Return whether a text stands in square brackets."""
    return text.strip().startswith("[") and text.strip().endswith("]")


def list_from_text(text: str) -> list[Any] | None:
    """Read a list as JSON or as Python prints it, such as ``['a', 'b']`` in a CSV file of pandas; None for others."""
    if not looks_like_list(text) or _WITHOUT_COMMAS.search(text):
        return None
    try:
        cell = json.loads(text)
    except json.JSONDecodeError:
        try:
            cell = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return cell if isinstance(cell, list) else None
