"""Bake-offs side by side: what each one decided, and how the runs of one task developed over time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bakeoff import numbers, record
from bakeoff.advice import listed
from bakeoff.compare import folders
from bakeoff.compare.comparison import Comparison
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.record import Run, Score
from bakeoff.report.blocks import Column, Table, Text
from bakeoff.report.document import Block, Report
from bakeoff.report.summary import VERDICTS

DEEPEST = 3
"""Levels of folders below the given one in which bake-offs are looked for."""
SHORT = 12
"""Characters of a fingerprint that are shown, and that are enough to name it."""


@dataclass(frozen=True)
class Entry:
    """A bake-off folder.

    Attributes:
        folder: its path.
        runs: its runs, in order of their start.
        comparison: as it was last written; None if there is none, or of another version.
    """

    folder: Path
    runs: tuple[Run, ...]
    comparison: Comparison | None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprints of the tasks of its runs, each once."""
        return tuple(dict.fromkeys(run.fingerprint for run in self.runs if run.fingerprint))

    @property
    def task(self) -> str:
        """Name of its data."""
        named = [str(run.task["name"]) for run in self.runs if run.task]
        return self.comparison.task if self.comparison else (named or [""])[0]


def read(folder: Path) -> tuple[list[Entry], list[str]]:
    """The bake-offs in a folder and below it, and a sentence on each that cannot be read.

    Raises:
        DataError: there is no such folder, or no bake-off in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    entries, damaged = [], []
    for path in _bakeoffs(folder, DEEPEST):
        try:
            runs = tuple(record.read_runs(path))
            for run in runs:
                record.verify(run)
            entries.append(Entry(path, runs, folders.read(path)))
        except DataError as error:
            damaged.append(str(error))
    if not entries:
        raise DataError(f"{folder} holds no bake-offs: no folder of runs in it or {DEEPEST} levels below it.")
    return entries, damaged


def _bakeoffs(folder: Path, depth: int) -> list[Path]:
    """Folders whose children are run folders, in order of their names."""
    with os.scandir(folder) as found:
        children = sorted(Path(entry.path) for entry in found if entry.is_dir() and not entry.name.startswith("."))
    runs = [child for child in children if record.is_run(child)]
    if runs or depth == 0:
        return [folder] if runs else []
    return [path for child in children for path in _bakeoffs(child, depth - 1)]


def verdicts(entries: Sequence[Entry], damaged: Sequence[str]) -> Report:
    """One row a bake-off: the newest verdict first."""
    columns = (
        Column("bakeoff", "bake-off"),
        Column("task", "task"),
        Column("fingerprint", "fingerprint", importance=10),
        Column("verdict", "verdict"),
        Column("winner", "winner"),
        Column("confirmed", "on sealed rows", importance=50),
        Column("metric", "metric"),
        Column("value", "value of the best [interval]"),
        Column("rows", "test rows", "count", 30),
        Column("variants", "variants", "count", 20),
        Column("last", "last run (UTC)", importance=40),
    )
    rows = []
    for entry in sorted(entries, key=lambda entry: _last(entry), reverse=True):
        known = entry.comparison
        best = next((v for v in known.variants if v.status == "ok"), None) if known else None
        fingerprint = " ".join(each[:SHORT] for each in entry.fingerprints)
        rows.append(
            (
                entry.folder.name,
                entry.task,
                fingerprint,
                VERDICTS[known.verdict][0].lower() if known else "none by this version",
                (known.winner or "") if known else "",
                _confirmed(entry.folder),
                known.metric if known else "",
                _written(best.metrics.get(known.metric)) if best and known else "",
                known.test_rows if known else None,
                len(entry.runs),
                _last(entry)[:16].replace("T", " "),
            )
        )
    blocks: list[Block] = [Table(columns, tuple(rows))]
    return Report((*blocks, *([Text(tuple(damaged), style="bad")] if damaged else [])))


def over_time(entries: Sequence[Entry], task: str, metric: str | None) -> Report:
    """The finished runs of one task, over all bake-offs, in order of their start.

    Args:
        entries: the bake-offs.
        task: name of the data, or the start of a fingerprint.
        metric: the metric to show; None: the one that decided last.

    Raises:
        ConfigError: nothing has that name; or its runs are of different rows, roles or splits, and cannot be compared.
    """
    runs = [
        (entry, run)
        for entry in entries
        for run in entry.runs
        if run.status == "ok" and run.fingerprint and (entry.task == task or run.fingerprint.startswith(task))
    ]
    if not runs:
        names = sorted({entry.task for entry in entries if entry.task})
        raise ConfigError(
            f"--task: no finished run is of {task!r}. Tasks: {listed(names)}, or the start of a fingerprint."
            f"{did_you_mean(task, names)}"
        )
    fingerprints = {str(run.fingerprint): entry.folder.name for entry, run in runs}
    if len(fingerprints) > 1:
        each = "; ".join(f"--task {fingerprint[:SHORT]} (as in {name})" for fingerprint, name in fingerprints.items())
        raise ConfigError(
            f"--task: the runs of {task} are of {len(fingerprints)} different sets of rows, roles or splits, "
            f"so their scores cannot be compared. Name one: {each}."
        )
    newest = max(runs, key=lambda pair: pair[1].started)[0]
    deciding = metric or (newest.comparison.metric if newest.comparison else next(iter(runs[-1][1].metrics), ""))
    measured = sorted({name for _, run in runs for name in run.metrics})
    if deciding not in measured:
        raise ConfigError(
            f"--metric: no run has a metric {deciding!r}. Metrics: {listed(measured)}."
            f"{did_you_mean(deciding, measured)}"
        )
    columns = (
        Column("started", "started (UTC)"),
        Column("bakeoff", "bake-off"),
        Column("variant", "variant"),
        Column("value", f"{deciding} [interval]", "interval"),
        Column("rows", "test rows", "count"),
    )
    rows = tuple(
        (
            run.started[:16].replace("T", " "),
            entry.folder.name,
            run.variant,
            run.metrics.get(deciding),
            (run.details.get("rows") or {}).get("asked"),
        )
        for entry, run in sorted(runs, key=lambda pair: pair[1].started)
    )
    fingerprint = next(iter(fingerprints))[:SHORT]
    note = "Each interval is of its run alone; a difference between runs needs bakeoff compare DIR DIR."
    return Report((Table(columns, rows, f"{runs[0][0].task}, fingerprint {fingerprint}"), Text((note,))))


def _written(score: Score | None) -> str:
    """With the decimals that its own interval supports: other rows are of other metrics."""
    return numbers.with_interval(score.value, score.low, score.high) if score else ""


def _confirmed(folder: Path) -> str:
    """Verdict of ``bakeoff confirm``; empty where the sealed rows were not opened."""
    try:
        known = folders.read(folder / record.CONFIRMATION)
    except DataError:
        return "damaged"
    return f"{VERDICTS[known.verdict][0].lower()} {known.winner or ''}".rstrip(" :") if known else ""


def _last(entry: Entry) -> str:
    return max((run.started for run in entry.runs), default="")
