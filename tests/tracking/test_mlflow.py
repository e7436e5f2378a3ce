"""MLflow in a database of its own: what was recorded is read back through its client."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tracked_pets import result, written

from bakeoff.tracking.base import Item
from bakeoff.tracking.process import Worker, track

MLFLOW = {"_target_": "bakeoff.tracking.MlflowTracker", "artifacts": ["predictions", "model"]}


@pytest.mark.slow
def test_parameters_trials_tables_and_card_are_in_the_store(recorded):
    worker = Worker()
    for folder in (recorded / "linear", recorded / "constant", recorded):
        reply = track(Item(str(folder), MLFLOW, 120, 0, "offline", folder == recorded), worker)
        assert reply["status"] == "tracked", reply
    assert track(Item(str(recorded / "linear"), MLFLOW, 120, 0, "offline"), worker)["status"] == "kept"
    worker.rest()

    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{recorded.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pets")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"linear", "constant", "pets comparison"}

    run, recorded_run = runs["linear"], result(recorded / "linear")
    trials = pd.read_parquet(recorded / "linear/trials.parquet")
    history = client.get_metric_history(run.info.run_id, "trial/f1")
    assert [(metric.step, metric.value) for metric in history] == list(enumerate(trials["f1"]))
    for name, score in recorded_run["metrics"].items():
        if score["value"] is not None:
            assert run.data.metrics[f"test/{name}"] == pytest.approx(score["value"])
    assert run.data.metrics["test/f1_low"] == pytest.approx(recorded_run["metrics"]["f1"]["low"])
    assert run.data.params["classifier.C"] == str(recorded_run["parameters"]["classifier"]["C"])
    assert run.info.status == "FINISHED" and run.data.tags["family"] == "classical"

    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    table = json.loads((artifacts / "predictions.json").read_text())
    assert len(table["data"]) == len(pd.read_parquet(recorded / "linear/predictions.parquet"))
    assert (artifacts / "model_card.md").read_text().startswith("# linear")
    assert (artifacts / "predictions.parquet").is_file() and list((artifacts / "model").iterdir())
    of_comparison = Path(runs["pets comparison"].info.artifact_uri.removeprefix("file://"))
    assert len(json.loads((of_comparison / "leaderboard.json").read_text())["data"]) == 2
    assert written(recorded / "linear")["tracker"] == MLFLOW["_target_"]
