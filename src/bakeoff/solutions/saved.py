"""Part of a solution that lies saved in the folder of its run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from bakeoff.models import persistence
from bakeoff.models.base import Context, Model
from bakeoff.solutions.answers import DecidedByPeople, simulated
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class SavedPart(DecidedByPeople):
    """A fitted model in a folder: loaded when it is asked, and copied as it is when it is saved.

    Args:
        folder: the model's folder.
    """

    folder: Path

    @cached_property
    def model(self) -> Model:
        """The model, loaded."""
        return persistence.load(self.folder)

    @property
    def uses_validation(self) -> bool:
        """False: it is fitted."""
        return False

    def check(self, schema: Schema) -> None:
        """Accept any task: its own run has checked it."""

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Keep the model as it is."""

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows with the loaded model."""
        return self.model.predict(X)

    def simulate(self, X: pd.DataFrame, truth: NDArray[Any]) -> Predictions:
        """Predict n rows with the loaded model, and simulate the decisions of people in it."""
        return simulated(self.model, X, truth)

    def warm_up(self, X: pd.DataFrame) -> None:
        """Warm up the loaded model."""
        self.model.warm_up(X)

    def save(self, folder: Path) -> None:
        """Copy the saved model, its class included."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Refer to a saved model."""
        return cls(folder)
