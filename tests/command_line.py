"""The command line for tests that run it as a user would: as installed, or the same in a copy of a warm process."""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
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


def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command within this process, in its working directory.

    What the command changes of the process (environment, arguments, signals, log handlers) is as before afterwards.
    """
    from bakeoff.cli.main import main

    environment, argv, log = dict(os.environ), sys.argv, logging.getLogger()
    handlers, level, raises = log.handlers[:], log.level, logging.raiseExceptions
    on_termination = signal.getsignal(signal.SIGTERM)
    out, errors = io.StringIO(), io.StringIO()
    code: object = None
    try:
        with redirect_stdout(out), redirect_stderr(errors):
            main(list(arguments))
    except SystemExit as left:
        code = left.code
    finally:
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = argv
        log.handlers[:], log.level, logging.raiseExceptions = handlers, level, raises
        signal.signal(signal.SIGTERM, on_termination)
    assert isinstance(code, int)
    return subprocess.CompletedProcess([*arguments], code, out.getvalue(), errors.getvalue())
