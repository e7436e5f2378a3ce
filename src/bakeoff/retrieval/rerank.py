"""Rerankers: reorder the top passages of a ranking."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.llm.base import LLM, Completion, LLMRequest, Message
from bakeoff.retrieval import embeddings, sentence_models
from bakeoff.retrieval.base import Embedder, Hit, Index, Passage
from bakeoff.retrieval.embed import missing
from bakeoff.retrieval.passages import body


class Reranker(Protocol):
    """Puts found passages in a better order."""

    def rerank(self, queries: Sequence[str], hits: Sequence[Sequence[Hit]], threads: int = 1) -> list[list[Hit]]:
        """The same passages of each query in another order, with scores of its own."""


@dataclass(frozen=True, eq=False)
class RerankedIndex:
    """An index whose top passages are reranked."""

    first: Index
    reranker: Reranker
    depth: int
    threads: int
    _cuts: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def search(self, queries: Sequence[str], k: int, where: str | None = None) -> list[list[Hit]]:
        """Up to k passages: those to the depth in the new order, then the others as they were."""
        first_hits = self.first.search(queries, max(k, self.depth), where)
        deep = [hits[: self.depth] for hits in first_hits]
        again = self.reranker.rerank(queries, deep, self.threads)
        if isinstance(self.reranker, Pointwise):
            self._cuts["shown"] += sum(map(len, deep))
            self._cuts["part"] += sum(self.reranker.is_cut(hit.passage) for hits in deep for hit in hits)
        return [_joined(new, hits[self.depth :])[:k] for new, hits in zip(again, first_hits, strict=True)]

    def details(self) -> Mapping[str, Any]:
        """Details of the first index and of the reranker."""
        details: dict[str, Any] = {"index": "reranked", "reranker": type(self.reranker).__name__}
        if self._cuts["part"]:
            details |= {"reranked_in_part": self._cuts["part"], "reranked": self._cuts["shown"]}
        usage = getattr(getattr(self.reranker, "llm", None), "usage", None)
        return details | {"first": dict(self.first.details())} | ({} if usage is None else {"llm": dict(usage())})


def _joined(new: Sequence[Hit], rest: Sequence[Hit]) -> list[Hit]:
    """Both lists, with scores that fall."""
    low = new[-1].score if new else 0.0
    return [*new, *(Hit(hit.passage, low - 1 - i) for i, hit in enumerate(rest))]


@dataclass(frozen=True)
class MMR:
    """Maximal marginal relevance (Carbonell and Goldstein, 1998): near the question, and unlike what came before.

    Args:
        embedder: for questions and passages.
        relevance: from 0 (only unlike each other) to 1 (only near the question).
    """

    embedder: Embedder
    relevance: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.relevance <= 1:
            raise ConfigError(f"retriever.reranker.relevance: {self.relevance} is not between 0 and 1.")

    def rerank(self, queries: Sequence[str], hits: Sequence[Sequence[Hit]], threads: int = 1) -> list[list[Hit]]:
        """The passages of each query, one after the other; a score is what it was chosen by."""
        vectors = (
            embeddings.of_queries(self.embedder, queries, threads) if len(queries) else np.zeros((0, 1), np.float32)
        )
        texts = sorted({body(hit.passage.title, hit.passage.text) for candidates in hits for hit in candidates})
        stored = embeddings.embedded(self.embedder, texts, threads)[0]
        at = {text: i for i, text in enumerate(texts)}
        return [
            self._one(query, candidates, stored[[at[body(hit.passage.title, hit.passage.text)] for hit in candidates]])
            if candidates
            else []
            for query, candidates in zip(vectors, hits, strict=True)
        ]

    def _one(self, query: Any, hits: Sequence[Hit], matrix: Any) -> list[Hit]:
        near, alike = matrix @ query, matrix @ matrix.T
        repeated = np.zeros(len(hits), dtype=np.float32)
        remaining, chosen = list(range(len(hits))), []
        while remaining:
            scores = self.relevance * near[remaining] - (1 - self.relevance) * repeated[remaining]
            best = remaining.pop(int(scores.argmax()))
            chosen.append(Hit(hits[best].passage, float(scores.max())))
            repeated = np.maximum(repeated, alike[best]) if len(chosen) > 1 else alike[best].copy()
        # Later choices are compared with more passages, yet a ranking's scores must fall.
        lowest = np.minimum.accumulate([hit.score for hit in chosen])
        return [Hit(hit.passage, float(score)) for hit, score in zip(chosen, lowest, strict=True)]


@dataclass(frozen=True)
class Pointwise:
    """Asks an LLM of each passage whether it answers the question, and ranks by the probability of yes.

    Args:
        llm: the model to call, once per question and passage.
        words: maximum words shown of a passage; longer ones are truncated.
    """

    llm: LLM
    words: int = 200

    def rerank(self, queries: Sequence[str], hits: Sequence[Sequence[Hit]], threads: int = 1) -> list[list[Hit]]:
        """The passages of each query by probability of yes; one that got no answer goes last, in its old order."""
        requests = self.build_requests(queries, hits)
        completions = iter(self.llm.complete(requests)) if requests else iter(())
        again = []
        for candidates in hits:
            scored = [Hit(hit.passage, probability_of_yes(next(completions))) for hit in candidates]
            again.append(sorted(scored, key=lambda hit: -hit.score))
        return again

    def build_requests(self, queries: Sequence[str], hits: Sequence[Sequence[Hit]]) -> list[LLMRequest]:
        """One for each query and passage, in order."""
        return [
            self._build_request(query, hit)
            for query, candidates in zip(queries, hits, strict=True)
            for hit in candidates
        ]

    def is_cut(self, passage: Passage) -> bool:
        """Return whether the model is shown only the beginning of a passage."""
        return len(body(passage.title, passage.text).split()) > self.words

    def _build_request(self, query: str, hit: Hit) -> LLMRequest:
        excerpt = " ".join(body(hit.passage.title, hit.passage.text).split()[: self.words])
        text = f"Passage: {excerpt}\n\nQuestion: {query}\n\nDoes the passage answer the question? Answer yes or no."
        return LLMRequest(
            (Message("user", text),), choices=("yes", "no"), max_tokens=2, top_logprobs=10, stage="rerank"
        )


def probability_of_yes(completion: Completion) -> float:
    """From the first token's candidates where the likeliest is yes or no, else from the answer; -1 without one.

    In JSON the first token is a brace: candidates behind it say nothing of the answer.
    """
    if completion.status != "ok":
        return -1.0
    weights = {"yes": 0.0, "no": 0.0}
    likeliest = max(completion.logprobs, key=lambda candidate: candidate[1], default=("", 0.0))[0]
    for token, logprob in completion.logprobs if likeliest.strip().lower() in weights else ():
        word = token.strip().lower()
        if word in weights:
            weights[word] += math.exp(logprob)
    total = weights["yes"] + weights["no"]
    return weights["yes"] / total if total > 0 else float(completion.text.strip().lower().startswith("yes"))


@dataclass(frozen=True)
class CrossEncoder:
    """A cross-encoder of sentence-transformers. Needs the extra sentence-transformers.

    Args:
        model: name on the hub, or folder.
        batch: pairs per batch.
    """

    model: str
    batch: int = 32

    def rerank(self, queries: Sequence[str], hits: Sequence[Sequence[Hit]], threads: int = 1) -> list[list[Hit]]:
        """The passages of each query by the model's score. Raises ``ConfigError`` when the library is missing."""
        pairs = [
            (q, body(h.passage.title, h.passage.text))
            for q, candidates in zip(queries, hits, strict=True)
            for h in candidates
        ]
        if not pairs:
            return [[] for _ in hits]
        model = _cross_encoder(self.model)
        scores = iter(model.predict(pairs, batch_size=self.batch, show_progress_bar=False))
        scored = [[Hit(hit.passage, float(next(scores))) for hit in candidates] for candidates in hits]
        return [sorted(candidates, key=lambda hit: -hit.score) for candidates in scored]


@lru_cache(maxsize=2)
def _cross_encoder(model: str) -> Any:
    try:
        from sentence_transformers import CrossEncoder as Loaded
    except ImportError:
        raise ConfigError(missing("retriever.reranker")) from None
    sentence_models.check(model, "retriever.reranker.model")
    return Loaded(model, trust_remote_code=False)
