"""``bakeoff confirm``: the final word on a winner, on rows that nobody has seen."""

from __future__ import annotations

from bakeoff import record
from bakeoff.cli.arguments import folders_of, options_of
from bakeoff.errors import ConfigError
from bakeoff.report import pages, summary, terminal

EXAMPLE = "bakeoff confirm outputs/churn"


def confirm(arguments: list[str]) -> None:
    """Open the sealed test rows of a bake-off once, for its winner and the incumbent."""
    from bakeoff.compare import folders as bakeoffs
    from bakeoff.execution import confirm as confirmation

    folders = folders_of("confirm", arguments, EXAMPLE)
    if len(folders) != 1:
        raise ConfigError(f"confirm: name one folder, e.g. {EXAMPLE}")
    folder, options = folders[0], options_of("confirm", arguments, {"variant": str, "test_rows": int})
    with terminal.progress("confirm") as announce:
        compared = confirmation.confirm(folder, options.get("variant"), options.get("test_rows"), announce)
    into = folder / record.CONFIRMATION
    runs = record.read_runs(into)
    page = pages.write(pages.build(compared, runs, into), into)
    of_bakeoff = bakeoffs.read(folder)
    if of_bakeoff is not None and (folder / pages.REPORT).is_file():
        pages.write(pages.build(of_bakeoff, record.read_runs(folder), folder), folder)
    terminal.show(summary.build(compared, runs, into, page=page))
