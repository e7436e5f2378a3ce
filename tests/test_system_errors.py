"""What a user does to the machine ends in one line: full disks, gone folders, terminals without Unicode."""

from __future__ import annotations

import errno
import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff import record, system_errors
from bakeoff.cli import streams
from command_line import INSTALLED, CommandLine

QUICK = ("model=constant", "data=csv", "data.path=pets.csv", "data.target=label", "name=x", "tracker=none")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "", "a/result.json"), "a/result.json: The disk is full. Free some space."),
        (OSError(errno.EROFS, "", "a"), "a: Read-only file system. Choose a folder that can be written to."),
        (OSError(errno.ENAMETOOLONG, "", "n"), "n: File name too long. Choose a shorter name."),
        (MemoryError(), "There is not enough memory."),
        (UnicodeDecodeError("utf-8", b"caf\xe9", 3, 4, ""), "A file is not valid utf-8: byte 3 of it is 0xe9."),
    ],
)
def test_explain_error_of_the_system_is_one_line(error: Exception, line: str) -> None:
    message = system_errors.explain(error)
    assert message is not None
    assert message.startswith(line)
    assert "\n" not in message


def test_explain_log_file_in_a_folder_that_vanished_is_one_line() -> None:
    error = ValueError("Unable to configure handler 'file'")
    error.__cause__ = FileNotFoundError(errno.ENOENT, "", "outputs/x/linear/log.txt")
    assert system_errors.explain(error) == "outputs/x/linear/log.txt: No such file or directory."


def test_explain_fault_of_our_own_stays_a_traceback() -> None:
    assert system_errors.explain(ValueError("x")) is None
    assert system_errors.explain(OSError("raised by a library, without a number")) is None


def test_make_plain_replaces_what_an_encoding_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    streams.make_plain()
    print("✓ linear – 0.9 → Ω")
    sys.stdout.flush()
    assert written.getvalue() == b"ok linear - 0.9 -> ?\n"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=-1", "seed: -1 is not a seed"),
        ("seed=99999999999999999999", "is not a seed"),
        ("data.split.seed=-1", "data.split.seed: -1 is not a seed. Give a whole number from 0 to 4294967295."),
        ("+model.random_state=-3", "takes no"),
        (f"name={'n' * 300}", "name: it has more than 200 bytes: too long for the name of a folder."),
        ("metrics.latency_rows=-1", "metrics.latency_rows: -1 is less than 0."),
    ],
)
def test_odd_numbers_and_names_are_refused(
    pets: Path, monkeypatch: pytest.MonkeyPatch, override: str, message: str
) -> None:
    import bakeoff
    from bakeoff.errors import ConfigError

    monkeypatch.chdir(pets.parent)
    with pytest.raises(ConfigError) as refusal:
        bakeoff.run(*QUICK, override)
    assert message in str(refusal.value)
    assert not (pets.parent / "outputs" / "x" / "constant").exists()


def test_an_ascii_terminal_gets_plain_characters(bakeoff: CommandLine, pets: Path) -> None:
    done = bakeoff(*QUICK, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).isascii()
    assert "Verdict: NOT ENOUGH EVIDENCE - " in done.stdout


def test_a_disk_that_takes_no_more_ends_in_one_line_and_the_same_command_goes_on(
    bakeoff: CommandLine, pets: Path
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))  # more than a config, less than a result

    done = subprocess.run(
        [str(INSTALLED), *QUICK],
        cwd=pets.parent,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env=dict(os.environ),
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "File too large" in line]
    assert lines and all("the same command continues with the rest" in line for line in lines)
    assert bakeoff(*QUICK).returncode == 0
    assert record.read_run(pets.parent / "outputs/x/constant").status == "ok"
