"""Consensus of several parts: rankings of documents, and answers in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.predictions import WITHHELD, Predictions, is_missing
from bakeoff.words import token_overlap

Floats = NDArray[np.float64]
RANK_CONSTANT = 60  # Cormack, Clarke and Büttcher, 2009
OF_AN_ANSWER = ("output", "short", "cited", "evidence", "status", "reason")


def ranked(parts: Sequence[Predictions], weights: Floats) -> Predictions:
    """Documents by the weighted sum of their reciprocal ranks; the output is the first of them.

    Args:
        parts: of the same n rows.
        weights: of each part for each row, shape (parts, n).
    """
    retrieved = _rankings(parts, weights)
    best = np.array([ids[0] if ids else "" for ids in retrieved], dtype=object)
    return Predictions(best, retrieved=retrieved)


def likeness(parts: Sequence[Predictions]) -> Floats:
    """Share of words that the answers of each two parts have in common, shape (parts, parts, n).

    Two parts that both withhold an answer agree; one that does agrees with no answer.
    """
    shorts = [part.output if part.short is None else part.short for part in parts]
    withheld = np.stack([part.status == WITHHELD for part in parts])
    alike = np.ones((len(parts), len(parts), len(parts[0])))
    for i in range(len(parts)):
        for j in range(i):
            alike[i, j] = alike[j, i] = [
                float(a_is and b_is) if a_is or b_is else token_overlap(str(a), str(b))
                for a, b, a_is, b_is in zip(shorts[i], shorts[j], withheld[i], withheld[j], strict=True)
            ]
    return alike


def answered(parts: Sequence[Predictions], weights: Floats, alike: Floats) -> Predictions:
    """The answer of each row that is most like those of the other parts, and the documents that all of them found.

    Among the parts' answers it is the one with the least expected loss of words (minimum Bayes risk; Kumar and Byrne
    2004). Its confidence is the weighted mean of its likeness to all answers; of equal ones the first is taken.

    Args:
        parts: of the same n rows.
        weights: of each part for each row, adding up to 1 where some part counts, shape (parts, n).
        alike: their ``likeness``.
    """
    support = np.einsum("ijn,jn->in", alike, weights)
    owner = np.where(weights > 0, np.round(support, 9), -1.0).argmax(axis=0)
    rows = np.arange(len(owner))
    fields = {}
    for name in OF_AN_ANSWER:
        values = [getattr(part, name) for part in parts]
        if any(value is not None for value in values):
            missing = np.full(len(owner), None, dtype=object)
            fields[name] = np.stack([missing if value is None else value for value in values])[owner, rows]
    if "short" in fields:  # a part without short forms compares its whole answers
        fields["short"] = np.where(is_missing(fields["short"]), fields["output"], fields["short"])
    has_documents = any(part.retrieved is not None for part in parts)
    return Predictions(
        **fields,
        confidence=support[owner, rows],
        retrieved=_rankings(parts, weights) if has_documents else None,
    )


def _rankings(parts: Sequence[Predictions], weights: Floats) -> NDArray[np.object_]:
    """Ids of the documents of each row, best first."""
    rankings = np.empty(len(parts[0]), dtype=object)
    for row in range(len(rankings)):
        scores: dict[str, float] = {}
        for weight, part in zip(weights[:, row], parts, strict=True):
            ranking = part.retrieved[row] if part.retrieved is not None else None
            for rank, document in enumerate(ranking or (), start=1):
                scores[document] = scores.get(document, 0.0) + weight / (RANK_CONSTANT + rank)
        rankings[row] = tuple(sorted(scores, key=lambda document: (-scores[document], document)))
    return rankings
