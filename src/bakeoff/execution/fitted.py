"""A model that was fitted before, and is evaluated as it is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bakeoff.models.base import Model
from bakeoff.task import Schema


@dataclass(frozen=True)
class Fitted:
    """A previously fitted model.

    Attributes:
        model: as it was loaded.
        folder: that it was loaded from.
        schema: of the task that it was fitted for.
    """

    model: Model
    folder: Path
    schema: Schema

    def copy(self, folder: Path) -> None:
        """Copy the saved model unchanged into an existing, empty folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
