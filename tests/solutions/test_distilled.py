"""A student that learns the labels of a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from bakeoff import cost
from bakeoff.errors import ConfigError, DataError
from bakeoff.models import Estimator
from bakeoff.models.base import Context, Model
from bakeoff.solutions import Distilled
from bakeoff.task import NO_ANSWER, OK, Examples, Predictions, Schema

SCHEMA = Schema("classification", "label", {"x": "numeric"}, ("bad", "good"), "bad")


class Teacher(Model):
    """Says bad above a limit, and gives no answer to some rows; remembers which rows it was asked about."""

    def __init__(self, limit: float = 0.0, lost: float = 0.0) -> None:
        self.limit, self.lost = limit, lost
        self.seen: list[int] = []

    def check(self, schema: Schema) -> None:
        """Accept any task."""

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn nothing."""

    def predict(self, X: pd.DataFrame) -> Predictions:
        self.seen += X.index.tolist()
        is_lost = np.arange(len(X)) < self.lost * len(X)
        output = np.where(X["x"] > self.limit, "bad", "good").astype(object)
        return Predictions(
            output, status=np.where(is_lost, NO_ANSWER, OK).astype(object),
            reason=np.where(is_lost, "error: none", "").astype(object),
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write nothing."""

    @classmethod
    def load(cls, folder: Path) -> Teacher:
        return cls()


def rows(n: int = 200) -> Examples:
    x = np.random.default_rng(0).normal(size=n)
    X = pd.DataFrame({"x": x})
    return Examples(X, np.where(x > 0.5, "bad", "good").astype(object), np.arange(n), X.iloc[:, :0])


def fitted(teacher: Teacher, train: Examples, most: int | None = 100) -> Distilled:
    model = Distilled(teacher, Estimator(classifier=LogisticRegression()), most)
    model.check(SCHEMA)
    model.fit(train, None, Context(SCHEMA, 0, 1))
    return model


def test_student_learns_what_the_teacher_says_not_what_is_true() -> None:
    model = fitted(Teacher(limit=-0.5), rows())
    output = model.predict(pd.DataFrame({"x": [-1.5, -0.1, 0.3, 1.0]})).output
    assert output.tolist() == ["good", "bad", "bad", "bad"], "the truth is bad above 0.5 only"
    found = model.labelling_
    assert found["rows"] == 100 and found["without_answer"] == 0
    assert 0.4 < found["teacher_right"] < 0.8
    assert found["agreement"] > 0.8


def test_every_fit_labels_the_same_rows_and_predicting_asks_the_teacher_nothing() -> None:
    train, first, second = rows(), Teacher(), Teacher()
    model = fitted(first, train)
    fitted(second, train)
    assert first.seen == second.seen and len(first.seen) == 100
    model.predict(train.X)
    assert len(first.seen) == 100


def test_rows_without_a_label_are_left_out_and_told() -> None:
    model = fitted(Teacher(lost=0.25), rows())
    assert model.labelling_["rows"] == 75
    assert "75 training rows that the teacher labelled (25 more had no answer)" in model.report().notes[0]


@pytest.mark.parametrize(
    ("teacher", "message"),
    [(Teacher(lost=0.9), "labelled 10 of 100 rows, too few"), (Teacher(limit=9), 'labelled all 100 rows "good"')],
)
def test_labels_from_which_nothing_can_be_learnt_are_an_error(teacher: Teacher, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted(teacher, rows())


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.rows: 5 labelled rows are too few"):
        fitted(Teacher(), rows(), 5)


@pytest.mark.parametrize(("usd", "expected"), [(2.5, 2.5), (None, np.nan)])
def test_price_of_labels_is_part_of_what_a_run_paid_for(usd: Any, expected: float) -> None:
    took = cost.run_seconds({"fit": 3.0}, None, 10.0, {"labelling": {"usd": usd}})
    assert took.search_usd == pytest.approx(expected, nan_ok=True)


def test_seconds_of_a_fit_hold_those_that_replayed_labels_had_taken() -> None:
    details = {"labelling": {"usd": 0.5, "replayed_seconds": 40.0}}
    assert cost.fit_seconds({"fit": 2.0}, details) == 42.0
    assert cost.run_seconds({"fit": 2.0}, None, 10.0, details).fit == 42.0
    assert cost.fit_seconds({"fit": 2.0, cost.PARTS_SECONDS: 3.0}, {}) == 5.0
