"""The kind of task: a row is a list of items, and its target is the grade of each item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bakeoff.extend import Schema, TableKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NAME = "ranking"


class Ranking(TableKind):
    """Targets are tuples of grades, one for each item, the higher the better; outputs are JSON, see ``lists``."""

    name = NAME
    summary = "the order of the items in a list"

    def default_metric(self, schema: Schema) -> str:
        """Normalised discounted cumulative gain of whole lists."""
        return "list_ndcg"

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """The grades of each row, from a JSON list."""
        import numpy as np

        targets = np.empty(len(column), dtype=object)
        for i, text in enumerate(column):
            targets[i] = tuple(float(grade) for grade in json.loads(text))
        return targets

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The grades of each row as a JSON list."""
        import numpy as np

        return np.array([json.dumps(list(grades)) for grades in targets], dtype=object)


RANKING = Ranking()
