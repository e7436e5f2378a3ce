"""Contracts of retrieval: passages, embedders, indexes and retrievers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bakeoff.llm.base import RequestEstimate
from bakeoff.task import Corpus, Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Passage:
    """A part of a document.

    Attributes:
        id: unique in the corpus.
        document: id of the document.
        title: of the document.
        text: of the part.
    """

    id: str
    document: str
    title: str
    text: str


@dataclass(frozen=True)
class Hit:
    """A passage that was found.

    Attributes:
        passage: the passage itself.
        score: the higher, the better; comparable within one query only.
    """

    passage: Passage
    score: float


class Chunker(Protocol):
    """Cuts documents into passages."""

    def split(self, text: str) -> list[str]:
        """The passages of one document, in order, at least one."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> str:
        """Equal for embedders whose vectors are the same: model, revision, pooling. It names the cache."""

    def embed(self, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
        """Vectors of length 1, shape (n, dimensions). Not cached: ``bakeoff.retrieval.embeddings`` does that."""


@runtime_checkable
class ReadsInParts(Protocol):
    """An embedder that reads longer texts in parts, whose mean is their vector, and can count such texts."""

    max_tokens: int

    def count_longer(self, texts: Sequence[str]) -> int:
        """Number of texts longer than ``max_tokens``."""


@runtime_checkable
class KnowsEnglishOnly(Protocol):
    """An embedder that was trained on English alone."""

    knows_english_only: bool


@runtime_checkable
class IsServed(Protocol):
    """An embedder behind a server, which may load another model under the same name.

    Where it has an attribute ``batch``, the number of texts per request, the vectors of each request are kept at once.
    """

    def verify(self) -> None:
        """Check once a process which model is served; ``identity`` changes with it."""


class Index(Protocol):
    """A corpus that can be searched."""

    def search(self, queries: Sequence[str], k: int, where: str | None = None) -> list[list[Hit]]:
        """Up to k passages for each of n queries, best first.

        Args:
            queries: texts.
            k: number of passages.
            where: a condition on the documents' metadata in SQL, such as ``year >= 2020 AND lang = 'en'``.
        """

    def details(self) -> Mapping[str, Any]:
        """Details for ``result.json``: index type, recall against exact search, numbers embedded and reused."""


class Retriever(Protocol):
    """A way to find passages. Parameters go to the constructor and nowhere else."""

    @property
    def top_k(self) -> int:
        """Number of passages a model gets."""

    def passages(self, corpus: Corpus) -> Sequence[Passage]:
        """Passages of a corpus, in order. Nothing is embedded or indexed."""

    def index(self, corpus: Corpus, threads: int = 1) -> Index:
        """Index a corpus. Embeddings and indexes built before, by this or another run, are reused."""


@runtime_checkable
class LooksUpByLLM(Protocol):
    """A retrieval component that calls an LLM: a retriever or a rewriter."""

    def check(self) -> None:
        """Raise ``ConfigError`` if the LLM cannot be called. Sends no request."""

    def estimate_requests(self, questions: Sequence[Question], corpus: Corpus) -> list[RequestEstimate]:
        """Estimate the requests for n questions; nothing is sent or embedded."""
