"""Notes of a comparison: what a reader needs to know about rows, runs and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bakeoff import record
from bakeoff.advice import listed
from bakeoff.compare import gains, panels
from bakeoff.compare.intervals import Side, effective_rows
from bakeoff.compare.panels import Panel
from bakeoff.compare.units import Units
from bakeoff.config.settings import DecisionSettings
from bakeoff.metrics import Metric
from bakeoff.record import Run
from bakeoff.task import PredictionTable


def of_rows(incumbent: str, tables: Mapping[str, PredictionTable], pairs: Sequence[Panel]) -> list[str]:
    """Notes on the rows and units on which variants are compared, where these are not all test rows."""
    notes = []
    most = max(len(table) for table in tables.values())
    for pair in pairs:
        if pair.rows < most:
            notes.append(
                f"{_and(pair.challengers)} vs {incumbent}: compared on the {pair.rows:,} test rows that both answered."
            )
    apart = [name for name in tables if name != incumbent and not any(name in pair.challengers for pair in pairs)]
    if apart:
        notes.append(f"{_and(apart)} answered no test row that {incumbent} answered, and cannot be compared with it.")
    return notes


def of_units(
    metric: Metric,
    table: PredictionTable,
    value: float,
    draws: Mapping[str, NDArray[np.float64]],
    is_by_time: bool = False,
) -> list[str]:
    """A note on the units of resampling, and on how many independent rows they are worth; empty where rows are units.

    Args:
        metric: the decision metric.
        table: the incumbent's rows.
        value: its value of the metric.
        draws: metric → its bootstrap values.
        is_by_time: whether the test rows are the last ones, in the order of time.
    """
    units = Units.from_table(table)
    if units.are_rows:
        return []
    known = draws.get(metric.name)
    worth = None if known is None else effective_rows(Side(metric, table, value), known)
    about = "" if worth is None else f", worth about {round(worth):,} independent rows for {metric.name}"
    if is_by_time and np.count_nonzero(np.diff(units.codes)) == units.count - 1:
        return [
            "Intervals draw blocks of neighbouring rows, because rows that follow each other in time are not "
            f"independent: {replace(units, kind='block')}{about}."
        ]
    return [
        f"Intervals draw whole {units.kind}s, because rows of one {units.kind} are not independent: {units}{about}."
    ]


def of_recipes(recipes: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Notes on variants that are judged by the mean over their seeds."""
    return [
        f"{name} stands for {len(members)} seeds ({listed(members)}): differences are of means over them, and "
        "intervals include the noise of retraining."
        for name, members in recipes.items()
        if len(members) > 1
    ]


def of_close(
    winner: str,
    metric: Metric,
    tables: Mapping[str, PredictionTable],
    challengers: Sequence[str],
    settings: DecisionSettings,
    recipes: Mapping[str, tuple[str, ...]],
) -> list[str]:
    """A note on challengers that are as good as the winner, as far as the test rows tell."""
    others = [winner, *(name for name in challengers if name != winner)]
    members = [member for name in others for member in recipes.get(name, (name,))]
    compared = {name: tables[name] for name in members}
    beside = panels.panels(winner, compared, [metric], settings.resamples, recipes=recipes)
    close = gains.close_to(metric, beside, 1 - (1 - settings.confidence) / len(challengers))
    if not close:
        return []
    return [
        f"On {metric.name}, {_and(close)} {'is' if len(close) == 1 else 'are'} statistically indistinguishable "
        f"from {winner}: compare latency and cost."
    ]


def of_runs(runs: Sequence[Run]) -> list[str]:
    """Collect the notes of the runs, each once, naming the variants concerned unless it concerns all of them."""
    about: dict[str, list[str]] = {}
    for run in runs:
        for note in run.notes:
            about.setdefault(note, []).append(run.variant)
    return [note if len(who) == len(runs) > 1 else f"{', '.join(who)}: {note}" for note, who in about.items()]


def of_searches(runs: Sequence[Run]) -> list[str]:
    """A note on each search some of whose trials failed: it chose among fewer settings than it tried."""
    notes = []
    for run in runs:
        failed, trials = (run.search or {}).get("failed", 0), (run.search or {}).get("trials", 0)
        if failed:
            reason = next(iter((run.search or {}).get("errors") or ()), "see trials.parquet")
            notes.append(f"{run.variant}: {failed} of {trials} trials of its search failed, such as by {reason:.200}.")
    return notes


def of_files(runs: Sequence[Run]) -> list[str]:
    """Notes on files that could not be checked, or are damaged and were computed again."""
    notes = [
        f"{run.folder / record.BOOTSTRAP}: it is damaged; its values were drawn again."
        for run in runs
        if record.is_damaged(run.folder, run.files, record.BOOTSTRAP)
    ]
    unverified = [run.variant for run in runs if not run.is_verified and run.status != "interrupted"]
    if unverified:
        notes.append(f"{_and(unverified)}: recorded by an earlier version, without checksums, and so unverified.")
    return notes


def sentences(clauses: Iterable[str]) -> str:
    """Join clauses, each as a sentence."""
    return " ".join(f"{clause[0].upper()}{clause[1:]}." for clause in clauses)


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{listed(names[:-1])} and {names[-1]}"
