"""One LanceDB store: tables named by their content, written whole or not at all, shared by all who ask for the same."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import assets

if TYPE_CHECKING:
    import pyarrow as pa

READY = "_ready"
SUMS = ".sums.json"

log = logging.getLogger("bakeoff.repairs")


@dataclass(frozen=True)
class Store:
    """Storage location of tables.

    A table is written under a name of its own; only then a second, tiny table says that it is there and what it is
    called. Readers follow that one, so they never see half a table, on a disk or in an object store. What a killed
    process left behind in a local folder is removed by the next one that writes the same content.

    Args:
        uri: a folder, or any URL that LanceDB takes (s3://bucket/path); None: the user's cache.
    """

    uri: str | None = None

    @property
    def place(self) -> str:
        """The folder or URL."""
        return self.uri or str(assets.cache_folder() / "indexes")

    def table(self, digest: str, make: Callable[[], pa.Table], finish: Callable[[Any], None]) -> tuple[Any, bool]:
        """Return the table with that content, building it if needed.

        Args:
            digest: hash of everything that determines the content; letters and digits.
            make: the rows; called only when the table is not there.
            finish: builds the indexes of the new table.

        Returns:
            The LanceDB table, and whether it was there before.
        """
        key = (self.place, digest)
        if key in _opened:
            return _opened[key], True
        database = _connected(self.place, os.getpid())
        table, _ = self._sound(database, digest)
        if table is not None:
            _opened[key] = table
            return table, True
        with self._alone(digest) as is_alone:
            table, fault = self._sound(database, digest)
            if table is not None:
                _opened[key] = table
                return table, True
            if is_alone:
                if fault is not None:
                    log.warning("%s: an index is damaged (%s), and is built again", self.place, fault)
                    for left in (*Path(self.place).glob(f"{digest}_*.lance"), *self._sums(digest)):
                        shutil.rmtree(left) if left.is_dir() else left.unlink()
                _remove(database, [name for name in _names(database) if name.startswith(f"{digest}_")])
            written = _written(database, digest, make(), finish)
            if is_alone:
                Path(self.place, f".{written.name}{SUMS}").write_text(json.dumps(_sums(self.place, written.name)))
            _opened[key] = written
        return _opened[key], False

    def _sound(self, database: Any, digest: str) -> tuple[Any | None, str | None]:
        """The table with that content, if it is there and its files are what was written; else what is wrong with it.

        A table in an object store, and one of an earlier version, has no checksums and is taken as it is.
        """
        if "://" in self.place:
            return _ready(database, digest), None
        try:
            found = _ready(database, digest)
            sums = {} if found is None else _read_sums(Path(self.place, f".{found.name}{SUMS}"))
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged table makes LanceDB raise
            return None, str(error).partition("\n")[0][:200] or type(error).__name__
        if found is not None and sums and sums != _sums(self.place, found.name):
            return None, "its checksums differ"
        if found is None and self._sums(digest):
            return None, "a part of it is gone"
        return found, None

    def _sums(self, digest: str) -> list[Path]:
        return list(Path(self.place).glob(f".{digest}_*{SUMS}"))

    @contextmanager
    def _alone(self, digest: str) -> Iterator[bool]:
        """Hold a table's lock if the store is a folder; yields whether there is a lock."""
        from filelock import FileLock

        is_local = "://" not in self.place
        if is_local:
            Path(self.place).mkdir(parents=True, exist_ok=True)
        with FileLock(Path(self.place, f".{digest}.lock")) if is_local else nullcontext():
            yield is_local


def _sums(place: str, name: str) -> dict[str, str]:
    """SHA-256 of each file of a table, by its path within."""
    folder = Path(place, f"{name}.lance")
    sums = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as content:
            sums[file.relative_to(folder).as_posix()] = hashlib.file_digest(content, "sha256").hexdigest()
    return sums


def _read_sums(file: Path) -> dict[str, str]:
    content: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return content


_opened: dict[tuple[str, str], Any] = {}


@lru_cache(maxsize=8)
def _connected(place: str, process: int) -> Any:
    """A connection of this process. Nothing may fork once there is one: LanceDB's threads do not survive it."""
    os.environ.setdefault("LANCE_LOG", "error")  # a warning per query otherwise
    import lancedb

    return lancedb.connect(place)


def _ready(database: Any, digest: str) -> Any | None:
    marker = _open(database, f"{digest}{READY}")
    return None if marker is None else _open(database, marker.to_arrow()["name"][0].as_py())


def _open(database: Any, name: str) -> Any | None:
    try:
        return database.open_table(name)
    except (ValueError, FileNotFoundError) as error:
        if "not found" in str(error):
            return None
        raise


def _written(database: Any, digest: str, rows: pa.Table, finish: Callable[[Any], None]) -> Any:
    import pyarrow as pa

    name = f"{digest}_{uuid.uuid4().hex[:12]}"
    table = database.create_table(name, rows)
    finish(table)
    try:
        database.create_table(f"{digest}{READY}", pa.table({"name": [name]}))
    except ValueError:  # another machine was first: equal content, so theirs will do
        winner = _ready(database, digest)
        if winner is None:
            raise
        _remove(database, [name])
        return winner
    return table


def _names(database: Any) -> list[str]:
    page = database.list_tables(limit=1000)
    names: list[str] = list(page.tables)
    while page.page_token:
        page = database.list_tables(limit=1000, page_token=page.page_token)
        names += page.tables
    return names


def _remove(database: Any, names: list[str]) -> None:
    for name in names:
        database.drop_table(name, ignore_missing=True)
