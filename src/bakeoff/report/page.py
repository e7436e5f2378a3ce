"""A document as one HTML file: it opens offline, needs no script to be read, and fetches nothing.

Style and script stand in the file itself, and a Content-Security-Policy allows these two by their hashes and nothing
else. All text is foreign text: it is escaped in ``plain.shown``.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby

from bakeoff.record import Score
from bakeoff.report import svg
from bakeoff.report.blocks import Column, Table, Text, Value
from bakeoff.report.document import Block, Chapter, Document
from bakeoff.report.figures import Chart, Figure
from bakeoff.report.plain import shown
from bakeoff.report.svg.canvas import Palette

MOST_FIGURE_ROWS = 200
"""Rows of the table behind a figure; of more, every k-th is shown."""


def render(document: Document) -> str:
    """The whole file."""
    style, script = _resource("page.css"), _resource("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    contents = "".join(
        f'<li><a href="#{_anchor(i)}">{shown(chapter.title)}</a></li>' for i, chapter in enumerate(document.chapters)
    )
    facts = "".join(f"<li>{shown(fact)}</li>" for fact in document.facts)
    palette = Palette(document.names)
    chapters = "".join(_chapter(i, chapter, palette) for i, chapter in enumerate(document.chapters))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{shown(document.title)}: {shown(document.verdict)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n'
        f"<header><p class=product>bakeoff</p><h1>{shown(document.title)}</h1>"
        f'<div class="verdict {document.tone}"><p class="word">{shown(document.verdict)}</p>'
        f"<p>{shown(document.reason)}</p></div><ul class=facts>{facts}</ul></header>\n"
        f"<nav aria-label=Contents><ol>{contents}</ol></nav>\n<main id=main>\n{chapters}</main>\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def standalone(figure: Figure, names: Sequence[str] = ()) -> str:
    """A figure as an SVG file of its own, in the colours of light pages.

    Args:
        figure: the figure to draw.
        names: names with a colour of their own, as in the document that it is taken from.
    """
    drawn = svg.draw(figure, Palette(names))
    style = _resource("page.css").partition("@media")[0] + _resource("page.css").partition("/* figures */")[2]
    head = '<svg xmlns="http://www.w3.org/2000/svg"'
    return drawn.replace("<svg", head, 1).replace(">", f"><style>{style.partition('/* end */')[0]}</style>", 1)


def _chapter(number: int, chapter: Chapter, palette: Palette) -> str:
    about = f"<p class=about>{shown(chapter.about)}</p>" if chapter.about else ""
    blocks = "\n".join(_neighbours(chapter.blocks, palette))
    anchor = _anchor(number)
    return (
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{shown(chapter.title)}</h2>{about}\n'
        f"{blocks}\n</section>\n"
    )


def _neighbours(blocks: Sequence[Block], palette: Palette) -> Iterator[str]:
    """The blocks in their order; figures that follow each other stand side by side where the screen has room."""
    for are_figures, group in groupby(blocks, key=lambda block: not isinstance(block, Text | Table)):
        drawn = [_block(block, palette) for block in group]
        yield f"<div class=figures>{''.join(drawn)}</div>" if are_figures and len(drawn) > 1 else "\n".join(drawn)


def _block(block: Block, palette: Palette) -> str:
    if isinstance(block, Text):
        return _text(block)
    return _table(block) if isinstance(block, Table) else _figure(block, palette)


def _text(text: Text) -> str:
    if text.is_folded:
        lines = "".join(f"<p>{shown(line)}</p>" for line in text.lines)
        return f"<details class=folded><summary>{shown(text.title)}</summary>{lines}</details>"
    title = f"<h3>{shown(text.title)}</h3>" if text.title else ""
    css = f' class="{text.style}"' if text.style else ""
    if len(text.lines) == 1:
        return f"{title}<p{css}>{shown(text.lines[0])}</p>"
    return f"{title}<ul{css}>{''.join(f'<li>{shown(line)}</li>' for line in text.lines)}</ul>"


def _figure(figure: Figure, palette: Palette) -> str:
    table = figure.table()
    step = math.ceil(len(table.rows) / MOST_FIGURE_ROWS)
    some = Table(table.columns, table.rows[::step]) if step > 1 else Table(table.columns, table.rows)
    note = f"<p>Every {step}th of {len(table.rows):,} rows.</p>" if step > 1 else ""
    name = shown(figure.title)
    return (
        f"<figure><figcaption>{name}</figcaption>{_legend(figure, palette)}"
        f'<div class=scroll tabindex=0 role=group aria-label="{name}, figure">{svg.draw(figure, palette)}</div>'
        f"<details><summary>Data of this figure</summary>{note}{_table(some, figure.title)}</details></figure>"
    )


def _legend(figure: Figure, palette: Palette) -> str:
    """Names of the lines for small screens, where those beside the lines are out of sight."""
    if not isinstance(figure, Chart) or figure.kind == "bar" or len(figure.series) < 2:
        return ""
    names = [name for name in figure.series if name != figure.reference]
    dot = '<svg viewBox="0 0 10 10" width="10" height="10"><circle class="dot {css}" cx="5" cy="5" r="5"/></svg>'
    items = (
        f"<li>{dot.format(css=css)}{shown(name)}</li>" for name, css in zip(names, palette.classes(names), strict=True)
    )
    return f"<ul class=legend aria-hidden=true>{''.join(items)}</ul>"


def _table(table: Table, name: str = "") -> str:
    name = name or table.title or "Table"
    title = f"<h3>{shown(table.title)}</h3>" if table.title else ""
    head = "".join(
        f"<th scope=col{_css(column)}>{shown(column.title) or '<span class=hidden>name</span>'}</th>"
        for column in table.columns
    )
    body = "".join(
        _row(cells, values, table) for cells, values in zip(table.texts(), table.rows, strict=True)
    )  # fmt: skip
    return (
        f'{title}<div class=scroll tabindex=0 role=group aria-label="{shown(name)}, table">'
        f"<table class=data><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: list[str], values: tuple[Value, ...], table: Table) -> str:
    css = " class=strong" if cells and cells[0] == table.emphasised else ""
    written = []
    for i, (cell, value, column) in enumerate(zip(cells, values, table.columns, strict=True)):
        key = _sort_key(value)
        sort = f' data-sort="{key!r}"' if key is not None else ""
        tag = "th scope=row" if i == 0 else "td"
        written.append(f"<{tag}{_css(column)}{sort}>{shown(cell)}</{tag.partition(' ')[0]}>")
    return f"<tr{css}>{''.join(written)}</tr>"


def _css(column: Column) -> str:
    if column.is_right_aligned:
        return " class=number"
    return " class=interval" if column.format in ("interval", "difference") else ""


def _sort_key(value: Value) -> float | None:
    raw = value.value if isinstance(value, Score) else value
    return float(raw) if isinstance(raw, int | float) and math.isfinite(raw) else None


def _anchor(number: int) -> str:
    return f"chapter-{number + 1}"


@cache
def _resource(name: str) -> str:
    return files("bakeoff.report").joinpath(name).read_text("utf-8").strip()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
