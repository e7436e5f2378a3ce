"""The command line for tests that run it as a user would: as installed, or the same in a copy of a warm process."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CommandLine = Callable[..., subprocess.CompletedProcess[str]]

INSTALLED = Path(sys.executable).parent / "bakeoff"
"""The installed command: for tests that kill it, limit it, or look at what it imports."""

AT_START = ("PYTHON", "LC_", "LANG", "LD_", "OMP_", "OPENBLAS_", "MKL_")


def _forked() -> Path:
    """A command of the same name that a fork server runs: it saves the seconds that imports take."""
    if not hasattr(os, "fork") or os.environ.get("BAKEOFF_TESTS") == "installed":
        return INSTALLED
    sources = Path(__file__).parent / "forking"
    folder = Path(tempfile.mkdtemp(prefix="bakeoff-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    client = folder / "bakeoff"
    client.write_text(f"#!{sys.executable} -ISE\n{(sources / 'client.py').read_text('utf-8')}", encoding="utf-8")
    client.chmod(0o755)
    settings = {
        "installed": str(INSTALLED),
        "python": sys.executable,
        "server": str(sources / "server.py"),
        "path": str(folder / "socket"),
        "owner": os.getpid(),
        "at_start": {key: value for key, value in os.environ.items() if key.startswith(AT_START)},
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return client


BAKEOFF = _forked()
"""The command that tests run unless they need ``INSTALLED``. ``BAKEOFF_TESTS=installed`` makes the two the same."""
