"""Lists of items: built from a table, stored in one column, and predicted as an order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeoff.extend import ConfigError, DataError, Rows, Source, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

LIST, ITEMS, GRADES = "list", "items", "grades"
"""Columns of a table of lists: the list's name, its items as JSON objects, and their grades as JSON numbers."""


@dataclass(frozen=True)
class Lists:
    """Lists made of the rows of another source: an item a row.

    Args:
        source: brings the items.
        by: columns to group by: rows with equal values form a list; they stay with the items.
        relevance: column that says how good an item is, the higher the better.
        grades: number of equal-frequency grades that a list's values are binned into; None: the values themselves.
        most: maximum items in a list; longer lists are split, in the order of the source.
    """

    source: Source
    by: Sequence[str]
    relevance: str
    grades: int | None = None
    most: int = 20

    @property
    def name(self) -> str:
        """Name of the source."""
        return f"lists of {self.source.name}"

    def read(self) -> Rows:
        """Read all lists of two items or more. Raises ``DataError`` if a column is missing or holds no numbers."""
        import pandas as pd

        if self.most < 2 or (self.grades is not None and self.grades < 2):
            raise ConfigError(f"data: most={self.most} and grades={self.grades} must be 2 or more.")
        rows = self.source.read()
        items = rows.frame if rows.test is None else pd.concat([rows.frame, rows.test], ignore_index=True)
        items = items.apply(_as_numbers) if rows.is_text else items
        self._check(items)
        made: list[dict[str, str]] = []
        for key, group in items.groupby(list(self.by), sort=True):
            values = key if isinstance(key, tuple) else (key,)
            for start in range(0, len(group), self.most):
                part = group.iloc[start : start + self.most]
                if len(part) > 1:
                    made.append(self._row("/".join(map(str, (*values, start // self.most))), part))
        if not made:
            raise DataError(f"data.by: no two rows of {self.source.name} have equal {', '.join(self.by)}.")
        return Rows(pd.DataFrame(made))

    def _check(self, items: pd.DataFrame) -> None:
        for key, column in (*(("by", column) for column in self.by), ("relevance", self.relevance)):
            if column not in items:
                raise DataError(
                    f'data.{key}: there is no column "{column}" in {self.source.name}. '
                    f"Columns: {', '.join(map(str, items.columns[:20]))}.{did_you_mean(column, items.columns)}"
                )
        from pandas.api import types

        values = items[self.relevance]
        if not types.is_numeric_dtype(values.dtype) or values.isna().any():
            raise DataError(f'data.relevance: "{self.relevance}" of {self.source.name} must hold a number in each row.')

    def _row(self, name: str, part: pd.DataFrame) -> dict[str, str]:
        values = part[self.relevance].astype(float)
        if self.grades is not None:
            values = ((values.rank(method="average") - 0.5) * self.grades / len(values)).astype(int).astype(float)
        features = part.drop(columns=self.relevance)
        # Through pandas, which knows how its own types become JSON.
        return {LIST: name, ITEMS: features.to_json(orient="records"), GRADES: json.dumps(values.tolist())}


def items_of(texts: Iterable[Any]) -> list[list[dict[str, Any]]]:
    """The items of each list from the column ``items``; none where a text is missing."""
    return [json.loads(text) if isinstance(text, str) and text else [] for text in texts]


def ordered(scores: Sequence[float]) -> str:
    """The answer to a list: the positions of its items, the highest score first, equal ones as they stand."""
    return json.dumps(sorted(range(len(scores)), key=lambda i: -scores[i]))


def order_of(output: str, n: int) -> list[int]:
    """The positions in an answer to a list of n items. Items that it leaves out come last, as they stand."""
    told = [i for i in dict.fromkeys(json.loads(output)) if 0 <= i < n]
    return [*told, *(i for i in range(n) if i not in set(told))]


def _as_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of a text file as numbers, if every filled cell of it is one."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().equals(column.notna() & (column != "")) else column
