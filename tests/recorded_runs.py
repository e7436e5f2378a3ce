"""Changes to recorded runs, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff import record
from bakeoff.record import integrity


def rewrite(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the record of a run with other content, with digests of the files as they are now."""
    kept = {key: value for key, value in content.items() if key not in ("files", "sha256")}
    record.write_sealed(folder / record.RESULT, {**kept, "files": integrity.digests(folder)})
