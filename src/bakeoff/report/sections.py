"""Sections of a report: named functions of a comparison and its runs that return blocks.

A section of a plugin is one decorated function, named by an entry point in the group ``bakeoff.sections``::

    from bakeoff.extend import section

    @section("hardest", "Rows that no variant got right", applies=lambda schema: schema.kind == "counting")
    def hardest(comparison, runs):
        return ["row 7", "row 12"]

It returns lines of text, or blocks: ``Text``, ``Table``, and the figures ``Chart``, ``Intervals``, ``Points`` and
``Matrix`` of ``bakeoff.extend``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bakeoff import plugins, record
from bakeoff.report.blocks import Table, Text
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart, Intervals, Matrix, Points

if TYPE_CHECKING:
    from bakeoff.compare.comparison import Comparison
    from bakeoff.record import Run
    from bakeoff.task import Schema

BLOCKS = (Text, Table, Chart, Intervals, Points, Matrix)
KNOWN = ", ".join(block.__name__ for block in BLOCKS)

Content = Callable[["Comparison", Sequence["Run"]], Sequence[str | Block]]


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        name: name of its entry point.
        title: its heading.
        content: blocks or lines of text, from a comparison and the finished runs in it; none: the section is left out.
        applies: returns whether the section is meant for such a task.
    """

    name: str
    title: str
    content: Content
    applies: Callable[[Schema], bool]


def section(
    name: str, title: str, *, applies: Callable[[Schema], bool] = lambda schema: True
) -> Callable[[Content], Section]:
    """Decorate a function of a comparison and its runs: it becomes a section.

    Args:
        name: name of its entry point.
        title: its heading.
        applies: returns whether the section is meant for such a task.
    """
    return lambda content: Section(name, title, content, applies)


def blocks(comparison: Comparison, runs: Sequence[Run]) -> list[Block]:
    """The blocks of every section that is not empty. One that fails reports it, and does not affect the others.

    Args:
        comparison: the comparison to report.
        runs: in it, finished or not.
    """
    finished = [run for run in runs if run.status == "ok"]
    section_blocks: list[Block] = []
    if not finished:
        return section_blocks
    schema = record.schema_of(finished[0])
    for declared, loaded in plugins.loadable(plugins.SECTIONS):
        try:
            if loaded.applies(schema):
                section_blocks += _titled(loaded.title, loaded.content(comparison, finished))
        except Exception as error:  # third-party code: it may raise anything
            message = f"{declared.plugin} failed here: {type(error).__name__}: {error}"
            section_blocks.append(Text((message,), title=str(getattr(loaded, "title", declared.name))))
    return section_blocks


def _titled(title: str, content: Any) -> list[Block]:
    """Lines gathered into texts, and blocks as they are; the first has the title of the section."""
    if isinstance(content, str):
        raise TypeError("a section returns a list of lines or blocks, not one text")
    titled: list[Block] = []
    lines: list[str] = []
    for item in content:
        if isinstance(item, str):
            lines.append(item)
            continue
        if not isinstance(item, BLOCKS):
            raise TypeError(f"a section returns lines or blocks ({KNOWN}), not {type(item).__name__}")
        titled += [Text(tuple(lines))] if lines else []
        lines = []
        titled.append(item)
    titled += [Text(tuple(lines))] if lines else []
    return [replace(titled[0], title=titled[0].title or title), *titled[1:]] if titled else []
