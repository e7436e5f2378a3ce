"""A tracker that fails, hangs or dies costs no run, and no more time than its timeout."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import psutil
import pytest
import yaml
from tracked_pets import PETS, WANDB, command, kept, result, tell, write_pets, written

from bakeoff.request.spec import Request
from bakeoff.tracking import beside
from bakeoff.tracking.base import Item
from bakeoff.tracking.process import Worker


@pytest.fixture
def silent_server():
    """Accepts every connection, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    for connection, _ in held:
        connection.close()


def test_a_folder_that_cannot_be_written_fails_no_run(tmp_path):
    write_pets(tmp_path)
    (tmp_path / "outputs/pets").mkdir(parents=True)
    (tmp_path / "outputs/pets/wandb").write_text("a file, where W&B wants a folder")
    done = command(tmp_path, "model=constant", *PETS, "tracker.wait=100")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "outputs/pets/constant"
    assert result(run)["status"] == "ok"
    assert written(run)["status"] == "failed" and "FileExistsError" in written(run)["error"]
    assert "WARNING bakeoff.tracking: not tracked: FileExistsError" in (run / "log.txt").read_text()


def test_a_server_that_never_answers_holds_up_no_longer_than_the_timeout(recorded, silent_server, monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", silent_server)
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    content = yaml.safe_load((recorded / "linear/config.yaml").read_text())
    content["tracker"]["timeout"] = 3
    content["tracker"]["wait"] = None
    request = Request.from_config(content, recorded / "linear")
    start = time.monotonic()
    beside.after_run(request)
    assert time.monotonic() - start < 0.5, "a run waits for nothing"
    beside.after_comparison([request])
    assert 2.9 <= time.monotonic() - start < 3 + 1


def test_what_hangs_is_ended(recorded, silent_server, monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", silent_server)
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    worker = Worker()
    process = psutil.Process(worker._start().pid)
    reply = worker.ask(Item(str(recorded / "linear"), WANDB, 3, 0, "online"))
    assert reply["status"] == "failed" and "tracker.timeout=3 s" in reply["error"]
    assert not process.is_running()


def test_a_process_that_dies_is_a_failure_and_the_next_one_is_started(recorded):
    worker = Worker()
    victim = worker._start()
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert "its process ended with code -9" in tell(recorded / "linear", worker)["error"]
    assert tell(recorded / "linear", worker)["status"] == "tracked"
    worker.rest()


@pytest.mark.slow
def test_what_a_silent_server_does_not_take_is_kept_offline(tmp_path, silent_server):
    write_pets(tmp_path)
    key = {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": silent_server}
    done = command(tmp_path, "model=linear", *PETS, "tracker.timeout=20", **key)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "outputs/pets/linear"
    end = time.monotonic() + 60
    while not (tmp_path / "outputs/pets/tracking.json").is_file():
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (written(run)["status"], written(run)["mode"]) == ("tracked", "offline")
    assert "tracker.timeout=20 s" in written(run)["online_error"]
    assert "tracked on this machine, not online" in (run / "log.txt").read_text()
    assert {"linear", "pets comparison"} == set(kept(tmp_path / "outputs/pets"))
