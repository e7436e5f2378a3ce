"""Checksums of a run: SHA-256 of every recorded file, compared with the file whenever it is read again.

A record carries the digests of the files beside it, and a digest of itself on its last line. A difference means that a
file is damaged or was edited since: nothing is read from it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.errors import BakeoffError, DataError
from bakeoff.record import locks, names
from bakeoff.record.writing import as_json, write_text

RECORDED = (
    names.CONFIG,
    names.PREDICTIONS,
    names.TRACE,
    names.BOOTSTRAP,
    names.VALIDATION,
    names.TRANSCRIPTS,
    names.PROFILE,
    names.TRIALS,
    names.CURVES,
    names.FITTED,
    names.LEARNT,
    names.INSTALLED,
    names.DIFF,
)
"""Files of a run folder whose digests are recorded, beside those of the model."""

SEAL, NO_SEAL = "sha256", "0" * 64
SEALED = re.compile(rb'"sha256": "([0-9a-f]{64})"\n\}\n\Z')


@dataclass(frozen=True)
class Sealed:
    """Content of a JSON file.

    Attributes:
        content: without the seal.
        sha256: digest of the file; None for a file of an earlier version, which has no seal.
    """

    content: dict[str, Any]
    sha256: str | None


def write_sealed(path: Path, content: Mapping[str, Any]) -> str:
    """Write JSON atomically, ending with a digest of the file itself. Returns the digest."""
    text = as_json({**content, SEAL: NO_SEAL})
    digest = hashlib.sha256(text.encode()).hexdigest()
    head, _, tail = text.rpartition(NO_SEAL)
    write_text(path, head + digest + tail)
    return digest


def read_sealed(path: Path, remedy: str) -> Sealed:
    """Read what ``write_sealed`` wrote.

    Args:
        path: of the file.
        remedy: advice for a damaged file, one sentence.

    Raises:
        DataError: the file is no JSON object, or is not what was written.
    """
    written = path.read_bytes()
    try:
        content = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: it is damaged and cannot be read ({_in_short(error)}). {remedy}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: it is damaged: it holds no JSON object. {remedy}")
    found = SEALED.search(written)
    if found is None:
        if {SEAL, "files", names.LEADERBOARD_DIGEST} & content.keys():
            raise DataError(f"{path}: {_changed()} {remedy}")
        return Sealed(content, None)
    digest = found.group(1).decode()
    start = found.start(1)
    if hashlib.sha256(written[:start] + NO_SEAL.encode() + written[start + 64 :]).hexdigest() != digest:
        raise DataError(f"{path}: {_changed()} {remedy}")
    return Sealed({key: value for key, value in content.items() if key != SEAL}, digest)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each recorded file of a run folder, by its path within the folder."""
    files = [folder / name for name in RECORDED if (folder / name).is_file()] + _of_model(folder)
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}


def sha256(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def remedy(folder: Path) -> str:
    """Advice for a run folder with a damaged file."""
    if (owner := locks.owner(folder)) is not None:
        return f"Another process{owner} is writing to {folder}: wait for its end."
    return (
        "Restore it from a copy, or run this variant again: delete "
        f"{folder / names.RESULT} and repeat the command of the run."
    )


def check(folder: Path, files: Mapping[str, str], *wanted: str) -> None:
    """Compare recorded files with their digests.

    Args:
        folder: the run folder.
        files: path within the folder → digest; empty for a run of an earlier version, which is not checked.
        wanted: the files to compare, or ``names.MODEL`` for all of the model.

    Raises:
        DataError: names each file that is gone, or is not what was written.
    """
    if not files:
        return
    faults = []
    for name in wanted:
        if name == names.MODEL:
            recorded = {path for path in files if path.startswith(f"{names.MODEL}/")}
            present = {file.relative_to(folder).as_posix() for file in _of_model(folder)}
            faults += [f"{folder / path}: it was added after the run." for path in sorted(present - recorded)]
            checked = sorted(recorded)
        else:
            checked = [name] if name in files else []
        faults += [fault for path in checked if (fault := _fault(folder / path, files[path]))]
    if faults:
        raise DataError("\n".join(f"{fault} {remedy(folder)}" for fault in faults))


def is_damaged(folder: Path, files: Mapping[str, str], name: str) -> bool:
    """Return whether a file that can be computed again is there, and is not what was written."""
    return name in files and (folder / name).is_file() and sha256(folder / name) != files[name]


def check_file(file: Path) -> bool:
    """Compare a file of a run folder with the digest in the record of its run, if there is one.

    Returns:
        Whether the file is there.

    Raises:
        DataError: it is gone, or is not what was written; or the record is damaged.
    """
    folder = file.parent
    if (folder / names.RESULT).is_file():
        check(folder, recorded(folder), file.name)
    return file.is_file()


def recorded(folder: Path) -> dict[str, str]:
    """Digests in the record of a run; none for a run of an earlier version."""
    files = read_sealed(folder / names.RESULT, remedy(folder)).content.get("files", {})
    return files if isinstance(files, dict) else {}


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Raise ``DataError`` with advice where a file of a run folder cannot be parsed, whatever its library raises."""
    try:
        yield
    except (BakeoffError, MemoryError):
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        raise DataError(f"{file}: it is damaged and cannot be read ({reason}). {remedy(file.parent)}") from error


def _fault(file: Path, digest: str) -> str | None:
    if not file.is_file():
        return f"{file}: it is gone."
    return None if sha256(file) == digest else f"{file}: {_changed()}"


def _changed() -> str:
    return "it is damaged or was edited: its SHA-256 is not that of the file which was written."


def _of_model(folder: Path) -> list[Path]:
    return sorted(file for file in (folder / names.MODEL).rglob("*") if file.is_file())


def _in_short(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def write_sum(file: Path) -> None:
    """Write the digest of a file beside it, in the format of ``sha256sum``."""
    write_text(_sum(file), f"{sha256(file)}  {file.name}\n")


def is_intact(file: Path) -> bool | None:
    """Return whether a file matches the digest beside it; None where there is no digest, or no file."""
    if not file.is_file() or not _sum(file).is_file():
        return None
    return _sum(file).read_text("utf-8", "replace") == f"{sha256(file)}  {file.name}\n"


def _sum(file: Path) -> Path:
    return file.with_name(f".{file.name}.sha256")
