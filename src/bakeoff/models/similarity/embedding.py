"""Vectors of meaning, and a scikit-learn estimator that learns on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bakeoff.models import kept, threads
from bakeoff.models.base import Context, require_kind
from bakeoff.models.tabular import heads
from bakeoff.models.texts import Reader, texts
from bakeoff.retrieval.base import Embedder
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

FILE = "head.skops"


class EmbeddingModel:
    """Embeds each row, and lets a scikit-learn estimator answer from the vector.

    A row of several columns is read as a text with a line for each.

    Args:
        embedder: of the texts.
        classifier: answers classification tasks; None when it is not meant for any.
        regressor: answers regression tasks; None when it is not meant for any.
        batch_rows: how many rows a search asks between two looks at the score.
    """

    uses_validation = False

    def __init__(
        self, embedder: Embedder, classifier: object = None, regressor: object = None, batch_rows: int = 256
    ) -> None:
        self.embedder = embedder
        self.classifier = classifier
        self.regressor = regressor
        self.batch_rows = batch_rows

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for questions over documents, and where no valid estimator is declared for the task."""
        require_kind(self, schema, "classification", "regression")
        heads.check(*heads.chosen(self.classifier, self.regressor, schema))

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Embed the training rows, each text once, and fit a copy of the estimator to their vectors."""
        from sklearn.base import clone

        self.schema_ = context.schema
        self.reader_ = Reader(self.embedder, context.threads, looks_up=context.memo is not None)
        self.head_ = clone(heads.chosen(self.classifier, self.regressor, context.schema)[0])
        heads.settle(self.head_, context)
        vectors = self.reader_.learn(texts(train.X, context.schema))
        with threads.working(self.head_, context.threads):
            self.head_.fit(vectors, heads.target(train.y, context.schema))

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n rows, with probabilities where the estimator has them. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "head_"):
            raise RuntimeError("EmbeddingModel: predict was called before fit.")
        vectors = self.reader_.ask(texts(X, self.schema_))
        with threads.working(self.head_, 1 if len(X) <= threads.FEW_ROWS else self.reader_.threads):
            return heads.answer(self.head_, vectors, self.schema_)

    def save(self, folder: Path) -> None:
        """Write the embedder as config, and the estimator in skops' format."""
        arguments: dict[str, Any] = {"embedder": self.embedder, "batch_rows": self.batch_rows}
        kept.save(folder, self.schema_, arguments, threads=self.reader_.threads)
        heads.dump({"head": self.head_}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when it names anything but trusted classes."""
        read = kept.load(folder)
        model = cls(**read.arguments)
        model.schema_ = read.schema
        model.reader_ = Reader(model.embedder, read.learnt["threads"])
        model.head_ = heads.load(folder / FILE)["head"]
        return model
