"""Networks that read text word by word, from scratch: an LSTM (Hochreiter and Schmidhuber 1997) or a GRU (Cho 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bakeoff.models import kept
from bakeoff.models.base import Context, require_kind
from bakeoff.models.deep import export, training, weights
from bakeoff.models.deep.batches import Rows
from bakeoff.models.deep.recipe import Recipe, check_range
from bakeoff.models.deep.targets import Targets, check_weights
from bakeoff.models.deep.tokens import Vocabulary, cut, once
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.deep.training import Problem, Trained
from bakeoff.models.texts import texts
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.deep.networks import Recurrent

TOKENS = "tokens"  # as in networks.py, which imports torch


class RecurrentModel:
    """A recurrent network over the words of a row. A row of several columns is read as a text with a line for each.

    Args:
        cell: lstm or gru.
        tokens: words or characters.
        min_count: how often a word occurs in training to be known.
        max_vocabulary: words that are known, the most frequent ones.
        max_tokens: of a text; what follows is not read.
        embedding: dimensions of a word.
        hidden: width of each direction.
        layers: of recurrent cells.
        bidirectional: whether the text is read from its end as well.
        dropout: share of values that are left out in training.
        epochs: most passes over the training rows.
        learning_rate: the largest; auto looks for it.
        batch_size: rows a step; auto looks for it.
        weight_decay: the larger, the more regularised.
        class_weights: balanced, or class → how much an error on it counts.
        onnx: whether to write the network as ONNX too.
        trainer: how it is trained.
    """

    uses_validation = True

    def __init__(
        self,
        cell: Literal["lstm", "gru"] = "lstm",
        tokens: Literal["words", "characters"] = "words",
        min_count: int = 2,
        max_vocabulary: int = 30_000,
        max_tokens: int = 256,
        embedding: int = 64,
        hidden: int = 64,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.3,
        epochs: int = 20,
        learning_rate: float | Literal["auto"] = 0.003,
        batch_size: int | Literal["auto"] = 64,
        weight_decay: float = 0.01,
        class_weights: str | dict[str, float] | None = None,
        onnx: bool = False,
        trainer: Trainer | None = None,
    ) -> None:
        self.cell = cell
        self.tokens = tokens
        self.min_count = min_count
        self.max_vocabulary = max_vocabulary
        self.max_tokens = max_tokens
        self.embedding = embedding
        self.hidden = hidden
        self.layers = layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.class_weights = class_weights
        self.onnx = onnx
        self.trainer = trainer or Trainer()

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range."""
        require_kind(self, schema, "classification", "regression")
        for name in ("min_count", "max_vocabulary", "max_tokens", "embedding", "hidden", "layers"):
            check_range(name, getattr(self, name), 1)
        check_range("dropout", self.dropout, 0, 0.95)
        check_weights(self.class_weights, schema)
        self._recipe.check()
        self.trainer.check()
        if self.onnx:
            export.check()

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn words and network from ``train`` until ``valid`` says that more epochs do not help."""
        import torch

        from bakeoff.models.deep.networks import start_at

        self.schema_ = context.schema
        self.targets_ = targets = Targets.learn(train.y, context.schema)
        learnt_from = texts(train.X, context.schema)
        self.vocabulary_ = Vocabulary.learn(learnt_from, self.tokens, self.min_count, self.max_vocabulary)
        self.cut_: dict[str, int] = {}
        problem = Problem(
            self._rows(learnt_from, "training").with_target(targets.encoded(train.y)),
            None if valid is None else self._rows(texts(valid.X, context.schema), "validation").with_target(
                targets.encoded(valid.y)
            ),
            targets,
            train.y,
            {"model": type(self).__name__, **self._arguments(), "vocabulary": self.vocabulary_.identity},
        )  # fmt: skip

        def build() -> Recurrent:
            network = self._network()
            start_at(network.head, torch.from_numpy(targets.start(train.y)))
            return network

        self.trained_ = training.fit(build, problem, self._recipe, self.trainer, context)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n rows. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "trained_"):
            raise RuntimeError("RecurrentModel: predict was called before fit.")
        return self.targets_.predictions(self.trained_.outputs(self._rows(texts(X, self.schema_), "asked")))

    def details(self) -> Mapping[str, Any]:
        """How training went, for ``result.json``."""
        return {"training": self.trained_.facts, "vocabulary": len(self.vocabulary_)}

    def notes(self) -> Sequence[str]:
        """What a reader must know."""
        return training.notes(self.trained_, self.cut_, self.max_tokens)

    def curves(self) -> Sequence[Mapping[str, float]]:
        """A row an epoch."""
        return self.trained_.curves

    def save(self, folder: Path) -> None:
        """Write weights as safetensors, all else as JSON, and the network as ONNX where that is asked for."""
        learnt: dict[str, Any] = {
            "mean": self.targets_.mean,
            "deviation": self.targets_.deviation,
            "threads": self.trained_.threads,
        }
        kept.save(folder, self.schema_, self._arguments(), words=list(self.vocabulary_.words), **learnt)
        weights.save(self.trained_.network, folder)
        if self.onnx:
            export.recurrent(self.trained_.network, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when the weights are of another network."""
        read = kept.load(folder)
        model = cls(**read.arguments)
        model.schema_ = read.schema
        model.vocabulary_ = Vocabulary(tuple(read.learnt["words"]), model.tokens)
        model.targets_ = Targets(read.schema, read.learnt["mean"], read.learnt["deviation"])
        model.cut_ = {}
        network = model._network()
        weights.load(network, folder)
        model.trained_ = Trained(network.eval(), model.targets_, read.learnt["threads"])
        return model

    @property
    def _recipe(self) -> Recipe:
        return Recipe(self.epochs, self.learning_rate, self.batch_size, self.weight_decay, self.class_weights)  # type: ignore[arg-type]

    def _arguments(self) -> dict[str, Any]:
        names = (
            "cell", "tokens", "min_count", "max_vocabulary", "max_tokens", "embedding", "hidden", "layers",
            "bidirectional", "dropout", "epochs", "learning_rate", "batch_size", "weight_decay", "class_weights",
            "onnx", "trainer",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def _rows(self, read: Sequence[str], whose: str) -> Rows:
        """Texts as a network reads them; how many were cut is kept."""
        if len(read) <= training.FEW_ROWS:
            tokenised = self.vocabulary_.read(read)
        else:
            tokenised = once(self.vocabulary_.identity, read, lambda: self.vocabulary_.read(read))
        shortened = cut(tokenised, self.max_tokens)
        self.cut_[whose] = max(shortened.count, self.cut_.get(whose, 0))
        return Rows(len(read), ragged={TOKENS: shortened.tokens})

    def _network(self) -> Recurrent:
        from bakeoff.models.deep.networks import Recurrent

        return Recurrent(
            len(self.vocabulary_), self.embedding, self.hidden, self.layers, self.cell, self.bidirectional,
            self.dropout, self.targets_.outputs,
        )  # fmt: skip
