"""Recorded runs: the content of ``result.json``, and the runs of a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bakeoff.errors import DataError
from bakeoff.record import integrity
from bakeoff.record.configs import read_config
from bakeoff.record.names import BOOTSTRAP, CONFIG, MODEL, RESULT

if TYPE_CHECKING:
    from bakeoff.task import DataNote, Schema

Status = Literal["ok", "failed", "interrupted"]

SEEN_ROWS = "training_rows"
"""Key, among the details of a run, of its scores on a sample of the training rows: ``rows``, ``metrics``."""


@dataclass(frozen=True)
class Score:
    """A metric's value with its interval; no interval where a single measurement has none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Run:
    """The recorded run of one variant, as in its ``result.json``.

    Attributes:
        folder: the run folder.
        variant: its name in the bake-off.
        family: family of the model, from its card.
        status: ok, failed, or interrupted (also when the process was killed before it could say so).
        started: when, ISO 8601 in UTC.
        task: name, schema, split and notes of the task; None when the data were not reached.
        fingerprint: fingerprint of rows, roles and split; None if the data were not loaded.
        metrics: name → score on the test split.
        slices: column → value → ``{"rows": n, "metrics": {name: value}}``.
        stages: stage of the model → share of the test rows it predicted, and the share of these that were right.
        parameters: parameters of the fitted model and its parts.
        details: reported by model and graders: type of index, requests, retries, agreement with human labels.
        notes: caveats for readers of this run, one sentence each.
        search: summary of the search: budget, counts of trials, best values, importances; None without a search.
        seconds: step → seconds spent on it.
        card: licence, hosting and the like, from the model's config.
        cost: config of the cost model; None if costs were not requested.
        business: config of the business model; None if none was chosen.
        environment: versions, platform and git state.
        error: ``{"type", "message", "traceback"}`` when it failed.
        files: path within the folder → SHA-256, of every recorded file; empty for a run of an earlier version.
        sha256: digest of ``result.json``; empty until it is written, None for a run of an earlier version.
    """

    folder: Path
    variant: str
    family: str
    status: Status
    started: str
    task: Mapping[str, Any] | None = None
    fingerprint: str | None = None
    metrics: Mapping[str, Score] = field(default_factory=dict)
    slices: Mapping[str, Any] = field(default_factory=dict)
    stages: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    search: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] | None = None
    business: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = ""

    @property
    def is_verified(self) -> bool:
        """True if the record and its files are checked against recorded digests."""
        return self.sha256 is not None


def finish(run: Run) -> Run:
    """Write ``result.json``, which marks the run as finished, with the digests of all recorded files."""
    run = replace(run, files=integrity.digests(run.folder))
    content = {k: v for k, v in asdict(run).items() if k not in ("folder", "sha256")}
    return replace(run, sha256=integrity.write_sealed(run.folder / RESULT, content))


def read_run(folder: Path) -> Run:
    """Read the record of a run folder. A folder with a config and no result is a run that was interrupted.

    Raises:
        DataError: it is not a run folder, or its record is damaged.
    """
    result = folder / RESULT
    if not result.is_file():
        if (folder / CONFIG).is_file():
            return Run(folder, folder.name, _family(folder), "interrupted", "")
        raise DataError(f"{folder} is not a run folder: it has no {RESULT}.")
    sealed = integrity.read_sealed(result, integrity.remedy(folder))
    content = sealed.content
    try:
        metrics = {name: Score(**score) for name, score in content.pop("metrics").items()}
        content["notes"] = tuple(content.get("notes", ()))
        return Run(folder=folder, metrics=metrics, sha256=sealed.sha256, **content)
    except (AttributeError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{result} cannot be read: {error}. {integrity.remedy(folder)}") from error


def verify(run: Run) -> None:
    """Compare the files of a run with their recorded digests. Nothing is checked for a run of an earlier version.

    Bootstrap values are left out: where they are damaged they are drawn again.

    Raises:
        DataError: names each file that is gone, or is not what was written.
    """
    single = [name for name in run.files if name != BOOTSTRAP and not name.startswith(f"{MODEL}/")]
    integrity.check(run.folder, run.files, *single, MODEL)


def read_runs(folder: Path) -> list[Run]:
    """Read the runs of a bake-off folder, or the single run of a run folder, in order of their start.

    Raises:
        DataError: there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    if is_run(folder):
        return [read_run(folder)]
    runs = [read_run(child) for child in sorted(folder.iterdir()) if child.is_dir() and is_run(child)]
    if not runs:
        deeper = sorted({str(path.parents[1]) for path in folder.glob(f"*/*/{CONFIG}")})
        hint = f" Name one of its folders: {', '.join(deeper)}." if deeper else ""
        raise DataError(f"{folder} holds no runs (no {RESULT} in it or in its folders).{hint}")
    twice = {run.variant for run in runs if sum(other.variant == run.variant for other in runs) > 1}
    for run in runs:
        if run.variant in twice and run.folder.name != Path(run.variant).name:
            raise DataError(
                f"{run.folder}: it holds a copy of the run of {run.variant}, which has a folder of its own beside it. "
                "Move it out of the bake-off."
            )
    return sorted(runs, key=lambda run: (run.started == "", run.started))


def schema_of(run: Run) -> Schema:
    """Return the task schema of a run. Raises ``DataError`` if the run failed before its data were loaded."""
    from bakeoff.task import Schema

    if run.task is None:
        raise DataError(f"{run.folder}: this run never reached its data.")
    return Schema.from_dict(run.task["schema"])


def data_notes(run: Run) -> tuple[DataNote, ...]:
    """Notes on the data of a run, most important first; none if the run failed before its data were loaded."""
    from bakeoff.task import DataNote

    return tuple(DataNote.from_json(note) for note in (run.task or {}).get("notes", ()))


def is_run(folder: Path) -> bool:
    """Return whether a folder is a run folder."""
    return (folder / RESULT).is_file() or (folder / CONFIG).is_file()


def _family(folder: Path) -> str:
    config = read_config(folder) or {}
    return str(((config.get("model") or {}).get("card") or {}).get("family", ""))
