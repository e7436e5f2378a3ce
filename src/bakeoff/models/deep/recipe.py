"""Training recipe of a model: its own hyperparameters, besides those of the trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bakeoff.errors import ConfigError
from bakeoff.models.deep.targets import ClassWeights

Auto = Literal["auto"]


@dataclass(frozen=True)
class Recipe:
    """Epochs, learning rate, batch size and regularisation of a training.

    Attributes:
        epochs: maximum passes over the training rows.
        learning_rate: peak value; auto looks for it before training.
        batch_size: rows per step; auto looks for the one that is fastest and fits into memory.
        weight_decay: AdamW coefficient; larger values regularise more.
        class_weights: loss weight of each class.
        head_rate: learning rate of the last layer, as a multiple of the others'.
    """

    epochs: int
    learning_rate: float | Auto
    batch_size: int | Auto
    weight_decay: float
    class_weights: ClassWeights = None
    head_rate: float = 1.0

    def check(self) -> None:
        """Raise ``ConfigError`` for a value out of its range."""
        if self.epochs < 1:
            raise ConfigError(f"model.epochs: {self.epochs} is out of range. Allowed: 1 or more.")
        if not isinstance(self.learning_rate, str) and self.learning_rate <= 0:
            raise ConfigError(f"model.learning_rate: {self.learning_rate} is out of range. Allowed: above 0, or auto.")
        if not isinstance(self.batch_size, str) and self.batch_size < 1:
            raise ConfigError(f"model.batch_size: {self.batch_size} is out of range. Allowed: 1 or more, or auto.")
        if self.weight_decay < 0:
            raise ConfigError(f"model.weight_decay: {self.weight_decay} is out of range. Allowed: 0 or more.")


def check_range(name: str, value: float, low: float, high: float | None = None) -> None:
    """Raise ``ConfigError`` when ``model.<name>`` is out of its range."""
    if value < low or (high is not None and value > high):
        allowed = f"from {low:g} to {high:g}" if high is not None else f"{low:g} or more"
        raise ConfigError(f"model.{name}: {value} is out of range. Allowed: {allowed}.")
