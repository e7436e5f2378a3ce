"""Reports as Markdown, for pull requests and wikis."""

from __future__ import annotations

from bakeoff.report.blocks import Table, Text
from bakeoff.report.document import Block, Document, Report
from bakeoff.report.plain import visible

OPEN = ("In brief", "Leaderboard", "Method checks")
"""Chapters that are not folded away."""


def render(report: Report) -> str:
    """All blocks, one after another."""
    return "\n".join(map(block, report.blocks))


def document(content: Document) -> str:
    """The long report for a pull request: verdict and leaderboard open, the others folded away, requests left out."""
    facts = " · ".join(_escaped(fact) for fact in content.facts)
    parts = [f"## {_escaped(content.title)}: {_escaped(content.verdict)}", _escaped(content.reason), facts]
    for chapter in content.chapters:
        body = "\n".join(block(each) for each in chapter.blocks if not (isinstance(each, Text) and each.is_folded))
        if chapter.title in OPEN:
            parts.append(f"### {_escaped(chapter.title)}\n\n{body}")
        else:
            parts.append(f"<details><summary>{_escaped(chapter.title)}</summary>\n\n{body}\n</details>")
    return "\n\n".join(parts) + "\n"


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
    text = visible(text).replace("\n", " ")
    for sign in "\\|<>*_`":
        text = text.replace(sign, f"\\{sign}")
    return text
