"""Plugins as a user meets them: on the command line, installed beside bakeoff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installing import bakeoff, declare, install_counting, write


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plugins: one that brings a kind of task of its own, and one that cannot be imported."""
    folder = tmp_path_factory.mktemp("site")
    install_counting(folder)
    sick = "# A model.\n_target_: bakeoff_sick.Model\ncard: {family: rules, licence: MIT}\n"
    write(folder, {"bakeoff_sick/__init__.py": "import nowhere\nclass Model: ...\n"})
    write(folder, {"bakeoff_sick/conf/model/sick.yaml": sick, "bakeoff_sick/conf/model/knn.yaml": sick})
    points = {"bakeoff.plugins": {"sick": "bakeoff_sick"}, "bakeoff.metrics": {"sick_gain": "bakeoff_sick:gain"}}
    declare(folder, "bakeoff-sick", points)
    return folder


def test_a_kind_of_task_that_the_core_does_not_know_runs_to_a_verdict(site: Path, tmp_path: Path) -> None:
    done = bakeoff(site, "experiment=fruit", "decision.resamples=500", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Verdict: SHIP counter-most=10" in done.stdout
    assert "Counted wrongly\n  counter-most=1: 18 of 24 rows\n  counter-most=10: 0 of 24 rows" in done.stdout
    result = json.loads((tmp_path / "outputs" / "fruit" / "counter-most=10" / "result.json").read_text())
    assert result["task"]["schema"]["kind"] == "counting"
    assert result["metrics"]["count_error"]["value"] == 0
    again = bakeoff(site, "compare", "outputs/fruit", "decision.resamples=500", cwd=tmp_path)
    assert "counter-most=1: 18 of 24 rows" in again.stdout, "from what is on disk"


def test_its_rule_decides_its_splitter_splits_and_its_cost_model_prices(site: Path, tmp_path: Path) -> None:
    rule = "decision.rule={_target_: bakeoff_counting.judging.ShipWhatIsNew}"
    splitter = "data.split.splitter={_target_: bakeoff_counting.judging.LastAreTest}"
    done = bakeoff(site, "experiment=fruit", rule, splitter, "cost=basket", "decision.resamples=500", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fruit, 36 test rows" in done.stdout
    assert "Verdict: SHIP counter-most=10 – it is new and better." in done.stdout
    result = json.loads((tmp_path / "outputs" / "fruit" / "counter-most=10" / "result.json").read_text())
    assert result["metrics"]["cost_per_1k"]["value"] == 500
    assert "Caution: 36 baskets are few." in done.stdout


@pytest.mark.slow
def test_its_search_space_is_searched_and_its_jobs_run_in_other_processes(site: Path, tmp_path: Path) -> None:
    done = bakeoff(
        site, "-m", "model=counter", "data=fruit", "seed=0,1", "search=random", "search.trials=2",
        "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "decision.resamples=500", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" of 24 rows") == 2


def test_a_verb_of_a_plugin_gets_its_arguments_and_gives_its_exit_code(site: Path, tmp_path: Path) -> None:
    done = bakeoff(site, "count", "apples", "badly", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "counting apples badly\n")
    near = bakeoff(site, "cuont", cwd=tmp_path)
    assert near.returncode == 2
    assert 'Did you mean "count"?' in near.stderr


def test_a_broken_plugin_is_named_when_it_is_asked_for_and_harms_no_other_run(site: Path, tmp_path: Path) -> None:
    asked = bakeoff(site, "-m", "model=sick,constant", "data=diabetes", cwd=tmp_path)
    assert asked.returncode == 2
    assert "plugin sick (bakeoff-sick 0.1) cannot be imported: ModuleNotFoundError" in asked.stderr
    assert not list(tmp_path.glob("outputs/*/[!.]*"))
    done = bakeoff(site, "model=constant", "data=diabetes", "decision.resamples=500", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Verdict:" in done.stdout


def test_an_option_that_would_be_shadowed_is_refused(site: Path, tmp_path: Path) -> None:
    done = bakeoff(site, "plan", "model=knn", "data=diabetes", cwd=tmp_path)
    assert done.returncode == 2
    assert 'model: the option "knn" is brought twice: by bakeoff, ' in done.stderr
    assert "and by plugin sick (bakeoff-sick 0.1), " in done.stderr


def test_doctor_and_list_tell_of_plugins(site: Path, tmp_path: Path) -> None:
    told = bakeoff(site, "doctor", cwd=tmp_path).stdout
    assert "bakeoff-sick 0.1: bakeoff_sick: plugin sick (bakeoff-sick 0.1) cannot be imported" in told
    assert (
        "model/counter, metric count_error, kind of task counting, section missed, method check few_baskets, verb count"
        in told
    )
    listed = bakeoff(site, "list", "data", cwd=tmp_path).stdout
    (fruit,) = [line for line in listed.splitlines() if " fruit " in line]
    assert fruit.split()[-1] == "counting"
