"""The way of a user from one command to a verdict, on the installed command line."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from command_line import INSTALLED, CommandLine

FEW = ("decision.resamples=500", "metrics.latency_rows=5", "tracker=none")


def comparison(folder: Path) -> dict:
    return json.loads((folder / "comparison.json").read_text())


def test_quickstart_ends_in_a_verdict_with_its_reason_and_a_folder(bakeoff: CommandLine, tmp_path: Path) -> None:
    # These take the longest by far; the slow test has them.
    without = (f"~hydra.sweeper.variants.{variant}" for variant in ("llm", "lstm", "catboost", "knn"))
    done = bakeoff(*without, BAKEOFF_TESTS="installed")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Verdict: (SHIP|AS GOOD|KEEP|NOT ENOUGH EVIDENCE)", done.stdout)
    assert "Results: outputs/quickstart" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr, "no control characters in a pipe"

    compared = comparison(tmp_path / "outputs/quickstart")
    assert compared["incumbent"] == "rules"
    assert {v["name"] for v in compared["variants"]} == {"rules", "linear"}
    assert compared["test_rows"] == 905
    assert all(v["status"] == "ok" for v in compared["variants"])
    f1 = {v["name"]: v["metrics"]["f1"] for v in compared["variants"]}
    assert f1["linear"]["low"] <= f1["linear"]["value"] <= f1["linear"]["high"]
    assert f1["linear"]["value"] > 0.9 > f1["rules"]["value"] > 0.6, "as in the baselines: 0.95 and 0.78"
    difference = next(d for d in compared["differences"] if (d["variant"], d["metric"]) == ("linear", "f1"))
    assert difference["difference"] == pytest.approx(f1["linear"]["value"] - f1["rules"]["value"])

    rows = list(csv.DictReader((tmp_path / "outputs/quickstart/leaderboard.csv").open()))
    assert [row["variant"] for row in rows] == [v["name"] for v in compared["variants"]]
    for name in ("config.yaml", "result.json", "predictions.parquet", "log.txt", ".hydra/overrides.yaml", "model"):
        assert (tmp_path / "outputs/quickstart/linear" / name).exists(), name


@pytest.mark.slow
def test_the_whole_quickstart_compares_each_pair_on_the_rows_that_both_answered(
    bakeoff: CommandLine, tmp_path: Path
) -> None:
    done = bakeoff(timeout=600)
    assert done.returncode == 0, done.stderr
    compared = comparison(tmp_path / "outputs/quickstart")
    assert {v["name"] for v in compared["variants"]} == {"rules", "linear", "catboost", "lstm", "knn", "llm"}
    assert (compared["test_rows"], compared["verdict"], compared["winner"]) == (905, "ship", "catboost")
    assert {d["variant"]: d["rows"] for d in compared["differences"]}["llm"] == 300
    assert "llm vs rules: compared on the 300 test rows that both answered." in done.stdout


@pytest.mark.slow
def test_answers_from_documents_end_in_a_verdict(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("experiment=python_docs", timeout=900)
    assert done.returncode == 0, done.stderr
    compared = comparison(tmp_path / "outputs/python_docs")
    assert len(compared["variants"]) == 5
    assert all(v["status"] == "ok" for v in compared["variants"])
    assert compared["incumbent"] == "extractive_bm25"
    rag = json.loads((tmp_path / "outputs/python_docs/rag/result.json").read_text())
    assert {"first", "follow-up"} <= set(rag["slices"]["turn"])
    assert rag["details"]["llm"]["calls"] == 95


def test_single_runs_and_a_sweep_of_one_name_are_compared_together(bakeoff: CommandLine, tmp_path: Path) -> None:
    first = bakeoff("model=constant", "data=breast_cancer", "name=both", *FEW)
    assert first.returncode == 0, first.stderr
    assert "nothing to compare" in first.stdout
    second = bakeoff("-m", "model=linear,rules", "data=breast_cancer", "name=both", "incumbent=constant", *FEW)
    assert second.returncode == 0, second.stderr
    compared = comparison(tmp_path / "outputs/both")
    assert {v["name"] for v in compared["variants"]} == {"constant", "linear", "rules"}
    assert (compared["verdict"], compared["winner"]) == ("ship", "linear")


def test_an_own_csv_needs_a_path_and_a_target_only(bakeoff: CommandLine, tmp_path: Path, pets: Path) -> None:
    done = bakeoff("data=csv", "data.path=pets.csv", "data.target=label", "model=linear", "name=pets")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "outputs/pets/linear/result.json").read_text())
    assert result["task"]["schema"]["kind"] == "classification"
    predictions = pd.read_parquet(tmp_path / "outputs/pets/linear/predictions.parquet")
    assert len(predictions) == result["task"]["split"]["test"]
    assert {"id", "target", "output", "proba:dog", "seconds"} <= set(predictions.columns)


def test_sweeps_over_values_and_seeds_make_variants_of_readable_names(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("model=random_forest", "data=diabetes", "seed=0,1", *FEW)
    assert done.returncode == 0, done.stderr
    compared = comparison(tmp_path / "outputs/diabetes")
    assert {v["name"] for v in compared["variants"]} == {"random_forest-seed=0", "random_forest-seed=1"}
    assert compared["differences"][0]["difference"] != 0, "the same split, another forest"
    done = bakeoff("-m", "model=linear", "model.regressor.alpha=0.1,10", "data=diabetes", "name=alphas", *FEW)
    assert done.returncode == 0, done.stderr
    folders = {p.parent.name for p in (tmp_path / "outputs/alphas").glob("*/result.json")}
    assert folders == {"linear-regressor.alpha=0.1", "linear-regressor.alpha=10"}


def test_the_same_command_keeps_what_has_finished(bakeoff: CommandLine, tmp_path: Path) -> None:
    command = ("-m", "model=constant,linear", "data=diabetes", *FEW)
    assert bakeoff(*command).returncode == 0
    result = tmp_path / "outputs/diabetes/linear/result.json"
    before = result.stat().st_mtime_ns
    again = bakeoff(*command)
    assert again.returncode == 0
    assert "2 finished runs were kept" in again.stdout
    assert result.stat().st_mtime_ns == before
    changed = bakeoff(*command, "data.split.test=0.3")
    assert changed.returncode == 2
    assert "data.split.test: 0.2 → 0.3" in changed.stderr
    assert result.stat().st_mtime_ns == before
    assert bakeoff(*command, "data.split.test=0.3", "resume=false").returncode == 0
    assert result.stat().st_mtime_ns > before


def test_a_failed_variant_does_not_take_the_others_with_it(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("-m", "model=linear,hist_gradient_boosting", "data=diabetes", "name=one_fails",
                   *FEW, "+model.regressor.tol=1e-4,1e400")  # fmt: skip
    assert done.returncode in (1, 2)
    done = bakeoff("-m", "model=linear,failing", "data=diabetes", *FEW, "--config-dir", str(failing_model(tmp_path)))
    assert done.returncode == 1, done.stderr
    assert "failing failed" in done.stdout
    compared = comparison(tmp_path / "outputs/diabetes")
    status = {v["name"]: v["status"] for v in compared["variants"]}
    assert status == {"linear": "ok", "failing": "failed"}
    result = json.loads((tmp_path / "outputs/diabetes/failing/result.json").read_text())
    assert "Traceback" in result["error"]["traceback"]
    assert "Traceback" in (tmp_path / "outputs/diabetes/failing/log.txt").read_text()
    again = bakeoff("-m", "model=linear,failing", "data=diabetes", *FEW, "--config-dir", str(failing_model(tmp_path)))
    assert again.returncode == 1, "a failed variant is tried again"
    assert "1 finished run was kept" in again.stdout


def failing_model(folder: Path) -> Path:
    """A config whose fit fails for real: more components than the data have columns."""
    config = folder / "conf/model/failing.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        "_target_: sklearn.cross_decomposition.PLSRegression\nn_components: 1000\ncard: {family: classical}\n"
    )
    return folder / "conf"


def test_ctrl_c_leaves_a_folder_that_can_be_compared_and_resumed(bakeoff: CommandLine, tmp_path: Path) -> None:
    overrides = ["-m", "model=constant,random_forest", "data=diabetes"]
    slow = ["--config-dir", str(slow_forest(tmp_path)), "experiment=slow"]
    process = subprocess.Popen(
        [str(INSTALLED), *slow], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    folder = tmp_path / "outputs/diabetes"
    wait_for(folder / "random_forest/config.yaml")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert json.loads((folder / "random_forest/result.json").read_text())["status"] == "interrupted"
    compared = bakeoff("compare", "outputs/diabetes")
    assert compared.returncode == 0
    assert "random_forest interrupted" in compared.stdout
    resumed = bakeoff(*overrides, "resume=true")
    assert resumed.returncode == 0, resumed.stderr
    assert "1 finished run was kept" in resumed.stdout
    assert {v["status"] for v in comparison(folder)["variants"]} == {"ok"}


def slow_forest(folder: Path) -> Path:
    """An experiment with the shipped forest, of trees enough for minutes."""
    experiment = folder / "slow/experiment/slow.yaml"
    experiment.parent.mkdir(parents=True, exist_ok=True)
    experiment.write_text(
        "# @package _global_\ndefaults: [override /data: diabetes]\nname: diabetes\nhydra:\n  sweeper:\n    variants:\n"
        "      constant: [model=constant]\n"
        "      random_forest: [model=random_forest, model.regressor.n_estimators=200000]\n"
    )
    return folder / "slow"


def wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


def test_compare_can_be_asked_another_question(bakeoff: CommandLine, tmp_path: Path) -> None:
    assert bakeoff("-m", "model=constant,linear,nearest_neighbors", "data=diabetes").returncode == 0
    done = bakeoff(
        "compare", "outputs/diabetes", "decision.metric=mae", "incumbent=constant", "decision.smallest_difference=5"
    )
    assert done.returncode == 0, done.stderr
    compared = comparison(tmp_path / "outputs/diabetes")
    assert (compared["metric"], compared["incumbent"], compared["smallest_difference"]) == ("mae", "constant", 5)
    assert compared["verdict"] == "ship"


def test_plan_says_what_would_run_and_runs_nothing(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("plan", "-m", "model=rules,linear", "data=diabetes")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 variants would run" in done.stdout
    assert not (tmp_path / "outputs").exists()


def test_list_names_components_with_their_licence(bakeoff: CommandLine) -> None:
    done = bakeoff("list", "model")
    assert done.returncode == 0
    assert re.search(r"catboost +boosting +Apache-2.0", done.stdout)
    assert bakeoff("list").returncode == 0


def test_own_components_are_listed_with_those_that_ship(bakeoff: CommandLine, tmp_path: Path) -> None:
    conf = failing_model(tmp_path)
    for arguments in (["list", "model", "--config-dir", str(conf)], ["--config-dir", str(conf), "list", "model"]):
        listed = bakeoff(*arguments)
        assert listed.returncode == 0, listed.stderr
        assert {"failing", "linear"} <= {line.split()[1] for line in listed.stdout.splitlines()[1:]}


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"'{INSTALLED}' --help | head -1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr


def test_doctor_tells_versions_and_assets(bakeoff: CommandLine) -> None:
    done = bakeoff("doctor")
    assert done.returncode == 0, done.stderr
    assert "hydra-core" in done.stdout
    assert "sms_spam" in done.stdout


def test_hydra_flags_work(bakeoff: CommandLine) -> None:
    shown = bakeoff("--cfg", "job", "model=catboost", "data=churn")
    assert shown.returncode == 0
    assert "_target_: bakeoff.models.CatBoost" in shown.stdout
    assert "Config search path" in bakeoff("--info", "searchpath", "model=linear").stdout
    assert bakeoff("--hydra-help").returncode == 0


def test_shell_completion_offers_options(bakeoff: CommandLine) -> None:
    script = bakeoff("-sc", "install=bash").stdout
    assert "complete" in script
    offered = {
        "bakeoff model=cat": ["model=catboost"],
        "bakeoff plan model=cat": ["model=catboost"],
        "bakeoff comp": ["compare"],
        "bakeoff compare out": [],
    }
    for line, options in offered.items():
        asked = bakeoff("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
        assert asked.stdout.split() == options


def test_version_and_help_load_nothing_heavy(bakeoff: CommandLine) -> None:
    assert re.fullmatch(r"bakeoff \d+\.\d+\.\d+\n", bakeoff("--version").stdout)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(INSTALLED), "--help"], capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    heavy = {"sklearn", "torch", "pandas", "numpy", "catboost", "lancedb", "wandb", "hydra", "omegaconf", "rich"}
    assert not heavy & loaded


def test_progress_is_shown_on_a_terminal(tmp_path: Path) -> None:
    """A pseudo-terminal gets a spinner that names the variant and the step."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [str(INSTALLED), "model=random_forest", "data=diabetes"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=child, stdin=child, env=os.environ | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(child)
    seen = b""
    while True:
        try:
            read = os.read(parent, 65536)
        except OSError:
            break
        if not read:
            break
        seen += read
    assert process.wait(60) == 0
    assert b"random_forest: fitting" in seen
    assert b"done in" in seen
