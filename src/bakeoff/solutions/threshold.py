"""Threshold: from which probability on the positive class is predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import metrics
from bakeoff.errors import ConfigError
from bakeoff.metrics.bounds import read_bounds
from bakeoff.models.base import ModelReport, require_kind
from bakeoff.predictions import Predictions
from bakeoff.solutions.answers import Answers
from bakeoff.solutions.base import HeldOut, OfOnePart
from bakeoff.solutions.judging import Judge
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd

MOST_CANDIDATES = 250


@dataclass(eq=False)
class Threshold(OfOnePart):
    """A part of a binary task that predicts the positive class from another probability on than one half.

    Args:
        part: name of the part.
        threshold: the probability; null: learnt on validation rows for the objective.
        objective: metric for which it is learnt, such as ``net_value_per_1k``; null: the metric that decides.
        capacity: greatest share of rows that may be predicted positive, such as 0.05 of all customers; null: that
            of the business model, if it has one. Below it the threshold serves the objective.
        limits: metric → bound that the threshold keeps on validation rows, such as ``precision: ">= 0.9"``.
        parts: name of the part → its model, or the name of a variant of the bake-off; a part that is not here is the
            variant of its own name.
    """

    part: str = ""
    threshold: float | None = None
    objective: str | None = None
    capacity: float | None = None
    limits: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def learns(self) -> bool:
        """True where the threshold is not given."""
        return self.threshold is None

    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where the task is not binary."""
        require_kind(self, schema, "classification")
        if schema.positive is None:
            raise ConfigError(
                f"model: a threshold needs two classes and data.positive; this task has {len(schema.classes)} classes."
            )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"model.threshold: {self.threshold} is no probability.")
        if self.capacity is not None and not 0 < self.capacity <= 1:
            raise ConfigError(f"model.capacity: {self.capacity} is no share of rows, such as 0.05.")
        if self.capacity is not None and self.threshold is not None:
            raise ConfigError("model.capacity: it decides a threshold that is learnt, and model.threshold gives one.")
        if self.objective is not None and _ranks(self.objective):
            raise ConfigError(
                f"model.objective: {self.objective} is of probabilities, the same at every threshold. Take f1, say."
            )
        read_bounds(self.limits, "model.limits")

    def judge(self, schema: Schema, deciding: str | None = None) -> Judge:
        """The declared objective under the declared limits.

        A metric that decides by ranking rows is the same at every threshold: the default of the kind takes its place.
        """
        if deciding is not None and _ranks(deciding):
            deciding = None
        return Judge.of_schema(schema, self.objective or deciding, tuple(read_bounds(self.limits, "model.limits")))

    def learn(self, held: HeldOut) -> None:
        """Try the probabilities of the validation rows as thresholds, and keep the best; the highest of equal ones."""
        self.schema_, self.objective_ = held.schema, held.judge.metric
        given = held.answers.of(self.part, np.arange(len(held)))
        positive = self._positive(given)
        most = min((share for share in (self.capacity, held.capacity) if share is not None), default=None)

        def rank(threshold: float) -> tuple[float, ...]:
            at = self._at(given, positive, threshold)
            over = 0.0 if most is None else max(0.0, float((positive >= threshold).mean()) - most)
            return (-over, *held.judge.rank(held.judge.table(held.schema, held.rows, at)))

        distinct = np.unique(positive)[::-1]
        # Between two rows any threshold does the same: the middle is the least sensitive to new rows.
        candidates = np.concatenate([[1.0], (distinct[1:] + distinct[:-1]) / 2, [0.0]])
        step = max(1, len(candidates) // MOST_CANDIDATES)
        ranks = {i: rank(float(candidates[i])) for i in range(0, len(candidates), step)}
        best = max(ranks, key=lambda i: ranks[i])
        for i in range(max(0, best - step), min(len(candidates), best + step + 1)):
            ranks.setdefault(i, rank(float(candidates[i])))
        self.threshold_ = float(candidates[max(sorted(ranks), key=lambda i: ranks[i])])

    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Predict the positive class from the threshold on."""
        given = answers.of(self.part, np.arange(len(answers)))
        if not len(given):
            return given
        threshold = self.threshold_ if self.threshold is None else self.threshold
        return self._at(given, self._positive(given), threshold)

    def _positive(self, given: Predictions) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,)."""
        if given.proba is None:
            raise ConfigError(f"model.part: {self.part} gives no probabilities to compare with a threshold.")
        return np.nan_to_num(given.proba[:, list(self.schema_.classes).index(str(self.schema_.positive))])

    def _at(self, given: Predictions, positive: NDArray[np.float64], threshold: float) -> Predictions:
        other = next(label for label in self.schema_.classes if label != self.schema_.positive)
        is_positive = positive >= threshold
        label = np.where(is_positive, str(self.schema_.positive), other)
        output = np.where(given.is_answered, label, given.output).astype(object)
        return replace(given, output=output, confidence=np.where(is_positive, positive, 1 - positive))

    def learned_report(self) -> ModelReport:
        """The threshold, and for which metric it was learnt."""
        if self.threshold is not None:
            return ModelReport({"threshold": self.threshold})
        return ModelReport({"threshold": self.threshold_, "objective": self.objective_})

    def state(self) -> dict[str, Any]:
        """The threshold."""
        return {"threshold": self.threshold_, "objective": self.objective_} if self.threshold is None else {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""
        if self.threshold is None:
            self.threshold_, self.objective_ = float(state["threshold"]), str(state["objective"])


def _ranks(name: str) -> bool:
    """Return whether a metric is of probabilities alone."""
    return "proba" in metrics.asked(name, "model.objective").needs
