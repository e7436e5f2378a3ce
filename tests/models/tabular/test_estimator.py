"""scikit-learn estimators as models: parameters, threads, encoding, files."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.base import Context
from bakeoff.models.rules.constant import Constant
from bakeoff.models.tabular import estimator
from bakeoff.models.tabular.estimator import Estimator, adapt
from bakeoff.task import Examples, Schema

TEXT = Schema("classification", "label", {"text": "text"}, ("ham", "spam"), "spam")
VALUES = Schema("regression", "y", {"x": "numeric"})


def iris() -> tuple[Schema, Examples]:
    bunch = load_iris(as_frame=True)
    schema = Schema("classification", "kind", dict.fromkeys(bunch.data, "numeric"), ("0", "1", "2"))
    y = bunch.target.astype(str).to_numpy(dtype=object)
    return schema, Examples(bunch.data, y, np.arange(len(y)), bunch.data.iloc[:, :0])


def fit(model: Any, schema: Schema, rows: Examples, seed: int = 0, threads: int = 1) -> Any:
    model.check(schema)
    model.fit(rows, None, Context(schema, seed, threads))
    return model


def fault(model: Any, schema: Schema) -> str:
    with pytest.raises(ConfigError) as caught:
        model.check(schema)
    return str(caught.value)


def test_a_model_is_taken_as_it_is() -> None:
    model = Constant()
    assert adapt(model) is model


def test_any_scikit_learn_estimator_becomes_a_model() -> None:
    schema, rows = iris()
    model = fit(adapt(ComplementNB()), schema, rows)
    assert (model.predict(rows.X).output == rows.y).mean() > 0.6


@pytest.mark.parametrize("component", [KMeans(), {"a": 1}, LogisticRegression, None])
def test_what_is_no_model_is_told_so(component: object) -> None:
    with pytest.raises(ConfigError, match=r"subclass of bakeoff\.models\.Model\. Subclass that"):
        adapt(component)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Estimator(classifier=LogisticRegression(C="abc")), ["model.classifier.C: ", "'abc'"]),
        (adapt(LogisticRegression(C=-1)), ["model.C: ", "-1"]),
        (
            Estimator(classifier=FixedThresholdClassifier(LogisticRegression(C=-1))),
            ["model.classifier.estimator.C: ", "-1"],
        ),
        (Estimator(regressor=LinearRegression()), ["model.classifier: ", "classification", "regressor"]),
        (Estimator(classifier=LinearRegression()), ["model.classifier: ", "is not a scikit-learn classifier"]),
        (Estimator(classifier=LogisticRegression(), ngrams=0), ["model.ngrams: 0"]),
    ],
)
def test_a_wrong_parameter_is_told_before_any_data_work(model: Any, told: list[str]) -> None:
    message = fault(model, TEXT)
    for part in told:
        assert part in message


def test_a_classifier_alone_does_not_serve_values() -> None:
    assert "model: y asks for regression" in fault(adapt(LogisticRegression()), VALUES)


def test_sparse_terms_are_refused_where_the_estimator_takes_none() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    assert "model.text" in fault(Estimator(HistGradientBoostingClassifier(), text="tfidf"), TEXT)


def test_seed_and_threads_of_the_run_reach_the_estimator_unless_declared() -> None:
    schema, rows = iris()
    model = fit(Estimator(RandomForestClassifier(5)), schema, rows, seed=7, threads=2)
    assert (model.estimator_.random_state, model.estimator_.n_jobs) == (7, 2)
    model = fit(Estimator(RandomForestClassifier(5, random_state=1, n_jobs=1)), schema, rows, seed=7, threads=2)
    assert (model.estimator_.random_state, model.estimator_.n_jobs) == (1, 1)


def test_fitting_leaves_the_declared_estimator_alone() -> None:
    schema, rows = iris()
    declared = LogisticRegression(random_state=None)
    fit(Estimator(declared), schema, rows)
    assert declared.random_state is None
    assert not hasattr(declared, "coef_")


def test_without_probabilities_there_are_labels_alone() -> None:
    schema, rows = iris()
    answers = fit(Estimator(LinearSVC()), schema, rows).predict(rows.X)
    assert answers.proba is None
    assert (answers.output == rows.y).mean() > 0.9


def test_a_threshold_of_the_estimators_own_decides() -> None:
    rows = iris()[1]
    two = rows.take(np.flatnonzero(rows.y != "0"))
    schema = Schema("classification", "kind", dict.fromkeys(two.X, "numeric"), ("1", "2"), "2")
    cautious = FixedThresholdClassifier(LogisticRegression(), threshold=0.99, response_method="predict_proba")
    answers = fit(Estimator(cautious), schema, two).predict(two.X)
    assert answers.proba is not None
    np.testing.assert_array_equal(answers.output == "2", answers.proba[:, 1] >= 0.99)


def test_gaps_in_training_are_a_feature_of_their_own() -> None:
    x = np.where(np.arange(80) % 2, np.nan, 1.0)
    y = np.where(np.isnan(x), "gone", "there").astype(object)
    X = pd.DataFrame({"x": x})
    schema = Schema("classification", "y", {"x": "numeric"}, ("gone", "there"))
    model = fit(Estimator(LogisticRegression()), schema, Examples(X, y, np.arange(80), X.iloc[:, :0]))
    assert model.predict(X).output.tolist() == y.tolist()


def test_linear_models_hold_at_most_two_copies_of_many_numbers() -> None:
    n, k = 100_000, 20
    X = pd.DataFrame(np.random.default_rng(0).standard_normal((n, k)), columns=[f"x{i}" for i in range(k)])
    y = X["x0"].to_numpy() * 2.0
    rows = Examples(X, y, np.arange(n), X.iloc[:, :0])
    schema = Schema("regression", "y", dict.fromkeys(X, "numeric"))
    model = Estimator(regressor=LinearRegression(copy_X=False))
    fit(model, schema, rows.take(slice(0, 100)))
    tracemalloc.start()
    fit(model, schema, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.2 * n * k * 8  # besides the frame itself


def test_trials_that_encode_alike_share_the_encoding_and_leave_it_intact() -> None:
    schema, rows = iris()
    context = Context(schema, 0, 1, memo={})
    trials = [Estimator(classifier=LogisticRegression(C=c)) for c in (1.0, 10.0, 1.0)]
    for trial in trials:
        trial.fit(rows, None, context)
    assert trials[0].encoder_ is trials[1].encoder_
    alone = fit(Estimator(classifier=LogisticRegression(C=1.0)), schema, rows)
    np.testing.assert_array_equal(trials[2].predict(rows.X).proba, alone.predict(rows.X).proba)


def test_an_estimator_that_overwrites_its_input_does_not_harm_the_next_trial() -> None:
    X = pd.DataFrame({"x": np.arange(50.0), "gap": np.where(np.arange(50) % 5, 1.0, np.nan)})
    rows = Examples(X, np.arange(50.0) * 3, np.arange(50), X.iloc[:, :0])
    schema = Schema("regression", "y", {"x": "numeric", "gap": "numeric"})
    context = Context(schema, 0, 1, memo={})
    answers = []
    for _ in range(3):
        model = Estimator(regressor=Ridge(copy_X=False))
        model.fit(rows, None, context)
        answers.append(model.predict(X).output)
    np.testing.assert_array_equal(answers[0], answers[2])


def test_a_file_that_names_functions_is_refused(tmp_path: Path) -> None:
    schema, rows = iris()
    model = fit(Estimator(LogisticRegression()), schema, rows)
    model.save(tmp_path)
    model.encoder_ = FunctionTransformer(pd.read_pickle)
    skops.io.dump({"encoder": model.encoder_, "estimator": model.estimator_}, tmp_path / estimator.FILE)
    with pytest.raises(DataError, match=r"pandas\.[\w.]*read_pickle"):
        Estimator.load(tmp_path)


def test_the_logarithm_of_a_target_is_learnt_and_predictions_are_on_its_own_scale(tmp_path: Path) -> None:
    X = pd.DataFrame({"x": np.linspace(0, 10, 200)})
    rows = Examples(X, np.exp(3 + 0.5 * X["x"].to_numpy()), np.arange(200), X.iloc[:, :0])
    model = Estimator(regressor=LinearRegression(), target_transform="log")
    model.check(VALUES)
    fit(model, VALUES, rows)
    assert np.allclose(model.predict(X).output, rows.y, rtol=1e-6)
    model.save(tmp_path)
    assert np.array_equal(Estimator.load(tmp_path).predict(X).output, model.predict(X).output)


def test_predictions_of_a_logarithm_stay_finite_far_beyond_the_learnt_range(tmp_path: Path) -> None:
    X = pd.DataFrame({"x": np.linspace(0, 10, 200)})
    rows = Examples(X, np.exp(3 + 0.5 * X["x"].to_numpy()), np.arange(200), X.iloc[:, :0])
    model = Estimator(regressor=LinearRegression(), target_transform="log")
    fit(model, VALUES, rows)
    far = pd.DataFrame({"x": [-1e6, 5.0, 1e6]})
    predicted = model.predict(far).output
    margin = 3 * np.log(rows.y).std()
    assert np.allclose(np.log(predicted), [3 - margin, 5.5, 8 + margin])
    model.save(tmp_path)
    assert np.array_equal(Estimator.load(tmp_path).predict(far).output, predicted)
