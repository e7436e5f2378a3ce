"""Embedding cache keyed by content: each text is embedded once across runs and variants."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from bakeoff import assets
from bakeoff.errors import AssetError
from bakeoff.retrieval.base import Embedder, IsServed

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 256  # new texts per commit: the most a killed process loses; of a served embedder, one request
KEPT_BYTES = 512_000_000  # maximum size of the vectors held in memory by this process
WAIT_SECONDS = 120.0  # maximum wait for another process to finish writing

DAMAGED = (11, 26)  # SQLite's codes of a file that is malformed, or no database

log = logging.getLogger("bakeoff.repairs")
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
    verify(embedder)
    keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    folder = folder or assets.cache_folder() / "embeddings"
    whole = (embedder.identity, str(folder), hashlib.sha256(b"".join(keys)).digest())
    if whole in _kept:
        _kept.move_to_end(whole)
        return _kept[whole], len(texts), time.perf_counter() - started
    first = dict(zip(reversed(keys), reversed(texts), strict=True))  # of equal texts one
    file = folder / f"{hashlib.sha256(embedder.identity.encode()).hexdigest()[:24]}.sqlite"
    try:
        known, replayed = _known(file, embedder, first, threads)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in DAMAGED:
            raise AssetError(f"embeddings: {file} cannot be used: {error}.") from error
        _set_aside(file, error)
        known, replayed = _known(file, embedder, first, threads)
    _refuse_several_lengths(embedder, known.values(), file)
    vectors = np.frombuffer(b"".join(known[key] for key in keys), dtype="<f4").reshape(len(keys), -1)
    _keep(whole, vectors)
    return vectors, len(texts) - (len(first) - replayed), time.perf_counter() - started


def _refuse_several_lengths(embedder: Embedder, vectors: Iterable[bytes], file: Path) -> None:
    """Raise ``AssetError`` where an embedder now gives other dimensions than it gave the texts of before."""
    lengths = sorted({len(vector) // 4 for vector in vectors})
    if len(lengths) > 1:
        raise AssetError(
            f"embeddings: {embedder.identity} gave vectors of {' and of '.join(map(str, lengths))} dimensions: it has "
            f"changed under the same name. Give it another identity, or delete {file}."
        )


def verify(embedder: Embedder) -> None:
    """Make sure that the identity of a served embedder is that of the model that is served now."""
    if isinstance(embedder, IsServed):
        embedder.verify()


def of_queries(embedder: Embedder, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
    """Vectors of n queries, shape (n, dimensions).

    Several are looked up; one alone is always embedded, so that a clock around a single answer sees what it takes.
    """
    return embedder.embed(texts, threads) if len(texts) == 1 else embedded(embedder, texts, threads)[0]


def _known(file: Path, embedder: Embedder, texts: Mapping[bytes, str], threads: int) -> tuple[dict[bytes, bytes], int]:
    """Vectors of texts by key, new ones embedded and written; and how many were there before."""
    with _database(file) as database:
        known = _read(database, list(texts))
        replayed = len(known)
        new = [key for key in texts if key not in known]
        at_once = _at_once(embedder)
        for start in range(0, len(new), at_once):
            # One process at a time: what another has embedded, or paid for, meanwhile is not embedded again.
            with FileLock(file.with_suffix(".lock")):
                part = new[start : start + at_once]
                known |= _read(database, part)
                part = [key for key in part if key not in known]
                if not part:
                    continue
                vectors = np.asarray(embedder.embed([texts[key] for key in part], threads), dtype="<f4")
                if not np.isfinite(vectors).all():
                    raise AssetError(f"embeddings: {embedder.identity} gives vectors that hold no numbers (NaN).")
                rows = [(key, vector.tobytes()) for key, vector in zip(part, vectors, strict=True)]
                with database:
                    database.executemany(
                        "INSERT OR REPLACE INTO checked VALUES (?, ?, ?)", [(*row, zlib.crc32(row[1])) for row in rows]
                    )
                known |= dict(rows)
        return known, replayed


def _at_once(embedder: Embedder) -> int:
    """Texts per commit: those of one request where each request is paid for."""
    batch = getattr(embedder, "batch", None) if isinstance(embedder, IsServed) else None
    return batch if isinstance(batch, int) and batch > 0 else AT_ONCE


@contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    """The cache of one embedder. Its write-ahead log leaves it whole when a process is killed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, timeout=WAIT_SECONDS)) as database:
        database.execute("PRAGMA busy_timeout = 120000")
        with FileLock(file.with_suffix(".lock")):  # SQLite does not wait where two processes change a mode at once
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.create_function("crc32", 1, zlib.crc32, deterministic=True)
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS checked (text BLOB PRIMARY KEY, vector BLOB, crc32 INTEGER) WITHOUT ROWID"
            )
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'vectors'").fetchone():
            with database:  # what earlier versions kept, without checksums
                database.execute("INSERT OR IGNORE INTO checked SELECT text, vector, crc32(vector) FROM vectors")
                database.execute("DROP TABLE IF EXISTS vectors")
        yield database


def _read(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """Known vectors by key, without damaged ones: these are embedded again."""
    vector_of: dict[bytes, bytes] = {}
    damaged = 0
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        marks = ",".join("?" * len(part))
        for key, vector, checksum in database.execute(
            f"SELECT text, vector, crc32 FROM checked WHERE text IN ({marks})", part
        ):
            if isinstance(vector, bytes) and zlib.crc32(vector) == checksum:
                vector_of[key] = vector
            else:
                damaged += 1
    if damaged:
        log.warning("%d cached embeddings are damaged, and are computed again", damaged)
    return vector_of


def _set_aside(file: Path, error: Exception) -> None:
    """Rename a damaged cache, so that a new one takes its place."""
    with FileLock(file.with_suffix(".lock")):
        for end in ("-wal", "-shm"):
            file.with_name(file.name + end).unlink(missing_ok=True)
        if file.is_file():
            file.replace(file.with_suffix(".damaged"))
    log.warning("%s: the cache of embeddings is damaged (%s); they are computed again", file, error)


def _keep(key: tuple[str, str, bytes], vectors: NDArray[np.float32]) -> None:
    vectors.setflags(write=False)
    _kept[key] = vectors
    while len(_kept) > 1 and sum(v.nbytes for v in _kept.values()) > KEPT_BYTES:
        _kept.popitem(last=False)
