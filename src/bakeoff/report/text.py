"""Tables as Markdown and as CSV."""

from __future__ import annotations

import csv
import io

from bakeoff.record import Score
from bakeoff.report.blocks import Table


def markdown(table: Table) -> str:
    """The table as people read it, in GitHub's Markdown."""
    aligned = ("---:" if column.is_right_aligned else "---" for column in table.columns)
    lines = [[column.title for column in table.columns], list(aligned), *table.texts()]
    text = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
    return f"{table.title}\n\n{text}\n" if table.title else f"{text}\n"


def raw_csv(table: Table) -> str:
    """The raw values; an interval takes three columns. What is unknown is empty."""
    with_bounds = [i for i, column in enumerate(table.columns) if column.format in ("interval", "difference")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header: list[str] = []
    for i, column in enumerate(table.columns):
        header += [column.name, f"{column.name}_low", f"{column.name}_high"] if i in with_bounds else [column.name]
    writer.writerow(header)
    for row in table.rows:
        cells: list[object] = []
        for i, value in enumerate(row):
            parts = [value.value, value.low, value.high] if isinstance(value, Score) else [value, None, None]
            cells += parts if i in with_bounds else parts[:1]
        writer.writerow(["" if cell is None or cell != cell else cell for cell in cells])
    return text.getvalue()
