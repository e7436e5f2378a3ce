"""A stranger's run folder, with digests that fit its edited files, runs nothing under any verb that reads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import bakeoff as python
from bakeoff import record
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import BakeoffError
from bakeoff.execution import refresh, rerun
from recorded_runs import rewrite

OS_SYSTEM = {"_target_": "os.system", "command": "touch pwn/ran"}
PIPELINE = {
    "_target_": "sklearn.pipeline.Pipeline",
    "steps": [["s", {"_target_": "sklearn.preprocessing.StandardScaler"}]],
    "memory": "pwn/memory",
}
VACUUM = {"_target_": "bakeoff.data.Sql", "url": "sqlite:///shop.db", "query": "VACUUM INTO 'pwn/copy'"}
JOURNAL = {"_target_": "optuna.storages.journal.JournalFileBackend", "file_path": "pwn/journal"}
DATABASE = {"_target_": "optuna.storages.RDBStorage", "url": "sqlite:///pwn/rule.db"}

Edit = Callable[[dict[str, Any]], object]
CONFIGS: dict[str, Edit] = {
    "a rule that is a function": lambda c: c["decision"].update(rule=OS_SYSTEM),
    "a rule that opens a database": lambda c: c["decision"].update(rule=DATABASE),
    "a model that is a function": lambda c: c.update(model=OS_SYSTEM),
    "a model that writes files": lambda c: c.update(model=PIPELINE),
    "a part of a model": lambda c: c["model"].update(classifier=OS_SYSTEM),
    "a grader": lambda c: c["metrics"].update(graders={"g": OS_SYSTEM}),
    "a tracker": lambda c: c.update(tracker=OS_SYSTEM),
    "a cost model": lambda c: c.update(cost=JOURNAL),
    "a business model": lambda c: c.update(business=OS_SYSTEM),
    "a splitter": lambda c: c["data"]["split"].update(splitter=OS_SYSTEM),
    "data that write": lambda c: c.update(data={**{k: v for k, v in c["data"].items() if k not in OF_CSV}, **VACUUM}),
    "a secret in the model": lambda c: c["model"].update(text="${oc.env:CANARY_SECRET}"),
    "a secret in the path": lambda c: c["data"].update(path="${oc.env:CANARY_SECRET}"),
    "a secret in the seed": lambda c: c.update(seed="${oc.env:CANARY_SECRET}"),
    "a list for a model": lambda c: c.update(model=[OS_SYSTEM]),
    "a number for the data": lambda c: c.update(data=3),
    "text for settings": lambda c: c.update(decision="x", metrics="y", search="z"),
}
OF_CSV = ("_target_", "path", "test_path", "separator", "encoding", "decimal", "thousands")
RECORDS: dict[str, Edit] = {
    "a cost model in the record": lambda r: r.update(cost=JOURNAL),
    "a business model in the record": lambda r: r.update(business=OS_SYSTEM),
    "another variant": lambda r: r.update(variant="../../pwn/variant"),
    "wrong types": lambda r: r.update(metrics=3, task=[1], notes={"a": 1}),
    "no status": lambda r: r.pop("status"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreign")
    values = np.random.default_rng(0).normal(size=(200, 2))
    frame = pd.DataFrame(values, columns=["a", "b"]).assign(y=np.where(values.sum(1) > 0, "yes", "no"))
    frame.to_csv(folder / "old.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        data = ("data=csv", "data.path=old.csv", "data.target=y", "decision.resamples=200", "tracker=none", "name=s")
        python.bakeoff(*data, "metrics.latency_rows=2", models=["linear"])
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's run folder in the working directory, and a place where nothing may appear."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANARY_SECRET", "canary-of-the-environment")
    monkeypatch.setenv("BAKEOFF_COMMAND", "bakeoff compare outputs/s")
    (tmp_path / "pwn").mkdir()
    (tmp_path / "outputs/s/comparison.json").unlink()
    return tmp_path / "outputs/s/linear"


def refused_by(folder: Path) -> list[str]:
    """Run every verb that reads run folders. Returns those that refused or failed, with a message."""
    verbs: Mapping[str, Callable[[], object]] = {
        "compare": lambda: python.load(folder.parent).verdict,  # type: ignore[union-attr]
        "load": lambda: python.load(folder).model,  # type: ignore[union-attr]
        "rerun": lambda: rerun.rerun(folder),
        "refresh": lambda: refresh.refresh(folder, ["data.path=old.csv"], conf_dir()),
    }
    refused = []
    for verb, call in verbs.items():
        try:
            done = call()
            assert not isinstance(done, rerun.Rerun) or done.run.status == "ok", "refused too late"
        except BakeoffError as error:
            assert str(error).strip() and "canary" not in str(error)
            refused.append(verb)
    return refused


def assert_nothing_happened(folder: Path) -> None:
    home = folder.parents[2]
    assert list((home / "pwn").rglob("*")) == []
    assert sorted(path.name for path in home.iterdir()) == ["old.csv", "outputs", "pwn"]
    texts = [f for f in home.rglob("*") if f.is_file() and b"canary-of-the-environment" in f.read_bytes()]
    assert texts == []


def test_a_sound_folder_is_read_by_every_verb(folder: Path) -> None:
    assert refused_by(folder) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_of_a_stranger_runs_nothing(folder: Path, name: str) -> None:
    for file in (folder / "config.yaml", folder / "fitted.yaml"):
        if file.is_file():
            content = yaml.safe_load(file.read_text())
            CONFIGS[name](content)
            file.write_text(yaml.safe_dump(content))
    rewrite(folder, json.loads((folder / record.RESULT).read_text()))
    assert "rerun" in refused_by(folder)
    assert not list(folder.parents[1].glob("s-rerun/*/config.yaml")), "work began before the refusal"
    assert_nothing_happened(folder)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_a_stranger_runs_nothing(folder: Path, name: str) -> None:
    content = json.loads((folder / record.RESULT).read_text())
    RECORDS[name](content)
    rewrite(folder, content)
    refused_by(folder)
    assert_nothing_happened(folder)


@pytest.mark.parametrize("name", ["config.yaml", "result.json", "predictions.parquet", "model/parameters.json"])
def test_a_link_in_place_of_a_file_shows_nothing_of_what_it_points_to(folder: Path, name: str) -> None:
    secret = folder.parents[2].parent / "secret.txt"
    secret.write_text("canary: of a file elsewhere\n")
    (folder / name).unlink()
    (folder / name).symlink_to(secret)
    assert refused_by(folder), name
    assert_nothing_happened(folder)
