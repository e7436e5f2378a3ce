"""Every offline file is read back: what was recorded is in it, whole, and nothing that is secret."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
import yaml
from tracked_pets import kept, result, tell, written

from recorded_runs import rewrite


@pytest.fixture(scope="module")
def files(tracked):
    return kept(tracked)


def test_every_variant_has_a_run_and_the_comparison_has_one(files, tracked):
    assert set(files) == {"linear", "constant", "pets comparison"}
    for name, told in files.items():
        assert (told.run.run_group, told.run.project, told.exit_code) == ("pets", "bakeoff", 0), name
    assert [files[n].run.job_type for n in ("linear", "constant", "pets comparison")] == [
        "classical", "rules", "comparison",
    ]  # fmt: skip
    assert {"classification", "pets", "classical", "ok"} == set(files["linear"].run.tags)
    for folder in (tracked, tracked / "linear", tracked / "constant"):
        assert (written(folder)["status"], written(folder)["mode"]) == ("tracked", "offline")


@pytest.mark.parametrize("variant", ["linear", "constant"])
def test_nothing_of_a_run_is_missing(files, tracked, variant):
    told, recorded = files[variant], result(tracked / variant)
    trials = pd.read_parquet(tracked / variant / "trials.parquet") if recorded["search"] else []
    steps = [row for row in told.history if "trial/number" in row]
    assert len(steps) == len(trials)
    assert len(told.history) == len(trials) + 1, "one step a trial, and one for the tables"
    for step, (_, trial) in zip(steps, trials.iterrows() if len(trials) else (), strict=True):
        assert (step["trial/number"], step["trial/state"]) == (trial["number"], trial["state"])
        assert step["trial/f1"] == trial["f1"]
        for name in (c for c in trials.columns if c.startswith("param:")):
            assert step[f"trial/{name}"] == trial[name]
    scores = {
        f"test/{name}{end}": score[key]
        for name, score in recorded["metrics"].items()
        for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
        if score[key] is not None
    }
    assert {key: told.summary[key] for key in told.summary if key.startswith("test/")} == scores
    config = yaml.safe_load((tracked / variant / "config.yaml").read_text())
    assert {key: told.config[key] for key in config} == config
    assert told.config["run"]["fingerprint"] == recorded["fingerprint"]
    assert told.config["run"]["parameters"] == recorded["parameters"]


@pytest.mark.parametrize("variant", ["linear", "constant"])
def test_the_tables_hold_every_row(files, tracked, variant):
    predictions = pd.read_parquet(tracked / variant / "predictions.parquet")
    table = files[variant].table("predictions")
    assert table["columns"] == list(predictions.columns)
    assert [row[0] for row in table["data"]] == list(predictions["id"])
    assert [row[2] for row in table["data"]] == list(predictions["output"])
    slices = files[variant].table("slices")
    assert {tuple(row[:3]) for row in slices["data"]} == {
        ("home", value, found["rows"]) for value, found in result(tracked / variant)["slices"]["home"].items()
    }
    assert written(tracked / variant)["rows"]["predictions"] == len(predictions)


def test_the_comparison_has_verdict_leaderboard_and_chart(files, tracked):
    told, compared = files["pets comparison"], json.loads((tracked / "comparison.json").read_text())
    leaderboard = pd.read_csv(tracked / "leaderboard.csv")
    assert [row[0] for row in told.table("leaderboard")["data"]] == list(leaderboard["variant"])
    assert len(told.table("differences")["data"]) == len(compared["differences"])
    assert told.summary["verdict"] == compared["verdict"]
    assert compared["reason"] in told.run.notes
    assert len(told.table("chart/quality_table")["data"]) == 2
    assert told.config["comparison"]["incumbent"] == compared["incumbent"]


def test_the_report_and_charts_go_with_the_comparison(recorded, worker):
    (recorded / "report.html").write_text("<h1>the report of pets</h1>")
    (recorded / "charts").mkdir()
    (recorded / "charts/front.html").write_text("<p>a front</p>")
    assert tell(recorded, worker)["status"] == "tracked"
    folder = next((recorded / "wandb").glob("offline-run-*"))
    pages = [path.read_text() for path in folder.rglob("*.html")]
    assert any("the report of pets" in page for page in pages) and any("a front" in page for page in pages)


def test_a_run_has_a_model_card(files, tracked):
    card = files["linear"].run.notes
    assert "model_card.md" in files["linear"].files
    value = result(tracked / "linear")["metrics"]["f1"]["value"]
    for words in (
        "# linear",
        "licence: BSD-3-Clause",
        "hosting: local",
        "kind: classification",
        f"| f1 | {value:.4g} |",
    ):
        assert words in card
    assert list(tracked.glob("wandb/offline-run-*/files/model_card.md"))


def test_training_curves_are_steps_and_many_predictions_are_sampled(recorded, worker):
    curves = pd.DataFrame({"epoch": range(7), "train_loss": [1 / (i + 1) for i in range(7)]})
    curves.to_parquet(recorded / "linear/curves.parquet")
    assert tell(recorded / "linear", worker, table_rows=10)["rows"]["curves"] == 7
    told = kept(recorded)["linear"]
    steps = [row for row in told.history if "curve/epoch" in row]
    assert [row["curve/train_loss"] for row in steps] == list(curves["train_loss"])
    assert len(told.history) == 3 + 7 + 1
    ids = list(pd.read_parquet(recorded / "linear/predictions.parquet")["id"])
    sampled = [row[0] for row in told.table("predictions")["data"]]
    assert len(sampled) == 10 and set(sampled) < set(ids) and sampled == sorted(sampled, key=ids.index)


def test_a_failed_run_is_told_with_its_error(recorded, worker):
    content = result(recorded / "constant")
    failure = {"type": "ValueError", "message": "it broke", "traceback": "Traceback …"}
    failed = content | {"status": "failed", "metrics": {}, "slices": {}, "search": None, "error": failure}
    (recorded / "constant/predictions.parquet").unlink()
    rewrite(recorded / "constant", failed)
    assert tell(recorded / "constant", worker)["status"] == "tracked"
    told = kept(recorded)["constant"]
    assert told.exit_code == 1 and "failed" in told.run.tags
    assert told.config["run"]["error"]["message"] == "it broke"


def test_artifacts_are_kept_when_asked_with_aliases(recorded, worker):
    assert tell(recorded / "linear", worker, artifacts=["data", "predictions", "model"])["status"] == "tracked"
    fingerprint = result(recorded / "linear")["fingerprint"][:12]
    found = {a.type: a for a in kept(recorded)["linear"].artifacts if a.type != "run_table"}
    assert set(found) == {"dataset", "predictions", "model"}
    assert fingerprint in found["dataset"].aliases
    assert {fingerprint, "linear"} <= set(found["model"].aliases) & set(found["predictions"].aliases)
    shutil.rmtree(recorded / "linear/model")
    staged = [path for path in (recorded / "wandb").rglob("*") if path.is_file() and "staging" in path.parts]
    assert staged, "what waits for its upload is a copy, which the next run does not change"


def test_what_was_told_is_not_told_again(recorded, worker):
    assert tell(recorded / "linear", worker)["status"] == "tracked"
    assert tell(recorded / "linear", worker)["status"] == "kept"
    assert len(list((recorded / "wandb").glob("offline-run-*"))) == 1
    again = result(recorded / "linear") | {"started": "2030-01-01T00:00:00.000+00:00"}
    rewrite(recorded / "linear", again)
    assert tell(recorded / "linear", worker)["status"] == "tracked", "a new run in the same folder"
