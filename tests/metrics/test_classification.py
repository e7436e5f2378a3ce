import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bakeoff import metrics
from bakeoff.task import Predictions, PredictionTable, Schema


def predicted(load, positive=None, columns=2) -> PredictionTable:
    """What a logistic regression that sees few columns answers."""
    data = load()
    labels = np.array([str(name) for name in data.target_names], dtype=object)[data.target]
    fit_X, X, fit_y, y = train_test_split(data.data[:, :columns], labels, random_state=0, stratify=labels)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(fit_X, fit_y.astype(str))
    schema = Schema("classification", "label", {}, tuple(str(c) for c in model.classes_), positive)
    predictions = Predictions(model.predict(X).astype(object), model.predict_proba(X))
    seconds = np.full(len(y), np.nan)
    return PredictionTable(schema, np.arange(len(y)), y, predictions, seconds, pd.DataFrame(index=range(len(y))))


@pytest.fixture(scope="module")
def tumours() -> PredictionTable:
    return predicted(load_breast_cancer, positive="malignant")


@pytest.fixture(scope="module")
def irises() -> PredictionTable:
    return predicted(load_iris)


def without_proba(table: PredictionTable) -> PredictionTable:
    return PredictionTable(
        table.schema, table.ids, table.target, Predictions(table.predictions.output), table.seconds, table.slices
    )


def test_label_metrics_are_those_of_scikit_learn(irises):
    y, answers = irises.target, irises.predictions.output
    expected = {
        "accuracy": sk.accuracy_score(y, answers),
        "balanced_accuracy": sk.balanced_accuracy_score(y, answers),
        "precision_macro": sk.precision_score(y, answers, average="macro"),
        "recall_macro": sk.recall_score(y, answers, average="macro"),
        "f1_macro": sk.f1_score(y, answers, average="macro"),
        "precision_micro": sk.precision_score(y, answers, average="micro"),
        "recall_micro": sk.recall_score(y, answers, average="micro"),
        "f1_micro": sk.f1_score(y, answers, average="micro"),
        "mcc": sk.matthews_corrcoef(y, answers),
    }
    assert metrics.score(irises, list(expected)) == pytest.approx(expected)


def test_binary_metrics_speak_of_the_positive_class(tumours):
    y, answers, p = tumours.target, tumours.predictions.output, tumours.predictions.proba[:, 1]
    assert tumours.schema.classes == ("benign", "malignant")
    expected = {
        "precision": sk.precision_score(y, answers, pos_label="malignant"),
        "recall": sk.recall_score(y, answers, pos_label="malignant"),
        "f1": sk.f1_score(y, answers, pos_label="malignant"),
        "roc_auc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p, pos_label="malignant"),
        "brier": sk.brier_score_loss(y, p, pos_label="malignant"),
        "log_loss": sk.log_loss(y, p),
    }
    assert metrics.score(tumours, list(expected)) == pytest.approx(expected)


def test_probabilities_of_many_classes_are_judged_as_scikit_learn_does(irises):
    y, p = irises.target, irises.predictions.proba
    one_hot = y[:, None] == np.array(irises.schema.classes)
    expected = {
        "roc_auc": sk.roc_auc_score(y, p, multi_class="ovr"),
        "average_precision": sk.average_precision_score(one_hot, p, average="macro"),
        "brier": sk.brier_score_loss(y, p),
        "log_loss": sk.log_loss(y, p),
    }
    assert metrics.score(irises, list(expected)) == pytest.approx(expected)


def test_calibration_error_of_a_forecaster_that_is_right_half_as_often_as_it_says():
    n = 100
    y = np.array(["no", "yes"] * (n // 2), dtype=object)
    proba = np.tile([0.02, 0.98], (n, 1))
    table = PredictionTable(
        Schema("classification", "label", {}, ("no", "yes"), "yes"),
        np.arange(n),
        y,
        Predictions(np.full(n, "yes", dtype=object), proba),
        np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
    )
    assert metrics.score(table, ["expected_calibration_error"]) == pytest.approx({"expected_calibration_error": 0.48})


def test_a_model_without_probabilities_lacks_the_metrics_that_need_them(tumours):
    scores = metrics.score(without_proba(tumours))
    assert "f1" in scores
    assert not {"roc_auc", "average_precision", "log_loss", "brier", "expected_calibration_error"} & set(scores)


def test_precision_of_a_positive_class_is_for_binary_tasks_only(irises, tumours):
    assert not {"precision", "recall", "f1"} & set(metrics.score(irises))
    assert {"precision", "recall", "f1"} <= set(metrics.score(tumours))


def test_ranks_of_rows_of_one_class_are_undefined_and_not_zero(tumours):
    benign = tumours.take(np.flatnonzero(tumours.target == "benign"))
    assert np.isnan(list(metrics.score(benign, ["roc_auc", "average_precision"]).values())).all()


def test_scoring_an_answer_outside_the_classes_warns_nobody(irises):
    answers = irises.predictions.output.copy()
    answers[:3] = "no idea"
    table = PredictionTable(
        irises.schema,
        irises.ids,
        irises.target,
        Predictions(answers, irises.predictions.proba),
        irises.seconds,
        irises.slices,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = metrics.score(table)
    assert scores["accuracy"] < 1
