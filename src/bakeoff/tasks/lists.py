"""Columns whose cells are lists, as JSON and Parquet bring them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def is_list(cell: Any) -> bool:
    """Return whether a cell is a list: Python's from JSON, NumPy's from Parquet."""
    return isinstance(cell, list | tuple | np.ndarray)


def holds_lists(column: pd.Series) -> bool:
    """Return whether the first non-missing cell is a list."""
    present = column.dropna()
    return column.dtype == object and len(present) > 0 and is_list(present.iloc[0])
