"""Columns whose cells are lists, as JSON and Parquet bring them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def is_list(cell: Any) -> bool:
    """Whether a cell is a list: JSON brings Python's, Parquet NumPy's."""
    return isinstance(cell, list | tuple | np.ndarray)


def holds_lists(column: pd.Series) -> bool:
    """Whether the first cell that is there is a list."""
    present = column.dropna()
    return column.dtype == object and len(present) > 0 and is_list(present.iloc[0])
