"""The first sentences of a text: the baseline that any other summary has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, require_fitted, require_kind
from bakeoff.models.summaries.sentences import check_text, sentences_of
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class Lead(Model):
    """Takes the first sentences of the text columns.

    Args:
        count: number of sentences.
    """

    count: int = 1

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for another task kind, a task without text, or a count below 1."""
        require_kind(self, schema, "generation")
        check_text(schema)
        if self.count < 1:
            raise ConfigError(f"model.count: {self.count} is less than 1.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Do nothing: there is nothing to learn."""
        self.schema_ = context.schema

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self)
        return Predictions(
            np.array([" ".join(sentences[: self.count]) for sentences in sentences_of(X, self.schema_)], dtype=object)
        )

    def save(self, folder: Path) -> None:
        """Write the parameters."""
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_ = saved.model, saved.schema
        return model
