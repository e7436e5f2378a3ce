"""A constant prediction: the baseline that any other model has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.models import classes, multilabel, persistence
from bakeoff.models.base import Context, Model, require_fitted, require_kind
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class Constant(Model):
    """Predicts the most frequent class, with the class shares as probabilities, or the mean of the target.

    Of several labels, it predicts those that more than half of the rows have, or the most frequent one.
    """

    column_kinds = None

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for questions."""
        require_kind(self, schema, "classification", "regression", "multilabel")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn the class shares, or the mean."""
        self.schema_ = context.schema
        if context.schema.kind == "regression":
            self.mean_ = float(np.mean(train.y))
        elif context.schema.kind == "multilabel":
            self.priors_ = multilabel.shares(train.y, context.schema.classes)
        else:
            self.priors_ = classes.shares(train.y, context.schema.classes)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict the same for n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self)
        if self.schema_.kind == "regression":
            return Predictions(np.full(len(X), self.mean_))
        proba = np.tile(self.priors_, (len(X), 1))
        if self.schema_.kind == "multilabel":
            is_predicted = np.maximum(proba > multilabel.LIKELY, proba == self.priors_.max())
            return Predictions(multilabel.outputs(is_predicted, self.schema_.classes), proba)
        return Predictions(classes.most_probable(proba, self.schema_.classes), proba)

    def save(self, folder: Path) -> None:
        """Write the shares or the mean as JSON."""
        state = self.mean_ if self.schema_.kind == "regression" else self.priors_.tolist()
        persistence.write(folder, self, self.schema_, learnt=state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_ = saved.model, saved.schema
        if model.schema_.kind == "regression":
            model.mean_ = saved.learned["learnt"]
        else:
            model.priors_ = np.array(saved.learned["learnt"])
        return model
