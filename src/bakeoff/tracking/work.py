"""Process in which a tracker works: ``python -m bakeoff.tracking.work``. Reads items, writes replies."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock

from bakeoff import record, secrets
from bakeoff.config import components
from bakeoff.tracking import content
from bakeoff.tracking.base import Item, Mode, Tracker, read

LOCK = ".tracking.lock"
LONGEST_ERROR = 500  # characters


def main() -> None:
    """Reply to every item."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no reply
    prepared: set[tuple[str, Mode]] = set()
    for line in sys.stdin:
        item = read(line)
        try:
            tracker = components.instantiate(dict(item.tracker), "tracker", "tracker")
            kind = (type(tracker).__name__, item.mode)
            if kind not in prepared:
                tracker.prepare(item.mode)
                prepared.add(kind)
            reply = track(item, tracker)
        except Exception as error:
            message = secrets.masked(f"{type(error).__name__}: {error}", secrets.known())
            reply = {"status": "failed", "error": message[:LONGEST_ERROR]}
        print(json.dumps(reply, default=str), file=replies, flush=True)


def track(item: Item, tracker: Tracker) -> dict[str, Any]:
    """Track a folder unless already tracked. Waits for another process that tracks the same bake-off."""
    folder = Path(item.folder)
    bakeoff = folder if item.is_comparison else folder.parent
    started = time.perf_counter()
    with FileLock(bakeoff / LOCK, timeout=item.timeout) if bakeoff.is_dir() else nullcontext():
        of = content.digest(folder)
        if is_tracked(folder, item.tracker, of):
            return {"status": "kept"}
        if item.is_comparison:
            receipt = tracker.track_comparison(content.read_comparison(folder), item.mode)
        else:
            receipt = tracker.track_run(content.read_run(folder, tracker.table_rows), item.mode)
    return {"status": "tracked", "mode": item.mode, "of": of, **receipt, "seconds": time.perf_counter() - started}


def is_tracked(folder: Path, tracker: Mapping[str, Any], of: str | None) -> bool:
    """Return whether the current record of the folder was already sent to that tracker."""
    try:
        before = json.loads((folder / record.TRACKING).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return (before.get("status"), before.get("tracker"), before.get("of")) == ("tracked", tracker.get("_target_"), of)


if __name__ == "__main__":
    main()
