"""The installed command line, for tests that run it as a user would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

BAKEOFF = Path(sys.executable).parent / "bakeoff"
CommandLine = Callable[..., subprocess.CompletedProcess[str]]
