"""The run folder: every file name in it, written and read in this one place.

A file is written whole or not at all: under a temporary name first, flushed to disk, then renamed.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bakeoff.config import renamed
from bakeoff.errors import DataError
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.task import DataNote, Examples, PredictionTable, Schema, StageTrace, Usage

RESULT = "result.json"
CONFIG = "config.yaml"
PREDICTIONS = "predictions.parquet"
TRACE = "trace.parquet"
BOOTSTRAP = "bootstrap.parquet"
VALIDATION = "validation.parquet"
PROFILE = "profile.json"
INPUTS = "inputs.parquet"
MODEL = "model"
TRIALS = "trials.parquet"
CURVES = "curves.parquet"
CHECKPOINTS = "checkpoints"
LOG = "log.txt"
FITTED = "fitted.yaml"
LEARNT = "learnt.npy"
INSTALLED = "requirements.txt"
DIFF = "git.diff"
COMPARISON = "comparison.json"
LEADERBOARD = "leaderboard.csv"
TRACKING = "tracking.json"
UNFINISHED = ".part"

# Fields of Predictions that are a column as they are, with the type of their array, and those that are lists of ids.
PLAIN: dict[str, Any] = {"short": object, "stage": object, "evidence": object, "confidence": float}
USAGE = ("calls", "input_tokens", "output_tokens", "cost_usd", "cached")
LISTS = ("retrieved", "cited")

Status = Literal["ok", "failed", "interrupted"]


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
        environment: versions, platform and git state.
        error: ``{"type", "message", "traceback"}`` when it failed.
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
    environment: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] | None = None


def begin(folder: Path, config: Mapping[str, Any], installed: str = "", diff: str = "") -> None:
    """Prepare the folder for a run: remove the files of an earlier attempt, and write the resolved config.

    Args:
        folder: the run folder.
        config: the whole resolved config.
        installed: every installed package with its version, one a line.
        diff: of the working directory against its commit; empty if clean or not to be recorded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (RESULT, PREDICTIONS, TRACE, BOOTSTRAP, VALIDATION, PROFILE, CURVES, FITTED, LEARNT, DIFF):
        (folder / name).unlink(missing_ok=True)
    if not config.get("resume", True):
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    for left in folder.glob(f".*{UNFINISHED}"):  # by a process that was killed in the middle of a write
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    write_text(folder / CONFIG, _yaml(config))
    if installed:
        write_text(folder / INSTALLED, installed)
    if diff:
        write_text(folder / DIFF, diff)


def write_fitted(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the resolved config with the parameters that a search found."""
    write_text(folder / FITTED, _yaml(config))


def read_fitted(folder: Path) -> dict[str, Any] | None:
    """Read the resolved config of the fitted model, with the parameters that a search found if there was one."""
    return _read_yaml(folder / FITTED) or read_config(folder)


def write_learnt(folder: Path, hashes: NDArray[np.uint64]) -> None:
    """Write the hashes of the rows that the model was developed on, for training and validation, shape (n,)."""
    import numpy as np

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, hashes, allow_pickle=False)

    write_file(folder / LEARNT, write)


def read_learnt(folder: Path) -> NDArray[np.uint64] | None:
    """Read the hashes that ``write_learnt`` wrote; None for a run of an earlier version without such a file."""
    import numpy as np

    if not (folder / LEARNT).is_file():
        return None
    hashes: NDArray[np.uint64] = np.load(folder / LEARNT, allow_pickle=False)
    return hashes


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Log to the run folder while the block runs, unless Hydra already does."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / LOG, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def finish(run: Run) -> Run:
    """Write ``result.json``, which marks the run as finished."""
    content = {k: v for k, v in asdict(run).items() if k != "folder"}
    write_json(run.folder / RESULT, content)
    return run


def read_run(folder: Path) -> Run:
    """Read a run folder. A folder with a config and no result is a run that was interrupted.

    Raises:
        DataError: it is not a run folder.
    """
    result = folder / RESULT
    if not result.is_file():
        if (folder / CONFIG).is_file():
            return Run(folder, folder.name, _family(folder), "interrupted", "")
        raise DataError(f"{folder} is not a run folder: it has no {RESULT}.")
    try:
        content = json.loads(result.read_text("utf-8"))
        metrics = {name: Score(**score) for name, score in content.pop("metrics").items()}
        content["notes"] = tuple(content.get("notes", ()))
        return Run(folder=folder, metrics=metrics, **content)
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{result} cannot be read: {error}.") from error


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
    return sorted(runs, key=lambda run: (run.started == "", run.started))


def read_config(folder: Path) -> dict[str, Any] | None:
    """Read the resolved config of a run folder; None if there is none."""
    return _read_yaml(folder / CONFIG)


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


def write_predictions(folder: Path, table: PredictionTable, name: str = PREDICTIONS) -> None:
    """Write the predictions table, one row a test example, or a validation row where ``name`` is ``VALIDATION``.

    Columns: ``id``, ``target`` (JSON where it is no plain value; both are lists in a forecast), ``output``, what else
    of ``Predictions`` the model has (``proba:<class>`` for probabilities, lists of ids for documents), ``status`` and
    ``reason``, the columns of ``Usage`` where a language model was asked, ``seconds`` (NaN where not timed),
    ``grade:<name>``, ``slice:<column>``. The stages of a model made of models go to ``trace.parquet``, one row for each
    row that a stage saw.
    """
    import pandas as pd

    p = table.predictions
    kind = kinds.get(table.schema.kind)
    columns: dict[str, Any] = {
        "id": table.ids, "target": kind.write_targets(table.target), "output": kind.write_outputs(p.output)
    }  # fmt: skip
    columns |= {name: getattr(p, name) for name in PLAIN if getattr(p, name) is not None}
    columns |= {"status": p.status, "reason": p.reason}
    if p.usage.asked_any:
        columns |= {name: getattr(p.usage, name) for name in USAGE}
    columns |= {
        name: [None if ids is None else list(ids) for ids in getattr(p, name)]
        for name in LISTS
        if getattr(p, name) is not None
    }
    if p.proba is not None:
        columns |= {f"proba:{label}": p.proba[:, i] for i, label in enumerate(table.schema.classes)}
    columns["seconds"] = table.seconds
    columns |= {f"grade:{name}": values for name, values in table.grades.items()}
    columns |= {f"slice:{name}": table.slices[name].to_numpy() for name in table.slices.columns}
    frame = pd.DataFrame(columns)
    write_file(folder / name, lambda path: frame.to_parquet(path, index=False))
    if p.trace and name == PREDICTIONS:
        trace = pd.concat(
            pd.DataFrame(
                {
                    "position": position, "stage": stage.name, "row": stage.rows, "accepted": stage.accepted,
                    "seconds": stage.seconds, **{name: getattr(stage.usage, name) for name in USAGE},
                }
            )
            for position, stage in enumerate(p.trace)
        )  # fmt: skip
        write_file(folder / TRACE, lambda path: trace.to_parquet(path, index=False))


def write_inputs(bakeoff: Path, test: Examples, fingerprint: str) -> str | None:
    """Write the test rows of a task into the folder of a bake-off: ``id``, then the feature columns as models get them.

    Written once, by the first run, also with several processes; rewritten if the task has changed.

    Returns:
        The reason why the file cannot be written; None if it exists.
    """
    import pyarrow as pa
    from filelock import FileLock
    from pyarrow import parquet

    file, key = bakeoff / INPUTS, b"bakeoff.fingerprint"
    with FileLock(bakeoff / f".{INPUTS}.lock"):
        if file.is_file() and (parquet.read_schema(file).metadata or {}).get(key) == fingerprint.encode():
            return None
        frame = test.X.reset_index(drop=True)
        if "id" in frame:
            frame = frame.rename(columns={"id": "feature:id"})
        frame.insert(0, "id", [str(identity) for identity in test.ids])
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), key: fingerprint.encode()})
        write_file(file, lambda path: parquet.write_table(table, path, compression="zstd"))
    return None


def write_trials(folder: Path, trials: Sequence[Mapping[str, Any]]) -> None:
    """Write the trials of a search, one row each: number, state, objectives, ``param:<key>``, seconds, error."""
    import pandas as pd

    frame = pd.DataFrame(list(trials))
    write_file(folder / TRIALS, lambda path: frame.to_parquet(path, index=False))


def write_curves(folder: Path, curves: Sequence[Mapping[str, float]]) -> None:
    """Write the training curves, one row per epoch; nothing for a model without epochs."""
    import pandas as pd

    if not curves:
        return
    frame = pd.DataFrame(list(curves))
    write_file(folder / CURVES, lambda path: frame.to_parquet(path, index=False))


def read_predictions(run: Run, name: str = PREDICTIONS) -> PredictionTable:
    """Read the predictions table of a finished run, of its validation rows where ``name`` is ``VALIDATION``.

    Raises:
        DataError: there is none.
    """
    import numpy as np
    import pandas as pd

    from bakeoff.task import Predictions, PredictionTable

    path = run.folder / name
    if not path.is_file():
        raise DataError(f"{run.folder}: there is no {name}.")
    frame = pd.read_parquet(path)
    schema = schema_of(run)
    kind = kinds.get(schema.kind)
    proba = [f"proba:{label}" for label in schema.classes]
    predictions = Predictions(
        kind.read_outputs(frame["output"]),
        proba=frame[proba].to_numpy(dtype=np.float64) if proba and proba[0] in frame else None,
        **{name: frame[name].to_numpy(dtype=dtype) for name, dtype in PLAIN.items() if name in frame},
        **{name: _tuples(frame[name]) for name in LISTS if name in frame},
        **{name: frame[name].to_numpy(dtype=object) for name in ("status", "reason") if name in frame},
        usage=_usage(frame),
        trace=_read_trace(run.folder),
    )
    graded = [str(c) for c in frame.columns if c.startswith("grade:")]
    grades = {name.removeprefix("grade:"): frame[name].to_numpy(np.float64) for name in graded}
    slices = frame[[c for c in frame.columns if c.startswith("slice:")]].rename(
        columns=lambda c: c.removeprefix("slice:")
    )
    return PredictionTable(
        schema,
        frame["id"].to_numpy(dtype=object),
        kind.read_targets(frame["target"]),
        predictions,
        frame["seconds"].to_numpy(dtype=np.float64),
        slices,
        grades,
    )


def _tuples(column: Any) -> Any:
    import numpy as np

    found = np.empty(len(column), dtype=object)
    for i, ids in enumerate(column):
        found[i] = None if ids is None else tuple(ids)
    return found


def _usage(frame: pd.DataFrame) -> Usage:
    """Read the usage columns of a table. Folders of earlier versions may lack some."""
    from bakeoff.task import Usage

    return Usage.from_columns(len(frame), **{name: frame[name] for name in USAGE if name in frame})


def _read_trace(folder: Path) -> tuple[StageTrace, ...]:
    import pandas as pd

    from bakeoff.task import StageTrace

    if not (folder / TRACE).is_file():
        return ()
    trace = pd.read_parquet(folder / TRACE)
    return tuple(
        StageTrace(
            str(rows["stage"].iloc[0]), rows["row"].to_numpy(dtype=int), rows["accepted"].to_numpy(dtype=bool),
            rows["seconds"].to_numpy(dtype=float), _usage(rows),
        )
        for _, rows in trace.groupby("position")
    )  # fmt: skip


def write_model(folder: Path, save: Callable[[Path], None]) -> int:
    """Save the model atomically: ``save`` writes into a new folder, which is then moved in place. Returns its bytes."""
    temporary = Path(tempfile.mkdtemp(UNFINISHED, f".{MODEL}-", folder))
    try:
        save(temporary)
        temporary.chmod(0o755)
        size = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        temporary.rename(folder / MODEL)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return size


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically. NaN and infinities become null."""
    write_text(path, json.dumps(_finite(content), indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file atomically: ``write`` fills a temporary file, which is then renamed."""
    descriptor, name = tempfile.mkstemp(UNFINISHED, f".{path.name}-", path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # an error in a write does not name the file
        raise
    finally:
        temporary.unlink(missing_ok=True)


def is_run(folder: Path) -> bool:
    """Return whether a folder is a run folder."""
    return (folder / RESULT).is_file() or (folder / CONFIG).is_file()


def _family(folder: Path) -> str:
    config = read_config(folder) or {}
    return str(((config.get("model") or {}).get("card") or {}).get("family", ""))


def _yaml(config: Mapping[str, Any]) -> str:
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def _read_yaml(file: Path) -> dict[str, Any] | None:
    from omegaconf import OmegaConf

    if not file.is_file():
        return None
    content = OmegaConf.to_container(OmegaConf.load(file))
    return dict(renamed.current(content)) if isinstance(content, dict) else None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _finite(value.item())
    return value
