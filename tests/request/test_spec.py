"""A request: what is read from a composed config, what is refused, and when a finished run can be kept."""

from __future__ import annotations

import copy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from bakeoff import record
from bakeoff.config.settings import BELONGS, Config, SearchSettings, register
from bakeoff.errors import ConfigError
from bakeoff.request import resuming, validation
from bakeoff.request.spec import Request

CONF = Path(__file__).parents[2] / "conf"
FOLDER = Path("outputs/x/linear")


def composed(*overrides: str) -> DictConfig:
    register()
    with initialize_config_dir(str(CONF), version_base=None):
        return compose("config", ["variant=mine", "model=linear", "data=diabetes", *overrides])


def asked(*overrides: str, folder: Path = FOLDER) -> Request:
    return validation.read(composed(*overrides), folder)


def test_a_request_says_what_is_asked() -> None:
    r = asked("seed=3", "metrics.latency_rows=7", "data.split.test=0.3", "data.slices=[sex]")
    assert (r.variant, r.seed, r.folder, r.bakeoff) == ("mine", 3, FOLDER, Path("outputs/x"))
    assert (r.data.name, r.data.target, r.data.split.test, r.data.slices) == ("diabetes", "progression", 0.3, ["sex"])
    assert r.source.target == "bakeoff.data.Sample"
    assert "target" not in r.source.arguments, "what bakeoff does with the rows is not for the source"
    assert r.model.target == "bakeoff.models.Estimator"
    assert r.card["licence"] == "BSD-3-Clause"
    assert r.metrics.latency_rows == 7
    assert r.decision.metric == "rmse", "the metric of the data decides unless another is declared"


def test_a_request_is_plain_and_keeps_nothing_of_hydra() -> None:
    content = asked().to_config()
    assert type(content["data"]) is dict
    assert "hydra" not in content
    assert content["name"] == "diabetes"


def test_every_field_says_where_it_belongs() -> None:
    places = {"name", "identity", "neither"}
    for of in (Request, SearchSettings):
        assert {f.name for f in fields(of) if f.metadata.get(BELONGS) not in places} == set()


def test_every_key_of_the_shipped_config_is_a_field_of_a_request() -> None:
    assert {f.name for f in fields(Config)} == set(asked().to_config())


def test_a_request_is_written_and_read_back_as_it_was() -> None:
    r = asked("model=catboost", "search=tpe", "test_rows=5")
    assert Request.from_config(r.to_config(), FOLDER) == r


def test_all_wrong_settings_are_told_at_once() -> None:
    content = {**asked().to_config(), "sed": 1, "decision": {"metrik": "f1"}, "search": {"trails": 3}}
    with pytest.raises(ConfigError) as told:
        Request.from_config(content, FOLDER)
    assert [line.partition(":")[0] for line in str(told.value).splitlines()] == [
        "sed", "decision.metrik", "search.trails",
    ]  # fmt: skip
    assert 'Did you mean "seed"?' in str(told.value)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["+model.C=1"], 'model.C: Estimator takes no "C"'),
        (["model.ngrams=many"], "model.ngrams: 'many' is not of type int"),
        (["model._target_=os.system"], 'model._target_: "os.system" is not allowed'),
        (["~model._target_"], "model._target_: a component names its class here"),
        (["data._target_=os.system"], 'data._target_: "os.system" is not allowed'),
        (["+data.path=x"], 'data.path: Sample takes no "path"'),
        (["+data.traget=x"], 'Did you mean "target"?'),
        (["data.kind=clasification"], 'data.kind: "clasification" is unknown'),
        (["data.split.test=2"], "data.split.test: 2"),
        (["+data.split.tset=0.2"], "data.split.tset"),
        (["data.metric=rsme"], 'data.metric: there is no metric "rsme"'),
        (["decision.metric=rsme"], 'Did you mean "rmse"?'),
        (["metrics.names=[mae,rsme]"], 'metrics.names: there is no metric "rsme"'),
    ],
)
def test_a_wrong_request_is_refused_without_a_look_at_the_data(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as told:
        asked(*overrides)
    assert said in str(told.value)


def test_all_faults_are_told_at_once_each_once() -> None:
    with pytest.raises(ConfigError) as told:
        asked("+model.C=1", "+data.path=x", "data.metric=rsme", "metrics.names=[mea]")
    lines = str(told.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["data.path", "model.C", "metrics.names", "decision.metric"]


def test_a_missing_value_is_asked_for_before_anything_else() -> None:
    with pytest.raises(ConfigError, match=r"data\.path: a value is needed\. Add data\.path=…"):
        asked("data=csv")


def test_requests_for_the_same_task_share_their_data() -> None:
    same = asked().data_key
    assert asked("model=catboost", "name=other", "decision.metric=mae", "metrics.latency_rows=1").data_key == same
    assert asked("data.split.test=0.3").data_key != same
    assert asked("seed=1").data_key == same, "the split has a seed of its own"
    assert asked("data.split.seed=1").data_key != same
    assert asked("data=breast_cancer").data_key != same


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The folder of a run of the plain request."""
    record.begin(tmp_path, asked().to_config())
    return tmp_path


def test_the_same_request_keeps_a_finished_run(finished: Path) -> None:
    assert resuming.changes(asked(folder=finished)) == []


@pytest.mark.parametrize(
    "override",
    ["name=other", "variant=other", "incumbent=rules", "resume=false", "metrics.latency_rows=3", "decision.metric=mae",
     "data.metric=mae", "decision.confidence=0.9", "model.card.licence=MIT", "data.card.summary=other"],
)  # fmt: skip
def test_what_changes_nothing_that_is_learnt_keeps_a_finished_run(finished: Path, override: str) -> None:
    assert resuming.changes(asked(override, folder=finished)) == []


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed=1", "seed: 0 → 1"),
        ("data.split.test=0.3", "data.split.test: 0.2 → 0.3"),
        ("model.regressor.alpha=1", "model.regressor.alpha: 10.0 → 1"),
        ("+model.dimensions=5", "model.dimensions: 30 → 5"),
        ("~model.regressor.alpha", "model.regressor.alpha: 10.0 → 1.0"),
        ("data.ignore=[s1]", "data.ignore: [] → ['s1']"),
    ],
)
def test_what_changes_the_result_is_told_with_both_values(finished: Path, override: str, said: str) -> None:
    assert resuming.changes(asked(override, folder=finished)) == [said]


def test_another_model_changes_nearly_everything(finished: Path) -> None:
    changed = resuming.changes(asked("model=catboost", folder=finished))
    assert any(line.startswith("model._target_: bakeoff.models.Estimator → ") for line in changed)


@pytest.fixture
def before_keys_were_added(tmp_path: Path) -> Path:
    """A run folder of CatBoost from before three keys were added to its option."""
    content = asked("model=catboost").to_config()
    for key in ("rsm", "refit", "target_transform"):
        del content["model"][key]
    record.begin(tmp_path, content)
    return tmp_path


def test_a_run_without_keys_that_were_added_later_is_kept_where_they_change_nothing(
    before_keys_were_added: Path,
) -> None:
    assert resuming.changes(asked("model=catboost", folder=before_keys_were_added)) == []


def test_a_run_without_keys_that_were_added_later_is_another_request_where_they_are_set(
    before_keys_were_added: Path,
) -> None:
    request = asked("model=catboost", "model.refit=true", "model.rsm=0.5", folder=before_keys_were_added)
    assert resuming.changes(request) == ["model.refit: False → True", "model.rsm: 1.0 → 0.5"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("classification", []), ("regression", ["search.declared.model.target_transform"])],
)
def test_a_parameter_that_a_search_gained_for_another_kind_of_task_keeps_a_finished_run(
    tmp_path: Path, kind: str, expected: list[str]
) -> None:
    content = asked("search=random").to_config()
    del content["model"]["target_transform"], content["model"]["search_space"]["target_transform"]
    record.begin(tmp_path, content)
    task = {"schema": {"kind": kind, "target": "y", "columns": {"x": "numeric"}}}
    record.finish(record.Run(tmp_path, "mine", "classical", "ok", "2026-11-26T09:00:00+00:00", task=task))
    changed = resuming.changes(asked("search=random", folder=tmp_path))
    assert sorted({line.partition(": ")[0].rsplit(".when")[0].removesuffix(".sweep") for line in changed}) == expected


def test_an_argument_is_compared_with_a_default_of_the_same_class_only(before_keys_were_added: Path) -> None:
    changed = resuming.changes(asked("model=random_forest", folder=before_keys_were_added))
    assert "model.target_transform: nothing → none" in changed


def test_a_run_of_a_version_with_other_keys_is_told_apart(finished: Path) -> None:
    config = finished / record.CONFIG
    config.write_text(config.read_text().replace("record_git:", "record_svn:"))
    with pytest.raises(ConfigError, match=r"recorded by a version .* other keys: record_svn: .*\nAdd resume=false"):
        resuming.changes(asked(folder=finished))


def test_numbers_and_lists_that_went_through_a_file_are_no_change(tmp_path: Path) -> None:
    odd = ("model.regressor.alpha=1e-7", "data.ignore=[s1]", "+model.dimensions=10", "model.card.summary='null'")
    record.begin(tmp_path, asked(*odd).to_config())
    assert record.read_config(tmp_path) == asked(*odd).to_config()
    assert resuming.changes(asked(*odd, folder=tmp_path)) == []


SLOTS = {
    "model": ["model=linear"],
    "model.classifier": ["model=linear"],
    "data": ["model=linear"],
    "data.split.splitter": ["model=linear"],
    "embedder": ["model=embedding"],
    "retriever": ["model=rag", "data=python_docs"],
    "retriever.chunker": ["model=rag", "data=python_docs"],
    "llm": ["model=llm"],
    "prompt": ["model=llm"],
    "trainer": ["model=mlp"],
    "metrics": ["model=linear"],
    "metrics.graders": ["model=linear"],
    "metrics.graders.mine": ["model=linear", "++metrics.graders={mine: {}}"],
    "decision": ["model=linear"],
    "decision.rule": ["model=linear"],
    "decision.require": ["model=linear"],
    "search": ["search=tpe"],
    "search.sampler": ["search=tpe"],
    "search.pruner": ["search=tpe"],
    "search.space": ["search=tpe"],
    "search.constraints": ["search=tpe"],
    "search.validation": ["search=tpe"],
    "tracker": ["tracker=wandb"],
    "cost": ["cost=time_and_requests"],
    "business": ["model=linear"],
}
"""Keys that take a component or a mapping, each with overrides by which something reads it."""
MAPPINGS = {"metrics.graders", "search.space", "search.constraints", "decision.require"}
WRONG: list[Any] = [
    "random", "$5", 3, 2.5, True, [1], ["a", {"_target_": "os.system"}], {"_target_": 3}, {"_target_": ["a"]},
    {"_target_": {}}, {"_target_": "."}, {3: 4},
    {"_target_": "bakeoff.models.Estimator", "card": 3}, {"_target_": "bakeoff.models.Estimator", "search_space": "x"},
    {"_target_": "bakeoff.models.Estimator", "search_budget": [3]},
]  # fmt: skip


@pytest.mark.parametrize("key", SLOTS)
def test_every_wrong_type_in_place_of_a_component_is_a_config_error(key: str) -> None:
    content = OmegaConf.to_container(composed("data=breast_cancer", *SLOTS[key]), resolve=True)
    assert isinstance(content, dict)
    *above, last = key.split(".")
    for wrong in WRONG[:-4] if key in MAPPINGS else WRONG:
        changed = copy.deepcopy(content)
        node = changed
        for part in above:
            node = node[part]
        node[last] = wrong
        with pytest.raises(ConfigError, match=f"^{above[0] if above else last}") as caught:
            read_container(changed)
        assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("key", ["seed", "test_rows", "resume", "record_git", "report", "incumbent"])
def test_a_plain_key_of_a_wrong_type_is_a_config_error(key: str) -> None:
    content = OmegaConf.to_container(composed(), resolve=True)
    assert isinstance(content, dict)
    for wrong in ([1], {"a": 1}, 2.5):
        with pytest.raises(ConfigError, match=rf"^{key}: .* is not of type"):
            read_container({**content, key: wrong})


def test_the_name_of_an_option_in_place_of_a_component_is_told_how_to_choose_it() -> None:
    with pytest.raises(ConfigError) as caught:
        asked("search=tpe", "search.sampler=random")
    assert str(caught.value) == (
        "search.sampler: 'random' is not a component, which is a mapping with _target_ and arguments. "
        "An option is chosen by its group: search=random on the command line, or in the defaults of a file "
        "- override /search: random"
    )


def read_container(content: dict[str, Any]) -> Request:
    return validation.read(OmegaConf.create(content), FOLDER)


def test_what_a_threshold_was_learnt_within_is_part_of_its_identity(tmp_path: Path) -> None:
    given = ("data=churn", "business=churn", "model=threshold")
    record.begin(tmp_path, asked(*given).to_config())
    assert resuming.changes(asked(*given, folder=tmp_path)) == []
    for objective in ("null", "f1"):
        request = asked(*given, f"model.objective={objective}", "business.capacity=5%", folder=tmp_path)
        assert "learned_within.capacity: nothing → 5%" in resuming.changes(request)
    plain = asked("data=churn", "business=churn", "business.capacity=5%", folder=tmp_path)
    assert "learned_within" not in plain.identity
