"""Cache of LLM completions: a repeated request is replayed without calling the model.

One SQLite file for all processes of a user. A write is one transaction, so a process that is killed leaves either the
whole answer or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bakeoff import assets
from bakeoff.errors import LLMError
from bakeoff.llm.base import Completion, LLMRequest

FILE = "responses.sqlite"
BUSY_SECONDS = 60
AT_ONCE = 500  # keys in one query; SQLite allows 999 parameters and more
TABLE = "CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, completion TEXT NOT NULL) WITHOUT ROWID"


def key(identity: Mapping[str, Any], request: LLMRequest) -> str:
    """SHA-256 of everything a completion depends on: the model, its parameters, and the whole request.

    Args:
        identity: of the model and its parameters. API keys are not part of it.
        request: the request.
    """
    asked = {name: value for name, value in asdict(request).items() if name != "stage"}
    content = json.dumps([identity, asked], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


class Cache:
    """Completions by key. Safe for threads and for processes.

    Args:
        folder: of the file; None: the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.file = (folder or assets.cache_folder() / "llm") / FILE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    def get(self, keys: Sequence[str]) -> dict[str, Completion]:
        """Return the cached completions, marked as replayed."""
        rows: list[tuple[str, str]] = []
        if not self.file.exists():
            return {}
        with self._lock, self._explained():
            connection = self._open()
            for start in range(0, len(keys), AT_ONCE):
                some = list(keys[start : start + AT_ONCE])
                marks = ",".join("?" * len(some))
                query = f"SELECT key, completion FROM responses WHERE key IN ({marks})"
                rows += connection.execute(query, some)
        return {key: completion for key, text in rows if (completion := _read(text)) is not None}

    def put(self, key: str, completion: Completion) -> None:
        """Store a completion; an existing one is replaced."""
        row = (key, json.dumps(asdict(completion), ensure_ascii=False))
        with self._lock, self._explained():
            connection = self._open()
            with connection:
                connection.execute("INSERT OR REPLACE INTO responses VALUES (?, ?)", row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add the file and a remedy to SQLite's errors."""
        try:
            yield
        except sqlite3.Error as error:
            told = f"llm.cache: {self.file} cannot be used: {error}. Delete it, or choose llm.cache=off."
            raise LLMError(told) from error

    def _open(self) -> sqlite3.Connection:
        """Return this process's connection: SQLite connections do not survive a fork."""
        if self._connection is None or self._process != os.getpid():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _opened(self.file)
            self._process = os.getpid()
        return self._connection


def _opened(file: Path) -> sqlite3.Connection:
    """Connect to the file, creating it if needed."""
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, check_same_thread=False)
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(TABLE)
            return connection
        except sqlite3.OperationalError as error:
            # SQLite does not wait, whatever its timeout, where two processes change the mode of a new file at once.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.01, 0.05))


def completion_from_json(content: Mapping[str, Any]) -> Completion:
    """Read a completion. Raises ``TypeError``, ``ValueError`` or ``KeyError`` if another version wrote it."""
    logprobs = tuple((token, value) for token, value in content["logprobs"])
    return Completion(**{**content, "logprobs": logprobs, "unusable": tuple(content.get("unusable", ()))})


def _read(text: str) -> Completion | None:
    """Read a stored completion and mark it as replayed; None if another version wrote it, so it is requested again."""
    try:
        return replace(completion_from_json(json.loads(text)), is_cached=True, is_taken_over=False)
    except (ValueError, TypeError, KeyError):
        return None
