"""Semantic similarity of an answer to the gold answers, by text embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import environment
from bakeoff.retrieval.base import Embedder

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable


@dataclass
class SemanticSimilarity:
    """Cosine between the answer and the gold answer that is nearest to it; below 0 counts as 0.

    An abstention from a question that has an answer gets 0. A question that has none gets no grade: there is no meaning
    to compare with.

    Args:
        embedder: for both texts. Keep it the same for all variants, whatever they retrieve with.
    """

    embedder: Embedder
    _details: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def check(self) -> None:
        """Do nothing: there is nothing to check before answers exist."""

    def grade(self, X: pd.DataFrame, table: PredictionTable) -> NDArray[np.float64]:
        """A grade for each of n answers, shape (n,)."""
        from bakeoff.retrieval.embeddings import embedded

        outputs = [str(output).strip() for output in table.predictions.output]
        compared = [(o, gold.answers) if o else None for o, gold in zip(outputs, table.target, strict=True)]
        texts = sorted({text for pair in compared if pair for text in (pair[0], *pair[1]) if pair[1]})
        grades = np.array([0.0 if gold.is_answerable else np.nan for gold in table.target])
        self._details = {"embedder": self.embedder.identity, "graded": int(np.sum(~np.isnan(grades)))}
        if not texts:
            return grades
        vectors, reused, seconds = embedded(self.embedder, texts, environment.cores())
        self._details |= {"texts": len(texts), "texts_reused": int(reused), "embedding_seconds": float(seconds)}
        at = {text: row for row, text in enumerate(texts)}
        for i, pair in enumerate(compared):
            if pair and pair[1]:
                cosines = vectors[[at[answer] for answer in pair[1]]] @ vectors[at[pair[0]]]
                grades[i] = np.clip(cosines.max(), 0, 1)
        return grades

    def details(self) -> Mapping[str, Any]:
        """Embedder, and numbers of grades and texts."""
        return self._details

    def notes(self) -> list[str]:
        """Empty: no caveats."""
        return []
