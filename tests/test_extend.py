"""`bakeoff.extend`: what a plugin imports, complete, light, and unchanged within one version."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff import extend, plugins
from bakeoff.catalog import public_names

ROOT = Path(__file__).parents[1]
SURFACE = Path(__file__).parent / "fixtures" / "extend.json"
PLUGINS = sorted(
    [*ROOT.glob("plugins/*/src/**/*.py"), *(ROOT / "src/bakeoff/scaffold/templates").rglob("*.py.template")]
)


@pytest.mark.parametrize("file", PLUGINS, ids=lambda file: str(file.relative_to(ROOT)))
def test_shipped_plugins_and_templates_import_from_extend_alone(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8").replace("$", ""))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {module for module in modules if module.partition(".")[0] == "bakeoff"} <= {"bakeoff.extend"}


def test_every_name_leads_to_what_it_names() -> None:
    for name in public_names.names():
        assert getattr(extend, name) is not None, name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        getattr(extend, "nothing_like_it")  # noqa: B009


def is_compatible(before: object, now: object) -> bool:
    """Whether plugins written for one are served by the other: members and fields at the end may be added."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(name in now and is_compatible(member, now[name]) for name, member in before.items())
    return isinstance(before, str) and isinstance(now, str) and (now == before or now.startswith(f"{before}, "))


def test_the_surface_does_not_change_without_the_version() -> None:
    recorded, now = json.loads(SURFACE.read_text("utf-8")), public_names.signatures()
    assert now["version"] == plugins.API == recorded["version"]
    changed = {
        name: (before, now["names"].get(name, "absent"))
        for name, before in recorded["names"].items()
        if not is_compatible(before, now["names"].get(name))
    }
    assert not changed, (
        "Plugins see this change. Raise API in bakeoff/plugins.py, unless that version was never released, and run "
        f"python -m bakeoff.catalog.public_names tests/fixtures/extend.json\n{changed}"
    )


def test_a_changed_argument_is_a_change_and_a_new_field_at_the_end_is_none() -> None:
    before = {"fields": "a: int", "fit": "(self, X)"}
    assert is_compatible(before, {"fields": "a: int, b: int", "fit": "(self, X)", "report": "(self)"})
    assert not is_compatible(before, {"fields": "b: int, a: int", "fit": "(self, X)"})
    assert not is_compatible(before, {"fields": "a: int", "fit": "(self, X, y)"})
    assert not is_compatible(before, {"fields": "a: int"})
    assert not is_compatible("(X)", None)


def test_the_documents_list_every_name() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    assert public_names.written_into(text) == text, "python -m bakeoff.catalog.public_names docs/plugins.md"


def test_importing_a_contract_loads_no_heavy_library() -> None:
    code = "import sys; from bakeoff.extend import Context, Model, metric; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn", "pandas", "catboost", "lancedb", "wandb", "scipy"} & {*done.stdout.split()}
