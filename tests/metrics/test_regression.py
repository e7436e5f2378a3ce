import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from bakeoff import metrics
from bakeoff.task import Predictions, PredictionTable, Schema


@pytest.fixture(scope="module")
def progression() -> PredictionTable:
    X, y = load_diabetes(return_X_y=True)
    answers = Ridge().fit(X[:300], y[:300]).predict(X[300:])
    n = len(answers)
    return PredictionTable(
        Schema("regression", "progression", {}),
        np.arange(n),
        y[300:],
        Predictions(answers),
        np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
    )


def test_regression_metrics_are_those_of_scikit_learn(progression):
    y, answers = progression.target, progression.predictions.output
    expected = {
        "mae": sk.mean_absolute_error(y, answers),
        "rmse": sk.root_mean_squared_error(y, answers),
        "r2": sk.r2_score(y, answers),
        "mape": sk.mean_absolute_percentage_error(y, answers),
        "median_absolute_error": sk.median_absolute_error(y, answers),
        "pinball_10": sk.mean_pinball_loss(y, answers, alpha=0.1),
        "pinball_90": sk.mean_pinball_loss(y, answers, alpha=0.9),
    }
    assert metrics.score(progression, list(expected)) == pytest.approx(expected)


def test_all_regression_metrics_can_be_resampled_at_once(progression):
    once = np.ones((1, len(progression)), dtype=np.float32)
    for name, value in metrics.score(progression).items():
        assert metrics.get(name).resample(progression, once)[0] == pytest.approx(value, nan_ok=True), name


def test_variance_explained_survives_a_target_far_from_zero(progression):
    far = PredictionTable(
        progression.schema,
        progression.ids,
        progression.target + 1e9,
        Predictions(progression.predictions.output + 1e9),
        progression.seconds,
        progression.slices,
    )
    once = np.ones((1, len(far)), dtype=np.float32)
    expected = metrics.score(progression, ["r2"])["r2"]
    assert metrics.get("r2").resample(far, once)[0] == pytest.approx(expected, rel=1e-6)


def test_a_regression_task_has_no_classification_metrics(progression):
    assert not {"accuracy", "roc_auc", "f1_macro"} & set(metrics.score(progression))
