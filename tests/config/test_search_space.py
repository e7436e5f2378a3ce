from __future__ import annotations

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from bakeoff.config import search_space
from bakeoff.config.component import Component, read
from bakeoff.config.search_space import Dimension
from bakeoff.errors import ConfigError


@pytest.mark.parametrize(
    ("sweep", "meant"),
    [
        ("choice(a, b, 3)", CategoricalDistribution(["a", "b", 3])),
        ("true,false", CategoricalDistribution([True, False])),
        ("choice('a b', c)", CategoricalDistribution(["a b", "c"])),
        ("range(4, 10)", IntDistribution(4, 9)),
        ("range(4, 10, 3)", IntDistribution(4, 7, step=3)),
        ("range(0, 1, 0.25)", FloatDistribution(0, 0.75, step=0.25)),
        ("interval(4, 10)", FloatDistribution(4, 10)),
        ("int(interval(1, 9))", IntDistribution(1, 9)),
        ("tag(log, interval(0.01, 100))", FloatDistribution(0.01, 100, log=True)),
        ("int(tag(log, interval(1, 100)))", IntDistribution(1, 100, log=True)),
    ],
)
def test_hydras_sweep_grammar(sweep: str, meant: object) -> None:
    assert search_space.distribution(Dimension("k", sweep)) == meant


@pytest.mark.parametrize("sweep", ["5", "range(4", "interval(a, b)"])
def test_what_is_no_sweep_is_refused_with_the_grammar(sweep: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.k: .*choice\(a, b\)"):
        search_space.distribution(Dimension("model.k", sweep))


@pytest.mark.parametrize(
    "sweep", ["range(5,5)", "range(9, 2)", "interval(9, 2)", "tag(log, interval(0, 1))", "range(1, 5, 0)"]
)
def test_a_sweep_without_values_is_refused(sweep: str) -> None:
    with pytest.raises(ConfigError, match=r"^model\.k: .* holds no values to search"):
        search_space.distribution(Dimension("model.k", sweep))


MODEL = {
    "_target_": "x.Y",
    "classifier": {"_target_": "x.Z", "C": 1},
    "kernel": "rbf",
    "search_space": {
        "classifier.C": "interval(0, 1)",
        "regressor.alpha": "interval(0, 1)",
        "degree": {"sweep": "range(1, 5)", "when": {"kernel": "poly", "task.columns": "text"}},
    },
}
TREE = {"model": Component.from_config(MODEL)}


def test_spaces_are_gathered_and_the_command_line_goes_first() -> None:
    tree = {"model": Component.from_config({**MODEL, "regressor": {"alpha": 1}})}
    dimensions = {d.key: d for d in search_space.gather(tree, {"model.classifier.C": "choice(1, 2)"}, "")}
    assert list(dimensions) == ["model.classifier.C", "model.regressor.alpha", "model.degree"]
    assert dimensions["model.classifier.C"].sweep == "choice(1, 2)"


def test_spaces_of_components_at_any_depth_are_gathered_with_full_keys() -> None:
    tree = {"model": read({"_target_": "x.Of", "parts": {"first": MODEL, "more": [{"_target_": "x.In", "of": MODEL}]}})}
    keys = [d.key for d in search_space.gather(tree, None, "regressor")]
    assert keys == [
        "model.parts.first.classifier.C",
        "model.parts.first.degree",
        "model.parts.more.0.of.classifier.C",
        "model.parts.more.0.of.degree",
    ]


def test_gather_unused_head_is_not_searched() -> None:
    assert [d.key for d in search_space.gather(TREE, None, "regressor")] == ["model.classifier.C", "model.degree"]


def test_a_conditional_dimension_applies_when_its_condition_holds() -> None:
    degree = search_space.gather(TREE, None, "regressor")[-1]
    task = {"columns": ["numeric", "text"]}
    poly = Component("x.Y", {"kernel": "poly"})
    assert not degree.applies({**TREE, "task": task})
    assert degree.applies({"model": poly, "task": task})
    assert not degree.applies({"model": poly, "task": {"columns": ["numeric"]}})


def test_a_space_for_something_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"there is no modle in the config.*Did you mean \"model\""):
        search_space.gather(TREE, {"modle.depth": "range(1, 3)"}, "regressor")
