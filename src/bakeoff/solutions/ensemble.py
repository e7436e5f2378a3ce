"""Ensemble: all parts predict every row, and their predictions are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError
from bakeoff.models import classes, multilabel
from bakeoff.models.base import ModelReport, require_kind
from bakeoff.predictions import OK, WITHHELD, Predictions
from bakeoff.solutions import consensus
from bakeoff.solutions.answers import Answers
from bakeoff.solutions.base import HeldOut, Solution
from bakeoff.solutions.judging import Judge
from bakeoff.solutions.summed import expenses
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["vote", "average", "weighted", "stacked"]
LEAST_PROBABILITY = 1e-6


@dataclass(eq=False)
class Ensemble(Solution):
    """All parts predict every row; a part without an answer for a row does not count there.

    Args:
        members: names of the parts.
        method: ``average`` of probabilities, values or reciprocal ranks, and of answers in words the one that is most
            like the others; ``weighted``: the same with weights learnt on validation rows (greedy selection with
            replacement; Caruana et al. 2004); ``vote``: the most frequent label; ``stacked``: a linear model of the
            parts' probabilities or values, fitted to validation rows.
        parts: name of a part → its model, or the name of a variant of the bake-off; a part that is not here is the
            variant of its own name.
        objective: metric for which weights are learnt; null: the metric that decides.
        rounds: of the greedy selection; weights are multiples of one in so many.
    """

    members: list[str] = field(default_factory=list)
    method: Method = "weighted"
    parts: dict[str, Any] = field(default_factory=dict)
    objective: str | None = None
    rounds: int = 50

    @property
    def names(self) -> tuple[str, ...]:
        """The members."""
        return tuple(self.members)

    @property
    def learns(self) -> bool:
        """True where weights or a linear model are learnt."""
        return self.method in ("weighted", "stacked")

    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where the method does not suit the task."""
        require_kind(self, schema, "classification", "multilabel", "regression", "qa", "retrieval")
        if len(self.members) < 2:
            raise ConfigError("model.members: an ensemble needs two members or more, such as [linear, catboost].")
        if self.rounds < 1:
            raise ConfigError(f"model.rounds: {self.rounds} is less than 1.")
        if self.method == "vote" and schema.kind not in ("classification", "multilabel"):
            raise ConfigError(f"model.method: labels are voted on, and this task is {schema.kind}. Take average.")
        if self.method == "stacked" and schema.kind not in ("classification", "regression"):
            raise ConfigError(f"model.method: stacked is for classification and regression, not {schema.kind}.")

    def judge(self, schema: Schema, deciding: str | None = None) -> Judge:
        """The declared objective."""
        return Judge.of_schema(schema, self.objective or deciding, ())

    def learn(self, held: HeldOut) -> None:
        """Learn weights, or the linear model."""
        self.schema_ = held.schema
        parts = self._parts(held.answers)
        if self.method == "stacked":
            self.linear_: dict[str, Any] = _fit_linear(self._features(parts), held.rows.y, held.schema)
            return
        alike = self._likeness(parts)
        counts = dict.fromkeys(self.members, 0)
        best: tuple[tuple[float, ...], dict[str, int]] | None = None
        for _ in range(self.rounds):
            ranks = {}
            for name in self.members:
                self.weights_: dict[str, float] = _shares({**counts, name: counts[name] + 1})
                ranks[name] = held.judge.rank(held.judge.table(held.schema, held.rows, self._together(parts, alike)))
            chosen = max(self.members, key=lambda name: ranks[name])
            counts[chosen] += 1
            if best is None or ranks[chosen] > best[0]:
                best = ranks[chosen], dict(counts)
        assert best is not None
        self.weights_ = _shares(best[1])

    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Ask every member for every row."""
        parts = self._parts(answers)
        return self._together(parts, self._likeness(parts))

    def _parts(self, answers: Answers) -> dict[str, Predictions]:
        rows = np.arange(len(answers))
        return {name: answers.of(name, rows) for name in self.members}

    def _likeness(self, parts: Mapping[str, Predictions]) -> NDArray[np.float64] | None:
        """How alike the parts' answers in words are; None for other tasks."""
        return consensus.likeness(list(parts.values())) if self.schema_.kind == "qa" else None

    def _weights(self) -> dict[str, float]:
        if self.method == "weighted":
            return self.weights_
        return dict.fromkeys(self.members, 1 / len(self.members))

    def _together(self, parts: Mapping[str, Predictions], alike: NDArray[np.float64] | None) -> Predictions:
        kind = self.schema_.kind
        first = next(iter(parts.values()))
        counting = (OK, WITHHELD) if kind == "qa" else (OK,)  # that a question has no answer is one
        answered = np.stack([np.isin(part.status.astype(str), counting) for part in parts.values()])
        weights = np.array([self._weights()[name] for name in self.members])[:, None] * answered
        total = weights.sum(axis=0)
        nobody = total == 0  # those with a weight gave no answer: the others count equally, if there are any
        weights[:, nobody] = answered[:, nobody]
        weights = weights / np.where(weights.sum(axis=0) > 0, weights.sum(axis=0), 1)
        if kind == "retrieval":
            combined = consensus.ranked(list(parts.values()), weights)
        elif alike is not None:
            combined = consensus.answered(list(parts.values()), weights, alike)
        elif kind == "regression":
            if self.method == "stacked":
                values = self._features(parts) @ np.array(self.linear_["weights"]) + self.linear_["intercept"]
            else:
                values = sum(w * np.nan_to_num(p.output) for w, p in zip(weights, parts.values(), strict=True))
            combined = Predictions(np.asarray(values, dtype=np.float64))
        else:
            combined = self._labels(parts, weights)
        lost = ~answered.any(axis=0)
        status = np.where(lost, first.status, combined.status).astype(object)
        reason = np.where(lost, first.reason, combined.reason).astype(object)
        return replace(combined, status=status, reason=reason, **expenses(parts))

    def _labels(self, parts: Mapping[str, Predictions], weights: NDArray[np.float64]) -> Predictions:
        """Labels by mean probability, by the linear model, or by votes."""
        schema = self.schema_
        if self.method == "vote":
            given = [_votes(part.output, schema) for part in parts.values()]
        elif self.method == "stacked":
            mean = np.mean([np.nan_to_num(self._proba(name, part)) for name, part in parts.items()], axis=0)
            proba = _linear_proba(self._features(parts), self.linear_, mean)
            return Predictions(classes.most_probable(proba, schema.classes), proba)
        else:
            given = [self._proba(name, part) for name, part in parts.items()]
        proba = np.sum([w[:, None] * np.nan_to_num(p) for w, p in zip(weights, given, strict=True)], axis=0)
        if schema.kind == "multilabel":
            return multilabel.from_proba(proba, schema.classes)
        sums = proba.sum(axis=1, keepdims=True)
        proba = np.where(sums > 0, proba / np.where(sums > 0, sums, 1), 1 / len(schema.classes))
        return Predictions(classes.most_probable(proba, schema.classes), proba)

    def _proba(self, name: str, part: Predictions) -> NDArray[np.float64]:
        if part.proba is None:
            raise ConfigError(
                f"model.members: {name} gives no probabilities to average. Leave it out, or take model.method=vote."
            )
        return part.proba

    def _features(self, parts: Mapping[str, Predictions]) -> NDArray[np.float64]:
        """Inputs of the linear model: values, or log-probabilities relative to the first class, shape (n, m)."""
        if self.schema_.kind == "regression":
            answered = np.stack([part.status == OK for part in parts.values()], axis=1)
            values = np.where(answered, np.stack([part.output for part in parts.values()], axis=1), 0)
            mean = values.sum(axis=1, keepdims=True) / np.maximum(answered.sum(axis=1, keepdims=True), 1)
            return np.where(answered, values, mean)  # a part without an answer is replaced by the mean of the others
        logs = [
            np.log(
                np.clip(np.nan_to_num(self._proba(name, part), nan=1 / len(self.schema_.classes)), LEAST_PROBABILITY, 1)
            )
            for name, part in parts.items()
        ]
        return np.concatenate([log[:, 1:] - log[:, :1] for log in logs], axis=1)

    def learned_report(self) -> ModelReport:
        """The weights."""
        if self.method == "stacked":
            return ModelReport({"stacked": self.linear_})
        return ModelReport({"weights": self._weights()})

    def state(self) -> dict[str, Any]:
        """Weights, or the linear model."""
        if self.method == "stacked":
            return {"linear": self.linear_}
        return {"weights": self.weights_} if self.method == "weighted" else {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""
        if self.method == "stacked":
            self.linear_ = dict(state["linear"])
        elif self.method == "weighted":
            self.weights_ = dict(state["weights"])


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    return {name: count / sum(counts.values()) for name, count in counts.items()}


def _votes(output: NDArray[Any], schema: Schema) -> NDArray[np.float64]:
    """One vote a label, shape (n, k)."""
    if schema.kind == "multilabel":
        return multilabel.indicators(output, schema.classes).astype(np.float64)
    codes = classes.codes(output, schema.classes)
    votes = np.zeros((len(output), len(schema.classes)))
    known = codes >= 0
    votes[np.flatnonzero(known), codes[known]] = 1
    return votes


def _fit_linear(features: NDArray[np.float64], y: NDArray[Any], schema: Schema) -> dict[str, Any]:
    """Fit the linear model: logistic regression, or least squares with weights of at least 0 (Breiman 1996)."""
    if schema.kind == "regression":
        from sklearn.linear_model import LinearRegression

        fitted = LinearRegression(positive=True).fit(features, y)
        return {"weights": fitted.coef_.tolist(), "intercept": float(fitted.intercept_)}
    from sklearn.linear_model import LogisticRegression

    seen = [label for label in schema.classes if (y == label).any()]
    if len(seen) < 2:
        raise ConfigError("model.method: the validation rows are of one class, so nothing can be stacked on them.")
    logistic = LogisticRegression(C=1.0, max_iter=2000).fit(features, y)
    coefficients, intercepts = logistic.coef_, logistic.intercept_
    if len(logistic.classes_) == 2:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercepts / 2
    columns = [list(schema.classes).index(str(label)) for label in logistic.classes_]
    return {
        "weights": coefficients.tolist(),
        "intercepts": intercepts.tolist(),
        "columns": columns,
    }


def _linear_proba(
    features: NDArray[np.float64], linear: Mapping[str, Any], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities by the linear model, shape (n, k).

    Classes that it has not seen among the validation rows keep the mean probability of the parts, ``mean``.
    """
    scores = features @ np.array(linear["weights"]).T + np.array(linear["intercepts"])
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba = mean.copy()
    proba[:, linear["columns"]] = 0
    left = 1 - np.minimum(proba.sum(axis=1, keepdims=True), 1)
    proba[:, linear["columns"]] = left * scores / scores.sum(axis=1, keepdims=True)
    return proba
