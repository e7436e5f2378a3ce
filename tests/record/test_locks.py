"""One writer to a run folder: others wait or are refused, and a dead owner is no obstacle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff.errors import ConfigError
from bakeoff.record import locks

OWNER = """
import sys, time
from pathlib import Path
from bakeoff.record import locks
with locks.held([Path(sys.argv[1])], wait=None):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_held_folder_is_refused_with_its_owner_until_that_process_dies(tmp_path: Path) -> None:
    run = tmp_path / "linear"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(run)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        refusal = rf"linear: another process \(pid {owner.pid} on .*\) is writing there"
        with pytest.raises(ConfigError, match=refusal), locks.held([run], wait=None):
            pass
        with locks.held([tmp_path / "catboost"], wait=None) as is_waited_for:
            assert not is_waited_for, "another variant of the same bake-off is another folder"
        owner.kill()
        lines: list[str] = []
        with locks.held([run], wait=lines.append):
            assert len(lines) <= 1
    finally:
        owner.kill()
        owner.wait()


def test_a_folder_is_free_when_the_block_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        folders = [tmp_path / "b", tmp_path / "a", tmp_path / "b"]
        with pytest.raises(RuntimeError), locks.held(folders, wait=None) as is_waited_for:
            assert not is_waited_for
            raise RuntimeError
    assert not list((tmp_path / locks.FOLDER).glob("*.json")), "no owner is left"
