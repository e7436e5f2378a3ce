"""Models that put the items of lists in order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.extend import (
    ConfigError,
    Context,
    Examples,
    Model,
    Predictions,
    Schema,
    persistence,
    require_fitted,
    require_kind,
)
from bakeoff_ranking.kind import NAME
from bakeoff_ranking.lists import ITEMS, items_of, ordered

Floats = NDArray[np.float64]
Item = dict[str, Any]


def _check(model: object, schema: Schema) -> None:
    require_kind(model, schema, NAME)
    if ITEMS not in schema.columns:
        raise ConfigError(f'data: there is no column "{ITEMS}" with the items of each list. Use data=lists.')


def _answered(scores: list[list[float]]) -> Predictions:
    output = np.empty(len(scores), dtype=object)
    output[:] = [ordered(of_list) for of_list in scores]
    return Predictions(output)


@dataclass(eq=False)
class ByColumn(Model):
    """Sorts by one column, a common production baseline.

    Args:
        column: of the items; those without a number in it go last.
        descending: whether the highest value is the best.
    """

    column: str
    descending: bool = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for another kind of task."""
        _check(self, schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Check that the column exists; nothing is learnt. Raises ``ConfigError`` if it does not."""
        names = dict.fromkeys(name for items in items_of(train.X[ITEMS]) for item in items for name in item)
        if self.column not in names:
            raise ConfigError(f'model.column: items have no "{self.column}". They have: {", ".join(names)}.')
        self.schema_ = context.schema

    def predict(self, X: pd.DataFrame) -> Predictions:
        """The order of each list."""
        require_fitted(self)
        return _answered([[self._score(item) for item in items] for items in items_of(X[ITEMS])])

    def save(self, folder: Path) -> None:
        """Write the parameters."""
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read them back."""
        saved = persistence.read(cls, folder)
        saved.model.schema_ = saved.schema
        return saved.model

    def _score(self, item: Item) -> float:
        value = item.get(self.column)
        if not isinstance(value, int | float):
            return -math.inf
        return float(value) if self.descending else -float(value)


@dataclass(eq=False)
class Pairwise(Model):
    """A linear score of an item, learnt from which of two items of a list is better (Herbrich et al. 1999).

    Logistic regression on the differences of pairs. Numbers are scaled by their deviation, missing ones count as the
    mean; each category is a column of its own.

    Args:
        C: inverse of the regularisation.
        most_categories: most frequent categories per column to keep apart; the others are merged into one.
    """

    C: float = 1.0
    most_categories: int = 20

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for another kind of task, or a value out of its range."""
        _check(self, schema)
        if self.C <= 0:
            raise ConfigError(f"model.C: {self.C}. It must be more than 0.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn from the pairs of each list whose grades differ."""
        from sklearn.linear_model import LogisticRegression

        from bakeoff.extend import threads

        lists = items_of(train.X[ITEMS])
        self.schema_ = context.schema
        self.columns_ = _columns([item for items in lists for item in items], self.most_categories)
        steps = [
            step
            for items, grades in zip(lists, train.y, strict=True)
            if items
            for step in _steps(self._matrix(items), np.array(grades))
        ]
        if not steps:
            raise ConfigError("model: no list has two items of different grade, so there is no order to learn.")
        up = np.array(steps)
        # Each pair both ways round, so that the score needs no intercept.
        learner = LogisticRegression(C=self.C, fit_intercept=False, max_iter=2000)
        with threads.working(learner, context.threads):
            learner.fit(np.vstack([up, -up]), np.repeat([1, 0], len(up)))
        self.weights_ = learner.coef_[0].astype(np.float64)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """The order of each list."""
        require_fitted(self, "weights_")
        return _answered(
            [(self._matrix(items) @ self.weights_).tolist() if items else [] for items in items_of(X[ITEMS])]
        )

    def save(self, folder: Path) -> None:
        """Write the weight of each column as JSON."""
        persistence.write(folder, self, self.schema_, columns=self.columns_, weights=self.weights_.tolist())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read them back."""
        saved = persistence.read(cls, folder)
        model, model.schema_, learnt = saved.model, saved.schema, saved.learned
        model.columns_, model.weights_ = learnt["columns"], np.array(learnt["weights"])
        return model

    def _matrix(self, items: list[Item]) -> Floats:
        """The items of a list as numbers, shape (n, m)."""
        made = []
        for name, how in self.columns_.items():
            values = [item.get(name) for item in items]
            if "mean" in how:
                told = [float(v) if isinstance(v, int | float) else how["mean"] for v in values]
                made.append((np.array(told) - how["mean"]) / how["deviation"])
            else:
                made += [np.array([float(str(v) == category) for v in values]) for category in how["categories"]]
        return np.column_stack(made)


def _columns(items: list[Item], most_categories: int) -> dict[str, dict[str, Any]]:
    """Encoding of each column as numbers. Constant columns carry no ranking information and are dropped."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for item in items for name in item):
        values = [item[name] for item in items if item.get(name) is not None]
        if values and all(isinstance(value, int | float) for value in values):
            deviation = float(np.std(values))
            if deviation > 0:
                found[name] = {"mean": float(np.mean(values)), "deviation": deviation}
            continue
        counts = pd.Series([str(value) for value in values]).value_counts(sort=True)
        if len(counts) > 1:
            found[name] = {"categories": sorted(counts.index[:most_categories])}
    if not found:
        raise ConfigError("model: all items of all lists are alike, so there is no order to learn.")
    return found


def _steps(matrix: Floats, grades: Floats) -> Floats:
    """From the worse to the better item of each pair whose grades differ, shape (pairs, m)."""
    better, worse = np.nonzero(grades[:, None] > grades[None, :])
    return matrix[better] - matrix[worse]
