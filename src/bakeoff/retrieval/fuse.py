"""Fusion of two rankings into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bakeoff.retrieval.base import Hit, Index

Fusion = Literal["rrf", "weighted"]


@dataclass(frozen=True)
class Fused:
    """Two indexes of the same passages, searched together."""

    words: Index
    meaning: Index
    fusion: Fusion
    weight: float
    rrf_k: int
    depth: int

    def search(self, queries: Sequence[str], k: int, where: str | None = None) -> list[list[Hit]]:
        """Up to k passages for each query, of those that either finds to the depth."""
        deep = max(k, self.depth)
        pairs = zip(self.words.search(queries, deep, where), self.meaning.search(queries, deep, where), strict=True)
        if self.fusion == "rrf":
            return [reciprocal_ranks(a, b, self.weight, self.rrf_k)[:k] for a, b in pairs]
        return [weighted(a, b, self.weight)[:k] for a, b in pairs]

    def details(self) -> Mapping[str, Any]:
        """Details of both indexes."""
        return {"index": "hybrid", "words": dict(self.words.details()), "meaning": dict(self.meaning.details())}


def reciprocal_ranks(words: Sequence[Hit], meaning: Sequence[Hit], weight: float, k: int) -> list[Hit]:
    """Sum of weight / (k + rank) (Cormack, Clarke and Büttcher, 2009); ``weight`` is the share of ``meaning``."""
    scores: dict[str, float] = {}
    for hits, share in ((words, 1 - weight), (meaning, weight)):
        for rank, hit in enumerate(hits, start=1):
            scores[hit.passage.id] = scores.get(hit.passage.id, 0.0) + share / (k + rank)
    return _ranked(words, meaning, scores)


def weighted(words: Sequence[Hit], meaning: Sequence[Hit], weight: float) -> list[Hit]:
    """Weighted sum of scores that were brought to 0 … 1 in each list; what a list lacks has 0 there."""
    scores: dict[str, float] = {}
    for hits, share in ((words, 1 - weight), (meaning, weight)):
        low = min((hit.score for hit in hits), default=0.0)
        width = max((hit.score for hit in hits), default=0.0) - low
        for hit in hits:
            part = (hit.score - low) / width if width > 0 else 1.0
            scores[hit.passage.id] = scores.get(hit.passage.id, 0.0) + share * part
    return _ranked(words, meaning, scores)


def _ranked(words: Sequence[Hit], meaning: Sequence[Hit], scores: Mapping[str, float]) -> list[Hit]:
    by_id = {hit.passage.id: hit.passage for hit in (*words, *meaning)}
    order = sorted(scores, key=lambda name: (-scores[name], name))
    return [Hit(by_id[name], scores[name]) for name in order]
