"""Embedding cache keyed by content: each text is embedded once across runs and variants."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bakeoff import assets
from bakeoff.retrieval.base import Embedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 256  # new texts per commit: the most a killed process loses
KEPT_BYTES = 512_000_000  # maximum size of the vectors held in memory by this process
WAIT_SECONDS = 120.0  # maximum wait for another process to finish writing

_kept: OrderedDict[tuple[str, str, bytes], NDArray[np.float32]] = OrderedDict()


def embedded(
    embedder: Embedder, texts: Sequence[str], threads: int = 1, folder: Path | None = None
) -> tuple[NDArray[np.float32], int, float]:
    """Vectors of n texts; only texts that were never embedded before are embedded, equal ones once.

    Args:
        embedder: its ``identity`` names the file of the cache.
        texts: n of them.
        threads: for the embedder.
        folder: of the cache; None: the user's.

    Returns:
        Vectors, shape (n, dimensions), not to be written to; how many texts needed no embedding; seconds that it took.
    """
    started = time.perf_counter()
    if not len(texts):
        return embedder.embed([], threads), 0, 0.0
    keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    folder = folder or assets.cache_folder() / "embeddings"
    whole = (embedder.identity, str(folder), hashlib.sha256(b"".join(keys)).digest())
    if whole in _kept:
        _kept.move_to_end(whole)
        return _kept[whole], len(texts), time.perf_counter() - started
    first = dict(zip(reversed(keys), reversed(texts), strict=True))  # of equal texts one
    with _database(folder, embedder.identity) as database:
        known = _read(database, list(first))
        new = [key for key in first if key not in known]
        for start in range(0, len(new), AT_ONCE):
            part = new[start : start + AT_ONCE]
            vectors = np.asarray(embedder.embed([first[key] for key in part], threads), dtype="<f4")
            rows = [(key, vector.tobytes()) for key, vector in zip(part, vectors, strict=True)]
            with database:
                database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
            known |= dict(rows)
    found = np.frombuffer(b"".join(known[key] for key in keys), dtype="<f4").reshape(len(keys), -1)
    _keep(whole, found)
    return found, len(texts) - len(new), time.perf_counter() - started


def asked(embedder: Embedder, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
    """Vectors of n queries, shape (n, dimensions).

    Several are looked up; one alone is always embedded, so that a clock around a single answer sees what it takes.
    """
    return embedder.embed(texts, threads) if len(texts) == 1 else embedded(embedder, texts, threads)[0]


@contextmanager
def _database(folder: Path, identity: str) -> Iterator[sqlite3.Connection]:
    """The cache of one embedder. Its write-ahead log leaves it whole when a process is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.sqlite"
    with closing(sqlite3.connect(file, timeout=WAIT_SECONDS)) as database:
        database.execute("PRAGMA busy_timeout = 120000")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        yield database


def _read(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        marks = ",".join("?" * len(part))
        found |= database.execute(f"SELECT text, vector FROM vectors WHERE text IN ({marks})", part).fetchall()
    return found


def _keep(key: tuple[str, str, bytes], vectors: NDArray[np.float32]) -> None:
    vectors.setflags(write=False)
    _kept[key] = vectors
    while len(_kept) > 1 and sum(v.nbytes for v in _kept.values()) > KEPT_BYTES:
        _kept.popitem(last=False)
