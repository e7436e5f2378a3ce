"""Exclusive locks on run folders: they name their owner, and the system releases them when the owner exits."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bakeoff import environment
from bakeoff.errors import ConfigError

FOLDER = ".locks"
POLL_SECONDS = 0.2


@contextmanager
def held(folders: Iterable[Path], wait: Callable[[str], None] | None) -> Iterator[bool]:
    """Hold exclusive write locks on run folders while the block runs.

    Locks are taken in the order of paths, so that two commands that share folders never wait for each other.

    Args:
        folders: of runs.
        wait: told, once for each folder, whose end is waited for; None: a folder that is taken is refused.

    Yields:
        Whether another process was waited for: what is in the folders may have changed.

    Raises:
        ConfigError: another process writes to one of them.
    """
    with ExitStack() as stack:
        waited_for = [stack.enter_context(_held(folder, wait)) for folder in sorted(set(folders))]
        yield any(waited_for)


@contextmanager
def _held(folder: Path, wait: Callable[[str], None] | None) -> Iterator[bool]:
    _lock(folder).parent.mkdir(parents=True, exist_ok=True)
    owner, lock = _owner(folder), FileLock(_lock(folder))
    is_waited_for = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = f"{folder}: another process{_described(_content(owner))} is writing there"
        if wait is None:
            raise ConfigError(f"{message}. Wait for its end, or give name=… for a folder of your own.") from None
        is_waited_for = True
        wait(f"{message}; waiting for its end.")
        lock.acquire(poll_interval=POLL_SECONDS)
    try:
        content = {"host": socket.gethostname(), "pid": os.getpid(), "command": environment.command()}
        owner.write_text(json.dumps(content), encoding="utf-8")
        yield is_waited_for
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def of_comparison(bakeoff: Path) -> Iterator[None]:
    """Hold the lock of a bake-off's comparison and leaderboard; no lock in a folder that cannot be written to."""
    if not os.access(bakeoff, os.W_OK):
        yield
        return
    (bakeoff / FOLDER).mkdir(exist_ok=True)
    with FileLock(bakeoff / FOLDER / "comparison"):
        yield


def owner(folder: Path) -> str | None:
    """Describe the other live process that writes to a run folder, in brackets; None if there is none."""
    lock, content = _lock(folder), _content(_owner(folder))
    if not lock.is_file() or content.get("pid") == os.getpid():
        return None
    try:
        with FileLock(lock, timeout=0):
            return None
    except (Timeout, OSError):
        return _described(content)


def _lock(folder: Path) -> Path:
    return folder.parent / FOLDER / f"{folder.name}.lock"


def _owner(folder: Path) -> Path:
    """Name a file beside the lock, which every process that tries it empties."""
    return folder.parent / FOLDER / f"{folder.name}.json"


def _content(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = json.loads(file.read_text("utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def _described(content: Mapping[str, Any]) -> str:
    """Describe the owner of a lock for a message; empty if the owner has not been recorded yet."""
    if not {"pid", "host", "command"} <= content.keys():
        return ""
    return f" (pid {content['pid']} on {content['host']}: {content['command']})"
