"""Encoding of targets for a network, and decoding of its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.models import classes
from bakeoff.task import Predictions, Schema

ClassWeights = Literal["balanced"] | Mapping[str, float] | None


@dataclass(frozen=True)
class Targets:
    """Encoder of targets: classes as codes, values standardised.

    Attributes:
        schema: of the task.
        mean, deviation: of the training values; 0 and 1 for classes.
    """

    schema: Schema
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def learn(cls, y: NDArray[Any], schema: Schema) -> Targets:
        """Learn mean and deviation of the training values."""
        if schema.kind == "classification" or not len(y):
            return cls(schema)
        return cls(schema, float(y.mean()), float(y.std()) or 1.0)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], schema: Schema) -> Targets:
        """Restore from the output of ``plain``."""
        return cls(schema, plain["mean"], plain["deviation"])

    def plain(self) -> dict[str, float]:
        """Scaling of values, for JSON."""
        return {"mean": self.mean, "deviation": self.deviation}

    @property
    def outputs(self) -> int:
        """Number of network outputs per row."""
        if self.is_classes:
            return len(self.schema.classes)
        return self.schema.series.horizon if self.schema.series else 1

    @property
    def is_classes(self) -> bool:
        """True if the targets are classes, False if values."""
        return self.schema.kind == "classification"

    def encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        """Encode targets: int64 codes or float32 values, in the shape of the targets."""
        if self.is_classes:
            return classes.codes(y, self.schema.classes).astype(np.int64)
        return np.asarray((y - self.mean) / self.deviation, dtype=np.float32)

    def start(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Prior outputs of an untrained network: log class frequencies, or the mean; shape (outputs,)."""
        if not self.is_classes:
            return np.zeros(1, dtype=np.float32)
        counts = np.bincount(classes.codes(y, self.schema.classes), minlength=self.outputs)
        shares = (counts + 0.5) / (counts.sum() + 0.5 * self.outputs)
        return np.asarray(np.log(shares), dtype=np.float32)

    def weights(self, y: NDArray[Any], class_weights: ClassWeights) -> NDArray[np.float32] | None:
        """Loss weight of each class, shape (k,); None: equal weights."""
        if class_weights is None or not self.is_classes:
            return None
        names = self.schema.classes
        if class_weights == "balanced":
            counts = np.bincount(classes.codes(y, names), minlength=len(names))
            return np.where(counts > 0, len(y) / (len(names) * np.maximum(counts, 1)), 0.0).astype(np.float32)
        assert not isinstance(class_weights, str)
        return np.array([class_weights.get(name, 1.0) for name in names], dtype=np.float32)

    def predictions(self, outputs: NDArray[np.float32]) -> Predictions:
        """Convert the network's outputs for n rows, shape (n, outputs), to predictions."""
        raw = outputs.astype(np.float64)
        if not self.is_classes:
            values = raw * self.deviation + self.mean
            return Predictions(values if self.schema.series else values[:, 0])
        raised = np.exp(raw - raw.max(axis=1, keepdims=True))
        proba = raised / raised.sum(axis=1, keepdims=True)
        return Predictions(classes.most_probable(proba, self.schema.classes), proba)


def check_weights(class_weights: Any, schema: Schema) -> None:
    """Raise ``ConfigError`` for weights of unknown classes, or negative weights."""
    if class_weights is None or class_weights == "balanced":
        return
    if isinstance(class_weights, str):
        raise ConfigError(
            f'model.class_weights: "{class_weights}" is unknown. Allowed: balanced, {{class: weight}} or null.'
            f"{did_you_mean(class_weights, ['balanced'])}"
        )
    for name, weight in class_weights.items():
        if schema.kind == "classification" and name not in schema.classes:
            raise ConfigError(
                f'model.class_weights: there is no class "{name}". Classes: {", ".join(schema.classes)}.'
                f"{did_you_mean(str(name), schema.classes)}"
            )
        if weight < 0:
            raise ConfigError(f"model.class_weights.{name}: {weight} is below 0.")
