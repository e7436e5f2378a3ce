"""SetFit: contrastive fine-tuning of a pre-trained encoder, and a scikit-learn classifier on its vectors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.config import components
from bakeoff.errors import ConfigError
from bakeoff.models import persistence, threads
from bakeoff.models.base import Context, Model, ModelReport, no_report, require_fitted, require_kind
from bakeoff.models.deep import encoders, training, weights
from bakeoff.models.deep.batches import Rows
from bakeoff.models.deep.recipe import Recipe, check_range
from bakeoff.models.deep.targets import Targets
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.deep.training import Problem, Trained
from bakeoff.models.tabular import heads
from bakeoff.models.texts import texts
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.deep.pooled import Pairs

LEFT, RIGHT = "left", "right"  # as in pooled.py, which imports torch
HEAD = "head.skops"
# Training target of the encoder: whether two texts belong to the same class.
NEAR = Schema("regression", "near", {LEFT: "text", RIGHT: "text"})


@dataclass(eq=False)
class SetFit(Model):
    """Few-shot classification by contrast (SetFit, Tunstall et al. 2022). Needs the extra finetune.

    The encoder learns to bring texts of one class together and those of others apart; then a classifier is fitted to
    the vectors of the training rows.

    Args:
        encoder: ``minilm``, the name of an encoder on the Hugging Face hub, or a folder in the hub's layout.
        revision: of the hub repository; None: the newest.
        pooling: mean of all vectors, or cls: the first one.
        max_tokens: per text; longer texts are truncated.
        pairs: number of pairs to sample, half of them of one class; they, not the rows, determine the cost of a fit.
        epochs: passes over the pairs.
        learning_rate: peak value.
        batch_size: pairs a step.
        weight_decay: AdamW coefficient; larger values regularise more.
        classifier: of scikit-learn, on vectors of length 1.
        trainer: training settings of the encoder.
    """

    encoder: str = encoders.MINILM
    revision: str | None = None
    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: int = 128
    pairs: int = 1000
    epochs: int = 1
    learning_rate: float = 1e-4
    batch_size: int = 16
    weight_decay: float = 0.01
    classifier: object = None
    trainer: Trainer = field(default_factory=Trainer)

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range, or when a package of the extra is missing."""
        require_kind(self, schema, "classification")
        heads.check(*heads.chosen(self.classifier, None, schema))
        if self.pooling not in ("mean", "cls"):
            raise ConfigError(f'model.pooling: "{self.pooling}" is unknown. Allowed: mean, cls.')
        check_range("max_tokens", self.max_tokens, 3)
        check_range("pairs", self.pairs, 2)
        self._recipe.check()
        self.trainer.check()
        encoders.check("full")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Fine-tune the encoder on pairs of ``train``, then fit a copy of the classifier to its vectors."""
        from sklearn.base import clone

        from bakeoff.models.deep.pooled import Pairs, Vectors

        self.schema_ = context.schema
        self.encoder_ = encoders.pretrained(self.encoder, self.revision)
        self.texts_ = self._texts()
        self.head_ = clone(heads.chosen(self.classifier, None, context.schema)[0])
        heads.settle(self.head_, context)
        rows = self.texts_.rows(texts(train.X, context.schema), "training")
        codes = heads.target(train.y, context.schema)
        left, right, is_near = drawn(codes, self.pairs, context.seed)
        near = is_near.astype(np.float32)
        assert rows.lengths is not None
        problem = Problem(
            Rows(len(near), {LEFT: left, RIGHT: right}, target=near),
            None,
            Targets(NEAR),
            near,
            {**components.describe(replace(self, classifier=None)), "texts": rows.digest},
            at_once=max(1, round(2 * float(rows.lengths.mean()))),
        )

        def build() -> Pairs:
            learning = encoders.prepare(self.encoder_.network, "full", 0, 0)
            return Pairs(Vectors(learning, self.pooling), rows)

        # The pair loss says little about classification quality, so it is not reported to a search.
        of_pairs = training.fit(build, problem, self._recipe, self.trainer, replace(context, report=no_report))
        self.trained_ = replace(of_pairs, network=of_pairs.network.vectors)  # type: ignore[arg-type]
        with threads.working(self.head_, context.threads):
            self.head_.fit(self._vectors(rows), codes)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows, with probabilities where the classifier has them. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "trained_")
        vectors = self._vectors(self.texts_.rows(texts(X, self.schema_), "test"))
        with threads.working(self.head_, 1 if len(X) <= threads.FEW_ROWS else self.trained_.threads):
            return heads.answer(self.head_, vectors, self.schema_)

    def report(self) -> ModelReport:
        """Report on the training: facts, notes, and curves with one row per epoch."""
        details = {"training": self.trained_.facts}
        notes = training.notes(self.trained_, self.texts_.cut, self.texts_.longest)
        return ModelReport(details, tuple(notes), tuple(self.trained_.curves))

    def save(self, folder: Path) -> None:
        """Write the encoder as safetensors and JSON, the classifier in skops' format."""
        persistence.write(folder, self, self.schema_, omit=("classifier",), threads=self.trained_.threads)
        encoders.save(self.encoder_, folder)
        weights.save(self.trained_.network, folder)
        heads.dump({"head": self.head_, **heads.unfitted(self)}, folder / HEAD)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` for weights of another network, or foreign classes."""
        from bakeoff.models.deep.pooled import Vectors

        loaded = heads.load(folder / HEAD)
        saved = persistence.read(cls, folder, classifier=loaded.get("classifier"))
        model, model.schema_, model.head_ = saved.model, saved.schema, loaded["head"]
        model.encoder_ = encoders.saved(folder)
        model.texts_ = model._texts()
        network = Vectors(model.encoder_.network, model.pooling)
        weights.load(network, folder)
        model.trained_ = Trained(network.eval(), Targets(NEAR), saved.learned["threads"])
        return model

    @property
    def _recipe(self) -> Recipe:
        return Recipe(self.epochs, self.learning_rate, self.batch_size, self.weight_decay)

    def _texts(self) -> encoders.Texts:
        return encoders.Texts(self.encoder_, f"{self.encoder} {self.revision}", self.max_tokens)

    def _vectors(self, rows: Rows) -> NDArray[np.float64]:
        """Vectors of n texts, shape (n, width), in double precision so that probabilities sum to 1."""
        vectors = training.answered(self.trained_.network, rows, self.encoder_.width, self.trained_.threads)
        return vectors.astype(np.float64)


def drawn(codes: NDArray[Any], pairs: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Sample pairs of rows, half from the same class and half from two; rows are used evenly.

    Args:
        codes: class of each row, shape (n,).
        pairs: number of pairs; fewer if the rows have no pairs of one kind.
        seed: of the draw.

    Returns:
        Positions of the two rows of each pair, and whether they are of one class.

    Raises:
        ConfigError: there is one class only, or no class has two rows.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(codes)
    of_class = [np.flatnonzero(codes == code) for code in range(len(counts))]
    has_like = np.flatnonzero(counts[codes] > 1)
    if not len(has_like) or np.count_nonzero(counts) < 2:
        raise ConfigError(
            "model: contrast takes two training rows of a class and one of another, and there are none. "
            "Choose model=embedding, or give more rows."
        )
    chosen: list[tuple[int, int, bool]] = []
    for is_near, firsts, n in ((True, has_like, (pairs + 1) // 2), (False, np.arange(len(codes)), pairs // 2)):
        turns = np.concatenate([rng.permutation(firsts) for _ in range(-(-n // len(firsts)))])[:n]
        for first in turns:
            others = of_class[codes[first]]
            second = first
            while second == first or (codes[second] == codes[first]) != is_near:
                second = rng.choice(others) if is_near else rng.integers(len(codes))
            chosen.append((int(first), int(second), is_near))
    left, right, near = (np.array(column) for column in zip(*chosen, strict=True))
    return left, right, near
