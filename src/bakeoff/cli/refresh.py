"""``bakeoff refresh``: refit a winner on new data."""

from __future__ import annotations

from bakeoff import record
from bakeoff.cli import shorthand
from bakeoff.cli.arguments import folders_of, overrides_of
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.report import summary, terminal

EXAMPLE = "bakeoff refresh outputs/churn data.path=new.csv"


def refresh(arguments: list[str]) -> None:
    """Refit the winner of a bake-off, or a run, on new data, and compare it with its previous self."""
    from bakeoff.execution import refresh as update

    folders = folders_of("refresh", arguments, EXAMPLE)
    if len(folders) != 1:
        raise ConfigError(f"refresh: name one folder, e.g. {EXAMPLE}")
    overrides = [o for o in shorthand.expanded(overrides_of(arguments)) if not o.startswith("data.name=")]
    with terminal.progress("refresh") as announce:
        result = update.refresh(folders[0], overrides, conf_dir(), announce)
    terminal.show(summary.build(result.comparison, record.read_runs(result.folder), result.folder))
