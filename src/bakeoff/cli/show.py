"""``bakeoff show``: single test rows of a run, with what a language model was asked and what it replied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff import record
from bakeoff.cli import options
from bakeoff.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    from bakeoff.record import Run
    from bakeoff.report.single_rows import Which

EXAMPLE = "bakeoff show outputs/quickstart/linear --wrong"
LIMIT = 3
"""Rows shown where no number is given."""
SELECTIONS: dict[str, Which] = {"--failed": "failed", "--wrong": "wrong", "--abstained": "abstained"}


def show(arguments: list[str]) -> None:
    """Show test rows of a run: inputs, prompts, raw replies, what was read, truth, scores and usage.

    Arguments: the folder of a run, or of a bake-off with ``--variant NAME``; ``--row ID``, which may be repeated, or
    one of ``--failed``, ``--wrong`` and ``--abstained``; ``--limit N``.
    """
    from bakeoff.report import terminal
    from bakeoff.report.single_rows import RunRows

    folders, values = options.parted("show", arguments, ("--row", "--limit", "--variant"), tuple(SELECTIONS))
    if len(folders) != 1:
        raise ConfigError(f"show: name one folder, e.g. {EXAMPLE}")
    chosen = [option for option in SELECTIONS if option in values]
    wanted = values.get("--row", [])
    if len(chosen) + bool(wanted) > 1:
        raise ConfigError(f"show: {' and '.join([*chosen, *(['--row'] if wanted else [])])} exclude each other.")
    limit = _limit(options.single("show", values, "--limit"))
    rows = RunRows(find_run("show", Path(folders[0]), options.single("show", values, "--variant")))
    if wanted:
        names = [rows.require(name) for name in dict.fromkeys(wanted)]
        terminal.show(rows.report(names, f"Shown: {len(names)} {'row' if len(names) == 1 else 'rows'}."))
        return
    which = SELECTIONS[chosen[0]] if chosen else "all"
    names = rows.select(which)
    terminal.show(rows.report(names[:limit], _title(names, limit, which)))


def find_run(verb: str, folder: Path, variant: str | None) -> Run:
    """The run in a run folder, or one of a bake-off by its name.

    Raises:
        ConfigError: several runs are possible, or none has that name.
        DataError: there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        siblings = [str(p) for p in folder.parent.iterdir() if p.is_dir()] if folder.parent.is_dir() else []
        raise DataError(f"{folder}: there is no such folder.{did_you_mean(str(folder), siblings)}")
    runs = record.read_runs(folder)
    if record.is_run(folder):
        if variant is not None and variant != runs[0].variant:
            raise ConfigError(f"{verb}: {folder} is the run folder of {runs[0].variant}. Leave out --variant.")
        return runs[0]
    names = [run.variant for run in runs]
    if variant is None and len(runs) > 1:
        raise ConfigError(f"{verb}: {folder} holds several runs. Add --variant NAME. Variants: {', '.join(names)}.")
    if variant is not None and variant not in names:
        near = did_you_mean(variant, names)
        raise ConfigError(f'{verb}: {folder} holds no variant "{variant}". Variants: {", ".join(names)}.{near}')
    return runs[0] if variant is None else runs[names.index(variant)]


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"show: --limit {text} is not a number of rows. Give a whole number from 1.")
    return int(text)


def _title(names: Sequence[str], limit: int, which: Which) -> str:
    kind = {
        "all": "rows",
        "failed": "rows without an answer",
        "wrong": "wrong rows, worst first",
        "abstained": "rows from which the model abstained",
    }[which]
    if not names:
        return f"Shown: none; there are no {kind.partition(',')[0]}."
    more = f" More: --limit {len(names)}, or --row ID." if len(names) > limit else ""
    return f"Shown: {min(limit, len(names)):,} of {len(names):,} {kind}.{more}"
