"""Rules in a multi-label task: every rule that holds adds its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.models import multilabel
from bakeoff.task import Predictions


@dataclass(frozen=True)
class ManyLabels:
    """Labels of rules, with the confidence of each rule.

    Attributes:
        classes: all labels, sorted.
        labels: of each rule.
        confidences: of each rule in its labels: declared, or learned from the training rows.
        rest: probability of each label for a row where no rule adds it, shape (k,).
        default: labels of a row for which no rule holds.
    """

    classes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    confidences: tuple[float, ...]
    rest: tuple[float, ...]
    default: tuple[str, ...]

    @classmethod
    def learned(
        cls,
        classes: tuple[str, ...],
        labels: Sequence[tuple[str, ...]],
        declared: Sequence[float | None],
        default: tuple[str, ...],
        holds: NDArray[np.bool_],
        y: NDArray[Any],
    ) -> Self:
        """Learn confidences from n training rows, with Laplace's rule of succession (1814): never quite 0 or 1.

        Args:
            classes: all labels.
            labels: of each rule.
            declared: confidence of each rule; None to learn it.
            default: labels where no rule holds.
            holds: whether each rule holds for each row, shape (n, rules).
            y: the targets, shape (n,).
        """
        truth = multilabel.indicators(y, classes).astype(bool)
        adds = multilabel.indicators(_as_array(labels), classes).astype(bool)
        confidences = []
        for rule, confidence in enumerate(declared):
            rows = holds[:, rule]
            right = truth[rows][:, adds[rule]].all(axis=1).sum()
            confidences.append(float((right + 1) / (rows.sum() + 2)) if confidence is None else confidence)
        without = ~(holds.astype(int) @ adds.astype(int)).astype(bool)
        rest = ((truth & without).sum(axis=0) + 1) / (without.sum(axis=0) + 2)
        return cls(classes, tuple(labels), tuple(confidences), tuple(rest.tolist()), default)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild from what ``dataclasses.asdict`` and JSON make of it."""
        labels = tuple(tuple(of_rule) for of_rule in content["labels"])
        return cls(labels=labels, **{name: tuple(values) for name, values in content.items() if name != "labels"})

    def predict(self, holds: NDArray[np.bool_], names: Sequence[str], default_name: str) -> Predictions:
        """Predict n rows; the stage of a row names the rules that hold for it.

        Args:
            holds: whether each rule holds for each row, shape (n, rules).
            names: of the rules.
            default_name: of the default.
        """
        proba = np.tile(np.array(self.rest), (len(holds), 1))
        is_predicted = np.zeros((len(holds), len(self.classes)), dtype=np.bool_)
        adds = multilabel.indicators(_as_array(self.labels), self.classes).astype(bool)
        for rule, confidence in enumerate(self.confidences):
            cells = holds[:, [rule]] & adds[rule]
            proba = np.where(cells, np.where(is_predicted, np.maximum(proba, confidence), confidence), proba)
            is_predicted |= cells
        is_covered = holds.any(axis=1)
        is_predicted[~is_covered] = multilabel.indicators(_as_array([self.default]), self.classes).astype(bool)
        stage = [
            ", ".join(name for name, there in zip(names, row, strict=True) if there) or default_name for row in holds
        ]
        return Predictions(multilabel.outputs(is_predicted, self.classes), proba, np.array(stage, dtype=object))


def _as_array(labels: Sequence[tuple[str, ...]]) -> NDArray[Any]:
    column = np.empty(len(labels), dtype=object)
    column[:] = list(labels)
    return column
