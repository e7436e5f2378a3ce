"""Training rows in LanceDB, found again by the vectors of their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bakeoff.models.texts import Reader
from bakeoff.retrieval import index, vectors
from bakeoff.retrieval.passages import POSITION, VECTOR
from bakeoff.retrieval.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "vectors.npy"
ROUNDING = 2e-6  # rounding error of a 32-bit cosine, which depends on whether a query is alone or in a batch
SPARE, MOST = 16, 1000  # extra candidates beyond k, and the maximum of them, to re-rank in 64 bits

_searched: dict[tuple[str, str], vectors.Vectors] = {}


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The texts of n training rows, ready to be searched.

    Attributes:
        reader: makes vectors of texts.
        kept: the vectors of the training rows, in their order.
    """

    reader: Reader
    kept: vectors.Vectors

    @classmethod
    def from_texts(cls, texts: Sequence[str], reader: Reader, store: str | None = None) -> Self:
        """Embed n ≥ 1 texts, and keep their vectors.

        Args:
            texts: of the training rows.
            reader: makes their vectors; none that was embedded before is embedded again.
            store: folder or URL of the table; None: the user's cache.
        """
        return cls(reader, _table(reader.learn(texts), Store(store)))

    def nearest(self, texts: Sequence[str], k: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The positions of the k nearest rows of each of n texts, nearest first, and their cosines; shape (n, k) both.

        There are fewer columns where there are fewer rows.
        """
        return self.nearest_of(self.reader.ask(texts), k)

    def nearest_of(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The same for n query vectors."""
        hits = self._exactly(queries, k) if self.kept.kind == "exact" else self.kept.search(queries, k)
        width = min(len(positions) for positions, _ in hits)
        positions = np.array([rows[:width] for rows, _ in hits], dtype=np.intp)
        return positions, np.array([cosines[:width] for _, cosines in hits], dtype=np.float64)

    def _exactly(self, queries: NDArray[np.float32], k: int) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
        """The k nearest rows of each vector by cosines in 64 bits, of equal ones the first, so that neighbours do not
        depend on what else is asked. Where more than ``MOST`` rows are equally near, any of them are taken.
        """
        hits: list[Any] = [None] * len(queries)
        waiting, width = np.arange(len(queries)), k + SPARE
        while len(waiting):
            again = []
            for i, (rows, cosines) in zip(waiting, self.kept.search(queries[waiting], width), strict=True):
                if width < MOST and len(rows) == width and cosines[-1] > cosines[k - 1] - ROUNDING:
                    again.append(i)
                    continue
                exact = (self.kept.matrix[rows].astype(np.float64) * queries[i]).sum(axis=1)
                best = np.lexsort((rows, -exact))[:k]
                hits[i] = rows[best], exact[best]
            waiting, width = np.array(again, dtype=np.intp), max(MOST, width)
        return hits

    def details(self) -> Mapping[str, Any]:
        """Index type, its size, and its recall against exact search."""
        rows = self.kept.table.count_rows()
        return {"index": self.kept.kind, "rows": rows, "recall_at_10": self.kept.recall()}

    def save(self, folder: Path) -> None:
        """Write the vectors."""
        np.save(folder / FILE, self.kept.matrix, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, reader: Reader, store: str | None = None) -> Self:
        """Read back what ``save`` wrote."""
        return cls(reader, _table(np.load(folder / FILE, allow_pickle=False), Store(store)))


def _table(matrix: NDArray[np.float32], store: Store) -> vectors.Vectors:
    """The vectors as a table that is named by what is in it, and made only once."""
    import pyarrow as pa

    kind = vectors.kind_for(len(matrix))
    content = hashlib.sha256(f"rows\n{matrix.shape}\n{kind}\n".encode() + np.ascontiguousarray(matrix).tobytes())
    digest = content.hexdigest()[:32]
    key = (store.place, digest)
    if key not in _searched:
        rows = pa.table({POSITION: pa.array(range(len(matrix)), pa.int64()), VECTOR: index.column(matrix)})
        table, _ = store.table(digest, lambda: rows, lambda new: vectors.build(new, kind, "cosine"))
        _searched[key] = vectors.Vectors(table, kind)
        _searched[key].settle()
    return _searched[key]
