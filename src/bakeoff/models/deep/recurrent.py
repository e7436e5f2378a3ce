"""Recurrent networks trained from scratch: LSTM (Hochreiter and Schmidhuber 1997) and GRU (Cho 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bakeoff.config import components
from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.deep import export, training, weights
from bakeoff.models.deep.forecaster import SeriesReader
from bakeoff.models.deep.reading import Cells, Reader, TextReader, Words
from bakeoff.models.deep.recipe import Recipe, check_range
from bakeoff.models.deep.targets import check_weights
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.deep.training import Problem, Trained
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.deep.networks import Forecaster, RecurrentNetwork


@dataclass(eq=False)
class Recurrent(Model):
    """A recurrent network over the words of a row, or over the window of a series and the horizon after it.

    A row of several columns is read as a text with a line for each. Parameters about words apply to texts only.

    Args:
        cell: lstm or gru.
        tokens: words or characters.
        min_count: minimum occurrences in training for a word to be known.
        max_vocabulary: maximum number of known words, the most frequent ones.
        max_tokens: per text; longer texts are truncated.
        embedding: dimensions of a word.
        hidden: width of each direction.
        layers: of recurrent cells.
        bidirectional: whether a sequence is read from its end as well.
        dropout: share of values dropped in training.
        epochs: maximum passes over the training rows.
        learning_rate: peak value; auto looks for it.
        batch_size: rows per step; auto looks for it.
        weight_decay: AdamW coefficient; larger values regularise more.
        class_weights: balanced, or class → its loss weight.
        onnx: whether to write the network as ONNX too.
        trainer: training settings.
    """

    cell: Literal["lstm", "gru"] = "lstm"
    tokens: Literal["words", "characters"] = "words"
    min_count: int = 2
    max_vocabulary: int = 30_000
    max_tokens: int = 256
    embedding: int = 64
    hidden: int = 64
    layers: int = 1
    bidirectional: bool = True
    dropout: float = 0.3
    epochs: int = 20
    learning_rate: float | Literal["auto"] = 0.003
    batch_size: int | Literal["auto"] = 64
    weight_decay: float = 0.01
    class_weights: str | dict[str, float] | None = None
    onnx: bool = False
    trainer: Trainer = field(default_factory=Trainer)

    uses_validation = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range."""
        require_kind(self, schema, "classification", "regression", "forecast")
        for name in ("min_count", "max_vocabulary", "max_tokens", "embedding", "hidden", "layers"):
            check_range(name, getattr(self, name), 1)
        check_range("dropout", self.dropout, 0, 0.95)
        check_weights(self.class_weights, schema)
        self._recipe.check()
        self.trainer.check()
        if self.onnx:
            export.check()
            if schema.series is not None:
                raise ConfigError("model.onnx: a network that forecasts is not written as ONNX. Set it to false.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn vocabulary and network from ``train``, with early stopping on ``valid``."""
        import torch

        from bakeoff.models.deep.networks import start_at

        self.schema_ = context.schema
        self.reader_ = reader = self._learn(train, context.schema)
        problem = Problem(
            reader.known(train, "training"),
            None if valid is None else reader.known(valid, "validation"),
            reader.targets,
            train.y,
            {**components.describe(self), **reader.identity()},
        )

        def build() -> RecurrentNetwork | Forecaster:
            network = reader.network()
            start_at(network.head, torch.from_numpy(reader.targets.start(train.y)))
            return network

        self.trained_ = training.fit(build, problem, self._recipe, self.trainer, context)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "trained_")
        return self.reader_.predictions(self.trained_.outputs(self.reader_.rows(X, "test")), X)

    def report(self) -> ModelReport:
        """Report on the training: facts, notes, and curves with one row per epoch."""
        details = {"training": self.trained_.facts, **self.reader_.details()}
        notes = training.notes(self.trained_, self.reader_.cut, self.max_tokens)
        return ModelReport(details, tuple(notes), tuple(self.trained_.curves))

    def save(self, folder: Path) -> None:
        """Write weights as safetensors, all else as JSON, and if requested the network as ONNX."""
        persistence.write(folder, self, self.schema_, threads=self.trained_.threads, **self.reader_.plain())
        weights.save(self.trained_.network, folder)
        if self.onnx:
            export.recurrent(self.trained_.network, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when the weights are of another network."""
        saved = persistence.read(cls, folder)
        model, model.schema_, state = saved.model, saved.schema, saved.learned
        model.reader_ = model._read_back(state, saved.schema)
        network = model.reader_.network()
        weights.load(network, folder)
        model.trained_ = Trained(network.eval(), model.reader_.targets, state["threads"])
        return model

    @property
    def _recipe(self) -> Recipe:
        return Recipe(self.epochs, self.learning_rate, self.batch_size, self.weight_decay, self.class_weights)  # type: ignore[arg-type]

    def _learn(self, train: Examples, schema: Schema) -> Reader:
        """Learn the reader for this kind of task."""
        if schema.series is not None:
            return SeriesReader.learn(train, schema, self._cells)
        return TextReader.learn(train, schema, self._words, self._cells)

    def _read_back(self, state: Mapping[str, Any], schema: Schema) -> Reader:
        if schema.series is not None:
            return SeriesReader.from_dict(state, schema, self._cells)
        return TextReader.from_dict(state, schema, self._words, self._cells)

    @property
    def _cells(self) -> Cells:
        return Cells(self.cell, self.hidden, self.layers, self.bidirectional, self.dropout)

    @property
    def _words(self) -> Words:
        return Words(self.tokens, self.min_count, self.max_vocabulary, self.max_tokens, self.embedding)
