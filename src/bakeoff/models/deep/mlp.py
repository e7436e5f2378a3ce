"""Feed-forward network for tables: numbers, embedded categories, dates, missing values and bags of words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bakeoff.config import components
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.deep import export, training, weights
from bakeoff.models.deep.recipe import Recipe, check_range
from bakeoff.models.deep.tabular import Table
from bakeoff.models.deep.targets import Targets, check_weights
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.deep.training import Problem, Trained
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.deep.networks import MLPNetwork

BUCKETS = 2**15


@dataclass(eq=False)
class MLP(Model):
    """Fully connected layers over the columns of a table.

    Args:
        hidden: width of each hidden layer.
        dropout: share of values dropped in training.
        embedding: maximum embedding dimensions of a category; small ones get fewer.
        max_categories: maximum distinct values per category; the rest share one code.
        text_dimensions: embedding dimensions of a word in a text column.
        max_tokens: words and pairs of words of a text that are read.
        epochs: maximum passes over the training rows.
        learning_rate: peak value; auto looks for it.
        batch_size: rows per step; auto looks for it.
        weight_decay: AdamW coefficient; larger values regularise more.
        class_weights: balanced, or class → its loss weight.
        onnx: whether to write the network as ONNX too.
        trainer: training settings.
    """

    hidden: list[int] = field(default_factory=lambda: [128, 64])
    dropout: float = 0.1
    embedding: int = 32
    max_categories: int = 1000
    text_dimensions: int = 64
    max_tokens: int = 1024
    epochs: int = 60
    learning_rate: float | Literal["auto"] = 0.002
    batch_size: int | Literal["auto"] = 64
    weight_decay: float = 0.01
    class_weights: str | dict[str, float] | None = None
    onnx: bool = False
    trainer: Trainer = field(default_factory=Trainer)

    uses_validation = True
    supports_lag_features = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range."""
        require_kind(self, schema, "classification", "regression")
        for size in self.hidden:
            check_range("hidden", size, 1)
        check_range("dropout", self.dropout, 0, 0.95)
        for name in ("embedding", "max_categories", "text_dimensions", "max_tokens"):
            check_range(name, getattr(self, name), 1)
        check_weights(self.class_weights, schema)
        self._recipe.check()
        self.trainer.check()
        if self.onnx:
            export.check()

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Train on ``train``, with early stopping on ``valid``."""
        import torch

        from bakeoff.models.deep.networks import start_at

        self.schema_ = context.schema
        self.table_ = Table.learn(train.X, context.schema, self.max_categories, BUCKETS, self.max_tokens)
        self.targets_ = targets = Targets.learn(train.y, context.schema)
        rows, cut = self.table_.rows(train.X)
        problem = Problem(
            rows.with_target(targets.encoded(train.y)),
            None if valid is None else self.table_.rows(valid.X)[0].with_target(targets.encoded(valid.y)),
            targets,
            train.y,
            {**components.describe(self), **self.table_.plain()},
        )

        def build() -> MLPNetwork:
            network = self._network()
            start_at(network.head, torch.from_numpy(targets.start(train.y)))
            return network

        self.trained_ = training.fit(build, problem, self._recipe, self.trainer, context)
        self.cut_ = {"training": cut}

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "trained_")
        rows, cut = self.table_.rows(X)
        self.cut_["test"] = max(cut, self.cut_.get("test", 0))
        return self.targets_.predictions(self.trained_.outputs(rows))

    def report(self) -> ModelReport:
        """Report on the training: facts, notes, and curves with one row per epoch."""
        details = {"training": self.trained_.facts, "numbers": self.table_.numbers, "categories": self.table_.sizes}
        notes = training.notes(self.trained_, self.cut_, self.max_tokens)
        return ModelReport(details, tuple(notes), tuple(self.trained_.curves))

    def save(self, folder: Path) -> None:
        """Write weights as safetensors, all else as JSON, and if requested the network as ONNX."""
        state: dict[str, Any] = {"table": self.table_.plain(), **self.targets_.plain()}
        persistence.write(folder, self, self.schema_, threads=self.trained_.threads, **state)
        weights.save(self.trained_.network, folder)
        if self.onnx:
            export.mlp(self.trained_.network, self.table_, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when the weights are of another network."""
        saved = persistence.read(cls, folder)
        model, model.schema_, state = saved.model, saved.schema, saved.learned
        model.table_ = Table.from_plain(saved.schema, state["table"])
        model.targets_ = Targets.from_dict(state, saved.schema)
        network = model._network()
        weights.load(network, folder)
        model.trained_ = Trained(network.eval(), model.targets_, state["threads"])
        model.cut_ = {}
        return model

    @property
    def _recipe(self) -> Recipe:
        return Recipe(self.epochs, self.learning_rate, self.batch_size, self.weight_decay, self.class_weights)  # type: ignore[arg-type]

    def _network(self) -> MLPNetwork:
        from bakeoff.models.deep.networks import MLPNetwork

        sizes = self.table_.sizes
        # A rule of thumb from practice with entity embeddings: 1.6 n^0.56 (Howard and Gugger 2020).
        dimensions = [min(self.embedding, round(1.6 * n**0.56)) for n in sizes]
        return MLPNetwork(
            self.table_.numbers, sizes, dimensions, self.table_.texts, BUCKETS, self.text_dimensions, self.hidden,
            self.dropout, self.targets_.outputs,
        )  # fmt: skip
