"""Overview of a source before a target is chosen: how each column is read, and which columns may be the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bakeoff import advice
from bakeoff.columns import kinds
from bakeoff.data import cells, columns
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Source
from bakeoff.task import DataNote, Schema

TELLING = ("target", "label", "class", "y", "outcome", "churn", "response", "result", "price", "score", "sentiment")
MOST_CLASSES = 20
LIKELY, WIDTH = 3, 24


@dataclass(frozen=True)
class ColumnOverview:
    """One column.

    Attributes:
        name: in the header.
        type: number, category, date or text; or why it is left out.
        distinct: number of values.
        missing: number of rows without a value.
        example: one of the values, cut.
    """

    name: str
    type: str
    distinct: int
    missing: int
    example: str


@dataclass(frozen=True)
class Overview:
    """A source at a glance.

    Attributes:
        where: name of the source.
        rows: how many it has.
        columns: all of them, in the order of the file.
        likely: which may be the target, the likeliest first, with what each would make of the task.
        notes: decisions that nobody declared.
    """

    where: str
    rows: int
    columns: tuple[ColumnOverview, ...]
    likely: Mapping[str, str]
    notes: tuple[DataNote, ...]

    def __str__(self) -> str:
        """A table, the likely targets and the notes."""
        header = ("column", "read as", "distinct", "missing", "such as")
        table = [header, *((c.name, c.type, f"{c.distinct:,}", f"{c.missing:,}", c.example) for c in self.columns)]
        widths = [max(len(row[i]) for row in table) for i in range(len(header) - 1)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
            for row in table
        ]
        likely = ", ".join(f"{name} ({task})" for name, task in self.likely.items())
        return "\n".join(
            [
                f"{self.where}: {self.rows:,} rows.",
                *lines,
                *([f"Likely targets: {likely}."] if likely else []),
                *(f"Note: {note}" for note in self.notes),
            ]
        )


def overview(source: Source, declared: Mapping[str, str] | None = None) -> Overview:
    """Read a source and look at its columns.

    Args:
        source: of rows.
        declared: column → type, as in ``data.columns``.

    Raises:
        DataError: it cannot be read.
    """
    where = source.name
    table = cells.read(source, DataSettings.undecided(dict(declared or {})))
    names = [name for name in table.frame.columns if name not in table.left_out]
    read = columns.read(table.frame, names, table.kinds, where)
    rows = [
        _column(table.frame[name], kinds.get(read.kinds[name]).words[0] if name in read.kinds else "left out")
        for name in table.frame.columns
    ]
    unexplained = [name for name in read.texts if name not in table.explained]
    notes = (*table.notes, *columns.text_notes(unexplained))
    return Overview(where, len(table.frame), tuple(rows), likely_targets(rows), notes)


def likely_targets(rows: Sequence[ColumnOverview]) -> dict[str, str]:
    """The columns that may be the target, the likeliest first, with the task that each would make."""
    scores: dict[str, int] = {}
    tasks: dict[str, str] = {}
    for position, row in enumerate(rows):
        is_classes = row.type in ("category", "number") and 2 <= row.distinct <= MOST_CLASSES
        if row.missing or not (is_classes or row.type == "number"):
            continue
        tasks[row.name] = f"{row.distinct} classes" if is_classes else "a number"
        is_telling = row.name.lower() in TELLING or any(row.name.lower().endswith(f"_{word}") for word in TELLING)
        scores[row.name] = 4 * is_telling + 2 * (position == len(rows) - 1) + is_classes + (position == 0)
    best = sorted(scores, key=lambda name: -scores[name])[:LIKELY]
    return {name: tasks[name] for name in best}


def reading_of(schema: Schema) -> str:
    """Describe in a sentence how the columns of a task are read."""
    by_type: dict[str, list[str]] = {}
    for name, kind in schema.columns.items():
        by_type.setdefault(kinds.get(kind).words[0], []).append(name)
    return "; ".join(f"{kind}: {advice.listed(names)}" for kind, names in by_type.items())


def _column(values: pd.Series, kind: str) -> ColumnOverview:
    present = values.dropna()
    try:
        distinct = int(present.nunique())
    except TypeError:  # lists
        distinct = int(present.astype(str).nunique())
    example = " ".join(str(present.iloc[0]).split()) if len(present) else ""
    example = example if len(example) <= WIDTH else f"{example[: WIDTH - 1]}…"
    return ColumnOverview(str(values.name), kind, distinct, int(values.isna().sum()), example)
