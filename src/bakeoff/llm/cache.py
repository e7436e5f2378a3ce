"""Cache of LLM completions: a repeated request is replayed without calling the model.

One SQLite file for all processes of a user. A write is one transaction, so a process that is killed leaves either the
whole answer or none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from bakeoff import assets, secrets
from bakeoff.errors import LLMError
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.claims import Claims

FILE = "responses.sqlite"
BUSY_SECONDS = 60
CLAIM_POLL_SECONDS = 0.1
AT_ONCE = 500  # keys in one query; SQLite allows 999 parameters and more
CHECKSUM = "crc32"
MOST_CHECKED_BYTES = 256_000_000  # of a larger file the check would take seconds; its entries have checksums
DAMAGED = (11, 26)  # SQLite's codes of a file that is malformed, or no database
TABLES = """
CREATE TABLE IF NOT EXISTS completions (
    key TEXT, served TEXT, session TEXT, completion TEXT NOT NULL, at REAL, PRIMARY KEY (key, served)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unsupported (
    server TEXT, model TEXT, parameter TEXT, message TEXT, PRIMARY KEY (server, model, parameter)
) WITHOUT ROWID;
"""
MOVE_OLD = """
INSERT OR IGNORE INTO completions
SELECT key, json_array(json_extract(completion, '$.model'), json_extract(completion, '$.fingerprint')),
       '', completion, 0
FROM responses WHERE json_valid(completion);
DROP TABLE responses;
"""
"""Moves what earlier versions kept by name alone."""


log = logging.getLogger("bakeoff.repairs")


@dataclass(frozen=True)
class Entry:
    """A cached completion and the model that gave it.

    Attributes:
        completion: marked as replayed when read.
        served: the model as the server identified it (see ``bakeoff.llm.served``).
        session: random name of the session that asked.
    """

    completion: Completion
    served: str
    session: str


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
        self._claimed: Claims | None = None

    def get(self, keys: Sequence[str]) -> dict[str, list[Entry]]:
        """Return the cached completions of each request, of all models that its server has served; the newest last."""
        if not self.file.exists():
            return {}
        rows: list[tuple[str, str, str, str]] = []
        with self._lock, self._explained():
            connection = self._open()
            for start in range(0, len(keys), AT_ONCE):
                some = list(keys[start : start + AT_ONCE])
                marks = ",".join("?" * len(some))
                query = f"SELECT key, completion, served, session FROM completions WHERE key IN ({marks}) ORDER BY at"
                rows += connection.execute(query, some)
        found: dict[str, list[Entry]] = {}
        for key, text, served, session in rows:
            if (completion := _read(key, text)) is not None:
                found.setdefault(key, []).append(Entry(completion, served, session))
        return found

    def put(self, key: str, entry: Entry) -> None:
        """Store a completion; an existing one of the same model is replaced."""
        content = asdict(entry.completion)
        text = json.dumps({**content, CHECKSUM: _checksum(key, content)}, ensure_ascii=False)
        row = (key, entry.served, entry.session, text, time.time())
        self._write("INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?, ?)", row)

    @contextmanager
    def claimed(self, key: str, stop: threading.Event) -> Iterator[bool]:
        """Keep other processes from sending the same request while the block runs.

        A claim is a lock on one byte of a file: it ends with its process, however that comes. Where the system has no
        such locks, nothing is claimed.

        Args:
            key: of the request.
            stop: ends the wait for another process.

        Yields:
            Whether another process was waited for, so that its completion may be in the cache now.
        """
        claims = self._claims()
        if claims is None:
            yield False
            return
        byte, is_waited_for = int(key[:12], 16), False
        while not claims.take(byte) and not stop.is_set():
            is_waited_for = True
            stop.wait(CLAIM_POLL_SECONDS)
        try:
            yield is_waited_for
        finally:
            claims.leave(byte)

    def _claims(self) -> Claims | None:
        with self._lock:
            if self._claimed is None or self._claimed.process != os.getpid():
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._claimed = Claims.open(self.file.with_suffix(".claims"))
            return self._claimed

    def unsupported(self, server: str, model: str) -> dict[str, str]:
        """Parameters that a server is known to refuse for a model, with its message; none if the file is broken."""
        query = "SELECT parameter, message FROM unsupported WHERE server = ? AND model = ?"
        try:
            with self._lock:
                return (
                    dict(self._open().execute(query, (secrets.without_secrets(server), model)).fetchall())
                    if self.file.exists()
                    else {}
                )
        except sqlite3.Error:
            return {}

    def put_unsupported(self, server: str, model: str, parameter: str, message: str) -> None:
        """Remember that a server refuses a parameter; forgotten with this process if the file is broken."""
        with suppress(LLMError):
            row = (secrets.without_secrets(server), model, parameter, secrets.hide(message))
            self._write("INSERT OR REPLACE INTO unsupported VALUES (?, ?, ?, ?)", row)

    def forget_unsupported(self, server: str, model: str) -> None:
        """Forget which parameters a server refuses for a model: all are sent again."""
        if self.file.exists():
            row = (secrets.without_secrets(server), model)
            self._write("DELETE FROM unsupported WHERE server = ? AND model = ?", row)

    def _write(self, statement: str, row: tuple[Any, ...]) -> None:
        with self._lock, self._explained():
            connection = self._open()
            with connection:
                connection.execute(statement, row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add the file and a remedy to SQLite's errors."""
        try:
            yield
        except sqlite3.Error as error:
            message = f"llm.cache: {self.file} cannot be used: {error}. Delete it, or choose llm.cache=off."
            raise LLMError(message) from error

    def _open(self) -> sqlite3.Connection:
        """Return this process's connection: SQLite connections do not survive a fork."""
        if self._connection is None or self._process != os.getpid():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.file.with_suffix(".lock")):
                self._connection = _sound(self.file)
            self._process = os.getpid()
        return self._connection


def _sound(file: Path) -> sqlite3.Connection:
    """Connect to the file; one that is damaged is set aside, and what can be read of it is taken over."""
    try:
        connection = _opened(file)
        if file.stat().st_size > MOST_CHECKED_BYTES:
            return connection
        fault = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        if fault == "ok":
            return connection
        connection.close()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in DAMAGED:
            raise
        fault = str(error)
    rows = _salvaged(file)
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    file.replace(file.with_suffix(".damaged"))
    connection = _opened(file)
    with connection:
        connection.executemany("INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?, ?)", rows)
    log.warning(
        "%s: the cache of answers is damaged (%s). %d answers could be read and are kept; the others are asked again.",
        file, fault, len(rows),
    )  # fmt: skip
    return connection


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _salvaged(file: Path) -> list[tuple[Any, ...]]:
    """Rows of a damaged file that can be read, from its beginning and from its end."""
    rows: dict[tuple[Any, Any], tuple[Any, ...]] = {}
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as connection:
            connection.text_factory = _text
            for row in connection.execute(
                f"SELECT key, served, session, completion, at FROM completions ORDER BY key {order}"
            ):
                if _read(row[0], str(row[3])) is not None:
                    rows[row[0], row[1]] = row
    return list(rows.values())


def _opened(file: Path) -> sqlite3.Connection:
    """Connect to the file, creating it if needed."""
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, check_same_thread=False)
    connection.text_factory = _text  # an undecodable byte damages one answer, and not the query
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(TABLES)
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'responses'").fetchone():
                connection.executescript(f"BEGIN IMMEDIATE;{MOVE_OLD}COMMIT;")
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


def _read(key: str, text: str) -> Completion | None:
    """Read a stored completion and mark it as replayed; None if another version wrote it or it is damaged."""
    try:
        content = json.loads(text)
        if content.pop(CHECKSUM, None) not in (None, _checksum(key, content)):
            log.warning("An answer in the cache is damaged, and is asked again.")
            return None
        return replace(completion_from_json(content), is_cached=True, is_taken_over=False)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _checksum(key: str, content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps([key, content], sort_keys=True).encode())
