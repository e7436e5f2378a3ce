"""What there is to choose: lists of options, every key of one, and JSON schemas of config files."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bakeoff.catalog import json_schema, options
from bakeoff.cli import components as components_verbs
from bakeoff.config import signatures
from bakeoff.errors import ConfigError
from command_line import BAKEOFF, CommandLine

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted(file for file in CONF.rglob("*.yaml") if "hydra" not in file.relative_to(CONF).parts)


@pytest.fixture(scope="module")
def schemas() -> dict[str, Draft202012Validator]:
    made = json_schema.schemas(CONF)
    for content in made.values():
        Draft202012Validator.check_schema(content)
    # As an editor reads them: from a file.
    return {name: Draft202012Validator(json.loads(json.dumps(content))) for name, content in made.items()}


def schema_of(file: Path) -> str | None:
    path = file.relative_to(CONF)
    if path.name == "config.yaml":
        return "config"
    parents = path.parent.parts
    return None if parents[-1] == "base" else ".".join(parents)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CONF)))
def test_every_shipped_config_is_valid_by_its_schema(file: Path, schemas: dict[str, Draft202012Validator]) -> None:
    name = schema_of(file)
    if name is None:  # a part of others, not an option
        return
    content = yaml.safe_load(file.read_text())
    errors = [f"{error.json_path}: {error.message[:300]}" for error in schemas[name].iter_errors(content)]
    assert errors == []
    assert file in list(CONF.glob(json_schema.covers(name)))


@pytest.mark.parametrize(
    ("group", "content"),
    [
        ("model", {"_target_": "bakeoff.models.CatBoost", "dept": 4}),
        ("model", {"_target_": "bakeoff.models.CatBoost", "depth": "deep"}),
        ("model", {"_target_": "bakeoff.models.CatBoost", "depth": True}),
        ("model", {"_target_": "os.system", "command": "true"}),
        (
            "model",
            {
                "_target_": "bakeoff.models.Estimator",
                "classifier": {"_target_": "sklearn.linear_model.LogisticRegression", "Cc": 1},
            },
        ),
        ("model", {"search_space": {"depth": 4}}),
        ("data", {"_target_": "bakeoff.data.Csv", "path": "x.csv", "targt": "y"}),
        ("data", {"_target_": "bakeoff.data.Csv", "split": {"tests": 0.2}}),
        ("decision", {"metrc": "f1"}),
        ("search", {"trials": "many"}),
        ("experiment", {"incumbant": "rules"}),
        ("retriever", {"_target_": "bakeoff.retrieval.Hybrid", "fusion": "sum"}),
    ],
)
def test_a_schema_refuses_a_mistake(
    group: str, content: dict[str, Any], schemas: dict[str, Draft202012Validator]
) -> None:
    assert not schemas[group].is_valid(content)


@pytest.mark.parametrize(
    ("group", "content"),
    [
        (
            "model",
            {"_target_": "bakeoff.models.CatBoost", "depth": "${seed}", "iterations": "???"},
        ),
        ("model", {"_target_": "sklearn.naive_bayes.ComplementNB", "alpha": 0.3}),
        ("decision", {"metric": "${data.metric}"}),
    ],
)
def test_a_schema_lets_through_what_it_cannot_know(
    group: str, content: dict[str, Any], schemas: dict[str, Draft202012Validator]
) -> None:
    assert schemas[group].is_valid(content)


def test_a_schema_completes_keys_with_types_defaults_and_docs() -> None:
    [depth] = [
        case["then"]["properties"]["depth"]
        for case in json_schema.schemas(CONF)["model"]["allOf"]
        if case["if"]["properties"]["_target_"]["const"].endswith("CatBoost")
    ]
    assert depth["anyOf"][0] == {"type": "integer"}
    assert (depth["default"], depth["description"]) == (6, "maximum depth of each tree, 1 to 16.")


def test_every_key_of_an_option_is_listed_with_type_default_space_and_words() -> None:
    keys = {key.name: key for key in options.keys(options.option("model", "catboost", [CONF]))}
    assert set(keys) == set(signatures.read("bakeoff.models.CatBoost").parameters)  # type: ignore[union-attr]
    depth = keys["depth"]
    assert (depth.type, depth.default, depth.sweep, depth.text) == ("int", "6", "range(4, 10)", "depth of each tree")


def test_keys_of_nested_classes_are_listed_too_with_what_their_docstrings_say() -> None:
    keys = {key.name: key for key in options.keys(options.option("model", "linear", [CONF]))}
    assert keys["classifier.C"].default == "10.0"
    assert keys["classifier.C"].sweep == "tag(log, interval(0.001, 1000))"
    assert keys["classifier.tol"].default == "0.0001"
    assert keys["classifier.tol"].text.startswith("Tolerance for stopping criteria")
    assert keys["classifier.solver"].default == "lbfgs"


def test_keys_of_data_are_its_source_and_the_roles_of_columns() -> None:
    keys = {key.name: key for key in options.keys(options.option("data", "csv", [CONF]))}
    assert keys["path"].default == "???"
    assert keys["split.test"].default == "0.2"
    assert keys["target"].text == 'column to predict; "" for generation without reference texts'


def test_keys_of_a_search_are_its_budget_and_its_sampler() -> None:
    keys = {key.name: key for key in options.keys(options.option("search", "tpe", [CONF]))}
    assert keys["trials"].default == "30"
    assert keys["pruner"].default == "median"
    assert keys["sampler"].default == "optuna.samplers.TPESampler"
    assert keys["sampler.n_startup_trials"].type == "int"


@pytest.mark.parametrize("group", options.groups([CONF]))
def test_every_option_of_every_group_can_be_listed(group: str) -> None:
    for option in options.options(group, [CONF]):
        assert option.summary, option.name
        for key in options.keys(option):
            assert key.default or key.type, (option.name, key.name)


def test_what_is_not_there_has_a_nearest_name() -> None:
    with pytest.raises(ConfigError, match='Did you mean "catboost"'):
        options.option("model", "catbost", [CONF])
    with pytest.raises(ConfigError, match='Did you mean "model"'):
        options.options("modle", [CONF])


def test_list_shows_search_spaces_and_a_config_folder_of_ones_own(bakeoff: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "mine/model").mkdir(parents=True)
    (tmp_path / "mine/model/nb.yaml").write_text(
        "# Naive Bayes.\n_target_: sklearn.naive_bayes.ComplementNB\nalpha: 0.3  # of smoothing\n"
        "search_space: {alpha: 'interval(0, 1)'}\n"
    )
    listed = bakeoff("list", "model", "--config-dir", "mine").stdout
    assert re.search(r"model +catboost .*depth: range\(4, 10\); learning_rate", listed)
    assert re.search(r"model +nb +Naive Bayes\. +alpha: interval\(0, 1\)", listed)
    one = bakeoff("list", "model/nb", "--config-dir", "mine").stdout
    assert re.search(r"model\.alpha +float .*0\.3 +interval\(0, 1\) +of smoothing", one)


def test_listing_an_option_takes_less_than_a_second_of_a_processor(tmp_path: Path) -> None:
    # Of a processor, not of a clock: whatever else the machine does.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(BAKEOFF), "list", "model/catboost"], cwd=tmp_path, capture_output=True, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


def test_schema_writes_a_file_for_each_group_and_says_how_to_use_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    components_verbs.schema(["made"])
    assert json.loads((tmp_path / "made/model.json").read_text())["title"] == "bakeoff model"
    assert '"./made/model.json": "conf/model/*.yaml"' in capsys.readouterr().out
    with pytest.raises(ConfigError, match="name one folder"):
        components_verbs.schema(["one", "two"])
