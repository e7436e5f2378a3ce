"""A run repeated from its record comes to the same, and what differs is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import environment, record
from bakeoff.cli import main
from bakeoff.cli.rerun import rerun as rerun_verb
from bakeoff.errors import ConfigError, DataError
from bakeoff.execution import rerun
from recorded_runs import rewrite

CONF = Path(__file__).parents[2] / "conf"
QUICK = ("decision.resamples=200", "metrics.latency_rows=2", "tracker=none")
RULES = "model.rules=[{name: small, where: {size: '< 0'}, output: 'no'}]"
# Models that answer equally when they are fitted again with the same seed on the same machine.
EQUAL = {
    "rules": ["model=rules", RULES, "model.default='yes'"],
    "linear": ["model=linear"],
    "catboost": ["model=catboost", "model.iterations=30"],
    "knn": ["model=knn", "embedder=hashing"],
    **({"lstm": ["model=lstm"]} if (CONF / "model/lstm.yaml").is_file() else {}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    random = np.random.default_rng(0)
    size = random.normal(size=160)
    frame = pd.DataFrame(
        {
            "size": size,
            "note": [f"the {random.choice(['red', 'blue'])} one came {i} days late" for i in range(160)],
            "leaves": np.where(size + random.normal(scale=0.5, size=160) > 0, "yes", "no"),
        }
    )
    frame.to_csv(folder / "pets.csv", index=False)
    return folder


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def run(*overrides: str, name: str = "pets") -> python.Run:
    return python.run("data=csv", "data.path=pets.csv", "data.target=leaves", *QUICK, *overrides, name=name)


@pytest.mark.parametrize("model", EQUAL)
def test_the_same_seed_on_the_same_machine_gives_equal_predictions(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)  # one thread, as bakeoff counts them
    first = run(*EQUAL[model])
    again = rerun.rerun(first.folder)
    assert again.agrees
    assert again.tolerance == rerun.EXACT
    assert again.equal_rows == again.rows == len(first.predictions) == 33
    second = python.Run(again.run.folder)
    measured = [c for c in first.predictions if c != "seconds"]
    pd.testing.assert_frame_equal(first.predictions[measured], second.predictions[measured], check_exact=True)
    assert again.drift == ()
    assert (second.folder / record.LOG).read_text().count("fitting") == 1


def test_a_run_records_what_it_took(folder: Path) -> None:
    told = run("model=constant", "seed=7", name="told").record
    e = told.environment
    assert "model=constant" in e["command"]
    assert "seed=7" in e["command"]
    assert e["python"]
    assert e["cpu"]
    assert e["cores"] == environment.cores()
    assert {"bakeoff", "scikit-learn", "catboost", "pandas"} <= set(e["versions"])
    assert isinstance(e["gpus"], list)
    assert e["assets"] == {}
    installed = (told.folder / record.INSTALLED).read_text().splitlines()
    assert f"numpy=={np.__version__}" in installed
    assert len(record.read_learnt(told.folder)) == 127  # type: ignore[arg-type]


def test_assets_are_recorded_with_their_hashes() -> None:
    from bakeoff.assets import ASSETS

    told = python.run("data=sms_spam", "model=constant", *QUICK).record.environment["assets"]
    assert told == {"sms_spam": ASSETS["sms_spam"].sha256}


def test_the_diff_of_the_working_tree_is_kept_unless_nobody_wants_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        asked = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("one\n")
    git("init")
    git("add", "notes.txt")
    git("commit", "-m", "first")
    (tmp_path / "notes.txt").write_text("two\n")
    kept = run("model=constant", f"data.path={folder / 'pets.csv'}", name="kept")
    state = kept.record.environment["git"]
    assert len(state["commit"]) == 40
    assert state["changed"]
    assert "+two" in (kept.folder / record.DIFF).read_text()

    without = run("model=constant", f"data.path={folder / 'pets.csv'}", "record_git=false", name="without")
    assert without.record.environment["git"] is None
    assert not (without.folder / record.DIFF).exists()


def test_a_password_in_a_url_does_not_get_into_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.COMMAND, "bakeoff data=sql data.url=postgresql://me:secret@host/shop")
    assert environment.command() == "bakeoff data=sql data.url=postgresql://me:***@host/shop"


def test_what_a_search_found_is_fitted_again_without_the_search() -> None:
    first = run("model=linear", "search=random", "search.trials=4", name="tuned")
    again = rerun.rerun(first.folder)
    assert again.agrees
    assert again.run.search is None
    assert again.run.parameters == first.parameters
    searched = rerun.rerun(first.folder, search=True)
    assert searched.agrees
    assert searched.run.search is not None
    assert searched.run.parameters == first.parameters


def test_drift_between_the_record_and_now_is_listed() -> None:
    now = {
        "python": "3.12.1", "platform": "Linux", "cores": 4, "gpus": [], "versions": {"numpy": "2.4", "torch": "2.13"},
        "assets": {"minilm": "b" * 64}, "git": {"commit": "2" * 40, "changed": True, "diff_sha256": "x"},
    }  # fmt: skip
    then = {
        "python": "3.11.7", "platform": "Linux", "cores": 2, "gpus": ["A100"], "versions": {"numpy": "2.3"},
        "assets": {"minilm": "a" * 64}, "git": {"commit": "1" * 40, "changed": False, "diff_sha256": None},
    }  # fmt: skip
    assert environment.drift(then, now) == [
        "python: 3.11.7 → 3.12.1",
        "cores: 2 → 4",
        "gpus: A100 → none",
        "numpy: 2.3 → 2.4",
        "torch: not installed → 2.13",
        f"minilm: {'a' * 16} → {'b' * 16}",
        f"git commit: {'1' * 12} → {'2' * 12} with changes",
        "git: the changes that were not committed are others",
    ]
    assert environment.drift(now, now) == []
    assert environment.drift({}, now) == [], "a record that does not say cannot drift"


def test_it_is_said_whether_a_run_agrees_and_what_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    first = run("model=linear", name="said")
    assert rerun_verb(["outputs/said"]) == main.OK
    same = capsys.readouterr().out
    assert "linear: AGREES" in same
    assert "33 of 33 test rows got the same answer." in same
    assert "Nothing has changed in the environment." in same

    recorded = json.loads((first.folder / record.RESULT).read_text())
    recorded["metrics"]["accuracy"]["value"] += 0.01
    recorded["environment"]["versions"]["numpy"] = "1.0"
    rewrite(first.folder, recorded)
    assert rerun_verb([str(first.folder)]) == main.FAILED
    other = capsys.readouterr().out
    assert "linear: DIFFERS" in other
    assert f"changed since: numpy: 1.0 → {np.__version__}" in other
    assert rerun_verb([str(first.folder), "tolerance=0.1"]) == main.OK
    assert {p.name for p in Path("outputs").glob("said*")} == {"said", "said-rerun", "said-rerun-2", "said-rerun-3"}


def test_data_that_have_changed_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.read_csv(folder / "pets.csv")
    monkeypatch.chdir(tmp_path)
    frame.to_csv("pets.csv", index=False)
    run("model=constant", name="moved")
    frame.iloc[::-1].to_csv("pets.csv", index=False)
    assert rerun_verb(["outputs/moved/constant"]) == main.FAILED
    assert "The data have changed since" in capsys.readouterr().out


def test_the_exit_code_says_whether_a_run_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setenv(environment.COMMAND, "")
    before = signal.getsignal(signal.SIGTERM)
    first = run("model=constant", name="code")
    codes = []
    for change in (0, 0.01):
        recorded = json.loads((first.folder / record.RESULT).read_text())
        recorded["metrics"]["accuracy"]["value"] += change
        rewrite(first.folder, recorded)
        with pytest.raises(SystemExit) as left:
            main.main(["rerun", str(first.folder)])
        codes.append(left.value.code)
    signal.signal(signal.SIGTERM, before)
    assert codes == [main.OK, main.FAILED]
    again = record.read_run(first.folder.parents[1] / "code-rerun/constant")
    assert again.environment["command"] == f"bakeoff rerun {first.folder}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "rerun: name a folder"),
        (["outputs/nowhere"], "there is no such folder"),
        (["outputs/pets", "tolerence=1"], 'Did you mean "tolerance"'),
        (["outputs/pets", "tolerance=much"], "is not of type float"),
    ],
)
def test_a_wrong_request_to_repeat_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises((ConfigError, DataError), match=said):
        rerun_verb(arguments)


def test_of_a_bake_off_the_runs_that_ended_are_repeated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run("model=constant", name="partly")
    record.begin(first.folder.parent / "cut", {"model": {}})
    assert rerun_verb(["outputs/partly"]) == main.OK
    said = capsys.readouterr().out
    assert "cut: interrupted, so there is nothing to repeat." in said
    assert "constant: AGREES" in said


def test_a_run_that_failed_has_nothing_to_agree_with(tmp_path: Path) -> None:
    record.begin(tmp_path / "cut", {"model": {}})
    with pytest.raises(DataError, match="was interrupted"):
        rerun.rerun(tmp_path / "cut")


def test_a_search_over_config_groups_is_not_in_the_record() -> None:
    first = run(
        "model=linear", "search=random", "search.trials=2", "search.space={model: 'choice(linear, constant)'}",
        name="grouped",
    )  # fmt: skip
    assert rerun.rerun(first.folder).agrees, "what it chose is"
    with pytest.raises(ConfigError, match="chose among options of model"):
        rerun.rerun(first.folder, search=True)
