"""``bakeoff reread``: read the recorded replies of language models again, without a request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bakeoff import numbers, plugins, record
from bakeoff.cli.arguments import folders_of, overrides_of
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.report import terminal

if TYPE_CHECKING:
    from bakeoff.execution.reread import Reread

EXAMPLE = "bakeoff reread outputs/qa/rag"
MOST_IDS = 5


def reread(arguments: list[str]) -> None:
    """Read the replies of runs again, after bakeoff changed or with another reader, and compare the bake-offs anew.

    Arguments are folders of runs, or of bake-offs, of which all runs with transcripts are read; ``reader=OPTION`` and
    ``reader.key=value`` change the reader.
    """
    from bakeoff.cli.compare import compare
    from bakeoff.execution import reread as rereading

    folders = folders_of("reread", arguments, EXAMPLE)
    changes = _changes(overrides_of(arguments))
    runs = [run for folder in folders for run in _runs(folder)]
    for run in runs:
        _show(rereading.reread(run, changes))
    for bakeoff in dict.fromkeys(run.parent for run in runs):
        for solution in _solutions(bakeoff, [run.name for run in runs if run.parent == bakeoff]):
            terminal.console().print(
                f"{solution} was made of predictions that may have changed: repeat its command with resume=false.",
                soft_wrap=True,
            )
        if (bakeoff / record.COMPARISON).is_file():
            terminal.console().print(f"\nComparing {bakeoff} again.", soft_wrap=True)
            compare([str(bakeoff)])


def _runs(folder: Path) -> list[Path]:
    """The runs in a folder that can be read again. Raises ``DataError`` where there is none."""
    if not folder.is_dir():
        siblings = [str(p) for p in folder.parent.iterdir() if p.is_dir()] if folder.parent.is_dir() else []
        raise DataError(f"{folder}: there is no such folder.{did_you_mean(str(folder), siblings)}")
    if record.is_run(folder):
        return [folder]
    runs = [run.folder for run in record.read_runs(folder) if run.status == "ok" and record.has_transcripts(run.folder)]
    if not runs:
        raise DataError(f"{folder}: no finished run in it has a {record.TRANSCRIPTS}, so there are no replies to read.")
    return runs


def _solutions(bakeoff: Path, variants: Sequence[str]) -> list[str]:
    """Names of the solutions in a bake-off that are made of some variants."""
    names = []
    for run in record.read_runs(bakeoff):
        model = (record.read_config(run.folder) or {}).get("model") or {}
        if "parts" in model and any(variant in str(model) for variant in variants):
            names.append(run.variant)
    return names


def _changes(overrides: Sequence[str]) -> dict[str, Any]:
    """Values for the reader, from ``reader=OPTION`` and ``reader.key=value``."""
    changes: dict[str, Any] = {}
    for override in overrides:
        key, _, text = override.partition("=")
        if key == "reader":
            changes = {**_option(text), **changes}
        elif key.startswith("reader."):
            changes[key.removeprefix("reader.")] = yaml.safe_load(text)
        else:
            raise ConfigError(f"reread: {key} cannot be changed after the run. What can: reader=…, reader.….")
    return changes


def _option(name: str) -> dict[str, Any]:
    from bakeoff.catalog import options

    folders = [conf_dir(), *(plugin.conf for plugin in plugins.installed() if plugin.conf)]
    file = options.option("reader", name, folders).file
    content = yaml.safe_load(file.read_text("utf-8"))
    return {key: value for key, value in content.items() if key != "card"}


def _show(result: Reread) -> None:
    screen = terminal.console()
    run, changed = result.after, len(result.changed)
    replies, rows = _counted(result.rows, "reply", "replies"), _counted(changed, "row", "rows")
    text = f"{run.variant}: {replies} read again, {rows} changed"
    if changed:
        text += f" (ids: {', '.join(result.changed[:MOST_IDS])}{', …' if changed > MOST_IDS else ''})"
    if result.statuses:
        text += "; " + ", ".join(f"{count:,} {move}" for move, count in result.statuses.items())
    screen.print(f"{text}.", soft_wrap=True)
    for name, score in run.metrics.items():
        before = result.before.metrics.get(name)
        if before is None or before.value != score.value:
            was = numbers.number(None if before is None else before.value)
            screen.print(f"  {name}: {was} → {numbers.number(score.value)}", soft_wrap=True)
    if result.ungraded:
        answers = _counted(result.ungraded, "changed answer lost its grade", "changed answers lost their grades")
        text = f"{answers}: an LLM judge would have to be asked."
        screen.print(f"  {text}", soft_wrap=True)
    screen.print(f"  bakeoff show {run.folder} shows the rows.", soft_wrap=True)


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"
