"""The kind of task: a row is a list of items, and its target is the grade of each item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bakeoff.tasks.kinds import Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NAME = "ranking"


def _read(column: pd.Series) -> NDArray[Any]:
    import numpy as np

    found = np.empty(len(column), dtype=object)
    for i, text in enumerate(column):
        found[i] = tuple(float(grade) for grade in json.loads(text))
    return found


def _write(targets: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.array([json.dumps(list(grades)) for grades in targets], dtype=object)


def _read_output(column: pd.Series) -> NDArray[Any]:
    return column.to_numpy(dtype=object)


RANKING = Kind(
    name=NAME,
    summary="the order of the items in a list",
    metric=lambda schema: "list_ndcg",
    has_corpus=False,
    write=_write,
    read=_read,
    read_output=_read_output,
)
"""Targets are tuples of grades, one for each item, the higher the better; outputs are JSON, see ``lists``."""
