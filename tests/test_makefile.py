"""`make` takes the newest Python that works, and says what is missing where none does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKE = shutil.which("make")
MAKEFILE = Path(__file__).parents[1] / "Makefile"
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")


def make_python(folder: Path, works: dict[str, bool]) -> subprocess.CompletedProcess[str]:
    """Ask make for the interpreter of `.venv` where such commands are on the path; some end with an error."""
    for name, does_work in works.items():
        command = folder / name
        command.write_text(f'#!/bin/sh\necho {name} "$@"\nexit {0 if does_work else 127}\n')
        command.chmod(0o755)
    return subprocess.run(
        [str(MAKE), "-f", str(MAKEFILE), "SHELL=/bin/sh", ".venv/bin/python"],
        cwd=folder, env={"PATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip


def test_make_takes_the_newest_python_that_works(tmp_path: Path) -> None:
    done = make_python(tmp_path, {"python3.11": True, "python3.12": True, "python3.13": False, "python3.10": True})
    assert done.returncode == 0, done.stderr
    assert "python3.12 -m venv .venv" in done.stdout.splitlines()


def test_make_without_a_python_that_works_says_what_is_needed(tmp_path: Path) -> None:
    done = make_python(tmp_path, {"python3.10": True, "python3.13": False})
    assert done.returncode == 2
    assert "needs Python 3.11, 3.12, 3.13 or 3.14" in done.stderr
    assert "make run PYTHON=" in done.stderr
