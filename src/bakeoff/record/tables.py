"""Tables of a run folder: predictions, stages, trials, training curves; and the test rows of a bake-off."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.errors import DataError
from bakeoff.record import integrity
from bakeoff.record.names import CURVES, INPUTS, PREDICTIONS, TRACE, TRIALS
from bakeoff.record.run import Run, schema_of
from bakeoff.record.writing import write_file
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.task import Examples, PredictionTable, StageTrace, Usage

# Fields of Predictions that are a column as they are, with the type of their array, and those that are lists of ids.
PLAIN: dict[str, Any] = {
    "short": object, "stage": object, "evidence": object, "confidence": float, "machine_seconds": float,
    "human_usd": float,
}  # fmt: skip
USAGE = ("calls", "input_tokens", "output_tokens", "cost_usd", "cached")
LISTS = ("retrieved", "cited")
UNIT = "unit"


def write_predictions(folder: Path, table: PredictionTable, name: str = PREDICTIONS) -> None:
    """Write the predictions table, one row a test example, or a validation row where ``name`` is ``VALIDATION``.

    Columns: ``id``, ``target`` (JSON where it is no plain value; both are lists in a forecast), ``output``, what else
    of ``Predictions`` the model has (``proba:<class>`` for probabilities, lists of ids for documents), ``status`` and
    ``reason``, the columns of ``Usage`` where a language model was asked, ``seconds`` (NaN where not timed),
    ``unit`` (of resampling, where rows are not independent), ``grade:<name>``, ``slice:<column>``. The stages of a
    model made of models go to ``trace.parquet``, one row for each row that a stage saw.
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
    columns |= {} if table.units is None else {UNIT: table.units}
    columns |= {f"grade:{name}": values for name, values in table.grades.items()}
    columns |= {f"slice:{name}": table.slices[name].to_numpy() for name in table.slices.columns}
    frame = pd.DataFrame(columns)
    write_file(folder / name, lambda path: frame.to_parquet(path, index=False))
    if p.trace and name == PREDICTIONS:
        trace = pd.concat(
            pd.DataFrame(
                {
                    "position": position, "stage": stage.name, "row": stage.rows, "accepted": stage.accepted,
                    "seconds": stage.seconds, **{name: getattr(stage.usage, name) for name in USAGE}, **stage.sums,
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
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    file, key = bakeoff / INPUTS, b"bakeoff.fingerprint"
    with inputs_lock(bakeoff):
        if integrity.is_intact(file) and (parquet.read_schema(file).metadata or {}).get(key) == fingerprint.encode():
            return None
        frame = test.X.reset_index(drop=True)
        if "id" in frame:
            frame = frame.rename(columns={"id": "feature:id"})
        ids = pd.Series([str(identity) for identity in test.ids], name="id", dtype=object)
        frame = pd.concat([ids, frame], axis=1)  # inserted into thousands of columns, it would take a warning of pandas
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), key: fingerprint.encode()})
        write_file(file, lambda path: parquet.write_table(table, path, compression="zstd"))
        integrity.write_sum(file)
    return None


@contextmanager
def inputs_lock(bakeoff: Path) -> Iterator[None]:
    """Hold the lock of ``inputs.parquet`` and its digest; no lock in a folder that cannot be written to."""
    from filelock import FileLock

    if not os.access(bakeoff, os.W_OK):
        yield
        return
    with FileLock(bakeoff / f".{INPUTS}.lock"):
        yield


def read_inputs(bakeoff: Path) -> pd.DataFrame | None:
    """Read the feature columns of a bake-off's test rows, indexed by id; None where they were not recorded.

    Raises:
        DataError: the file is damaged.
    """
    import pandas as pd

    file = bakeoff / INPUTS
    if not file.is_file():
        return None
    verify_bakeoff(bakeoff)
    with integrity.readable(file):
        return pd.read_parquet(file).set_index("id")


def verify_bakeoff(folder: Path) -> None:
    """Compare ``inputs.parquet`` of a bake-off with its digest, where it has one. Raises ``DataError``."""
    if integrity.is_intact(folder / INPUTS) is not False:
        return
    with inputs_lock(folder):  # another process may have been between the two files
        is_intact = integrity.is_intact(folder / INPUTS)
    if is_intact is False:
        raise DataError(
            f"{folder / INPUTS}: it is damaged or was edited: its SHA-256 is not that of the file which was written. "
            "Restore it from a copy, or delete it: the next variant that runs writes it again."
        )


def write_trials(folder: Path, trials: Sequence[Mapping[str, Any]]) -> None:
    """Write the trials of a search, one row each: number, state, objectives, ``param:<key>``, seconds, error."""
    import pandas as pd

    frame = pd.DataFrame(list(trials))
    write_file(folder / TRIALS, lambda path: frame.to_parquet(path, index=False))


def read_frame(folder: Path, name: str) -> pd.DataFrame | None:
    """Read a table of a run folder as it is; None if there is none. Raises ``DataError`` if it is damaged."""
    import pandas as pd

    if not integrity.check_file(folder / name):
        return None
    with integrity.readable(folder / name):
        return pd.read_parquet(folder / name)


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
        DataError: there is none, or it is damaged.
    """
    integrity.check(run.folder, run.files, name, TRACE)
    if not (run.folder / name).is_file():
        raise DataError(f"{run.folder}: there is no {name}.")
    with integrity.readable(run.folder / name):
        return _predictions(run, name)


def _predictions(run: Run, name: str) -> PredictionTable:
    import numpy as np
    import pandas as pd

    from bakeoff.task import Predictions, PredictionTable

    frame = pd.read_parquet(run.folder / name)
    schema = schema_of(run)
    kind = kinds.get(schema.kind)
    proba = [f"proba:{label}" for label in schema.classes]
    columns: dict[str, Any] = {n: frame[n].to_numpy(dtype=dtype) for n, dtype in PLAIN.items() if n in frame}
    columns |= {name: _tuples(frame[name]) for name in LISTS if name in frame}
    columns |= {name: frame[name].to_numpy(dtype=object) for name in ("status", "reason") if name in frame}
    predictions = Predictions(
        kind.read_outputs(frame["output"]),
        proba=frame[proba].to_numpy(dtype=np.float64) if proba and proba[0] in frame else None,
        **columns,
        usage=_usage(frame),
        trace=_read_trace(run.folder) if name == PREDICTIONS else (),
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
        units=frame[UNIT].to_numpy(dtype=np.intp) if UNIT in frame else None,
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
            *(
                rows[name].to_numpy(dtype=float) if name in rows and rows[name].notna().all() else None
                for name in ("machine_seconds", "human_usd")
            ),
        )
        for _, rows in trace.groupby("position")
    )  # fmt: skip
