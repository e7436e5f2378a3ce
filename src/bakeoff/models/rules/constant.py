"""The same answer for every row: what any other model has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.models import classes, state
from bakeoff.models.base import Context, require_kind
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


class ConstantModel:
    """Answers the most frequent class, with the class shares as probabilities, or the mean of the target."""

    uses_validation = False

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for questions."""
        require_kind(self, schema, "classification", "regression")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn the class shares, or the mean."""
        self.schema_ = context.schema
        if context.schema.kind == "regression":
            self.mean_ = float(np.mean(train.y))
        else:
            self.priors_ = classes.shares(train.y, context.schema.classes)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n rows alike. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "schema_"):
            raise RuntimeError("ConstantModel: predict was called before fit.")
        if self.schema_.kind == "regression":
            return Predictions(np.full(len(X), self.mean_))
        proba = np.tile(self.priors_, (len(X), 1))
        return Predictions(classes.most_probable(proba, self.schema_.classes), proba)

    def save(self, folder: Path) -> None:
        """Write the shares or the mean as JSON."""
        regression = self.schema_.kind == "regression"
        state.write(folder, self.schema_, learnt=self.mean_ if regression else self.priors_.tolist())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        model = cls()
        model.schema_, learnt = state.read(folder)
        if model.schema_.kind == "regression":
            model.mean_ = learnt["learnt"]
        else:
            model.priors_ = np.array(learnt["learnt"])
        return model
