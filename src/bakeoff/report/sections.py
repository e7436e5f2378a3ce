"""What a report says besides the leaderboard: named functions of a comparison and its runs.

A section of a plugin is one decorated function, named by an entry point in the group ``bakeoff.sections``::

    from bakeoff.report.sections import section

    @section("hardest", "What nobody got right", applies=lambda schema: schema.kind == "counting")
    def hardest(comparison, runs):
        return ["row 7", "row 12"]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bakeoff import plugins, record

if TYPE_CHECKING:
    from bakeoff.compare.comparison import Comparison
    from bakeoff.record import Run
    from bakeoff.task import Schema

Lines = Callable[["Comparison", Sequence["Run"]], Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        name: of its entry point.
        title: as it is shown.
        lines: of plain text, from a comparison and the finished runs in it; none: the section is left out.
        applies: whether it is meant for such a task.
    """

    name: str
    title: str
    lines: Lines
    applies: Callable[[Schema], bool]


def section(
    name: str, title: str, *, applies: Callable[[Schema], bool] = lambda schema: True
) -> Callable[[Lines], Section]:
    """Decorate a function of a comparison and its runs: it becomes a section.

    Args:
        name: of its entry point.
        title: as it is shown.
        applies: whether it is meant for such a task.
    """
    return lambda lines: Section(name, title, lines, applies)


def of(comparison: Comparison, runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Title and lines of each section that has something to say. One that fails says so, and harms no other.

    Args:
        comparison: what is reported.
        runs: in it, finished or not.
    """
    finished = [run for run in runs if run.status == "ok"]
    found: list[tuple[str, list[str]]] = []
    if not finished:
        return found
    schema = record.schema_of(finished[0])
    for declared, made in plugins.loadable(plugins.SECTIONS):
        try:
            lines = list(made.lines(comparison, finished)) if made.applies(schema) else []
        except Exception as error:  # it is a stranger's code: it may raise anything
            lines = [f"{declared.plugin} failed here: {type(error).__name__}: {error}"]
        if lines:
            found.append((getattr(made, "title", declared.name), lines))
    return found
