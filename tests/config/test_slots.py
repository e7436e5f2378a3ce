"""Slots of a config admit registered components and nothing else, whatever package it comes from."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakeoff.config import components, slots
from bakeoff.config.component import Component, read
from bakeoff.config.shipped import conf_dir
from bakeoff.config.slots import IO_ARGUMENT, SLOTS
from bakeoff.errors import ConfigError

SAMPLED = 250
"""Callables that the fast test tries in every slot; the slow one tries all."""
UNSAFE = ("__main__", "conftest", "tests", "setup", "externals")

PIPELINE = {"_target_": "sklearn.pipeline.Pipeline", "steps": [["fit", {"_target_": "sklearn.linear_model.Ridge"}]]}
OF_ANOTHER_SLOT = {
    "model": ["optuna.samplers.RandomSampler", "bakeoff.data.Csv", "bakeoff.retrieval.BM25", "skrub.TableReport"],
    "data": ["bakeoff.models.Constant", "sklearn.linear_model.Ridge", "bakeoff.llm.cache.Cache", "bakeoff.record.Run"],
    "retriever": ["bakeoff.retrieval.MiniLM", "bakeoff.retrieval.store.Store", "bakeoff.retrieval.index.FullText"],
    "llm": ["bakeoff.retrieval.BM25", "bakeoff.llm.session.Session", "bakeoff.llm.wire.Wire"],
    "tracker": ["bakeoff.cost.TimeAndRequests", "bakeoff.tracking.base.Item"],
    "cost": ["optuna.storages.RDBStorage", "optuna.storages.journal.JournalFileBackend", "bakeoff.models.Constant"],
    "decision.rule": ["optuna.storages.RDBStorage", "optuna.study.Study", "optuna.artifacts.FileSystemArtifactStore"],
    "search.sampler": ["optuna.storages.RDBStorage", "optuna.pruners.NopPruner", "sklearn.linear_model.Ridge"],
    "search.pruner": ["optuna.samplers.RandomSampler", "optuna.storages.JournalStorage"],
    "data.split.splitter": ["sklearn.model_selection.KFold", "bakeoff.retrieval.Whole"],
    "metrics.graders": ["bakeoff.models.Constant", "bakeoff.record.Run"],
    slots.ANY: [
        "bakeoff.plugins.Plugin",
        "catboost.Pool",
        "catboost.CatBoost",
        "skrub.TableReport",
        "optuna.study.Study",
    ],
}
IO_ARGUMENTS = [
    PIPELINE | {"memory": "cache"},
    PIPELINE | {"memory": {"_target_": "sklearn.linear_model.Ridge"}},
    {"_target_": "catboost.CatBoostClassifier", "train_dir": "elsewhere"},
    {"_target_": "catboost.CatBoostClassifier", "allow_writing_files": True},
    {"_target_": "catboost.CatBoostClassifier", "save_snapshot": True},
    {"_target_": "catboost.CatBoostClassifier", "snapshot_file": "elsewhere"},
    {"_target_": "catboost.CatBoostClassifier", "output_borders": "elsewhere"},
    {"_target_": "sklearn.cluster.OPTICS", "memory": "cache"},
    {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "input": "filename"},
    {"_target_": "skrub.TextEncoder", "model_name": "someone/model"},
    {"_target_": "skrub.TextEncoder", "cache_folder": "elsewhere", "token_env_variable": "SECRET"},
    {
        "_target_": "sklearn.model_selection.GridSearchCV",
        "estimator": PIPELINE,
        "param_grid": {"memory": ["cache"]},
    },
    {
        "_target_": "sklearn.model_selection.GridSearchCV",
        "estimator": PIPELINE,
        "param_grid": {"text__input": ["filename"]},
    },
    {
        "_target_": "sklearn.model_selection.GridSearchCV",
        "estimator": PIPELINE,
        "param_grid": {},
        "pre_dispatch": "9**9**9",
    },
]


@pytest.mark.parametrize(
    ("slot", "target"), [(slot, target) for slot, targets in OF_ANOTHER_SLOT.items() for target in targets]
)
def test_slot_given_a_class_of_another_kind_refuses_before_it_is_made(slot: str, target: str) -> None:
    for refuses in (
        lambda: components.check_component({"_target_": target}, "here", slot=slot),
        lambda: components.instantiate({"_target_": target}, "here", slot),
    ):
        with pytest.raises(ConfigError, match=r"here\._target_.*not allowed"):
            refuses()


@pytest.mark.parametrize("node", IO_ARGUMENTS, ids=lambda node: json.dumps(node)[12:80])
def test_argument_that_makes_a_library_read_or_write_files_is_refused(node: dict[str, Any]) -> None:
    outer = {"_target_": "bakeoff.models.Estimator", "classifier": node}
    for refuses in (
        lambda: components.check_component(outer, "model", slot="model"),
        lambda: components.instantiate(outer, "model", "model"),
    ):
        with pytest.raises(ConfigError, match=r"model\.classifier\.[\w.]+: "):
            refuses()


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "sklearn.svm.SVC", "cache_size": 100},
        PIPELINE | {"memory": None},
        {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "input": "content"},
        {
            "_target_": "sklearn.model_selection.GridSearchCV",
            "estimator": PIPELINE,
            "param_grid": {},
            "pre_dispatch": "2*n_jobs",
        },
        {
            "_target_": "sklearn.gaussian_process.GaussianProcessRegressor",
            "kernel": {"_target_": "sklearn.gaussian_process.kernels.RBF"},
        },
        {"_target_": "sklearn.linear_model.RidgeCV", "cv": {"_target_": "sklearn.model_selection.KFold"}},
        {"_target_": "sklearn.linear_model.RidgeCV", "cv": {"_target_": "sklearn.model_selection.ShuffleSplit"}},
    ],
)
def test_plain_scikit_learn_component_is_admitted_with_its_parts(node: dict[str, Any]) -> None:
    components.check_component(node, "model", slot="model")
    assert type(components.instantiate(node, "model", "model")).__name__ == node["_target_"].rpartition(".")[2]


def test_nothing_is_made_before_every_nested_class_is_known_to_be_a_component(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/made.db"
    node = PIPELINE | {"steps": [["a", {"_target_": "optuna.storages.RDBStorage", "url": url}]]}
    with pytest.raises(ConfigError, match=r"model\.steps\.0\.1\._target_: .*RDBStorage.*not allowed here"):
        components.instantiate(node, "model", "model")
    assert not list(tmp_path.iterdir())


def test_catboost_named_directly_leaves_no_files() -> None:
    node = {"_target_": "catboost.CatBoostClassifier", "iterations": 2}
    assert components.instantiate(node, "model", "model").get_params()["allow_writing_files"] is False


def test_argument_annotated_with_a_contract_takes_only_its_components() -> None:
    hybrid = {"_target_": "bakeoff.retrieval.Dense", "embedder": {"_target_": "bakeoff.retrieval.BM25"}}
    with pytest.raises(ConfigError, match=r"retriever\.embedder\._target_.*not allowed here"):
        components.check_component(hybrid, "retriever", slot="retriever")


def test_every_argument_of_libraries_that_names_a_file_is_known() -> None:
    """A new version of scikit-learn may bring another: this list is then read again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.utils import all_estimators

        arguments = {name for _, cls in all_estimators() for name in inspect.signature(cls).parameters}
    suspicious = {name for name in arguments if IO_ARGUMENT.search(name)} - slots.HARMLESS
    assert suspicious == {"callback", "memory"}
    assert {name for name in arguments if "input" in name} == {"input", "input_type", "transform_input"}


def test_public_callable_in_any_slot_is_never_called_unless_registered() -> None:
    everything = sorted(set(_callables()))
    assert len(everything) > 2000
    _sweep(random.Random(15).sample(everything, SAMPLED))


@pytest.mark.slow
def test_every_public_callable_in_every_slot_is_never_called_unless_registered() -> None:
    _sweep(sorted(set(_callables())))


def _sweep(targets: list[str]) -> None:
    """Put each callable into each slot: a class that is let through is a registered component of that slot."""
    allowed = 0
    for target in targets:
        for slot in (*SLOTS, slots.ANY):
            try:
                located = components.locate(target, "here", slot)
            except ConfigError:
                with pytest.raises(ConfigError):
                    components.instantiate(Component(target), "here", slot)
                continue
            allowed += 1
            assert isinstance(located, type), target
            assert _is_registered(located), f"{target} is let through as {slot}"
    assert allowed


def _is_registered(cls: type) -> bool:
    """Judge independently of the slots: by the real classes, not by names."""
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.samplers.nsgaii import BaseCrossover
    from sklearn.base import BaseEstimator
    from sklearn.gaussian_process.kernels import Kernel
    from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

    top = cls.__module__.partition(".")[0]
    if top == "bakeoff":
        return any(
            getattr(importlib.import_module(f"bakeoff.{package}"), cls.__name__, None) is cls
            for package in slots.EXPORTS
        ) or (f"{cls.__module__}.{cls.__name__}" in slots.FURTHER)
    bases = (BaseEstimator, Kernel, BaseCrossValidator, BaseShuffleSplit, BaseSampler, BasePruner, BaseCrossover)
    return issubclass(cls, bases) or cls.__name__ in ("CatBoostClassifier", "CatBoostRegressor")


def _callables() -> Iterator[str]:
    """Public callables of all public modules of the packages whose classes a config may name, as dotted paths."""
    for package in components.LIBRARIES:
        root = importlib.import_module(package)
        found = pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda name: None)
        for name in (package, *(module.name for module in found)):
            if any(part.startswith("_") or part in UNSAFE for part in name.split(".")):
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    module = importlib.import_module(name)
            except BaseException:  # an extra that is not installed, or a module that is a script
                continue
            for attribute in dir(module):
                if not attribute.startswith("_") and callable(getattr(module, attribute, None)):
                    yield f"{name}.{attribute}"


def test_every_shipped_option_names_components_that_its_slot_admits() -> None:
    named = 0
    for file in conf_dir().rglob("*.yaml"):
        group = file.relative_to(conf_dir()).parts[0]
        content = read(yaml.safe_load(file.read_text("utf-8")) or {})
        slot = group if group in SLOTS and isinstance(content, Component) else slots.ANY
        named += len(components.locate_all(content, str(file), slot))
    assert named > 60
