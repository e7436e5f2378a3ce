"""Rerun: repeat a run from its record, compare the results, and report environment drift."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff import environment, metrics, record
from bakeoff.config import search_space
from bakeoff.errors import ConfigError, DataError
from bakeoff.execution import runner
from bakeoff.record import Run, locks
from bakeoff.request import validation
from bakeoff.request.spec import Request

EXACT = 1e-9  # relative: sums of floating-point numbers may be added up in another order
OF_AN_API = 0.05  # who serves a model may change it, and need not answer the same twice
ON_A_GPU = 0.01  # its sums are not added up in a fixed order
TRAINED_ON_GPUS = ("deep", "finetuned")  # families


@dataclass(frozen=True)
class Repeated:
    """One quality metric, then and now."""

    name: str
    recorded: float | None
    now: float | None
    agrees: bool


@dataclass(frozen=True)
class Rerun:
    """A run and its repetition.

    Attributes:
        original: as it was recorded.
        run: the new one.
        tolerance: relative; a metric agrees within it.
        why: where the tolerance comes from, in a few words.
        metrics: every quality metric of the original. Latencies, costs and sizes are not compared.
        rows: how many test rows both answered.
        equal_rows: how many of them got the same answer.
        drift: what differs between the recorded environment and this one.
    """

    original: Run
    run: Run
    tolerance: float
    why: str
    metrics: tuple[Repeated, ...]
    rows: int
    equal_rows: int
    drift: tuple[str, ...]

    @property
    def same_data(self) -> bool:
        """True if both runs had the same rows in the same split."""
        return self.original.fingerprint == self.run.fingerprint

    @property
    def agrees(self) -> bool:
        """True if the rerun gave the same results on the same data."""
        return self.run.status == "ok" and self.same_data and all(m.agrees for m in self.metrics)


def rerun(
    folder: Path,
    into: Path | None = None,
    search: bool = False,
    tolerance: float | None = None,
    announce: Callable[[str], None] = lambda doing: None,
) -> Rerun:
    """Repeat the run of a run folder into a new folder.

    Args:
        folder: a run folder.
        into: the new run folder; None: ``<bake-off>-rerun/<variant>`` beside the old bake-off.
        search: repeat the search as well; otherwise the parameters that it found are taken as they are.
        tolerance: relative; None: exact, wider for an API or a GPU.
        announce: called with a line of progress.

    Raises:
        DataError: it is not the folder of a finished run, or its data cannot be read any more.
        ConfigError: the run cannot be made from its record, or a tolerance is negative.
    """
    original = finished(folder)
    if tolerance is not None and tolerance < 0:
        raise ConfigError(f"tolerance: {tolerance} is less than 0.")
    into = into or new_folder(folder.parent, "rerun") / folder.name
    request = validation.check(recorded(folder, into, search))
    runner.forget_tasks()
    with locks.held([into], wait=None), record.logged(into):
        new = runner.run(request, lambda choices: request, announce, notes=(f"A repetition of {folder.absolute()}.",))
    return compared(original, new, tolerance)


def finished(folder: Path) -> Run:
    """Read the run of a folder. Raises ``DataError`` unless it finished."""
    run = record.read_run(folder)
    if run.status != "ok":
        raise DataError(f"{folder}: this run {_ended(run)}, so there is nothing to compare with. Run it again first.")
    return run


def recorded(folder: Path, into: Path, search: bool = False) -> Request:
    """Rebuild the request recorded in a run folder, for another folder.

    Raises:
        DataError: there is no config in the folder.
        ConfigError: the search is to be repeated, and it chose config groups, which the record holds no others of.
    """
    content = record.read_config(folder) if search else record.read_fitted(folder)
    if content is None:
        raise DataError(f"{folder}: there is no {record.CONFIG}, so the run cannot be repeated.")
    if "refreshed_from" in content:
        raise ConfigError(f"{folder}: bakeoff refresh made this run. Repeat the refresh: {_command(folder)}")
    content.pop("confirmed_from", None)  # the repetition fits the model again
    if not search:
        content["search"] = {"sampler": None}
    content |= {"name": into.parent.name, "variant": into.name, "resume": False, "incumbent": None}
    if isinstance((content.get("model") or {}).get("parts"), Mapping):  # a solution is made again of the same runs
        content.setdefault("parts_from", str(folder.absolute().parent))
    request = Request.from_record(content, into)
    groups = [d.key for d in request.dimensions() if search_space.is_group(d.key)] if search else []
    if groups:
        raise ConfigError(
            f"{folder}: its search chose among options of {', '.join(groups)}, which the record does not hold. "
            "Repeat it without the search, or give the command again: " + str(_command(folder))
        )
    return request


def compared(original: Run, new: Run, tolerance: float | None = None) -> Rerun:
    """Compare two runs."""
    stated, why = (tolerance, "as asked for") if tolerance is not None else _tolerance(original)
    values = {name: score.value for name, score in new.metrics.items()}
    pairs = [
        Repeated(name, score.value, values.get(name), _agree(score.value, values.get(name), stated))
        for name, score in original.metrics.items()
        if _is_quality(name)
    ]
    rows, equal = _rows(original, new) if new.status == "ok" else (0, 0)
    drift = environment.drift(original.environment, new.environment) + _models_drift(original, new)
    return Rerun(original, new, stated, why, tuple(pairs), rows, equal, tuple(drift))


def new_folder(bakeoff: Path, word: str) -> Path:
    """Choose an unused folder beside a bake-off's: ``churn-rerun``, ``churn-rerun-2``, …"""
    base = re.sub(rf"-{word}(-\d+)?$", "", bakeoff.absolute().name)
    names = (f"{base}-{word}" if i == 1 else f"{base}-{word}-{i}" for i in range(1, 10_000))
    folders = (named_folder(bakeoff, name) for name in names)
    return next(folder for folder in folders if not folder.exists())


def named_folder(bakeoff: Path, name: str) -> Path:
    """The folder of that name beside a bake-off's. Raises ``ConfigError`` where it is no name of a folder."""
    if not name or Path(name).name != name or name == "..":
        raise ConfigError(f'name: "{name}" is not the name of a folder.')
    folder = bakeoff.absolute().parent / name
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _tolerance(run: Run) -> tuple[float, str]:
    if run.card.get("hosting") == "api":
        return OF_AN_API, "answers of an API"
    if run.environment.get("gpus") and run.family in TRAINED_ON_GPUS:
        return ON_A_GPU, "trained on a GPU"
    return EXACT, "exact"


def _is_quality(name: str) -> bool:
    """Return whether a metric is about predictions, not time, requests or cost."""
    if name not in metrics.names():
        return False
    unit = metrics.get(name).unit
    return unit != "ms" and not unit.endswith("/1k")


def _agree(then: float | None, now: float | None, tolerance: float) -> bool:
    if then is None or now is None or math.isnan(then) or math.isnan(now):
        return (then is None or math.isnan(then)) == (now is None or math.isnan(now))
    return abs(then - now) <= tolerance * max(abs(then), abs(now))


def _rows(original: Run, new: Run) -> tuple[int, int]:
    """Count the test rows that both runs predicted, and those with equal predictions."""
    then, now = record.read_predictions(original), record.read_predictions(new)
    position = {str(name): row for row, name in enumerate(now.ids)}
    both = [(i, position[str(name)]) for i, name in enumerate(then.ids) if str(name) in position]
    if not both:
        return 0, 0
    here, there = (np.array(rows, dtype=np.intp) for rows in zip(*both, strict=True))
    return len(both), int((then.predictions.output[here] == now.predictions.output[there]).sum())


def _models_drift(original: Run, new: Run) -> list[str]:
    """List LLMs whose model name or system fingerprint differs from the recorded one."""
    differences = []
    for key in ("models", "fingerprints"):
        then, now = (_named(run.details.get("llm"), key) for run in (original, new))
        if then and then != now:
            differences.append(f"llm {key}: {', '.join(then)} → {', '.join(now) or 'none'}")
    return differences


def _named(node: Any, key: str) -> list[str]:
    """Collect the values of a key anywhere in a model's details on its requests."""
    if not isinstance(node, Mapping):
        return []
    own: Sequence[Any] = node[key] if isinstance(node.get(key), list) else ()
    return sorted({*map(str, own), *(name for value in node.values() for name in _named(value, key))})


def _ended(run: Run) -> str:
    return "failed" if run.status == "failed" else "was interrupted"


def _command(folder: Path) -> str:
    return str(record.read_run(folder).environment.get("command") or "it is not recorded")
