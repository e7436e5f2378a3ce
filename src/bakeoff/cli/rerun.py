"""``bakeoff rerun``: repeat runs from their records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from bakeoff import record
from bakeoff.cli.arguments import folders_of, options_of
from bakeoff.errors import ConfigError
from bakeoff.report import terminal

if TYPE_CHECKING:
    from bakeoff.execution.rerun import Rerun


def rerun(arguments: list[str]) -> int:
    """Repeat runs from their records. Returns 1 where the results of one differ, else 0.

    Arguments are folders of runs or of bake-offs, ``search=true``, ``tolerance=…`` and ``name=…``.
    """
    from bakeoff.execution import rerun as again

    folders = folders_of("rerun", arguments, "bakeoff rerun outputs/churn/catboost")
    options = options_of("rerun", arguments, {"search": bool, "tolerance": float, "name": str})
    agreed = True
    for folder in folders:
        there = record.read_runs(folder)
        runs = [run.folder for run in there if run.status == "ok"]
        for left_out in [] if runs else there:
            again.finished(left_out.folder)
        for left_out in there:
            if left_out.status != "ok":
                terminal.console().print(f"{left_out.variant}: {left_out.status}, so there is nothing to repeat.")
        bakeoff = runs[0].parent
        name = options.get("name")
        into = again.named_folder(bakeoff, name) if name is not None else again.new_folder(bakeoff, "rerun")
        for run in runs:
            if record.is_run(into / run.name):
                raise ConfigError(f"name: {into / run.name} is there already. Give another name=…")
            with terminal.progress(run.name) as announce:
                result = again.rerun(
                    run, into / run.name, options.get("search", False), options.get("tolerance"), announce
                )
            terminal.show_run(result.run)
            _show_rerun(result)
            agreed = agreed and result.agrees
    return 0 if agreed else 1


def _show_rerun(result: Rerun) -> None:
    screen = terminal.console()
    word = "AGREES" if result.agrees else "DIFFERS"
    agreeing = sum(m.agrees for m in result.metrics)
    screen.print(
        f"{result.original.variant}: {word}: {agreeing} of {len(result.metrics)} quality metrics agree "
        f"(tolerance {result.tolerance:g}, {result.why})."
    )
    if agreeing < len(result.metrics):
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for column in ("metric", "recorded", "now"):
            table.add_column(column)
        for m in result.metrics:
            if not m.agrees:
                table.add_row(m.name, *("–" if v is None else f"{v:.6g}" for v in (m.recorded, m.now)))
        screen.print(table)
    if not result.same_data and result.run.status == "ok":
        screen.print(
            "The data have changed since: other rows, roles or split. Nothing else can be told from the figures."
        )
    if result.rows:
        screen.print(f"{result.equal_rows:,} of {result.rows:,} test rows got the same answer.")
    replayed = (result.run.details.get("llm") or {}).get("replayed")
    if replayed:
        screen.print(f"{replayed:,} answers of the LLM were replayed from the cache, not asked again.")
    for line in result.drift:
        screen.print(f"changed since: {line}", soft_wrap=True)
    if not result.drift:
        screen.print("Nothing has changed in the environment.")
    screen.print(f"Results: {result.run.folder}", soft_wrap=True)
