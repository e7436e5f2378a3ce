"""Errors of the system around bakeoff, such as a full disk or a vanished folder, each explained in one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
ADVICE = {
    **dict.fromkeys(FULL, "Free some space. Finished runs stay, and the same command continues with the rest."),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "Choose a folder that can be written to."),
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "Raise the limit on open files: ulimit -n 4096.",
}


NO_ROOM = (
    "failed to map segment",
    "cannot allocate memory",
    "Cannot allocate memory",
    "cannot enable executable stack",
)
"""Words of the loader of shared libraries where there is no memory for one."""


def explain(error: Exception) -> str | None:
    """One-line message for a system error; None for any other error, which may be a bug in bakeoff itself."""
    if isinstance(error, MemoryError):
        return f"There is not enough memory: {error}" if str(error) else "There is not enough memory."
    if isinstance(error, ImportError) and any(words in str(error) for words in NO_ROOM):
        return f"There is not enough memory to load a library: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"A file is not valid {error.encoding}: byte {error.start} of it is {error.object[error.start]:#04x}."
    if isinstance(error, ValueError) and isinstance(error.__cause__, OSError):  # a log file that cannot be opened
        return explain(error.__cause__) if str(error).startswith("Unable to configure handler") else None
    if isinstance(error, RecursionError):
        return "A config or a file is nested too deeply."
    if not isinstance(error, OSError) or error.errno is None:
        return None
    reason = os.strerror(error.errno)
    if error.errno in FULL and error.errno != errno.EFBIG:
        reason = "The disk is full"
    paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
    if not paths and error.errno == errno.ENOENT and not _is_here():
        paths = ["The current folder"]
    where = f"{' → '.join(paths)}: " if paths else ""
    return f"{where}{reason}. {ADVICE.get(error.errno, '')}".rstrip()


def _is_here() -> bool:
    """Return whether the current folder still exists."""
    try:
        Path.cwd()
    except OSError:
        return False
    return True
