"""What the most similar training rows were: neighbours by meaning, in LanceDB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models import classes, kept
from bakeoff.models.base import Context, require_kind
from bakeoff.models.similarity.neighbours import Neighbours
from bakeoff.models.texts import Reader, texts
from bakeoff.retrieval.base import Embedder
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NEAREST = 1e-4  # distance; rows nearer than that are the same, and rounding must not choose among them


class KNN:
    """Answers with the labels, or the mean value, of the training rows whose texts are nearest.

    A row of several columns is read as a text with a line for each. Distance is 1 − cosine.

    Args:
        embedder: of the texts.
        k: how many rows have a say.
        weights: distance: a row at half the distance counts twice; uniform: all count the same.
        store: folder or URL (s3://…) of the vectors; None: the user's cache.
        batch_rows: how many rows a search asks between two looks at the score.
    """

    uses_validation = False

    def __init__(
        self,
        embedder: Embedder,
        k: int = 10,
        weights: Literal["distance", "uniform"] = "distance",
        store: str | None = None,
        batch_rows: int = 256,
    ) -> None:
        self.embedder = embedder
        self.k = k
        self.weights = weights
        self.store = store
        self.batch_rows = batch_rows

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
        self.rows_ = Neighbours.of(texts(train.X, context.schema), reader, self.store)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n rows, with the shares of the votes as probabilities. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "rows_"):
            raise RuntimeError("KNN: predict was called before fit.")
        rows, cosines = self.rows_.nearest(texts(X, self.schema_), self.k)
        weights = self._weights(cosines)
        if self.schema_.kind == "regression":
            return Predictions(np.asarray((self.y_[rows] * weights).sum(axis=1), dtype=np.float64))
        proba = np.zeros((len(X), len(self.schema_.classes)))
        np.add.at(proba, (np.arange(len(X))[:, None], self.y_[rows]), weights)
        proba = np.minimum(proba, 1.0)  # sums of shares may exceed 1 by rounding
        output = classes.most_probable(proba, self.schema_.classes)
        return Predictions(output, proba, confidence=proba.max(axis=1))

    def details(self) -> Mapping[str, Any]:
        """Kind of index, and its recall against exact search."""
        return {"neighbours": dict(self.rows_.details())}

    def save(self, folder: Path) -> None:
        """Write the embedder as config, the vectors as an array, and the truth of each row as JSON."""
        arguments = {name: getattr(self, name) for name in ("embedder", "k", "weights", "store", "batch_rows")}
        kept.save(folder, self.schema_, arguments, threads=self.rows_.reader.threads, y=self.y_.tolist())
        self.rows_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        read = kept.load(folder)
        model = cls(**read.arguments)
        model.schema_ = read.schema
        model.y_ = np.array(read.learnt["y"])
        model.rows_ = Neighbours.load(folder, Reader(model.embedder, read.learnt["threads"]), model.store)
        return model

    def _weights(self, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each neighbour counts, shape (n, k); the rows add up to 1."""
        if self.weights == "uniform":
            return np.full(cosines.shape, 1 / cosines.shape[1])
        closeness = 1 / np.maximum(1 - cosines, NEAREST)
        return np.asarray(closeness / closeness.sum(axis=1, keepdims=True), dtype=np.float64)
