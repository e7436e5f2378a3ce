"""Terminal output during and after the runs: calm, aligned, and the same in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich import table as rich_table
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.text import Text as RichText

from bakeoff import secrets
from bakeoff.cost import PARTS_SECONDS
from bakeoff.report.blocks import ESSENTIAL, Style, Table, Text
from bakeoff.report.document import Block, Report
from bakeoff.report.plain import visible

if TYPE_CHECKING:
    from bakeoff.record import Run

PIPE_WIDTH = 10_000  # nothing is cut or broken where another program may read
GAP = 2  # columns between cells
STYLES: dict[Style, str] = {
    "": "",
    "bold": "bold",
    "good": "bold green",
    "neutral": "bold blue",
    "warning": "yellow",
    "bad": "red",
}
PLAIN = str.maketrans(
    {"✓": "ok", "✗": "failed", "–": "-", "−": "-", "…": "...", "×": "x", "→": "->", "≤": "<=", "≥": ">="}
)
"""ASCII replacements for our symbols on terminals without Unicode."""


class _PlainStream:
    """A stream without Unicode: our symbols become ASCII, other characters are escaped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        encoding = self._stream.encoding or "ascii"
        plain = text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
        return self._stream.write(plain)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Line(RichText):
    """A text that shows the codes of control characters, some of which rich would drop in silence."""

    def __init__(self, text: str = "", style: str = "", **options: Any) -> None:
        super().__init__(visible(text), style, **options)

    def append(self, text: RichText | str, style: Any = None) -> Line:
        """Add a text."""
        super().append(visible(text) if isinstance(text, str) else text, style)
        return self


class _VisibleConsole(Console):
    """A console whose texts show the codes of control characters: only rich itself moves the cursor or sets colours."""

    def render_str(self, text: str, **options: Any) -> RichText:
        return super().render_str(visible(text), **options)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            segment if segment.control or segment.text.isprintable() else segment._replace(text=visible(segment.text))
            for segment in buffer
        )


def console(stderr: bool = False) -> Console:
    """A console that writes control characters only where they show as colour."""
    stream = sys.stderr if stderr else sys.stdout
    stream = getattr(stream, "unfiltered", stream)  # colours pass; the texts are filtered here
    wide = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    file = stream if _has_unicode(stream) else cast(TextIO, _PlainStream(stream))
    return _VisibleConsole(file=file, stderr=stderr, width=wide, highlight=False, emoji=False, markup=False)


def _has_unicode(stream: TextIO) -> bool:
    try:
        "✓–".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@contextmanager
def progress(variant: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr what a variant is doing, if stderr is a terminal."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda doing: None
        return
    with screen.status(f"{variant}: starting") as status:
        yield lambda doing: status.update(f"{variant}: {doing}")


def show_run(run: Run) -> None:
    """Print one line on stderr for a run that has ended."""
    screen = console(stderr=True)
    seconds = f"{sum(took for step, took in run.seconds.items() if step != PARTS_SECONDS):.1f} s"
    if run.status == "ok":
        screen.print(Line.assemble(("✓ ", "green"), f"{run.variant}: done in {seconds}"))
    else:
        message = run.error["message"] if run.error else run.status
        screen.print(
            Line.assemble(("✗ ", "red"), f"{run.variant}: {run.status} after {seconds}: {secrets.hide(message)}")
        )


def show(report: Report) -> None:
    """Print a report on stdout: tables and titled texts apart from what precedes them, other texts line after line."""
    screen = console()
    is_first_after_table = True
    for block in report.blocks:
        is_apart = not isinstance(block, Text) or bool(block.title) or is_first_after_table
        if is_apart and not (isinstance(block, Text) and block.style == "bad"):
            screen.print()
        _draw(block, screen)
        is_first_after_table = not isinstance(block, Text) or (
            isinstance(block, Text) and (bool(block.title) or block.style == "bad")
        )


def _draw(block: Block, screen: Console) -> None:
    if isinstance(block, Text):
        _draw_text(block, screen)
    else:
        _draw_table(block if isinstance(block, Table) else block.table(), screen)


def _draw_text(text: Text, screen: Console) -> None:
    if text.title:
        screen.print(Line(text.title, style="bold"))
    for line in text.lines:
        head, separator, rest = _parted(line) if text.style else ("", "", line)
        styled = Line.assemble((head, STYLES[text.style]), separator + rest)
        if text.title:
            styled = Line.assemble("  ", styled)
        screen.print(styled, soft_wrap=not screen.is_terminal)


def _parted(line: str) -> tuple[str, str, str]:
    """A line up to its first separator, the separator, and the rest."""
    positions = [(line.index(sign), sign) for sign in (" – ", ": ") if sign in line.removeprefix("Verdict: ")]
    if line.startswith("Verdict: "):
        return line.partition(" – ")
    return line.partition(min(positions)[1]) if positions else (line, "", "")


def _draw_table(table: Table, screen: Console) -> None:
    """As wide as the screen allows: without the least important columns, or else one row a block."""
    fitting, left_out = _fitting(table, screen.width)
    if fitting is None:
        _draw_rows_apart(table, screen)
        return
    if table.title:
        screen.print(Line(table.title, style="bold"))
    rendered = rich_table.Table(header_style="bold", box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for column in fitting.columns:
        rendered.add_column(column.title, justify="right" if column.is_right_aligned else "left", overflow="fold")
    for cells in fitting.texts():
        style = "bold" if cells[0] == table.emphasised else ""
        rendered.add_row(Line(cells[0], style=style), *map(Line, cells[1:]))
    screen.print(rendered)
    if left_out:
        screen.print(f"Not shown at {screen.width} columns: {', '.join(left_out)}.")


def _fitting(table: Table, width: int) -> tuple[Table | None, list[str]]:
    """The table with the columns that fit, the titles of those left out; None where the essential ones do not fit."""
    fitting = table
    while _width(fitting) > width:
        optional = [column for column in fitting.columns if column.importance < ESSENTIAL]
        if not optional:
            return None, []
        least = min(reversed(optional), key=lambda column: column.importance)
        fitting = fitting.without([least.name])
    return fitting, [column.title for column in table.columns if column not in fitting.columns]


def _width(table: Table) -> int:
    texts = table.texts()
    widths = [
        max([cell_len(column.title), *(cell_len(row[i]) for row in texts)]) for i, column in enumerate(table.columns)
    ]
    return sum(widths) + GAP * (len(widths) - 1)


def _draw_rows_apart(table: Table, screen: Console) -> None:
    if table.title:
        screen.print(Line(table.title, style="bold"))
    for cells in table.texts():
        screen.print(Line(cells[0], style="bold"))
        for column, cell in list(zip(table.columns, cells, strict=True))[1:]:
            screen.print(Line(f"  {column.title}: {cell}"))
