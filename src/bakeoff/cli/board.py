"""``bakeoff board``: what the bake-offs in a folder decided."""

from __future__ import annotations

from pathlib import Path

from bakeoff.cli import options
from bakeoff.errors import ConfigError
from bakeoff.report import board as boards
from bakeoff.report import terminal


def board(arguments: list[str]) -> None:
    """List the bake-offs below a folder with their verdicts, or the runs of one task over time."""
    folders, values = options.parted("board", arguments, ("--task", "--metric"))
    if len(folders) > 1:
        raise ConfigError("board: name one folder, e.g. bakeoff board outputs")
    task, metric = options.single("board", values, "--task"), options.single("board", values, "--metric")
    if metric is not None and task is None:
        raise ConfigError("board: --metric is of the runs of one task. Add --task NAME.")
    entries, damaged = boards.read(Path(folders[0] if folders else "outputs"))
    terminal.show(boards.verdicts(entries, damaged) if task is None else boards.over_time(entries, task, metric))
