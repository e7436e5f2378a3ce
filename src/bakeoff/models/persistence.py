"""Fitted models on disk: which class wrote a folder, and the folder read back by that class."""

from __future__ import annotations

import json
from pathlib import Path

from bakeoff.config import components
from bakeoff.errors import DataError
from bakeoff.models.base import Model

WHOSE = "model.json"


def save(model: Model, folder: Path) -> None:
    """Write a fitted model into an empty folder, with the name of its class."""
    cls = type(model)
    (folder / WHOSE).write_text(json.dumps({"class": f"{cls.__module__}.{cls.__qualname__}"}), encoding="utf-8")
    model.save(folder)


def load(folder: Path) -> Model:
    """Read back what ``save`` wrote.

    Raises:
        DataError: there is no model in the folder.
        ConfigError: it was written by a class that is not allowed.
    """
    file = folder / WHOSE
    if not file.is_file():
        raise DataError(f"{folder} holds no model: there is no {WHOSE} in it.")
    cls = components.locate(json.loads(file.read_text(encoding="utf-8"))["class"], str(file))
    loaded: Model = cls.load(folder)  # type: ignore[attr-defined]
    return loaded
