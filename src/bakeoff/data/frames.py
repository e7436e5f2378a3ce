"""Frames in memory as data that a run folder can name: kept as a Parquet file beside the runs."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from bakeoff import unfinished
from bakeoff.errors import DataError

OUTPUTS = Path("outputs")


def keep(frame: Any, name: str | None) -> tuple[Path, str]:
    """Write a frame into the folder of its bake-off, and return the file and a digest of the frame.

    Args:
        frame: a pandas frame with named columns; its index is left out.
        name: of the bake-off; None: by the digest.

    Raises:
        DataError: it is no frame, has columns without a name or no rows, or values that no file holds.
    """
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"data: {type(frame).__name__} is neither the name of an option nor a pandas frame.")
    if not all(isinstance(column, str) for column in frame.columns) or not len(frame.columns):
        raise DataError("data: every column of the frame needs a name that is a string.")
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"data: the frame cannot be kept as Parquet: {str(error).splitlines()[0]}") from error
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    file = OUTPUTS / (name or f"frame-{digest}") / f"data-{digest}.parquet"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = unfinished.named(file)
        part.write_bytes(buffer.getvalue())
        part.replace(file)
    return file, digest
