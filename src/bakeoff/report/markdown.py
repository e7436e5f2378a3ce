"""Reports as Markdown, for pull requests and wikis."""

from __future__ import annotations

from bakeoff.report.blocks import Block, Report, Table, Text


def render(report: Report) -> str:
    """All blocks, one after another."""
    return "\n".join(map(block, report.blocks))


def block(content: Block) -> str:
    """One block, in GitHub's Markdown; a chart as its table."""
    if isinstance(content, Text):
        return _text(content)
    return _table(content if isinstance(content, Table) else content.table())


def _text(text: Text) -> str:
    lines = [_escaped(line) for line in text.lines]
    if text.title or len(lines) > 1:
        title = f"**{_escaped(text.title)}**\n\n" if text.title else ""
        return title + "".join(f"- {line}\n" for line in lines)
    return "".join(f"{line}\n" for line in lines)


def _table(table: Table) -> str:
    aligned = ["---:" if column.is_right_aligned else "---" for column in table.columns]
    rows = [[column.title for column in table.columns], *table.texts()]
    lines = [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows]
    lines.insert(1, f"| {' | '.join(aligned)} |")
    title = f"**{_escaped(table.title)}**\n\n" if table.title else ""
    return title + "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    for sign in "\\|<>*_`":
        text = text.replace(sign, f"\\{sign}")
    return text
