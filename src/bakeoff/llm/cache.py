"""Answers of language models, kept: a request that was answered before is answered again without asking.

One SQLite file for all processes of a user. A write is one transaction, so a process that is killed leaves either the whole
answer or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bakeoff import assets
from bakeoff.llm.base import Ask, Completion

FILE = "responses.sqlite"
BUSY_SECONDS = 60
AT_ONCE = 500  # keys in one query; SQLite allows 999 parameters and more
TABLE = "CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, completion TEXT NOT NULL) WITHOUT ROWID"


def key(identity: Mapping[str, Any], ask: Ask) -> str:
    """SHA-256 of all that an answer depends on: the model, its parameters, and the whole request.

    Args:
        identity: of the model and its parameters. Keys of an account are no part of it.
        ask: the request.
    """
    content = json.dumps([identity, asdict(ask)], sort_keys=True, ensure_ascii=False)
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
        """The completions there are, marked as replayed."""
        found: dict[str, Completion] = {}
        if not self.file.exists():
            return found
        with self._lock:
            connection = self._open()
            for start in range(0, len(keys), AT_ONCE):
                some = list(keys[start : start + AT_ONCE])
                marks = ",".join("?" * len(some))
                query = f"SELECT key, completion FROM responses WHERE key IN ({marks})"
                found |= {k: _read(text) for k, text in connection.execute(query, some)}
        return found

    def put(self, key: str, completion: Completion) -> None:
        """Keep a completion; one that is there is replaced."""
        with self._lock:
            connection = self._open()
            with connection:
                row = (key, json.dumps(asdict(completion), ensure_ascii=False))
                connection.execute("INSERT OR REPLACE INTO responses VALUES (?, ?)", row)

    def _open(self) -> sqlite3.Connection:
        """The connection of this process: SQLite's do not survive a fork."""
        if self._connection is None or self._process != os.getpid():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.file, timeout=BUSY_SECONDS, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(TABLE)
            self._process = os.getpid()
        return self._connection


def _read(text: str) -> Completion:
    content = json.loads(text)
    content["logprobs"] = tuple((token, value) for token, value in content["logprobs"])
    return replace(Completion(**content), is_cached=True)
