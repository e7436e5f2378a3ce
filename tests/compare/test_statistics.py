import dataclasses

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare.statistics import bootstrap, interval
from bakeoff.metrics import Metric, applicable, get, is_any
from bakeoff.metrics.resampling import by_loop
from bakeoff.task import Predictions, PredictionTable, Schema, Usage

SCHEMA = Schema("classification", "label", {}, ("ham", "spam"), "spam")
ALL = [metric for metric in applicable(SCHEMA) if metric.group != "value"]  # no row here has a value


def table(seed: int = 0, n: int = 300, noise: float = 1.0) -> PredictionTable:
    truth, other = np.random.default_rng(99), np.random.default_rng(seed)
    signal = truth.normal(size=n)
    p = 1 / (1 + np.exp(-signal - noise * other.normal(size=n)))
    labels = np.array(SCHEMA.classes, dtype=object)
    tokens = other.integers(1, 100, size=n).astype(float)
    predictions = Predictions(
        labels[(p > 0.5).astype(int)], np.column_stack([1 - p, p]),
        usage=Usage(np.ones(n), tokens, tokens, tokens / 1000, np.zeros(n, dtype=bool)),
    )  # fmt: skip
    seconds = np.where(np.arange(n) % 3 == 0, other.lognormal(size=n), np.nan)
    ids = np.array([f"row {i}" for i in range(n)], dtype=object)
    target = labels[(signal > 0).astype(int)]
    return PredictionTable(SCHEMA, ids, target, predictions, seconds, pd.DataFrame(index=ids), cost=tokens / 100)


def without_proba(given: PredictionTable) -> PredictionTable:
    return dataclasses.replace(given, predictions=dataclasses.replace(given.predictions, proba=None))


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(
        a[variant].keys() == b[variant].keys()
        and all(np.array_equal(a[variant][name], b[variant][name], equal_nan=True) for name in a[variant])
        for variant in a
    )


def test_a_variant_never_differs_from_itself():
    values = bootstrap({"a": table(), "other": table(1), "a again": table()}, ALL, resamples=300)
    for name in values["a"]:
        assert np.all(values["a"][name] - values["a again"][name] == 0), name


def test_the_same_seed_gives_the_same_values_and_another_seed_others():
    tables = {"a": table(0), "b": table(1)}
    first = bootstrap(tables, ALL, resamples=50, seed=3)
    assert same(first, bootstrap(tables, ALL, resamples=50, seed=3))
    assert not same(first, bootstrap(tables, ALL, resamples=50, seed=4))


def test_threads_do_not_change_the_values():
    tables = {"a": table(0), "b": table(1)}
    assert same(bootstrap(tables, ALL, resamples=7000, threads=1), bootstrap(tables, ALL, resamples=7000, threads=4))


def test_more_resamples_extend_fewer():
    few, many = (bootstrap({"a": table(), "b": table(1)}, ALL, resamples=r)["a"] for r in (90, 7000))
    for name in few:
        np.testing.assert_allclose(few[name], many[name][:90], rtol=1e-12, err_msg=name)
    assert np.array_equal(few["accuracy"], many["accuracy"][:90])


def test_another_variant_does_not_change_the_draws():
    alone = bootstrap({"a": table()}, ALL, resamples=50)
    beside = bootstrap({"b": table(1), "a": table()}, ALL, resamples=50)
    for name in alone["a"]:
        np.testing.assert_allclose(alone["a"][name], beside["a"][name], rtol=1e-12, err_msg=name)


def test_shared_work_gives_what_each_metric_gives_alone():
    tables = {"a": table(), "b": table(1)}
    together = bootstrap(tables, ALL, resamples=10)
    for metric in ALL:
        alone = Metric(metric.name, metric.direction, "", metric.value, by_loop(metric.value), metric.applies)
        expected = bootstrap(tables, [alone], resamples=10)
        for variant in tables:
            np.testing.assert_allclose(
                together[variant][metric.name], expected[variant][metric.name], rtol=1e-9, err_msg=metric.name
            )


def many_classes(n: int, k: int, digits: int) -> PredictionTable:
    """Labels of which some are rare, one is only predicted, and scores that are often tied."""
    draws = np.random.default_rng(n)
    classes = tuple(f"class {i:02}" for i in range(k))
    truth = np.minimum(draws.geometric(0.2, size=n) - 1, k - 2)
    scores = draws.random((n, k)) + np.eye(k)[truth]
    proba = np.round(scores / scores.sum(axis=1, keepdims=True), digits)
    labels = np.array(classes, dtype=object)
    predictions = Predictions(labels[draws.permuted(proba, axis=1).argmax(axis=1)], proba)
    return PredictionTable(
        Schema("classification", "label", {}, classes), np.arange(n), labels[truth], predictions, np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of a label that a resample lacks
@pytest.mark.parametrize(
    ("given", "resamples"),
    [(many_classes(120, 12, 8), 20), (many_classes(120, 12, 1), 20), (many_classes(40_000, 3, 1), 2)],
    ids=["untied scores", "tied scores", "more rows than 16 bits count"],
)
def test_bootstrap_of_many_classes_equals_a_loop_over_resampled_tables(given, resamples):
    known = ("balanced_accuracy", "f1_macro", "precision_macro", "recall_macro", "mcc", "roc_auc", "average_precision")
    fast = [get(name) for name in known]
    slow = [Metric(m.name, m.direction, "", m.value, by_loop(m.value), m.applies) for m in fast]
    values, expected = (bootstrap({"a": given}, metrics, resamples)["a"] for metrics in (fast, slow))
    for name in known:
        np.testing.assert_allclose(values[name], expected[name], rtol=1e-9, err_msg=name)


def test_bootstrap_hands_back_known_values_and_computes_the_others():
    tables = {"a": table(), "b": table(1)}
    whole = bootstrap(tables, ALL, resamples=50)
    marked = {"a": {"accuracy": whole["a"]["accuracy"] + 1}}
    again = bootstrap(tables, ALL, resamples=50, known=marked)
    assert np.array_equal(again["a"].pop("accuracy"), marked["a"]["accuracy"])
    for variant, name in [*(("a", name) for name in again["a"]), *(("b", name) for name in whole["b"])]:
        # A matrix product rounds a column differently where another one is left out.
        np.testing.assert_allclose(again[variant][name], whole[variant][name], rtol=1e-12)
    assert again["a"].keys() == whole["a"].keys() - {"accuracy"}


def test_bootstrap_takes_the_first_of_more_known_values_and_computes_anew_where_they_are_too_few():
    values = bootstrap({"a": table()}, [get("accuracy")], resamples=50)["a"]["accuracy"]
    more, fewer = ({"a": {"accuracy": np.arange(float(size))}} for size in (60, 40))
    assert bootstrap({"a": table()}, [get("accuracy")], 50, known=more)["a"]["accuracy"].tolist() == [*range(50)]
    assert np.array_equal(bootstrap({"a": table()}, [get("accuracy")], 50, known=fewer)["a"]["accuracy"], values)


def test_a_variant_without_probabilities_lacks_only_the_metrics_that_need_them():
    values = bootstrap({"rules": without_proba(table(1)), "model": table()}, ALL, resamples=10)
    assert set(values["model"]) - set(values["rules"]) == {
        metric.name for metric in ALL if {"proba", "stated_confidence"} & set(metric.needs)
    }


def test_a_metric_that_has_only_a_value_is_resampled_beside_the_others():
    def spam_share(given: PredictionTable) -> float:
        return float(np.mean(given.predictions.output == "spam"))

    metric = Metric("spam_share", "minimize", "", spam_share, by_loop(spam_share), is_any)
    values = bootstrap({"a": table()}, [get("accuracy"), metric], resamples=200)["a"]
    assert values["spam_share"].mean() == pytest.approx(spam_share(table()), abs=0.01)


def test_tables_of_other_rows_are_refused():
    given = table()
    with pytest.raises(ValueError, match='"a" and "b" were not tested on the same rows'):
        bootstrap({"a": given, "b": given.take(np.arange(len(given))[::-1])}, ALL)
    with pytest.raises(ValueError, match="not tested on the same rows"):
        bootstrap({"a": given, "b": given.take(np.arange(10))}, ALL)


def test_a_table_without_rows_is_refused():
    with pytest.raises(ValueError, match="hold no row"):
        bootstrap({"a": table().take(np.arange(0))}, ALL)


def test_interval_holds_the_middle_of_the_defined_values():
    values = np.append(np.arange(1001.0), [np.nan, np.nan])
    assert interval(values) == pytest.approx((25, 975))
    assert interval(values, confidence=0.5) == pytest.approx((250, 750))


def test_interval_of_nothing_defined_is_undefined():
    assert np.isnan(interval(np.full(10, np.nan))).all()


def test_interval_holds_the_true_mean_about_as_often_as_it_says():
    """200 test sets of 80 rows with a true mean error of 1: at 90 %, 180 ± 17 intervals (4 standard errors) hold it."""
    draws, held = np.random.default_rng(7), 0
    schema = Schema("regression", "y", {})
    for seed in range(200):
        error = 1 + draws.uniform(-1, 1, size=80)
        given = PredictionTable(
            schema, np.arange(80), np.zeros(80), Predictions(error), np.full(80, np.nan), pd.DataFrame(index=range(80))
        )
        low, high = interval(bootstrap({"a": given}, [get("mae")], 300, seed, threads=1)["a"]["mae"], confidence=0.9)
        held += low <= 1 <= high
    assert 163 <= held <= 197
