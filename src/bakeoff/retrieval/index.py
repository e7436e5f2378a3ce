"""Searchable corpora: by full text, and by vectors."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bakeoff.retrieval import conditions, embeddings, vectors
from bakeoff.retrieval.base import Embedder, Hit, KnowsEnglishOnly, ReadsInParts
from bakeoff.retrieval.passages import BODY, POSITION, VECTOR, Passages
from bakeoff.retrieval.store import Store
from bakeoff.words import bigrams, folded, is_english

TIES = 10  # more than asked for, so that equal scores at the cut fall by position and not by chance
SAMPLED = 200  # passages by which the language of the documents is judged
ALONE_ROWS = 10_000  # to which a query takes so little that threads only get into each other's way


@dataclass(frozen=True, eq=False)
class FullText:
    """A corpus searched by BM25, in LanceDB's native full-text index."""

    passages: Passages
    table: Any
    threads: int
    where: str | None
    about: Mapping[str, Any]
    every_word: Callable[[], Any]

    def search(self, queries: Sequence[str], k: int, where: str | None = None) -> list[list[Hit]]:
        """Up to k passages for each query; fewer when fewer share a word with it.

        A query with no indexed word, such as stop words only, is searched in an index of all words.
        """
        condition = conditions.both(self.where, where)
        found = self._all(queries, k, condition, self.table)
        rest = [row for row, (query, hits) in enumerate(zip(queries, found, strict=True)) if query.strip() and not hits]
        if rest and k > 0:
            again = self._all([queries[row] for row in rest], k, condition, self.every_word())
            for row, hits in zip(rest, again, strict=True):
                found[row] = hits
        return found

    def _all(self, queries: Sequence[str], k: int, condition: str | None, table: Any) -> list[list[Hit]]:
        if self.threads == 1 or len(queries) == 1 or len(self.passages) <= ALONE_ROWS:
            return [self._one(query, k, condition, table) for query in queries]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda query: self._one(query, k, condition, table), queries))

    def details(self) -> Mapping[str, Any]:
        """Index type, its size, and whether it was reused."""
        return self.about

    def _one(self, query: str, k: int, where: str | None, table: Any) -> list[Hit]:
        from lancedb import query as lance

        if not query.strip() or k < 1:
            return []
        words: Any = lance.MatchQuery  # its types say that every option must be given
        search = table.search(words(bigrams(folded(query)), BODY), query_type="fts").limit(k + TIES)
        search = search.select([POSITION, "_score"])
        if where is not None:
            search = search.where(conditions.enclosed(where), prefilter=True)
        try:
            rows = search.to_arrow().to_pydict()
        except conditions.REFUSED as error:
            raise conditions.refused(where, table, error) from None
        ranked = sorted(zip(rows[POSITION], rows["_score"], strict=True), key=lambda pair: (-pair[1], pair[0]))
        return [Hit(self.passages.passages[position], float(score)) for position, score in ranked[:k]]


@dataclass(frozen=True, eq=False)
class Nearest:
    """A corpus searched by the vectors of its passages."""

    passages: Passages
    vectors: vectors.Vectors
    embedder: Embedder
    threads: int
    where: str | None
    about: Mapping[str, Any]

    def search(self, queries: Sequence[str], k: int, where: str | None = None) -> list[list[Hit]]:
        """The k passages nearest to each query; the score is the cosine."""
        if not len(queries) or k < 1:
            return [[] for _ in queries]
        query_vectors = embeddings.of_queries(self.embedder, queries, self.threads)
        nearest = self.vectors.search(query_vectors, k, conditions.both(self.where, where))
        return [[Hit(self.passages.passages[p], float(s)) for p, s in zip(*one, strict=True)] for one in nearest]

    def details(self) -> Mapping[str, Any]:
        """Index type, recall@10 against exact search, numbers embedded and reused."""
        return self.about


def full_text(passages: Passages, store: Store, stem: bool, threads: int, where: str | None) -> FullText:
    """Make passages searchable by words; text of scripts without spaces by pairs of characters."""
    import pyarrow as pa

    started = time.perf_counter()

    bodies = passages.bodies
    folded_bodies = [bigrams(folded(text)) for text in bodies]
    is_folded = folded_bodies != bodies

    def rows() -> Any:
        table = passages.table()
        if not is_folded:
            return table
        return table.set_column(table.schema.get_field_index(BODY), BODY, pa.array(folded_bodies, pa.string()))

    def index(name: str, **options: Any) -> tuple[Any, bool]:
        from lancedb.index import FTS

        def finish(table: Any) -> None:
            table.create_index(BODY, config=FTS(stem=stem, with_position=False, **options))

        parts = [name, passages.digest, str(stem), *(["folded"] if is_folded else [])]
        return store.table(_digest(*parts), rows, finish)

    table, was_there = index("text", remove_stop_words=stem)
    if where is not None:
        conditions.allowed(table, where)  # report an invalid condition before any query
    about = {
        "index": "full_text",
        "passages": len(passages),
        "reused": was_there,
        "index_seconds": time.perf_counter() - started,
    }
    return FullText(
        passages, table, threads, where, about,
        lambda: index("every word", remove_stop_words=False, max_token_length=None)[0],
    )  # fmt: skip


def nearest(
    passages: Passages,
    embedder: Embedder,
    store: Store,
    kind: vectors.Kind,
    threads: int,
    where: str | None,
) -> Nearest:
    """Make passages searchable by meaning."""
    started = time.perf_counter()
    kind = vectors.kind_for(len(passages), kind)
    embeddings.verify(embedder)
    digest = _digest("vectors", passages.digest, embedder.identity, kind)
    embedding = {"texts_reused": len(passages), "embedding_seconds": 0.0}

    def make() -> Any:
        matrix, reused, seconds = embeddings.embedded(embedder, passages.bodies, threads)
        embedding.update({"texts_reused": reused, "embedding_seconds": seconds})
        rows = passages.table().drop_columns([BODY])
        return rows.append_column(VECTOR, column(matrix))

    table, was_there = store.table(digest, make, lambda new: vectors.build(new, kind, "cosine"))
    key = (store.place, digest)
    if key not in _searched:
        found = vectors.Vectors(table, kind)
        _searched[key] = (found, found.settle())
    searched, recall = _searched[key]
    if where is not None:
        conditions.allowed(table, where)
    if isinstance(embedder, ReadsInParts):
        embedding |= {"texts_in_parts": embedder.count_longer(passages.bodies), "tokens_at_once": embedder.max_tokens}
    if isinstance(embedder, KnowsEnglishOnly) and embedder.knows_english_only:
        embedding["not_english"] = not is_english(passages.bodies[:: max(1, len(passages) // SAMPLED)])
    about = {
        "index": kind,
        "passages": len(passages),
        "recall_at_10": recall,
        "embedder": embedder.identity,
        "reused": was_there,
        **embedding,
        "index_seconds": time.perf_counter() - started,
    }
    return Nearest(passages, searched, embedder, threads, where, about)


_searched: dict[tuple[str, str], tuple[vectors.Vectors, float | None]] = {}


def column(matrix: Any) -> Any:
    """Vectors as a column of a table."""
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
