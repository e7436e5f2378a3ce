"""The command that tests run in copies of a warm process does what the installed one does."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from command_line import BAKEOFF, INSTALLED

forked = pytest.mark.skipif(BAKEOFF == INSTALLED, reason="every command is the installed one")


def result(command: Path, folder: Path, *arguments: str, **env: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(command), *arguments], cwd=folder, env=os.environ | env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@forked
def test_forked_command_ends_and_prints_as_the_installed_one(tmp_path: Path) -> None:
    refused = result(BAKEOFF, tmp_path, "model=nix")
    assert refused == result(INSTALLED, tmp_path, "model=nix")
    assert refused[0] == 2 and "nix" in refused[2]


@forked
def test_forked_command_sees_its_folder_and_environment(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("x,label\n" + "1,a\n2,b\n" * 30)
    code, shown, error = result(BAKEOFF, tmp_path, "plan", "data=own.csv", "data.target=label", COLUMNS="20")
    assert code == 0, error
    assert "1 of 1 variants would run." in " ".join(shown.split())
    assert "variant  family" not in shown, "a table of 20 columns breaks its lines"


@forked
def test_signal_reaches_the_forked_command(tmp_path: Path) -> None:
    command = [str(BAKEOFF), "model=catboost", "data=sms_spam", "model.iterations=100000"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not list(tmp_path.glob("outputs/*/*/config.yaml")) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Interrupted" in error
