"""Bootstrap values that a run leaves beside its predictions, so that a comparison need not compute them again.

They are used only where they are what the comparison would compute: of the same predictions, in the same order, at the
same cost, by the same version, and of metrics that still have the value that the run recorded.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff import __version__, record
from bakeoff.record import Run
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]

ABOUT = b"bakeoff"
SAME = 1e-9  # relative tolerance: smaller differences are rounding


def write(folder: Path, table: PredictionTable, values: Mapping[str, Floats]) -> None:
    """Write the bootstrap values of a run, drawn with seed 0, beside its ``predictions.parquet``.

    Args:
        folder: the run folder, in which the predictions are.
        table: all of its predictions, with their cost.
        values: metric → values, shape (resamples,).
    """
    import pyarrow as pa
    from pyarrow import parquet

    columns = pa.table({name: np.asarray(drawn, dtype=np.float64) for name, drawn in values.items()})
    columns = columns.replace_schema_metadata({ABOUT: json.dumps(_about(folder, table)).encode()})
    record.write_file(folder / record.BOOTSTRAP, lambda path: parquet.write_table(columns, path, compression="zstd"))


def read(run: Run, table: PredictionTable, values: Mapping[str, float]) -> Mapping[str, Floats]:
    """Read the bootstrap values of a run that a comparison would compute to the same.

    Args:
        run: a finished run.
        table: its predictions, as the comparison reads and prices them.
        values: the metrics of these predictions.

    Returns:
        Metric → values, shape (resamples,); empty where the predictions were rewritten, rows were left out, or the run
        is of another version of bakeoff.
    """
    file = run.folder / record.BOOTSTRAP
    if not file.is_file() or record.is_damaged(run.folder, run.files, record.BOOTSTRAP):
        return {}
    import pyarrow as pa
    from pyarrow import parquet

    try:
        columns = parquet.read_table(file)
        about = json.loads((columns.schema.metadata or {})[ABOUT])
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return {}
    if about != _about(run.folder, table):
        return {}
    return {
        name: columns[name].to_numpy()
        for name, value in values.items()
        if name in columns.column_names and name in run.metrics and _is_same(value, run.metrics[name].value)
    }


def _about(folder: Path, table: PredictionTable) -> dict[str, object]:
    """Return everything but the metrics that bootstrap values depend on."""
    files = [folder / name for name in (record.PREDICTIONS, record.TRACE)]
    cost = None if table.cost is None else np.ascontiguousarray(table.cost, dtype=np.float64).tobytes()
    return {
        "version": __version__,
        "files": [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None for file in files],
        "ids": hashlib.sha256("\0".join(map(str, table.ids)).encode()).hexdigest(),
        "cost": None if cost is None else hashlib.sha256(cost).hexdigest(),
    }


def _is_same(value: float, recorded: float | None) -> bool:
    if recorded is None or math.isnan(value):
        return recorded is None and math.isnan(value)
    return math.isclose(value, recorded, rel_tol=SAME, abs_tol=0.0)
