"""A machine that refuses: read-only and vanishing folders, few open files, and a real terminal.

Each ends in one line, and the same command goes on once the machine allows it.
"""

from __future__ import annotations

import os
import pty
import resource
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bakeoff import record
from command_line import BAKEOFF, INSTALLED

QUICK = ("tracker=none", "report=none", "name=x", "decision.resamples=200", "metrics.latency_rows=2")
RUN = ("-m", "model=constant,linear", "data=csv", "data.path=pets.csv", "data.target=label", *QUICK)


def limited(folder: Path, limit: Callable[[], None] | None, *before: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, str(INSTALLED), *RUN], cwd=folder, capture_output=True, text=True, preexec_fn=limit, timeout=120
    )


def assert_said_and_continued(folder: Path, done: subprocess.CompletedProcess[str], part: str) -> None:
    """A failed command said why without a traceback, left nothing half-written, and can be repeated."""
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert part in done.stderr, done.stderr
    again = subprocess.run([str(BAKEOFF), *RUN], cwd=folder, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert [record.read_run(folder / "outputs/x" / name).status for name in ("constant", "linear")] == ["ok", "ok"]
    assert not list(folder.rglob("*.part"))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_folder_that_is_read_only_is_said(pets: Path) -> None:
    calls = "mkdir,mkdirat"
    inject = ("strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={calls}", "-e", f"inject={calls}:error=EROFS")
    done = limited(pets.parent, None, *inject)
    assert_said_and_continued(pets.parent, done, "runs cannot be written there: Read-only file system.")


def test_folder_that_vanishes_in_mid_run_is_said(pets: Path) -> None:
    run = subprocess.Popen([str(BAKEOFF), *RUN], cwd=pets.parent, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (pets.parent / "outputs/x/linear/config.yaml").exists() and run.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    shutil.rmtree(pets.parent / "outputs", ignore_errors=True)
    _, errors = run.communicate(timeout=120)
    assert "Traceback" not in errors
    if run.returncode:
        assert errors.strip(), "said why"
    again = subprocess.run([str(BAKEOFF), *RUN], cwd=pets.parent, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert record.read_run(pets.parent / "outputs/x/linear").status == "ok"


def test_few_open_files_are_said(pets: Path) -> None:
    done = limited(pets.parent, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5)))
    assert_said_and_continued(pets.parent, done, "Raise the limit on open files: ulimit -n 4096.")


def test_texts_of_others_do_nothing_on_a_terminal(tmp_path: Path) -> None:
    foreign = "\x1b[31mRED\x1b]0;TITLE\x07\x1b[2J\x9b31m"
    rows = "".join(f"good item {i},{foreign}yes\nbad item {i},no\n" for i in range(40))
    (tmp_path / "pets.csv").write_text(f"te\x1b]0;COLUMN\x07xt,label\n{rows}")
    terminal, end = pty.openpty()
    run = subprocess.Popen(
        [str(INSTALLED), "model=constant", *RUN[2:]],
        cwd=tmp_path,
        stdin=end,
        stdout=end,
        stderr=end,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(end)
    written = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        written += part
    os.close(terminal)
    assert run.wait(60) == 0, written.decode()
    assert b"Verdict" in written and b"\\u001b" in written
    assert b"\x1b]0;" not in written and b"\x07" not in written and b"\x1b[2J" not in written
    assert b"\xc2\x9b" not in written
