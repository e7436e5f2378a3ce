"""Temporary files: named after the process that writes them, and removed once that process is dead."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

UNFINISHED = ".part"
OWNED = re.compile(r"-(?P<host>[^/]+)-(?P<pid>\d+)-[a-z0-9_]+\.part$")
PATIENCE_SECONDS = 24 * 3600  # for a file of another machine, whose processes cannot be seen from here


def prefix(name: str) -> str:
    """Beginning of the name of a temporary file that this process writes."""
    return f".{name}-{socket.gethostname()}-{os.getpid()}-"


def named(file: Path) -> Path:
    """Path beside a file under which this process writes it, before it is renamed."""
    return file.with_name(f"{prefix(file.name)}w{UNFINISHED}")


def remove_left(folder: Path) -> None:
    """Remove the temporary files and folders of dead processes; those of live ones stay."""
    for left in folder.glob(f".*{UNFINISHED}"):
        with suppress(OSError):  # as on a disk that cannot be written to, or where another process was first
            if is_being_written(left):
                continue
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


def is_being_written(file: Path) -> bool:
    """Return whether the process that writes a temporary file is alive, as far as can be seen from here."""
    import psutil

    owner = OWNED.search(file.name)
    written = file.stat().st_mtime
    if owner is None:  # of an earlier version
        return False
    if owner["host"] != socket.gethostname():
        return time.time() - written < PATIENCE_SECONDS
    try:
        began = psutil.Process(int(owner["pid"])).create_time()
    except psutil.Error:
        return False
    return bool(began <= written + 1)  # else another process has got the number since
