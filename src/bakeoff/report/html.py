"""Reports as HTML, for notebooks."""

from __future__ import annotations

from html import escape

from bakeoff.report.blocks import Table, Text
from bakeoff.report.document import Block, Report


def render(report: Report) -> str:
    """All blocks, one after another."""
    return "".join(map(block, report.blocks))


def framed(page: str, title: str) -> str:
    """A whole page below a heading that unfolds it, in a frame: neither its style nor its script reaches the notebook.

    Args:
        page: the page, as HTML.
        title: name of the frame, for screen readers.
    """
    return (
        f"<details><summary>The whole report</summary>"
        f'<iframe title="{escape(title)}" sandbox="allow-scripts" width="100%" height="800" srcdoc="{escape(page)}">'
        "</iframe></details>"
    )


def block(content: Block) -> str:
    """One block; a chart as its table."""
    if isinstance(content, Text):
        return _text(content)
    return _table(content if isinstance(content, Table) else content.table())


def _text(text: Text) -> str:
    title = f"<p><b>{escape(text.title)}</b></p>" if text.title else ""
    if len(text.lines) == 1:
        head, separator, rest = text.lines[0].partition(" – ") if text.style else ("", "", text.lines[0])
        return f"{title}<p>{f'<b>{escape(head)}</b>' if head else ''}{escape(separator + rest)}</p>"
    return f"{title}<ul>{''.join(f'<li>{escape(line)}</li>' for line in text.lines)}</ul>"


def _table(table: Table) -> str:
    title = f"<p><b>{escape(table.title)}</b></p>" if table.title else ""
    head = "".join(f"<th>{escape(column.title)}</th>" for column in table.columns)
    body = "".join(_row(cells, cells[0] == table.emphasised) for cells in table.texts())
    return f"{title}<table><tr>{head}</tr>{body}</table>"


def _row(cells: list[str], is_emphasised: bool) -> str:
    texts = [escape(cell) for cell in cells]
    if is_emphasised:
        texts[0] = f"<b>{texts[0]}</b>"
    return "<tr>" + "".join(f"<td>{text}</td>" for text in texts) + "</tr>"
