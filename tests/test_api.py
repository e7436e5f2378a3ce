"""Bake-offs from Python: as on the command line, in a process that has a life of its own."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import hydra
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge

import bakeoff
from bakeoff.execution import rerun
from bakeoff.models.tabular import in_memory

CONF = Path(__file__).parents[1] / "conf"
QUICK = ("decision.resamples=200", "metrics.latency_rows=2", "tracker=none")


class Shrunk(LogisticRegression):
    """A class that no config can name."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    size = random.normal(size=200)
    return pd.DataFrame(
        {
            "size": size,
            "plan": random.choice(["basic", "plus"], 200),
            "leaves": np.where(size + random.normal(scale=0.5, size=200) > 0, "yes", "no"),
        }
    )


@pytest.fixture
def bake() -> bakeoff.Bakeoff:
    return bakeoff.bakeoff("data=breast_cancer", *QUICK, models=["constant", "linear"], incumbent="constant")


def test_a_bakeoff_is_what_the_command_line_makes_of_the_same_request(bake: bakeoff.Bakeoff, folder: Path) -> None:
    assert list(bake) == ["constant", "linear"]
    assert (folder / "outputs/breast_cancer/leaderboard.csv").is_file()
    assert bake.verdict.word == "ship"
    assert bake.winner is not None
    assert bake.winner.variant == "linear"
    assert list(bake.leaderboard.index) == ["linear", "constant"]
    best = bake.leaderboard.loc["linear"]
    assert best["roc_auc_low"] < best["roc_auc"] == bake["linear"].metrics.loc["roc_auc", "value"]
    assert "bakeoff -m model=constant,linear" in bake["linear"].record.environment["command"]
    assert "fitting" in (folder / "outputs/breast_cancer/linear/log.txt").read_text()


def test_the_same_request_again_keeps_what_has_finished(bake: bakeoff.Bakeoff) -> None:
    before = bake["linear"].record.started
    again = bakeoff.bakeoff("data=breast_cancer", *QUICK, models=["constant", "linear"], incumbent="constant")
    assert again["linear"].record.started == before


def test_predictions_are_frames_and_the_model_is_loaded_when_asked_for(bake: bakeoff.Bakeoff) -> None:
    run = bake["linear"]
    assert len(run.predictions) == len(bake.predictions) == 115
    assert list(bake.predictions.columns) == ["target", "constant", "linear"]
    assert run.trials is None
    assert bake.trials.empty
    assert type(run.model).__name__ == "Estimator"


def test_a_leaderboard_and_a_verdict_show_themselves_in_a_notebook(bake: bakeoff.Bakeoff) -> None:
    shown = bake._repr_html_()
    assert 'sandbox="allow-scripts"' in shown and "In brief" in shown, "the whole report unfolds"
    assert shown.index("<td><b>linear</b></td>") < shown.index("<td>constant</td>")
    assert "<b>Verdict: SHIP linear</b>" in shown
    assert "<b>Ship linear</b>" in bake.verdict._repr_html_()
    assert "roc_auc" in bake["linear"]._repr_html_()
    assert re.search(r"^\| linear \| classical \| 0\.\d+ \[", bake.to_markdown(), re.MULTILINE)
    assert str(bake.verdict).startswith("Ship linear: ")


def test_what_is_on_disk_can_be_loaded(bake: bakeoff.Bakeoff) -> None:
    loaded = bakeoff.load("outputs/breast_cancer")
    assert isinstance(loaded, bakeoff.Bakeoff)
    assert loaded.verdict == bake.verdict
    assert repr(loaded).startswith("Bakeoff(")
    run = bakeoff.load("outputs/breast_cancer/linear")
    assert isinstance(run, bakeoff.Run)
    assert run.config["model"]["classifier"]["C"] == 10.0
    with pytest.raises(bakeoff.DataError, match="no such folder"):
        bakeoff.load("outputs/nowhere")
    with pytest.raises(KeyError, match='Did you mean "linear"'):
        bake["liner"]


def test_a_frame_is_data_that_can_be_read_again(frame: pd.DataFrame) -> None:
    run = bakeoff.run(*QUICK, data=frame, target="leaves", model="linear")
    assert run.metrics.loc["accuracy", "value"] > 0.7
    kept = pd.read_parquet(run.config["data"]["path"])
    pd.testing.assert_frame_equal(kept, frame)
    assert bakeoff.run(*QUICK, data=frame, target="leaves", model="linear").record.started == run.record.started
    changed = bakeoff.run(*QUICK, data=frame.assign(size=2 * frame["size"]), target="leaves", model="constant")
    assert changed.folder.parent != run.folder.parent, "another frame is another task"


def test_scikit_learn_objects_are_variants(frame: pd.DataFrame) -> None:
    bake = bakeoff.bakeoff(
        *QUICK,
        data=frame,
        target="leaves",
        name="objects",
        models={"forest": RandomForestClassifier(n_estimators=7), "mine": Shrunk(C=0.5), "linear": "linear"},
    )
    assert set(bake) == {"forest", "mine", "linear"}
    # What a config can say is an ordinary variant, which can be run again.
    assert bake["forest"].config["model"]["_target_"] == "sklearn.ensemble.RandomForestClassifier"
    assert bake["forest"].parameters["n_estimators"] == 7
    # What none can say is recorded by class and parameters.
    mine = bake["mine"]
    assert mine.parameters["estimator"] == f"{__name__}.Shrunk"
    assert mine.parameters["parameters"]["C"] == 0.5
    assert "cannot be run again" in mine.record.card["summary"]
    with pytest.raises(bakeoff.DataError, match="Shrunk"):
        _ = mine.model


def test_an_object_is_fitted_anew_because_nobody_knows_whether_it_is_the_same(frame: pd.DataFrame) -> None:
    asked = {"data": frame, "target": "leaves", "name": "anew"}
    first = bakeoff.run(*QUICK, model=Shrunk(C=0.5), **asked)  # type: ignore[arg-type]
    second = bakeoff.run(*QUICK, model=Shrunk(C=2.0), **asked)  # type: ignore[arg-type]
    assert first.folder == second.folder
    assert second.parameters["parameters"]["C"] == 2.0
    assert second.record.started > first.record.started


def test_an_object_of_another_process_is_refused_with_the_reason(frame: pd.DataFrame) -> None:
    run = bakeoff.run(*QUICK, data=frame, target="leaves", name="gone", model=Shrunk())
    in_memory.forget()
    with pytest.raises(bakeoff.ConfigError, match="Shrunk was an object in the memory of another process"):
        rerun.rerun(run.folder)


def test_trials_ask_for_a_search(frame: pd.DataFrame) -> None:
    bake = bakeoff.bakeoff(*QUICK, data=frame, target="leaves", name="tuned", models=["linear"], trials=3)
    assert len(bake.trials) == 3
    assert set(bake.trials["variant"]) == {"linear"}
    assert bake["linear"].record.search is not None


@pytest.mark.parametrize(
    ("overrides", "arguments", "said"),
    [
        (["data=breast_cancer"], {"model": "lineer"}, 'Did you mean "linear"'),
        (["data=breast_cancer", "model=catboost", "+model.dept=3"], {}, 'Did you mean "depth"'),
        (["data=breast_cancer", "seed=0,1"], {"model": "linear"}, "These are 2 variants"),
        (["data=breast_cancer", "model.classifier"], {"model": "linear"}, "is not an override"),
        (["data=breast_cancer"], {"model": Ridge}, "is not a scikit-learn classifier or regressor object"),
        (["data=breast_cancer"], {"model": "linear", "config_dir": "nowhere"}, "config_dir: there is no folder"),
        ([], {"data": pd.DataFrame({"x": [1, 2]}), "model": "linear"}, "target: name the column"),
        (["data=breast_cancer", "sead=1"], {"model": "linear"}, "sead: there is no such key"),
    ],
)
def test_a_wrong_request_is_a_config_error(overrides: list[str], arguments: dict, said: str) -> None:
    with pytest.raises(bakeoff.ConfigError, match=said):
        bakeoff.run(*overrides, **arguments)


def test_a_frame_that_no_file_holds_is_a_data_error() -> None:
    with pytest.raises(bakeoff.DataError, match="every column of the frame needs a name"):
        bakeoff.run(data=pd.DataFrame({0: [1, 2]}), target="x", model="linear")
    with pytest.raises(bakeoff.DataError, match="cannot be kept as Parquet"):
        bakeoff.run(data=pd.DataFrame({"x": [1, "a", b"c"], "y": [1, 2, 3]}), target="y", model="linear")
    with pytest.raises(bakeoff.DataError, match="neither the name of an option nor a pandas frame"):
        bakeoff.run(data=[[1, 2]], target="x", model="linear")  # type: ignore[arg-type]


def test_a_variant_that_fails_is_told_and_the_others_are_compared(frame: pd.DataFrame) -> None:
    class Broken(LogisticRegression):
        def fit(self, X: object, y: object, sample_weight: object = None) -> None:
            raise RuntimeError("out of ideas")

    asked = {"data": frame, "target": "leaves", "name": "broken"}
    bake = bakeoff.bakeoff(*QUICK, models={"broken": Broken(), "constant": "constant"}, **asked)  # type: ignore[arg-type]
    assert bake["broken"].status == "failed"
    assert bake.leaderboard.loc["broken", "status"] == "failed"
    assert "failed" in bake._repr_html_()
    with pytest.raises(bakeoff.VariantsFailed, match="out of ideas"):
        bakeoff.run(*QUICK, model=Broken(), **asked)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")  # Hydra says that it will forget this version
def test_hydra_logging_and_environment_are_left_as_they_were() -> None:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    with initialize_config_dir(str(CONF), version_base="1.1"):
        before = GlobalHydra.instance().hydra
        bakeoff.run("data=breast_cancer", *QUICK, "model=constant", "resume=false", name="quiet")
        assert GlobalHydra.instance().hydra is before
        assert compose("config", ["model=constant"]).model._target_.endswith("Constant")
        assert hydra.version.getbase() == hydra.version.Version("1.1")
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert "BAKEOFF_COMMAND" not in os.environ


def test_importing_bakeoff_loads_nothing_heavy() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, bakeoff; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    loaded = set(told.stdout.split())
    assert "bakeoff" in loaded
    assert loaded.isdisjoint({"numpy", "pandas", "hydra", "omegaconf", "sklearn", "optuna", "rich", "yaml"})
    assert {"run", "bakeoff", "load", "Run", "Bakeoff", "ConfigError"} <= set(dir(bakeoff))
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        _ = bakeoff.fit  # type: ignore[attr-defined]
