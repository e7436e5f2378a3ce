"""Bootstrap values that a run leaves beside its predictions, so that a comparison need not compute them again.

They are used only where they are what the comparison would compute: of the same predictions, in the same order, at the
same cost, by the same version, and of metrics that still have the value that the run recorded.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff import __version__, record
from bakeoff.record import Run
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]

ABOUT, ASKED = b"bakeoff", b"bakeoff.asked"
SAME = 1e-9  # relative tolerance: smaller differences are rounding


@dataclass(frozen=True)
class Recorded:
    """Bootstrap values of a run.

    Attributes:
        draws: metric → values, shape (resamples,).
        confidence: of the intervals that the run recorded; None if unknown.
        resamples: number of resamples that were asked for.
    """

    draws: Mapping[str, Floats]
    confidence: float | None = None
    resamples: int = 0


def write(
    folder: Path, table: PredictionTable, values: Mapping[str, Floats], confidence: float, resamples: int
) -> None:
    """Write the bootstrap values of a run, drawn with seed 0, beside its ``predictions.parquet``.

    Args:
        folder: the run folder, in which the predictions are.
        table: all of its predictions, with their cost.
        values: metric → values, shape (resamples,).
        confidence: of the intervals that the run records.
        resamples: number of resamples that were asked for.
    """
    import pyarrow as pa
    from pyarrow import parquet

    columns = pa.table({name: np.asarray(drawn, dtype=np.float64) for name, drawn in values.items()})
    request = json.dumps({"confidence": confidence, "resamples": resamples}).encode()
    columns = columns.replace_schema_metadata({ABOUT: json.dumps(_about(folder, table)).encode(), ASKED: request})
    record.write_file(folder / record.BOOTSTRAP, lambda path: parquet.write_table(columns, path, compression="zstd"))


def read(run: Run, table: PredictionTable, values: Mapping[str, float]) -> Recorded:
    """Read the bootstrap values of a run that a comparison would compute to the same.

    Args:
        run: a finished run.
        table: its predictions, as the comparison reads and prices them.
        values: the metrics of these predictions.

    Returns:
        None of them where the predictions were rewritten, rows were left out, or the run is of another version of
        bakeoff.
    """
    file = run.folder / record.BOOTSTRAP
    if not file.is_file() or record.is_damaged(run.folder, run.files, record.BOOTSTRAP):
        return Recorded({})
    import pyarrow as pa
    from pyarrow import parquet

    try:
        columns = parquet.read_table(file)
        about, asked = (json.loads((columns.schema.metadata or {})[key]) for key in (ABOUT, ASKED))
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return Recorded({})
    if about != _about(run.folder, table):
        return Recorded({})
    draws = {
        name: columns[name].to_numpy()
        for name, value in values.items()
        if name in columns.column_names and name in run.metrics and _is_same(value, run.metrics[name].value)
    }
    return Recorded(draws, asked["confidence"], asked["resamples"])


def _about(folder: Path, table: PredictionTable) -> dict[str, object]:
    """Return everything but the metrics that bootstrap values depend on."""
    files = [folder / name for name in (record.PREDICTIONS, record.TRACE)]
    cost = None if table.cost is None else np.ascontiguousarray(table.cost, dtype=np.float64).tobytes()
    value = None if table.value is None else np.ascontiguousarray(table.value, dtype=np.float64).tobytes()
    return {
        "version": __version__,
        "files": [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None for file in files],
        "ids": hashlib.sha256("\0".join(map(str, table.ids)).encode()).hexdigest(),
        "cost": None if cost is None else hashlib.sha256(cost).hexdigest(),
        "value": None if value is None else hashlib.sha256(value).hexdigest(),
        "units": None if table.units is None else hashlib.sha256(table.units.astype(np.int64).tobytes()).hexdigest(),
    }


def _is_same(value: float, recorded: float | None) -> bool:
    if recorded is None or math.isnan(value):
        return recorded is None and math.isnan(value)
    return math.isclose(value, recorded, rel_tol=SAME, abs_tol=0.0)
