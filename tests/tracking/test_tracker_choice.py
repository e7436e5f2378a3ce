"""Which tracker is at work, and that it costs the command nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tracked_pets import PETS, WANDB, clean_environment, command, kept, write_pets

from bakeoff.errors import ConfigError
from bakeoff.tracking import beside
from bakeoff.tracking.wandb import WandbTracker


@pytest.mark.parametrize(
    ("environment", "mode"),
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "k" * 40}, "online"),
        ({"WANDB_API_KEY": "k" * 40, "WANDB_MODE": "offline"}, "offline"),
        ({"WANDB_MODE": "online"}, "online"),
        ({"WANDB_MODE": "disabled", "WANDB_API_KEY": "k" * 40}, "disabled"),
    ],
)
def test_the_environment_says_whether_online(environment, mode, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert WandbTracker().chosen_mode() == mode
    assert WandbTracker(mode="offline").chosen_mode() == "offline"


def test_a_wrong_setting_ends_before_any_work(tmp_path):
    write_pets(tmp_path)
    done = command(tmp_path, "model=constant", *PETS, "tracker.artifacts=[modell]")
    assert done.returncode == 2
    assert "artifacts: modell is not one of data, predictions, model" in done.stderr
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(ConfigError, match="timeout: 0 is no time"):
        beside.make(WANDB | {"timeout": 0})
    with pytest.raises(ConfigError, match='mode: "of" is not one of'):
        beside.make(WANDB | {"mode": "of"})


COUNT_IMPORTS = """
import sys
from bakeoff.cli import main as cli
try:
    cli.main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
assert "wandb" not in sys.modules
"""


def test_none_and_disabled_leave_nothing_and_a_finished_run_is_told_later(tmp_path):
    write_pets(tmp_path)
    outputs = tmp_path / "outputs/pets"
    assert command(tmp_path, "model=constant", *PETS, "tracker=none").returncode == 0
    assert command(tmp_path, "model=constant", *PETS, WANDB_MODE="disabled").returncode == 0
    visible = {path.name for path in outputs.iterdir() if not path.name.startswith(".")}
    assert visible == {"comparison.json", "leaderboard.csv", "report.html", "inputs.parquet", "constant"}
    assert not (outputs / "constant/tracking.json").exists()
    later = subprocess.run(
        [sys.executable, "-c", COUNT_IMPORTS, "model=constant", *PETS, "tracker.wait=100"], cwd=tmp_path,
        env=clean_environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert later.returncode == 0, later.stderr
    assert "1 finished run was kept" in later.stdout
    assert set(kept(outputs)) == {"constant", "pets comparison"}


def test_doctor_says_where_tracking_goes_and_never_the_key(tmp_path):
    assert "offline; WANDB_API_KEY is not set" in command(tmp_path, "doctor").stdout
    told = command(tmp_path, "doctor", WANDB_API_KEY="c0ffee" * 7).stdout
    assert "online; WANDB_API_KEY is set" in told and "c0ffee" not in told


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("bakeoff.tracking.mlflow.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"bakeoff\[mlflow\]"):
        beside.make({"_target_": "bakeoff.tracking.MlflowTracker"})
