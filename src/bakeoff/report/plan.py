"""Output of ``bakeoff plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from bakeoff.report import terminal

if TYPE_CHECKING:
    from bakeoff.request.spec import Request


def show(
    requests: Sequence[Request],
    waiting: Sequence[Request],
    llm_use: Mapping[str, Sequence[str]],
    notes: Sequence[str] = (),
) -> None:
    """Print what would run, into which folder, what each search would try, and what LLMs would be asked.

    Args:
        requests: all variants.
        waiting: those that have no result yet.
        llm_use: variant → what it would ask of LLMs, in sentences.
        notes: how the columns of the data are read, and what would be downloaded, one sentence each.
    """
    screen = terminal.console()
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("variant", "family", "data", "folder", "what happens"):
        table.add_column(column, overflow="fold")
    for request in requests:
        budget = _budget(request) if request.is_tuned else "runs as it is"
        action = budget if request in waiting else "is kept: it has a result"
        table.add_row(
            request.variant, str(request.card.get("family", "")), request.data.name, str(request.folder), action
        )
    screen.print(table)
    for request in waiting:
        dimensions = request.dimensions() if request.is_tuned else []
        for dimension in dimensions:
            when = "".join(f", when {key} is {value}" for key, value in dimension.when)
            screen.print(f"{request.variant}: {dimension.key} = {dimension.sweep}{when}")
        for sentence in llm_use.get(request.variant, ()):
            screen.print(f"{request.variant}: {sentence}", soft_wrap=True)
    for sentence in notes:
        screen.print(sentence, soft_wrap=True, markup=False)
    screen.print(f"{len(waiting)} of {len(requests)} variants would run.")


def _budget(request: Request) -> str:
    settings = request.search
    if settings.racing is not None:
        totals = [
            (settings.total.trials, "{} trials"),
            (settings.total.seconds, "{:g} s"),
            (settings.total.dollars, "${:g}"),
        ]
        pot = " or ".join(text.format(total) for total, text in totals if total is not None)
        return f"races for {pot} of search in {settings.racing} rounds"
    parts = [f"{settings.trials} trials"] if settings.trials is not None else []
    parts += [f"{settings.seconds:g} s"] if settings.seconds is not None else []
    parts += [f"${settings.dollars:g}"] if settings.dollars is not None else []
    workers = f" by {settings.workers} workers" if settings.workers > 1 else ""
    return f"is searched: {' or '.join(parts) or 'every combination'}{workers}"
