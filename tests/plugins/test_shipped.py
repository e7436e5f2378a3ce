"""The plugins in ``plugins/``, without installing them: what they declare, name and pin is there."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakeoff import plugins

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
CORE = ROOT / "conf"
ids = [folder.name for folder in SHIPPED]
each_plugin = pytest.mark.parametrize("folder", SHIPPED, ids=ids)


def declared(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return content


def points(folder: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = declared(folder)["entry-points"]
    return found


def package(folder: Path) -> Path:
    (name,) = points(folder)[plugins.PLUGINS].values()
    return folder / "src" / name


def named_in(module: str, folder: Path) -> set[str]:
    """Names that a module of a plugin has at its top level, read without importing it."""
    file = (folder / "src").joinpath(*module.split(".")).with_suffix(".py")
    tree = ast.parse(file.read_text("utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = [node.targets for node in tree.body if isinstance(node, ast.Assign)]
    return found | {target.id for targets in assigned for target in targets if isinstance(target, ast.Name)}


def targets(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["_target_"]] if "_target_" in node else []
        return own + [target for value in node.values() for target in targets(value)]
    return [target for item in node for target in targets(item)] if isinstance(node, list) else []


def configs(folder: Path) -> list[Path]:
    return sorted((package(folder) / "conf").rglob("*.yaml"))


def test_there_are_some():
    assert len(SHIPPED) >= 4


@each_plugin
def test_its_entry_points_are_of_known_groups_and_name_what_is_there(folder: Path):
    assert set(points(folder)) <= {plugins.PLUGINS, plugins.VERSION, *plugins.WORDS}
    assert set(points(folder)[plugins.VERSION].values()) == {plugins.API}
    assert (package(folder) / "__init__.py").is_file()
    for group in plugins.WORDS:
        for target in points(folder).get(group, {}).values():
            module, _, name = target.partition(":")
            assert name in named_in(module, folder), f"{target} is not there"


@each_plugin
def test_its_configs_name_classes_that_are_there_and_take_what_is_given(folder: Path):
    own = package(folder).name
    assert configs(folder)
    for file in configs(folder):
        content = yaml.safe_load(file.read_text("utf-8"))
        for target in targets(content):
            module, _, name = target.rpartition(".")
            if module.partition(".")[0] == own:
                assert name in named_in(module, folder), f"{file.name}: {target} is not there"
            else:
                assert module.partition(".")[0] == "bakeoff", f"{file.name}: {target} is of neither"


@each_plugin
def test_its_options_are_new_names_and_say_what_they_are(folder: Path):
    for file in configs(folder):
        option = file.relative_to(package(folder) / "conf")
        assert not (CORE / option).exists(), f"bakeoff has {option} itself"
        lines = file.read_text("utf-8").splitlines()
        assert any(line.startswith("# ") and "@package" not in line for line in lines), f"{option} has no comment"
        if option.parts[0] in ("model", "llm", "retriever"):
            card = yaml.safe_load(file.read_text("utf-8"))["card"]
            assert {"family", "licence", "source", "hosting", "data_leaves_network"} <= set(card), option


def test_no_two_bring_the_same():
    options = [str(file.relative_to(package(f) / "conf")) for f in SHIPPED for file in configs(f)]
    names = [(group, name) for f in SHIPPED for group, of in points(f).items() for name in of]
    tests = [file.name for f in SHIPPED for file in (f / "tests").glob("*.py")]
    for of in (options, names, tests):
        assert len(set(of)) == len(of)


@each_plugin
def test_it_has_a_readme_of_a_screen_tests_and_a_licence(folder: Path):
    assert 5 < len((folder / "README.md").read_text("utf-8").splitlines()) <= 40
    assert list((folder / "tests").glob("test_*.py"))
    assert declared(folder)["license"] == "Apache-2.0"
    assert folder.name == declared(folder)["name"]


@each_plugin
def test_what_it_needs_is_pinned(folder: Path):
    pinned = {
        line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    } | {"bakeoff"}
    needed = [re.split(r"[<>=!~;\[ ]", requirement)[0].lower() for requirement in declared(folder)["dependencies"]]
    assert "bakeoff" in needed
    assert set(needed) <= pinned
