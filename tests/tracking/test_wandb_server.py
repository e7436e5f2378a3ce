"""What reaches a server: runs told online, and offline runs that ``bakeoff sync`` sends.

The server is a small one on loopback that speaks W&B's protocol (``wandb_server.py``); the client is W&B's own.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tracked_pets import PETS, command, kept, result, tell, write_pets, written
from wandb_server import KEY, WandbServer

from bakeoff.tracking.process import Worker


@pytest.fixture
def server():
    with WandbServer() as one:
        yield one


def named(server: WandbServer) -> dict:
    return {received.about["displayName"]: received for received in server.runs.values()}


def check_is_whole(received, run):
    """A run on the server holds what the run folder holds."""
    trials = pd.read_parquet(run / "trials.parquet") if result(run)["search"] else []
    assert len([row for row in received.history if "trial/number" in row]) == len(trials)
    assert len(received.history) == len(trials) + 1
    scores = {f"test/{name}": score["value"] for name, score in result(run)["metrics"].items() if score["value"]}
    assert {name: received.summary[name] for name in scores} == pytest.approx(scores)
    assert received.config["seed"] == 0 and received.config["run"]["fingerprint"] == result(run)["fingerprint"]
    table = next(body for name, body in received.files.items() if "predictions" in name)
    assert len(json.loads(table)["data"]) == len(pd.read_parquet(run / "predictions.parquet"))
    assert b"# " + run.name.encode() in received.files["model_card.md"]
    assert received.is_complete


@pytest.mark.slow
def test_sync_sends_offline_runs_once_and_all_of_them(recorded, tracked, server, tmp_path):
    worker = Worker()
    assert tell(recorded / "linear", worker, artifacts=["data", "predictions", "model"])["status"] == "tracked"
    worker.rest()
    refused = command(tmp_path, "sync", "pets", NETRC=str(tmp_path / "none"))
    assert refused.returncode == 2 and "there is no key for W&B" in refused.stderr
    done = command(tmp_path, "sync", "pets", **server.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 sent, 0 sent before, 0 not sent" in done.stdout, "what had not been tracked yet is sent too"
    assert set(named(server)) == {"linear", "constant", "pets comparison"}
    for variant in ("linear", "constant"):
        check_is_whole(named(server)[variant], recorded / variant)
    artifacts = named(server)["linear"].artifacts
    assert all(artifact["state"] == "COMMITTED" for artifact in artifacts.values())
    model = next(a for a in artifacts.values() if a["artifactTypeName"] == "model")
    files = {p.relative_to(recorded / "linear/model").as_posix() for p in (recorded / "linear/model").rglob("*.*")}
    assert files <= set(model["files"])
    assert {result(recorded / "linear")["fingerprint"][:12], "linear"} <= {a["alias"] for a in model["aliases"]}

    asked = len(server.operations)
    again = command(tmp_path, "sync", "pets", **server.environment)
    assert again.returncode == 0 and "0 sent, 3 sent before, 0 not sent" in again.stdout
    assert len(server.operations) == asked, "nothing was asked of the server"


@pytest.mark.slow
def test_sync_says_what_it_could_not_send_and_sends_it_the_next_time(recorded, server, tmp_path):
    for folder in (recorded / "linear", recorded / "constant", recorded):
        assert tell(folder)["status"] == "tracked"
    file = next((recorded / "wandb").glob("offline-run-*/run-*.wandb"))
    whole = file.read_bytes()
    file.write_bytes(b"not what W&B wrote")
    done = command(tmp_path, "sync", "outputs/pets", **server.environment)
    assert done.returncode == 1 and f"not sent: {file.parent.relative_to(tmp_path)}" in done.stdout, done.stdout
    assert "2 sent, 0 sent before, 1 not sent" in done.stdout
    file.write_bytes(whole)
    again = command(tmp_path, "sync", "pets", **server.environment)
    assert again.returncode == 0 and "1 sent, 2 sent before, 0 not sent" in again.stdout, again.stdout


@pytest.mark.slow
def test_a_key_puts_runs_online(server, tmp_path):
    write_pets(tmp_path)
    done = command(
        tmp_path, "-m", "model=linear,constant", *PETS, "search=tpe", "search.trials=3", "tracker.tags=[weekly]",
        "tracker.timeout=100", **server.environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outputs = tmp_path / "outputs/pets"
    assert set(named(server)) == {"linear", "constant", "pets comparison"}, "the command waited for them"
    for variant in ("linear", "constant"):
        check_is_whole(named(server)[variant], outputs / variant)
        assert written(outputs / variant)["mode"] == "online" and "/runs/" in written(outputs / variant)["url"]
        assert "weekly" in named(server)[variant].about["tags"]
    assert named(server)["pets comparison"].summary["verdict"]
    assert not kept(outputs), "nothing is left to be sent"
    assert not [path for path in outputs.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.slow
def test_runs_of_workers_elsewhere_are_told_too(tmp_path):
    write_pets(tmp_path)
    done = command(
        tmp_path, "-m", "model=linear,constant", *PETS, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
        "tracker.wait=100",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(kept(tmp_path / "outputs/pets")) == {"linear", "constant", "pets comparison"}
    assert len(list((tmp_path / "outputs/pets/wandb").glob("offline-run-*"))) == 3, "each once"


def test_sync_of_what_is_not_there_is_a_wrong_request(tmp_path):
    done = command(tmp_path, "sync", "nothing")
    assert done.returncode == 2 and "neither a bake-off outputs/nothing nor a folder" in done.stderr
    assert command(tmp_path, "sync").returncode == 2
