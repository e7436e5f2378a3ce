"""Blocks of a report as data: texts and tables, which terminal, notebook and files draw.

Tables hold raw values; a column says how they are formatted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bakeoff import numbers
from bakeoff.record import Score

Format = Literal["text", "number", "interval", "difference", "price", "count"]
Value = str | float | int | Score | None
Style = Literal["", "bold", "good", "neutral", "warning", "bad"]

ESSENTIAL = 100
"""Importance of columns that are never left out."""


@dataclass(frozen=True)
class Text:
    """Lines of text.

    Attributes:
        lines: each a line or a sentence.
        title: above them; empty for none.
        style: of the words before the first " – " or ": " of each line, where there is colour.
        is_folded: whether pages show no more than the title until it is opened.
    """

    lines: tuple[str, ...]
    title: str = ""
    style: Style = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: name of the raw values, as in files.
        title: its heading.
        format: display format of the values.
        importance: the least important are left out first where the screen is narrow; ``ESSENTIAL`` ones never.
    """

    name: str
    title: str
    format: Format = "text"
    importance: int = ESSENTIAL

    @property
    def is_right_aligned(self) -> bool:
        """True for right-aligned cells: single numbers are."""
        return self.format in ("number", "price", "count")

    def cells(self, values: Sequence[Value]) -> list[str]:
        """The values as text; intervals share the decimals that the narrowest supports."""
        scores = [value for value in values if isinstance(value, Score)]
        decimals = numbers.interval_decimals((score.low, score.high) for score in scores)
        return [self._cell(value, decimals) for value in values]

    def _cell(self, value: Value, decimals: int) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, Score):
            if self.format == "difference" and None not in (value.value, value.low, value.high):
                assert value.value is not None and value.low is not None and value.high is not None
                return numbers.difference_with_interval(value.value, value.low, value.high, decimals)
            if self.format == "interval":
                known = value.low is not None and value.high is not None
                return numbers.with_interval(value.value, value.low, value.high, decimals if known else None)
            value = value.value
        if self.format == "price":
            return numbers.MISSING if value is None else numbers.price(value)
        if self.format == "count":
            return numbers.number(value, 0)
        return numbers.number(value)


@dataclass(frozen=True)
class Table:
    """Columns with formats, and rows of raw values.

    Attributes:
        columns: in the order in which they are shown.
        rows: each with one value a column.
        title: above it; empty for none.
        emphasised: the first value of the row that stands out; None for none.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    title: str = ""
    emphasised: str | None = None

    def texts(self) -> list[list[str]]:
        """The cells as text, row by row."""
        by_column = [column.cells([row[i] for row in self.rows]) for i, column in enumerate(self.columns)]
        return [list(row) for row in zip(*by_column, strict=True)]

    def without(self, names: Sequence[str]) -> Table:
        """The table without the columns of these names."""
        positions = [i for i, column in enumerate(self.columns) if column.name not in names]
        rows = tuple(tuple(row[i] for i in positions) for row in self.rows)
        return Table(tuple(self.columns[i] for i in positions), rows, self.title, self.emphasised)
