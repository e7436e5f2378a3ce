"""Fine-tuning of a pre-trained encoder: all weights, the last layers, low-rank adapters, or the output layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from bakeoff.config import components
from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.deep import encoders, training, weights
from bakeoff.models.deep.encoders import Encoder
from bakeoff.models.deep.recipe import Recipe, check_range
from bakeoff.models.deep.targets import Targets, check_weights
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.deep.training import Problem, Trained
from bakeoff.models.texts import texts
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.deep.pooled import Pooled

# Usual learning rates: the fewer trainable weights, the higher.
USUAL_RATES = {"full": 1e-4, "last": 2e-4, "lora": 1e-3, "head": 1e-2}


@dataclass(eq=False)
class FinetunedEncoder(Model):
    """A pre-trained encoder for classification or regression. Needs the extra finetune.

    Args:
        encoder: ``minilm``, the name of an encoder on the Hugging Face hub, or a folder in the hub's layout.
        revision: of the hub repository; None: the newest.
        tune: full, last (layers), lora, or head (nothing but the layer on top).
        last_layers: number of layers to train with ``tune=last``.
        lora_rank: rank of the added matrices with ``tune=lora``.
        pooling: mean of all vectors, or cls: the first one.
        max_tokens: per text; longer texts are truncated.
        dropout: before the layer on top: share of values that are left out in training.
        epochs: maximum passes over the training rows.
        learning_rate: peak value; None: what is usual for ``tune``; auto looks for it.
        head_rate: learning rate of the layer on top, as a multiple of the encoder's.
        batch_size: rows per step; auto looks for it.
        weight_decay: AdamW coefficient; larger values regularise more.
        class_weights: balanced, or class → its loss weight.
        trainer: training settings.
    """

    encoder: str = encoders.MINILM
    revision: str | None = None
    tune: Literal["full", "last", "lora", "head"] = "full"
    last_layers: int = 2
    lora_rank: int = 8
    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: int = 128
    dropout: float = 0.1
    epochs: int = 5
    learning_rate: float | Literal["auto"] | None = None
    head_rate: float = 10.0
    batch_size: int | Literal["auto"] = 32
    weight_decay: float = 0.01
    class_weights: str | dict[str, float] | None = None
    trainer: Trainer = field(default_factory=Trainer)

    uses_validation = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range, or when a package of the extra is missing."""
        require_kind(self, schema, "classification", "regression")
        if self.tune not in USUAL_RATES:
            raise ConfigError(f'model.tune: "{self.tune}" is unknown. Allowed: {", ".join(USUAL_RATES)}.')
        for name in ("last_layers", "lora_rank"):
            check_range(name, getattr(self, name), 1)
        check_range("max_tokens", self.max_tokens, 3)
        check_range("dropout", self.dropout, 0, 0.95)
        check_weights(self.class_weights, schema)
        self._recipe.check()
        self.trainer.check()
        encoders.check(self.tune)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Fine-tune on ``train``, with early stopping on ``valid``."""
        import torch

        from bakeoff.models.deep.networks import start_at

        self.schema_ = context.schema
        self.targets_ = targets = Targets.learn(train.y, context.schema)
        self.encoder_ = encoders.pretrained(self.encoder, self.revision)
        self.texts_ = self._texts()
        rows = self.texts_.rows(texts(train.X, context.schema), "training").with_target(targets.encoded(train.y))
        of_valid = None if valid is None else self.texts_.rows(texts(valid.X, context.schema), "validation")
        problem = Problem(
            rows,
            None if valid is None or of_valid is None else of_valid.with_target(targets.encoded(valid.y)),
            targets,
            train.y,
            components.describe(self),
            at_once=max(1, round(float(rows.lengths.mean()))) if rows.lengths is not None and len(rows) else 1,
        )

        def build() -> Pooled:
            learning = encoders.prepare(self.encoder_.network, self.tune, self.last_layers, self.lora_rank)
            network = self._network(learning)
            torch.nn.init.normal_(network.head.weight, std=0.02)
            start_at(network.head, torch.from_numpy(targets.start(train.y)))
            return network

        self.trained_ = training.fit(build, problem, self._recipe, self.trainer, context)
        network: Any = self.trained_.network
        self.learning_ = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
        network.encoder = encoders.merged(network.encoder)
        self.texts_.encoder = self.encoder_ = Encoder(network.encoder, self.encoder_.tokenizer)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "trained_")
        return self.targets_.predictions(self.trained_.outputs(self.texts_.rows(texts(X, self.schema_), "test")))

    def report(self) -> ModelReport:
        """Report on the training: facts, notes, and curves with one row per epoch."""
        details = {"training": self.trained_.facts, "parameters_learnt": self.learning_}
        notes = training.notes(self.trained_, self.texts_.cut, self.texts_.longest)
        return ModelReport(details, tuple(notes), tuple(self.trained_.curves))

    def save(self, folder: Path) -> None:
        """Write all weights as safetensors, the tokenizer and all else as JSON: nothing is fetched to load it."""
        state = {"threads": self.trained_.threads, "learning": self.learning_, **self.targets_.plain()}
        persistence.write(folder, self, self.schema_, **state)
        encoders.save(self.encoder_, folder)
        weights.save(self.trained_.network, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when the weights are of another network."""
        saved = persistence.read(cls, folder)
        model, model.schema_, state = saved.model, saved.schema, saved.learned
        model.targets_, model.learning_ = Targets.from_dict(state, saved.schema), state["learning"]
        model.encoder_ = encoders.saved(folder)
        model.texts_ = model._texts()
        network = model._network(model.encoder_.network)
        weights.load(network, folder)
        model.trained_ = Trained(network.eval(), model.targets_, state["threads"])
        return model

    @property
    def _recipe(self) -> Recipe:
        rate = USUAL_RATES[self.tune] if self.learning_rate is None else self.learning_rate
        head_rate = 1.0 if self.tune == "head" else self.head_rate
        return Recipe(self.epochs, rate, self.batch_size, self.weight_decay, self.class_weights, head_rate)  # type: ignore[arg-type]

    def _texts(self) -> encoders.Texts:
        return encoders.Texts(self.encoder_, f"{self.encoder} {self.revision}", self.max_tokens)

    def _network(self, encoder: Any) -> Pooled:
        from bakeoff.models.deep.pooled import Pooled

        return Pooled(encoder, self.encoder_.width, self.dropout, self.targets_.outputs, self.pooling)
