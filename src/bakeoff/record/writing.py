"""Atomic writes: a file is written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bakeoff import secrets
from bakeoff.unfinished import UNFINISHED, prefix

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters of cells that a spreadsheet would evaluate as a formula."""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically. NaN and infinities become null."""
    write_text(path, as_json(content))


def as_json(content: Any) -> str:
    """JSON text as it is written: NaN and infinities become null, and the secrets of the request are masked."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write text atomically, with the secrets of the request masked."""
    write_file(path, lambda temporary: temporary.write_text(secrets.hide(text), encoding="utf-8"))


def write_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file atomically: ``write`` fills a temporary file, which is then renamed."""
    try:
        descriptor, name = tempfile.mkstemp(UNFINISHED, prefix(path.name), path.parent)
    except OSError as error:
        error.filename = str(path)  # not that of a temporary file, which nobody asked for
        raise
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


def _finite(value: Any) -> Any:
    if isinstance(value, str):
        return secrets.hide(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _finite(value.item())
    return value


def csv_cell(text: str) -> str:
    """The text as a cell of a CSV file that a spreadsheet shows, and does not evaluate as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text) else text


def is_writable(folder: Path) -> bool:
    """Return whether files can be written to a folder; a finished bake-off may lie on a disk that is only read."""
    return os.access(folder, os.W_OK)
