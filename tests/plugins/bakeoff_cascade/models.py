"""A toy model of models: a mapping, a list and a dataclass of them, as a solution such as a cascade has."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, nested, require_fitted
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stage:
    """A model, and the confidence from which its prediction stands."""

    model: Model
    accept: float = 0.9


@dataclass(eq=False)
class Cascade(Model):
    """The first stage that is sure enough predicts a row, or else the model of its segment.

    Args:
        stages: in order.
        by_segment: models by the value of a column; ``other`` serves all other values.
        fallbacks: more models, whose probabilities are averaged with that of the segment.
        column: that says the segment.
    """

    stages: list[Stage]
    by_segment: dict[str, Model]
    fallbacks: list[Model] = field(default_factory=list)
    column: str = "segment"

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where a part cannot serve the task."""
        for model in nested(self).values():
            model.check(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Fit each part; those that want no validation rows get none."""
        self.schema_ = context.schema
        for model in nested(self).values():
            model.fit(train, valid if model.uses_validation else None, context)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict each row by the first part that is sure enough."""
        require_fitted(self)
        segment = X[self.column].map(lambda value: value if value in self.by_segment else "other")
        proba = np.zeros((len(X), len(self.schema_.classes)))
        for name, model in self.by_segment.items():
            rows = np.flatnonzero(segment == name)
            if len(rows):
                of_all = [m.predict(X.iloc[rows]).proba for m in (model, *self.fallbacks)]
                proba[rows] = np.mean(of_all, axis=0)
        for stage in reversed(self.stages):
            of_stage = stage.model.predict(X).proba
            sure = of_stage.max(axis=1) >= stage.accept
            proba[sure] = of_stage[sure]
        return Predictions(np.array(self.schema_.classes, dtype=object)[proba.argmax(axis=1)], proba)

    def save(self, folder: Path) -> None:
        """Write parts and parameters."""
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        saved.model.schema_ = saved.schema
        return saved.model
