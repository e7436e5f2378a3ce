"""Vectors of meaning, and a scikit-learn estimator that learns on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bakeoff.models import persistence, threads
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.tabular import heads
from bakeoff.models.texts import Reader, texts
from bakeoff.retrieval.base import Embedder
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

FILE = "head.skops"


@dataclass(eq=False)
class Embedding(Model):
    """Embeds each row, and lets a scikit-learn estimator predict from the vector.

    A row of several columns is read as a text with a line for each.

    Args:
        embedder: for the texts.
        classifier: for classification tasks; None if not supported.
        regressor: for regression tasks; None if not supported.
        predict_batch_size: rows that a search predicts before it checks the score again.
    """

    embedder: Embedder
    classifier: object = None
    regressor: object = None
    predict_batch_size: int | None = 256

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for questions over documents, and where no valid estimator is declared for the task."""
        require_kind(self, schema, "classification", "regression", "multilabel")
        heads.check(*heads.chosen(self.classifier, self.regressor, schema))

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Embed the training rows, each text once, and fit a copy of the estimator to their vectors."""
        self.schema_ = context.schema
        self.reader_ = Reader(self.embedder, context.threads, looks_up=context.memo is not None)
        self.head_ = heads.copied(heads.chosen(self.classifier, self.regressor, context.schema)[0], context.schema)
        heads.settle(self.head_, context)
        rows = texts(train.X, context.schema)
        self.notes_: tuple[str, ...] = self.reader_.notes(rows) if len(context.schema.columns) == 1 else ()
        vectors = self.reader_.learn(rows)
        with threads.working(self.head_, context.threads):
            heads.fit(self.head_, vectors, heads.target(train.y, context.schema))

    def report(self) -> ModelReport:
        """Report whether the embedder knows the language of the texts."""
        return ModelReport(notes=self.notes_)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows, with probabilities where the estimator has them. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "head_")
        vectors = self.reader_.ask(texts(X, self.schema_))
        with threads.working(self.head_, 1 if len(X) <= threads.FEW_ROWS else self.reader_.threads):
            return heads.answer(self.head_, vectors, self.schema_)

    def save(self, folder: Path) -> None:
        """Write the embedder as config, and the estimator in skops' format."""
        persistence.write(folder, self, self.schema_, omit=heads.ROLES, threads=self.reader_.threads)
        heads.dump({"head": self.head_, **heads.unfitted(self)}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when it names anything but trusted classes."""
        loaded = heads.load(folder / FILE)
        saved = persistence.read(cls, folder, **{role: loaded.get(role) for role in heads.ROLES})
        model, model.schema_, model.head_ = saved.model, saved.schema, loaded["head"]
        model.reader_, model.notes_ = Reader(model.embedder, saved.learned["threads"]), ()
        return model
