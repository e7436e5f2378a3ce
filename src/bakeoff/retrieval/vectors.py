"""Nearest-vector search: exact while the vectors fit into one matrix, through a LanceDB index beyond that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bakeoff.retrieval import conditions
from bakeoff.retrieval.passages import POSITION, VECTOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_ROWS = 200_000  # 300 MB at 384 dimensions; a batch of queries takes some milliseconds each
FLAT_ROWS = 1_000_000
SAMPLES = 50  # queries for measuring recall
WANTED = 0.99  # target recall
SCORES_AT_ONCE = 16_000_000  # query-vector scores held in memory at once, 64 MB

Kind = Literal["auto", "exact", "ivf_flat", "ivf_hnsw_sq"]
Metric = Literal["cosine", "euclidean"]


def kind_for(rows: int, kind: Kind = "auto") -> Kind:
    """Choose the type of index for a number of vectors."""
    if kind != "auto":
        return kind
    return "exact" if rows <= EXACT_ROWS else "ivf_flat" if rows <= FLAT_ROWS else "ivf_hnsw_sq"


def build(table: Any, kind: Kind, metric: Metric) -> None:
    """Build the vector index of a new table; none for exact search."""
    if kind == "exact":
        return
    from lancedb.index import HnswSq, IvfFlat

    distance: Any = "cosine" if metric == "cosine" else "l2"
    if kind == "ivf_flat":
        config: Any = IvfFlat(distance_type=distance, num_partitions=_partitions(table))
    else:
        config = HnswSq(distance_type=distance)
    table.create_index(VECTOR, config=config)


def _partitions(table: Any) -> int:
    """Number of partitions of an IVF_FLAT index: one per 4,096 rows."""
    return max(1, int(table.count_rows()) // 4096)


@dataclass(eq=False)
class Vectors:
    """The vectors of a table, ready to be searched.

    Args:
        table: with the columns of position and vector.
        kind: type of the index that was built.
        metric: cosine (of vectors of length 1) or euclidean.
        effort: of a search in an index, to 1: share of the partitions that are looked through, 8 at least, and length
            of the list of candidates in a graph. ``settle`` raises it.
    """

    table: Any
    kind: Kind
    metric: Metric = "cosine"
    effort: float = 0.125
    _matrix: NDArray[np.float32] | None = field(default=None, init=False, repr=False)
    _allowed: dict[str, NDArray[np.intp]] = field(default_factory=dict, init=False, repr=False)

    @property
    def matrix(self) -> NDArray[np.float32]:
        """All vectors in the order of their positions, read once, shape (n, dimensions)."""
        if self._matrix is None:
            self._matrix = _read(self.table)
        return self._matrix

    def search(
        self, queries: NDArray[np.float32], k: int, where: str | None = None
    ) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Positions and scores of the k nearest of each query, best first; the higher a score, the nearer."""
        if self.kind == "exact":
            allowed = None if where is None else self._where(where)
            return exact(self.matrix, queries, k, self.metric, allowed)
        return self._approximate(queries, k, where)

    def recall(self, k: int = 10) -> float | None:
        """Share of the k nearest of sampled vectors that the index finds; 1 for exact search, None when empty."""
        n = self.table.count_rows()
        if not n or self.kind == "exact":
            return 1.0 if n else None
        return self._recall(*self._sampled(k))

    def settle(self, k: int = 10, target: float = WANTED) -> float | None:
        """Double the effort until recall reaches the target. Returns the recall reached."""
        n = self.table.count_rows()
        if not n or self.kind == "exact":
            return self.recall(k)
        sampled = self._sampled(k)
        while (recall := self._recall(*sampled)) < target and self.effort < 1:
            self.effort = min(1.0, 2 * self.effort)
        return recall

    def _sampled(self, k: int) -> tuple[NDArray[np.float32], list[NDArray[np.intp]]]:
        """Queries near some of the vectors, and the positions of the k nearest of each by exact search."""
        stored = _read(self.table)
        sample = np.unique(np.linspace(0, len(stored) - 1, min(len(stored), SAMPLES)).astype(int))
        noise = np.random.default_rng(0).normal(size=(len(sample), stored.shape[1])).astype(np.float32)
        near = stored[sample] + 0.3 * noise / np.sqrt(stored.shape[1])  # a query is near a text, and not equal to it
        if self.metric == "cosine":
            near /= np.linalg.norm(near, axis=1, keepdims=True)
        return near, [positions for positions, _ in exact(stored, near, k, self.metric)]

    def _recall(self, queries: NDArray[np.float32], truth: list[NDArray[np.intp]]) -> float:
        approximate = self._approximate(queries, len(truth[0]), None)
        return float(np.mean([len({*a} & {*b}) / len(a) for a, (b, _) in zip(truth, approximate, strict=True)]))

    def _where(self, where: str) -> NDArray[np.intp]:
        if where not in self._allowed:
            self._allowed[where] = conditions.allowed(self.table, where)
        return self._allowed[where]

    def _approximate(
        self, queries: NDArray[np.float32], k: int, where: str | None
    ) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        import pandas as pd

        query = self.table.search(queries, vector_column_name=VECTOR).limit(k).select([POSITION, "_distance"])
        query = query.distance_type("cosine" if self.metric == "cosine" else "l2")
        query = query.nprobes(max(8, int(np.ceil(_partitions(self.table) * self.effort))))
        if self.kind == "ivf_hnsw_sq":
            query = query.ef(max(int(1600 * self.effort), 4 * k)).refine_factor(4)  # again by the exact vectors
        if where is not None:
            query = query.where(conditions.enclosed(where), prefilter=True)
        try:
            rows: Any = query.to_arrow().to_pandas()
        except conditions.REFUSED as error:
            raise conditions.refused(where, self.table, error) from None
        if "query_index" not in rows:
            rows["query_index"] = 0
        rows = rows.sort_values(["query_index", "_distance", POSITION], kind="stable")
        hits_of: dict[Any, Any] = dict(iter(rows.groupby("query_index")))
        none = pd.DataFrame({POSITION: [], "_distance": []})
        offset = 1.0 if self.metric == "cosine" else 0.0
        parts = [hits_of.get(i, none) for i in range(len(queries))]
        return [(p[POSITION].to_numpy(np.intp), offset - p["_distance"].to_numpy(np.float32)) for p in parts]


def exact(
    stored: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    metric: Metric = "cosine",
    allowed: NDArray[np.intp] | None = None,
) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Positions and scores of the k nearest of each query, by comparing with all; of equal ones the first."""
    if allowed is not None:
        stored = stored[allowed]
    n, results = len(stored), []
    k = min(k, n)
    if not k:
        return [(np.zeros(0, np.intp), np.zeros(0, np.float32)) for _ in queries]
    squares = np.einsum("ij,ij->i", stored, stored) if metric == "euclidean" else None
    batch = max(1, SCORES_AT_ONCE // n)
    for start in range(0, len(queries), batch):
        block = queries[start : start + batch]
        scores = block @ stored.T
        if squares is not None:
            scores = 2 * scores - squares - np.einsum("ij,ij->i", block, block)[:, None]
        for row in scores:
            candidates = np.argpartition(row, n - k)[n - k :]
            candidates = np.flatnonzero(row >= row[candidates].min()) if n < 50_000 else candidates
            best = candidates[np.lexsort((candidates, -row[candidates]))][:k]
            results.append((best if allowed is None else allowed[best], row[best]))
    return results


def _read(table: Any) -> NDArray[np.float32]:
    rows = table.search().select([POSITION, VECTOR]).limit(max(1, table.count_rows())).to_arrow().combine_chunks()
    width = rows.schema.field(VECTOR).type.list_size
    order = np.argsort(rows[POSITION].to_numpy())
    matrix = rows[VECTOR].combine_chunks().flatten().to_numpy().reshape(-1, width)
    return np.ascontiguousarray(matrix[order], dtype=np.float32)
