"""Scikit-learn estimators that exist in this process alone, as variants: recorded by class and parameters."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.base import Context, Model
from bakeoff.models.tabular import heads
from bakeoff.models.tabular.estimator import Estimator, adapt_estimator
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

TARGET = "bakeoff.models.InMemory"
NOT_KEPT = "not-kept.txt"

_objects: dict[str, Any] = {}


@dataclass(eq=False)
class InMemory(Model):
    """An estimator that was passed as an object, behind the encoding that any scikit-learn estimator gets.

    Args:
        key: identifies the object within this process.
        estimator: its class, for the record.
        parameters: its ``get_params``, for the record; values that are not plain are described in words.
    """

    key: str
    estimator: str
    parameters: dict[str, Any] | None = None

    supports_lag_features = True
    _wrapped: Estimator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look up the object. Raises ``ConfigError`` if this process does not have it."""
        if self.key not in _objects:
            raise ConfigError(
                f"model: {self.estimator} was an object in the memory of another process, and only its class and "
                "parameters are recorded. Pass the object again: bakeoff.run(…, model=estimator)."
            )
        self._wrapped = adapt_estimator(_objects[self.key])

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when the estimator is not of the task's kind, or has a parameter that is not valid."""
        self._wrapped.check(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn the encoding and fit a copy of the estimator on it."""
        self._wrapped.fit(train, valid, context)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        return self._wrapped.predict(X)

    def save(self, folder: Path) -> None:
        """Save as any other estimator; one that skops cannot write is not saved, and the folder records why."""
        try:
            self._wrapped.save(folder)
        except Exception as error:  # a foreign class may raise anything: its predictions matter more than its file
            (folder / NOT_KEPT).write_text(f"{type(error).__name__}: {error}\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Estimator:  # type: ignore[override]
        """Read back what ``save`` wrote. Raises ``DataError`` if nothing was saved, or it names a foreign class."""
        if (folder / NOT_KEPT).is_file():
            raise DataError(f"{folder}: the model could not be kept: {(folder / NOT_KEPT).read_text('utf-8').strip()}")
        return Estimator.load(folder)


def component(estimator: Any) -> dict[str, Any]:
    """The component config of an estimator: of its own class where all of it can be said in a config, else in memory.

    Raises:
        ConfigError: it is no scikit-learn classifier or regressor.
    """
    from sklearn.base import is_classifier, is_regressor

    if (
        isinstance(estimator, type)
        or not hasattr(estimator, "get_params")
        or not (is_classifier(estimator) or is_regressor(estimator))
    ):
        raise ConfigError(f"model: {heads.named(estimator)} is not a scikit-learn classifier or regressor object.")
    node = _said(estimator)
    if node is not None:
        return {**node, "card": _card("BSD-3-Clause", type(estimator).__name__)}
    described = _described(estimator)
    text = json.dumps(described, sort_keys=True)
    key = f"{type(estimator).__name__}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    _objects[key] = estimator
    return {
        "_target_": TARGET,
        "key": key,
        "estimator": described["class"],
        "parameters": described["parameters"],
        "card": _card("not stated", f"{type(estimator).__name__}, an object in memory: it cannot be run again"),
    }


def forget() -> None:
    """Drop all objects, which leaves this process as a new one would be."""
    _objects.clear()


def _card(licence: str, summary: str) -> dict[str, Any]:
    return {
        "family": "classical",
        "licence": licence,
        "source": "open",
        "hosting": "local",
        "data_leaves_network": False,
        "summary": summary,
    }


def _said(value: Any) -> Any:
    """A value in config form; None if it has none. Not called with None itself."""
    if isinstance(value, bool | int | float | str):
        return None if isinstance(value, str) and "${" in value else value
    if not hasattr(value, "get_params") or isinstance(value, type):
        return None
    target = _public(type(value))
    if target is None:
        return None
    node: dict[str, Any] = {"_target_": target}
    for name, parameter in value.get_params(deep=False).items():
        node[name] = None if parameter is None else _said(parameter)
        if node[name] is None and parameter is not None:
            return None
    return node


def _public(cls: type) -> str | None:
    """Public scikit-learn path of a class; None for a class of another library."""
    parts = cls.__module__.split(".")
    if parts[0] != "sklearn":
        return None
    module = ".".join(part for part in parts if not part.startswith("_"))
    try:
        offered = getattr(importlib.import_module(module), cls.__name__, None)
    except ImportError:
        return None
    return f"{module}.{cls.__name__}" if offered is cls else None


def _described(value: Any) -> Any:
    """A value for the record: plain as it is, an estimator by class and parameters, anything else in words."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value.replace("${", r"\${")
    if isinstance(value, list | tuple):
        return [_described(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _described(item) for name, item in value.items()}
    if hasattr(value, "get_params") and not isinstance(value, type):
        parameters = {name: _described(item) for name, item in value.get_params(deep=False).items()}
        return {"class": heads.named(value), "parameters": parameters}
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:500].replace("${", r"\${")
