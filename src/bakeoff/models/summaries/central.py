"""The sentences that are most like the whole text: an extractive summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, require_fitted, require_kind
from bakeoff.models.qa.sentences import stems
from bakeoff.models.summaries.sentences import check_text, sentences_of
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(eq=False)
class Central(Model):
    """Takes the sentences nearest to the centroid of their text (Radev et al. 2004), in the order of the text.

    A sentence is the set of its stems, each weighted by how rare it is among the training texts. Sentences are chosen
    one after another by maximal marginal relevance (Carbonell and Goldstein 1998): near to the centroid, and unlike
    those that were chosen before.

    Args:
        count: number of sentences.
        diversity: penalty for similarity to sentences already chosen, from 0 to 1.
        lead_bonus: score bonus of the first sentence over the last for its position, from 0 to 1.
    """

    count: int = 1
    diversity: float = 0.3
    lead_bonus: float = 0.1

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for another task kind, a task without text, or a parameter out of its range."""
        require_kind(self, schema, "generation")
        check_text(schema)
        if self.count < 1:
            raise ConfigError(f"model.count: {self.count} is less than 1.")
        for name in ("diversity", "lead_bonus"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"model.{name}: {getattr(self, name)} is not from 0 to 1.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Count the training texts that contain each stem."""
        self.schema_ = context.schema
        texts = [" ".join(sentences) for sentences in sentences_of(train.X, context.schema)]
        self.texts_, self.having_ = len(texts), dict(Counter(stem for text in texts for stem in stems(text)))

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self)
        return Predictions(
            np.array([self._summary(sentences) for sentences in sentences_of(X, self.schema_)], dtype=object)
        )

    def save(self, folder: Path) -> None:
        """Write the parameters and the counts of stems."""
        persistence.write(folder, self, self.schema_, texts=self.texts_, having=self.having_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_ = saved.model, saved.schema
        model.texts_, model.having_ = saved.learned["texts"], saved.learned["having"]
        return model

    def _summary(self, sentences: Sequence[str]) -> str:
        if len(sentences) <= self.count:
            return " ".join(sentences)
        vectors = _vectors([stems(sentence) for sentence in sentences], self._weights(sentences))
        centroid = vectors.sum(axis=0)
        length = float(np.linalg.norm(centroid))
        nearness = vectors @ centroid / length if length else np.zeros(len(sentences))
        nearness += self.lead_bonus * np.linspace(1, 0, len(sentences))
        chosen: list[int] = []
        for _ in range(self.count):
            likeness = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(len(sentences))
            gain = nearness - self.diversity * likeness
            gain[chosen] = -np.inf
            chosen.append(int(gain.argmax()))
        return " ".join(sentences[i] for i in sorted(chosen))

    def _weights(self, sentences: Sequence[str]) -> Mapping[str, float]:
        return {
            stem: float(np.log((self.texts_ + 1) / (self.having_.get(stem, 0) + 0.5)))
            for sentence in sentences
            for stem in stems(sentence)
        }


def _vectors(of_sentences: Sequence[set[str]], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Unit vectors of sentences over the stems of their text, shape (sentences, stems); 0 for one without stems."""
    column = {stem: i for i, stem in enumerate(sorted(weights))}
    vectors = np.zeros((len(of_sentences), max(1, len(column))))
    for row, those in enumerate(of_sentences):
        for stem in those:
            vectors[row, column[stem]] = weights[stem]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))
