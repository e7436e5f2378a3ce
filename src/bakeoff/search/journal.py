"""Journal of a study: a file of one JSON object a line, each with a checksum."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Container, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import get_lock_file
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

from bakeoff.errors import DataError

CHECKSUM = "crc32"


class CheckedJournal(JournalFileBackend):
    """Optuna's journal file, which reports damage instead of reading other values.

    Lines of earlier versions have no checksum and are read as they are.

    Args:
        file_path: absolute path of the file: its lock is a link to it.
    """

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines, after removing half a line that a full disk may have left."""
        with get_lock_file(self._lock), Path(self._file_path).open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end and not _ends_whole(file, end):
                end = _end_of_last_line(Path(self._file_path))
                file.truncate(end)
                file.seek(end)
            try:
                file.write(b"".join(_line(log) for log in logs))
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                error.filename = self._file_path  # an error in a write does not name the file
                raise

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Read lines from a number on.

        Raises:
            DataError: a line is not what was written.
        """
        offsets = self._log_number_offset
        start = log_number_from if log_number_from in offsets else 0
        with Path(self._file_path).open("rb") as file:
            left = Path(self._file_path).stat().st_size - file.seek(offsets[start])
            for number, line in enumerate(file, start):
                left -= len(line)
                if left < 0 or not line.endswith(b"\n"):
                    return  # another process is writing it, or was stopped by a full disk
                offsets.setdefault(number + 1, offsets[number] + len(line))
                if number >= log_number_from:
                    yield self._read(line, number)

    def _read(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            log: dict[str, Any] = json.loads(line)
            checksum = log.pop(CHECKSUM, None)
            if checksum is not None and checksum != _checksum(log):
                raise ValueError("its checksum differs")
        except (ValueError, AttributeError) as error:
            raise DataError(
                f"{self._file_path}: it is damaged at line {number + 1} ({error}). Restore it from a copy, or add "
                "resume=false to begin this search again."
            ) from None
        return log


@dataclass(frozen=True)
class Lost:
    """Trials that were removed from a journal.

    Attributes:
        numbers: of the trials.
        spent_usd: dollars that they had spent.
    """

    numbers: tuple[int, ...] = ()
    spent_usd: float = 0.0


def rewind(path: Path, spent: str, losses: str, most: int) -> Lost:
    """Remove the trials of a dead process from the end of a journal, as if they had not begun.

    What a sampler and a pruner see then is what they saw before: the search goes on as if it had not been interrupted.
    Nothing is removed where other trials ended in between, as among several workers.

    Args:
        path: of the journal; nobody else writes to it.
        spent: user attribute of a trial that holds the dollars it has spent.
        losses: user attribute of the study that counts how often a trial was removed, by number.
        most: a trial that was removed that often stays.
    """
    if not path.is_file():
        return Lost()
    journal = CheckedJournal(str(path.absolute()))
    with get_lock_file(journal._lock):
        logs = list(journal.read_logs(0))
        begun: dict[int, int] = {}  # trial → line with which it began to run
        created: dict[int, int] = {}  # line → trial
        counts: dict[str, int] = {}
        for line, log in enumerate(logs):
            operation = log["op_code"]
            if operation == JournalOperation.CREATE_TRIAL:
                created[line] = len(created)
                if log.get("state", TrialState.RUNNING) == TrialState.RUNNING:
                    begun[created[line]] = line
            elif operation == JournalOperation.SET_TRIAL_STATE_VALUES:
                begun.pop(log["trial_id"], None)
                if log["state"] == TrialState.RUNNING:
                    begun[log["trial_id"]] = line
            elif operation == JournalOperation.SET_STUDY_USER_ATTR:
                counts |= log["user_attr"].get(losses, {})
        if not begun or any(counts.get(str(number), 0) >= most for number in begun):
            return Lost()
        first = min(begun.values())
        removed = range(first, len(logs))
        if not all(_belongs(logs[line], created.get(line), begun) for line in removed):
            return Lost()
        with path.open("r+b") as file:
            file.truncate(journal._log_number_offset[first])
            os.fsync(file.fileno())
    spending = [logs[line].get("user_attr", {}).get(spent) for line in removed]
    return Lost(tuple(sorted(begun)), max((usd for usd in spending if usd is not None), default=0.0))


def _belongs(log: dict[str, Any], created: int | None, trials: Container[int]) -> bool:
    """Return whether a line is about one of the trials, or says nothing that is not written again."""
    if log["op_code"] in (JournalOperation.CREATE_STUDY, JournalOperation.SET_STUDY_SYSTEM_ATTR):
        return True
    return (log.get("trial_id") if created is None else created) in trials


def _line(log: dict[str, Any]) -> bytes:
    return (json.dumps({**log, CHECKSUM: _checksum(log)}, separators=(",", ":")) + "\n").encode()


def _checksum(log: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(log, sort_keys=True, separators=(",", ":")).encode())


def _ends_whole(file: Any, end: int) -> bool:
    file.seek(end - 1)
    return bool(file.read(1) == b"\n")


def _end_of_last_line(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1
