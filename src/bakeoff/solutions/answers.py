"""Predictions of the parts of a solution: asked of fitted models, or read from what their runs recorded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bakeoff.models.base import Model
from bakeoff.predictions import Predictions, concatenated, is_missing, stated_confidence

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.intp]


class Answers(Protocol):
    """Predictions of n rows by each part, given for the rows for which they are wanted."""

    @property
    def truth(self) -> NDArray[Any] | None:
        """The targets of the rows, where they are known: by them the answers of a person are simulated."""

    def __len__(self) -> int:
        """Number of rows."""

    def of(self, part: str, rows: Rows) -> Predictions:
        """Predictions of a part for the rows at these positions."""


@dataclass(frozen=True)
class Recorded:
    """Predictions that runs recorded: nothing is predicted, and no language model is asked.

    Attributes:
        predictions: part → predictions of all n rows.
        truth: the targets, shape (n,).
    """

    predictions: Mapping[str, Predictions]
    truth: NDArray[Any] | None

    def __len__(self) -> int:
        return len(next(iter(self.predictions.values())))

    def of(self, part: str, rows: Rows) -> Predictions:
        """Take the rows of a part."""
        if len(rows) == len(self) and (rows == np.arange(len(rows))).all():
            return self.predictions[part]
        return self.predictions[part].take(rows)

    def take(self, rows: Rows) -> Recorded:
        """The given rows of every part."""
        taken = {name: predictions.take(rows) for name, predictions in self.predictions.items()}
        return Recorded(taken, None if self.truth is None else self.truth[rows])


class DecidedByPeople(Model):
    """Base of models in which people may decide: where targets are known, their decisions can be simulated.

    No other model is ever given the targets of the rows that it predicts, whatever its methods are called.
    """

    @abstractmethod
    def simulate(self, X: pd.DataFrame, truth: NDArray[Any]) -> Predictions:
        """Predict n rows; ``truth`` (n targets) serves only to simulate decisions of people."""


def simulated(model: Model, X: pd.DataFrame, truth: NDArray[Any] | None) -> Predictions:
    """Predictions of n rows: with simulated decisions of people where targets are known, else as ``predict`` gives."""
    if truth is not None and isinstance(model, DecidedByPeople):
        return model.simulate(X, truth)
    return model.predict(X)


@dataclass
class Asked:
    """Predictions of new rows: each part is asked for the rows that need it, and never twice for one row.

    Attributes:
        models: part → fitted model.
        X: n rows of the feature columns.
        truth: the targets, shape (n,), by which decisions of people are simulated; None: unknown.
    """

    models: Mapping[str, Model]
    X: pd.DataFrame
    truth: NDArray[Any] | None = None
    _given: dict[str, tuple[Rows, Predictions]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.X)

    def of(self, part: str, rows: Rows) -> Predictions:
        """Ask the part for those of the rows that it has not predicted yet."""
        known = self._given.get(part)
        missing = rows if known is None else rows[~np.isin(rows, known[0])]
        if len(missing) or known is None:
            truth = None if self.truth is None else self.truth[missing]
            predicted = simulated(self.models[part], self.X.iloc[missing], truth)
            known = (
                (missing, predicted)
                if known is None
                else (np.concatenate([known[0], missing]), concatenated([known[1], predicted]))
            )
            self._given[part] = known
        order = np.argsort(known[0])
        return known[1].take(order[np.searchsorted(known[0][order], rows)])


def with_confidence(predictions: Predictions) -> Predictions:
    """The predictions with the confidence of each, where there is one."""
    sure = stated_confidence(predictions)
    return predictions if sure is None else replace(predictions, confidence=sure)


def without_partial_fields(predictions: Predictions) -> Predictions:
    """The predictions without probabilities or confidences that some answered rows lack."""
    answered = predictions.is_answered
    dropped = {
        name: None
        for name in ("proba", "confidence")
        if getattr(predictions, name) is not None and is_missing(getattr(predictions, name))[answered].any()
    }
    return replace(predictions, **dropped) if dropped else predictions  # type: ignore[arg-type]
