"""Names by which configs call classes: exported lazily, public, and those of earlier versions still understood."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bakeoff import lazy
from bakeoff.config import components, renamed, signatures
from bakeoff.config.component import Component
from bakeoff.errors import ConfigError
from bakeoff.request import resuming, spec
from bakeoff.testing import contract

CONF = Path(__file__).parents[1] / "conf"
ROOMS = ("models", "retrieval", "llm", "grading", "data", "tracking")
HEAVY = ("numpy", "pandas", "sklearn", "torch", "catboost", "lancedb", "wandb", "openai")


def targets() -> list[str]:
    """Classes of bakeoff that shipped configs name."""

    def walk(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [str(value["_target_"])] if "_target_" in value else []
            return own + [name for item in value.values() for name in walk(item)]
        return [name for item in value for name in walk(item)] if isinstance(value, list) else []

    found = {name for path in CONF.rglob("*.yaml") for name in walk(yaml.safe_load(path.read_text("utf-8")))}
    return sorted(name for name in found if name.startswith("bakeoff."))


@pytest.mark.parametrize("target", targets())
def test_shipped_configs_name_classes_without_their_files(target: str) -> None:
    cls = components.locate(target, "x")
    assert lazy.public_name(cls) == target
    assert target.count(".") == 2, "a file may move, and the name stays"
    assert signatures.read(target) == signatures.read(f"{cls.__module__}.{cls.__name__}") is not None


@pytest.mark.parametrize("room", ROOMS)
def test_every_export_exists_and_is_listed(room: str) -> None:
    package = importlib.import_module(f"bakeoff.{room}")
    names = [name for name in dir(package) if name[0].isupper() and name != "TYPE_CHECKING"]
    assert names
    for name in names:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        package.Nothing  # noqa: B018


def test_importing_the_rooms_imports_nothing_heavy() -> None:
    imports = "; ".join(f"import bakeoff.{room}" for room in ROOMS)
    code = f"import sys; {imports}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("old", "new"), renamed.TARGETS.items())
def test_a_name_of_an_earlier_version_becomes_a_class_of_today(old: str, new: str) -> None:
    assert lazy.public_name(components.locate(new, "x")) == new
    assert Component.from_config({"_target_": old}).target == new


def test_a_recorded_config_gets_the_names_of_today_at_any_depth() -> None:
    recorded = {
        "_target_": "bakeoff.models.extractive.Extractive",
        "batch_rows": 32,
        "retriever": {"_target_": "bakeoff.retrieval.retrievers.BM25", "batch_rows": 1},
        "rewriters": [{"_target_": "bakeoff.retrieval.history.FollowUps"}],
    }
    assert renamed.current(recorded) == {
        "_target_": "bakeoff.models.Extractive",
        "predict_batch_size": 32,
        "retriever": {"_target_": "bakeoff.retrieval.BM25", "batch_rows": 1},
        "rewriters": [{"_target_": "bakeoff.retrieval.FollowUps"}],
    }


def test_a_misspelt_public_name_gets_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r'no "CatBost" in bakeoff\.models\. Did you mean "CatBoost"'):
        components.locate("bakeoff.models.CatBost", "model._target_")


def test_a_run_of_an_earlier_version_is_kept_where_only_names_have_changed(tmp_path: Path) -> None:
    composed = contract.composed("model=extractive", "data=python_docs", "retriever=bm25")
    request = spec.Request.from_config(composed, tmp_path)
    text = yaml.safe_dump(request.to_config())
    for old, new in renamed.TARGETS.items():
        text = text.replace(f"{new}\n", f"{old}\n")
    assert "bakeoff.models.extractive.Extractive" in text
    (tmp_path / "config.yaml").write_text(text.replace("predict_batch_size", "batch_rows"))
    assert resuming.changes(request) == []
