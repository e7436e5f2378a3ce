"""Figures of a report as data: lines and bars, intervals, points and matrices.

Every figure is also a table: for renderers that draw nothing, for screen readers, and to copy from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bakeoff.record import Score
from bakeoff.report.blocks import Column, Format, Table


@dataclass(frozen=True)
class Chart:
    """Lines or points over a common axis.

    Attributes:
        title: above it.
        x: values of the axis.
        series: name of a line → its values, one for each of ``x``.
        x_title, y_title: of the axes.
        kind: type of chart.
        x_scale: logarithmic where values differ by orders of magnitude; all of them are then positive.
        reference: name of the series that the others are held against, drawn without a colour; empty for none.
        begins_at_zero: whether the vertical axis does, so that amounts that are nearly equal look so.
    """

    title: str
    x: tuple[float, ...] | tuple[str, ...]
    series: Mapping[str, tuple[float, ...]]
    x_title: str = ""
    y_title: str = ""
    kind: Literal["line", "bar", "scatter"] = "line"
    x_scale: Literal["linear", "log"] = "linear"
    reference: str = ""
    begins_at_zero: bool = False

    def table(self) -> Table:
        """The same as a table, for renderers that draw no charts."""
        columns = (
            Column("x", self.x_title or "x", "text" if self.x and isinstance(self.x[0], str) else "number"),
            *(Column(name, name, "number", importance=1) for name in self.series),
        )
        return Table(columns, tuple(zip(self.x, *self.series.values(), strict=True)), self.title)


@dataclass(frozen=True)
class Intervals:
    """Values with intervals, one below the other (a forest plot).

    Attributes:
        title: above it.
        rows: name and value of each.
        x_title: of the common axis.
        format: of the values in the table.
        reference: where a line is drawn; None for none.
        threshold: width of the band beside the line within which differences do not matter; 0 for none.
        emphasised: the name that stands out.
    """

    title: str
    rows: tuple[tuple[str, Score], ...]
    x_title: str = ""
    format: Format = "interval"
    reference: float | None = None
    threshold: float = 0.0
    emphasised: str | None = None

    def table(self) -> Table:
        """Name and value of each."""
        return Table((Column("name", ""), Column("value", self.x_title, self.format)), self.rows, self.title)


@dataclass(frozen=True)
class Point:
    """A named point with uncertainty in both directions.

    Attributes:
        name: its label.
        x: position; a score without an interval has no width.
        y: likewise.
        stands_out: True for points on a Pareto front, and the like.
    """

    name: str
    x: Score
    y: Score
    stands_out: bool = False


@dataclass(frozen=True)
class Points:
    """Named points in two dimensions, with the box of each point's uncertainty.

    Attributes:
        title: above it.
        points: those with finite positions.
        x_title, y_title: of the axes.
        x_scale: logarithmic where values differ by orders of magnitude; all of them are then positive.
        outstanding: heading of what makes a point stand out; empty where none does.
    """

    title: str
    points: tuple[Point, ...]
    x_title: str = ""
    y_title: str = ""
    x_scale: Literal["linear", "log"] = "linear"
    outstanding: str = ""

    def table(self) -> Table:
        """One row a point."""
        columns = (
            Column("name", ""), Column("y", self.y_title, "interval"), Column("x", self.x_title, "interval"),
            *((Column("outstanding", self.outstanding),) if self.outstanding else ()),
        )  # fmt: skip
        rows = tuple(
            (p.name, p.y, p.x, *((("yes" if p.stands_out else "no"),) if self.outstanding else ())) for p in self.points
        )
        return Table(columns, rows, self.title)


@dataclass(frozen=True)
class Matrix:
    """A value for each pair of a row and a column (a heat map, a confusion matrix).

    Attributes:
        title: above it.
        rows: labels of the rows.
        columns: labels of the columns.
        values: one tuple a row; None where there is no value.
        row_title, column_title: what rows and columns stand for.
        format: of the values.
        shade: ``value`` colours by the value over the whole matrix, ``row_share`` by its share of its row's sum.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    row_title: str = ""
    column_title: str = ""
    format: Format = "number"
    shade: Literal["value", "row_share"] = "value"

    def table(self) -> Table:
        """The matrix with its labels."""
        columns = (Column("row", self.row_title), *(Column(name, name, self.format) for name in self.columns))
        rows = tuple((name, *values) for name, values in zip(self.rows, self.values, strict=True))
        return Table(columns, rows, self.title)


@dataclass(frozen=True)
class Flow:
    """Stages that rows pass in order, each answering some and handing on the rest.

    Attributes:
        title: above it.
        stages: name of each, the shares of all rows that it sees and answers, and what else is to be said of it.
    """

    title: str
    stages: tuple[tuple[str, float, float, str], ...]

    def table(self) -> Table:
        """One row a stage."""
        columns = (
            Column("stage", "stage"), Column("seen", "share seen", "number"),
            Column("answered", "share answered", "number"), Column("about", ""),
        )  # fmt: skip
        return Table(columns, self.stages, self.title)


@dataclass(frozen=True)
class Parallel:
    """Trials of a search as lines over parallel axes, one axis a parameter and the last one the objective.

    Attributes:
        title: above it.
        axes: name of each axis.
        rows: one value an axis for each trial: numbers, or the name of what was chosen.
        is_higher_better: direction of the last axis.
    """

    title: str
    axes: tuple[str, ...]
    rows: tuple[tuple[float | str, ...], ...]
    is_higher_better: bool = True

    def table(self) -> Table:
        """One row a trial."""
        columns = tuple(
            Column(f"axis-{i}", name, "text" if any(isinstance(row[i], str) for row in self.rows) else "number")
            for i, name in enumerate(self.axes)
        )
        return Table(columns, self.rows, self.title)


Figure = Chart | Intervals | Points | Matrix | Flow | Parallel
