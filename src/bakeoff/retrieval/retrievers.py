"""Retrievers: settings for finding passages; ``index`` makes a corpus searchable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bakeoff.errors import ConfigError
from bakeoff.llm.base import RequestEstimate
from bakeoff.retrieval import index as indexes
from bakeoff.retrieval.base import Chunker, Embedder, Hit, Index, LooksUpByLLM, Passage, Retriever
from bakeoff.retrieval.chunk import Recursive
from bakeoff.retrieval.fuse import Fused
from bakeoff.retrieval.passages import passages as cut
from bakeoff.retrieval.rerank import Pointwise, RerankedIndex, Reranker
from bakeoff.retrieval.store import Store
from bakeoff.task import Corpus, Question


@dataclass(frozen=True)
class BM25:
    """Ranks passages by the words they share with the query, rare ones counting more (BM25).

    Args:
        top_k: number of passages a model gets.
        chunker: cuts the documents.
        stem: use English stemming and remove stop words.
        where: a condition on the documents' metadata in SQL, such as year >= 2020; None: all of them.
        store: folder or URL (s3://…) of the indexes; None: the user's cache.
    """

    top_k: int = 5
    chunker: Chunker = field(default_factory=Recursive)
    stem: bool = True
    where: str | None = None
    store: str | None = None

    def __post_init__(self) -> None:
        _check(self.top_k)

    def passages(self, corpus: Corpus) -> Sequence[Passage]:
        """Passages of the corpus, in order."""
        return cut(corpus, self.chunker).passages

    def index(self, corpus: Corpus, threads: int = 1) -> Index:
        """Make a corpus searchable."""
        return indexes.full_text(cut(corpus, self.chunker), Store(self.store), self.stem, threads, self.where)


@dataclass(frozen=True)
class Dense:
    """Ranks passages by vector similarity to the query.

    Args:
        embedder: for passages and questions.
        top_k: number of passages a model gets.
        chunker: cuts the documents.
        kind: index type; auto: exact search up to 200,000 passages, IVF_FLAT to a million, IVF_HNSW_SQ beyond.
        where: a condition on the documents' metadata in SQL, such as year >= 2020; None: all of them.
        store: folder or URL (s3://…) of the indexes; None: the user's cache.
    """

    embedder: Embedder
    top_k: int = 5
    chunker: Chunker = field(default_factory=Recursive)
    kind: Literal["auto", "exact", "ivf_flat", "ivf_hnsw_sq"] = "auto"
    where: str | None = None
    store: str | None = None

    def __post_init__(self) -> None:
        _check(self.top_k)

    def passages(self, corpus: Corpus) -> Sequence[Passage]:
        """Passages of the corpus, in order."""
        return cut(corpus, self.chunker).passages

    def index(self, corpus: Corpus, threads: int = 1) -> Index:
        """Make a corpus searchable."""
        passages = cut(corpus, self.chunker)
        return indexes.nearest(passages, self.embedder, Store(self.store), self.kind, threads, self.where)


@dataclass(frozen=True)
class Hybrid:
    """Ranks passages by words and by meaning, fused into one ranking. Shares the indexes of ``BM25`` and ``Dense``.

    Args:
        embedder: for passages and questions.
        top_k: number of passages a model gets.
        chunker: cuts the documents.
        fusion: rrf: by ranks; weighted: by scores.
        weight: of meaning, from 0 (words alone) to 1 (meaning alone).
        rrf_k: the larger, the less the first ranks count more.
        depth: number of top passages taken from each ranking.
        stem: read words by their stem.
        kind: type of the vector index, as for ``Dense``.
        where: a condition on the documents' metadata in SQL; None: all of them.
        store: folder or URL (s3://…) of the indexes; None: the user's cache.
    """

    embedder: Embedder
    top_k: int = 5
    chunker: Chunker = field(default_factory=Recursive)
    fusion: Literal["rrf", "weighted"] = "weighted"
    weight: float = 0.5
    rrf_k: int = 60
    depth: int = 50
    stem: bool = True
    kind: Literal["auto", "exact", "ivf_flat", "ivf_hnsw_sq"] = "auto"
    where: str | None = None
    store: str | None = None

    def __post_init__(self) -> None:
        _check(self.top_k)
        if not 0 <= self.weight <= 1:
            raise ConfigError(f"retriever.weight: {self.weight} is not between 0 and 1.")

    def passages(self, corpus: Corpus) -> Sequence[Passage]:
        """Passages of the corpus, in order."""
        return cut(corpus, self.chunker).passages

    def index(self, corpus: Corpus, threads: int = 1) -> Index:
        """Make a corpus searchable."""
        words = BM25(self.top_k, self.chunker, self.stem, self.where, self.store)
        meaning = Dense(self.embedder, self.top_k, self.chunker, self.kind, self.where, self.store)
        both = words.index(corpus, threads), meaning.index(corpus, threads)
        return Fused(*both, self.fusion, self.weight, self.rrf_k, self.depth)


@dataclass(frozen=True)
class Reranked:
    """Reranks the top passages of another retriever.

    Args:
        first: the retriever that finds them; its own top_k is not used.
        reranker: reorders them.
        top_k: number of passages a model gets.
        depth: number of top passages to rerank.
    """

    first: Retriever
    reranker: Reranker
    top_k: int = 5
    depth: int = 30

    def __post_init__(self) -> None:
        _check(self.top_k)

    def passages(self, corpus: Corpus) -> Sequence[Passage]:
        """Passages of the corpus, as the first retriever splits it."""
        return self.first.passages(corpus)

    def check(self) -> None:
        """Raise ``ConfigError`` if an LLM that is needed cannot be called."""
        if isinstance(self.first, LooksUpByLLM):
            self.first.check()
        if isinstance(self.reranker, Pointwise):
            self.reranker.llm.check()

    def estimate_requests(self, questions: Sequence[Question], corpus: Corpus) -> list[RequestEstimate]:
        """Estimate the requests of a reranker that calls an LLM; arbitrary passages stand in for the retrieved ones."""
        before = self.first.estimate_requests(questions, corpus) if isinstance(self.first, LooksUpByLLM) else []
        if not isinstance(self.reranker, Pointwise):
            return before
        some = [Hit(passage, 0.0) for passage in self.passages(corpus)[: self.depth]]
        requests = self.reranker.build_requests([one.text for one in questions], [some] * len(questions))
        return [*before, RequestEstimate(self.reranker.llm, requests)]

    def index(self, corpus: Corpus, threads: int = 1) -> Index:
        """Make a corpus searchable."""
        return RerankedIndex(self.first.index(corpus, threads), self.reranker, self.depth, threads)


def _check(top_k: int) -> None:
    if top_k < 1:
        raise ConfigError(f"retriever.top_k: {top_k}. Find at least 1 passage.")
