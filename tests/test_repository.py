"""The repository as a whole: tools are content, configs compose, and no key is there that nothing reads."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf, open_dict

from bakeoff.config import components
from bakeoff.config.settings import Config, DecisionSettings, MetricSettings, register
from bakeoff.data.settings import DataSettings
from bakeoff.request import validation

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
FILES = sorted(file for file in CONF.rglob("*.yaml") if "search" not in file.relative_to(CONF).parts)


def options(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def shown(file: Path) -> str:
    return str(file.relative_to(CONF))


@pytest.mark.parametrize("model", options("model"))
def test_every_model_composes_with_data_of_each_kind_and_is_what_its_constructors_take(model: str) -> None:
    compose_and_check(model, ["sms_spam", "diabetes", "python_docs", "beir", "demand"])


def test_all_data_compose() -> None:
    compose_and_check("linear", options("data"))


def compose_and_check(model: str, of_data: list[str]) -> None:
    register()
    with initialize_config_dir(str(CONF), version_base=None):
        for data in of_data:
            cfg = compose("config", [f"model={model}", f"data={data}", "variant=x"])
            with open_dict(cfg):
                for key in OmegaConf.missing_keys(cfg):  # what a user must give, such as a path
                    OmegaConf.update(cfg, key, "x")
            asked = validation.read(cfg, Path("x"))
            assert asked.data.name == data
            assert asked.card["family"], "a leaderboard shows it"
            asked.dimensions()  # raises where a search space names a key that there is not


@pytest.mark.parametrize("experiment", options("experiment"))
def test_every_experiment_composes(experiment: str) -> None:
    register()
    with initialize_config_dir(str(CONF), version_base=None):
        cfg = compose("config", [f"experiment={experiment}", "variant=x"])
    assert validation.read(cfg, Path("x")).name == experiment


def targets(node: Any, where: str) -> list[tuple[str, str]]:
    found = []
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        found += [(value, where)] if key == "_target_" else targets(value, f"{where}.{key}")
    return found


@pytest.mark.parametrize("file", [f for f in FILES if not f.is_relative_to(CONF / "hydra")], ids=shown)
def test_every_class_that_a_config_names_exists(file: Path) -> None:
    for target, where in targets(yaml.safe_load(file.read_text()), shown(file)):
        assert isinstance(components.locate(target, where), type)


def keys_of(settings: type) -> set[str]:
    """The keys of typed settings, those of nested ones as dotted names."""
    hints = get_type_hints(settings)
    found = set()
    for field in fields(settings):
        nested = hints[field.name]
        found |= {f"{field.name}.{key}" for key in keys_of(nested)} if is_dataclass(nested) else {field.name}  # type: ignore[arg-type]
    return found


def keys_in(file: Path) -> set[str]:
    def flat(node: dict[str, Any]) -> set[str]:
        return {
            f"{key}.{inner}" if inner else key
            for key, value in node.items()
            if key != "defaults"
            for inner in (flat(value) if isinstance(value, dict) and value else {""})
        }

    return flat(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        (CONF / "metrics" / "default.yaml", MetricSettings),
        (CONF / "decision" / "default.yaml", DecisionSettings),
        (CONF / "data" / "base" / "defaults.yaml", DataSettings),
    ],
    ids=["metrics", "decision", "data"],
)
def test_no_key_is_there_that_nothing_reads_and_none_is_hidden(file: Path, settings: type) -> None:
    assert keys_in(file) == keys_of(settings)


def test_the_root_config_has_the_keys_of_a_request() -> None:
    written = yaml.safe_load((CONF / "config.yaml").read_text())
    groups = {key.rpartition("/")[2] for entry in written["defaults"] if isinstance(entry, dict) for key in entry}
    own = set(written) - {"defaults", "hydra"}
    typed = {field.name for field in fields(Config)}
    assert own <= typed
    assert typed - own <= groups, "every other key is a config group"


@pytest.mark.parametrize("file", [f for f in FILES if "base" not in f.relative_to(CONF).parts], ids=shown)
def test_every_option_says_what_it_is(file: Path) -> None:
    text = file.read_text()
    comments = [line for line in text.splitlines() if line.startswith("# ") and "@package" not in line]
    card = yaml.safe_load(text).get("card") or {}
    assert comments or card.get("summary")


@pytest.mark.parametrize("group", ["model", "data"])
def test_options_of_a_component_have_a_card(group: str) -> None:
    for option in options(group):
        assert (yaml.safe_load((CONF / group / f"{option}.yaml").read_text()).get("card") or {}).get("summary"), option
