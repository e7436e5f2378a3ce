"""k nearest neighbours by text embedding, in LanceDB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models import classes, persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.similarity.neighbours import Neighbours
from bakeoff.models.texts import Reader, texts
from bakeoff.retrieval.base import Embedder
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NEAREST = 1e-4  # distance below which rows count as identical, so that rounding does not choose among them


@dataclass(eq=False)
class KNN(Model):
    """Answers with the labels, or the mean value, of the training rows whose texts are nearest.

    A row of several columns is read as a text with a line for each. Distance is 1 − cosine.

    Args:
        embedder: for the texts.
        k: number of neighbours that vote.
        weights: distance: a row at half the distance counts twice; uniform: all count the same.
        store: folder or URL (s3://…) of the vectors; None: the user's cache.
        predict_batch_size: rows that a search predicts before it checks the score again.
    """

    embedder: Embedder
    k: int = 10
    weights: Literal["distance", "uniform"] = "distance"
    store: str | None = None
    predict_batch_size: int | None = 256

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for questions over documents, or no neighbour at all."""
        require_kind(self, schema, "classification", "regression")
        if self.k < 1:
            raise ConfigError(f"model.k: {self.k}. Ask at least 1 neighbour.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Embed the training rows."""
        self.schema_ = context.schema
        self.y_ = train.y if context.schema.kind == "regression" else classes.codes(train.y, context.schema.classes)
        reader = Reader(self.embedder, context.threads, looks_up=context.memo is not None)
        self.rows_ = Neighbours.from_texts(texts(train.X, context.schema), reader, self.store)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows, with the shares of the votes as probabilities. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "rows_")
        rows, cosines = self.rows_.nearest(texts(X, self.schema_), self.k)
        weights = self._weights(cosines)
        if self.schema_.kind == "regression":
            return Predictions(np.asarray((self.y_[rows] * weights).sum(axis=1), dtype=np.float64))
        proba = np.zeros((len(X), len(self.schema_.classes)))
        np.add.at(proba, (np.arange(len(X))[:, None], self.y_[rows]), weights)
        proba = np.minimum(proba, 1.0)  # sums of shares may exceed 1 by rounding
        output = classes.most_probable(proba, self.schema_.classes)
        return Predictions(output, proba, confidence=proba.max(axis=1))

    def report(self) -> ModelReport:
        """Type of index, and its recall against exact search."""
        return ModelReport({"neighbours": dict(self.rows_.details())})

    def save(self, folder: Path) -> None:
        """Write the embedder as config, the vectors as an array, and the truth of each row as JSON."""
        persistence.write(folder, self, self.schema_, threads=self.rows_.reader.threads, y=self.y_.tolist())
        self.rows_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_, model.y_ = saved.model, saved.schema, np.array(saved.learned["y"])
        reader = Reader(model.embedder, saved.learned["threads"])
        model.rows_ = Neighbours.load(folder, reader, model.store)
        return model

    def _weights(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Vote weight of each neighbour, shape (n, k); the rows sum to 1."""
        if self.weights == "uniform":
            return np.full(cosines.shape, 1 / cosines.shape[1])
        closeness = 1 / np.maximum(1 - cosines, NEAREST)
        return np.asarray(closeness / closeness.sum(axis=1, keepdims=True), dtype=np.float64)
