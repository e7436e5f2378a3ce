"""Training rows with one value or one class only: every model learns it, and none fails."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bakeoff.config import components
from bakeoff.errors import DataError
from bakeoff.models.base import Context
from bakeoff.models.tabular.catboost import CatBoost
from bakeoff.models.tabular.estimator import adapt
from bakeoff.task import Examples, Schema
from bakeoff.testing.contract import composed

VALUES = Schema("regression", "y", {"a": "numeric", "c": "categorical"})
LABELS = Schema("classification", "y", {"a": "numeric", "c": "categorical"}, ("no", "yes"), "yes")


def rows(y: object, n: int = 60) -> Examples:
    random = np.random.default_rng(0)
    X = pd.DataFrame({"a": random.normal(size=n), "c": random.choice(["x", "y", "z"], n)}).astype({"c": "str"})
    target = np.full(n, y, dtype=np.float64 if isinstance(y, float) else object)
    return Examples(X, target, np.arange(n), X.iloc[:, :0])


@pytest.mark.parametrize(
    "option",
    ["constant", "linear", "catboost", "hist_gradient_boosting", "nearest_neighbors", "random_forest", "svm"],
)
def test_a_constant_value_is_learned(option: str) -> None:
    node = composed(f"model={option}", "data=diabetes")["model"]
    model = adapt(components.instantiate(node, "model"))
    model.fit(rows(3.5), rows(3.5, 20) if model.uses_validation else None, Context(VALUES, 0, 1))
    np.testing.assert_allclose(model.predict(rows(3.5).X).output, 3.5)


@pytest.mark.parametrize("extra", [{}, {"subsample": 0.5, "bootstrap_type": "Bernoulli"}])
def test_catboost_learns_the_one_class_of_its_training_rows(extra: dict[str, object]) -> None:
    model = CatBoost(iterations=5, extra=extra)
    model.fit(rows("yes"), rows("yes", 20), Context(LABELS, 0, 1))
    answers = model.predict(rows("yes").X)
    assert set(answers.output) == {"yes"}
    assert answers.proba is not None
    assert answers.proba.shape == (60, 2)


def test_catboost_says_that_features_of_one_value_teach_nothing() -> None:
    constant = rows(1.0)
    constant.X["a"], constant.X["c"] = 1.0, "x"
    varied = Examples(constant.X, np.arange(60.0), constant.ids, constant.slices)
    with pytest.raises(DataError, match="each feature has one value in all training rows"):
        CatBoost(iterations=5).fit(varied, None, Context(VALUES, 0, 1))
