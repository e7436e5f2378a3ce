"""Hand recorded runs to the tracking process without blocking the bake-off."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import record
from bakeoff.config import components
from bakeoff.config.component import Component, write
from bakeoff.tracking.base import Item, Tracker
from bakeoff.tracking.process import spawn

if TYPE_CHECKING:
    from bakeoff.request.spec import Request

log = logging.getLogger(__name__)

_beside: dict[int, subprocess.Popen[str]] = {}
"""The process that tracks, by the id of the process that started it: one that was forked has none."""
_ending: list[subprocess.Popen[str]] = []
"""Those that have got all they will get, and end by themselves."""


def make(node: Component | Mapping[str, Any]) -> Tracker:
    """Build the tracker of a component config. Raises ``ConfigError`` if it is unavailable."""
    tracker: Tracker = components.instantiate(node, "tracker", "tracker")
    return tracker


def item(folder: Path, node: Component | Mapping[str, Any], is_comparison: bool = False) -> Item | None:
    """Build the item of a folder for the tracking process; None if the environment turns tracking off."""
    tracker = make(node)
    mode = tracker.chosen_mode()
    if mode == "disabled":
        return None
    wait = tracker.wait
    if wait is None:
        wait = tracker.timeout if mode == "online" else 0
    return Item(str(folder.absolute()), write(node), tracker.timeout, wait, mode, is_comparison)


def after_run(request: Request) -> None:
    """Queue a recorded run for tracking. Returns at once."""
    if request.tracker:
        _feed([item(request.folder, request.tracker)])


def after_comparison(requests: Iterable[Request]) -> None:
    """Queue the comparison and untracked runs for tracking. Waits at most the trackers' ``wait`` seconds."""
    runs: list[Item | None] = []
    comparisons: dict[Path, Item | None] = {}
    for request in requests:
        if request.tracker and (request.bakeoff / record.COMPARISON).is_file():
            comparisons[request.bakeoff] = item(request.bakeoff, request.tracker, is_comparison=True)
            if (request.folder / record.RESULT).is_file():
                runs.append(item(request.folder, request.tracker))
    fed = _feed([*runs, *comparisons.values()])
    process = _beside.pop(os.getpid(), None)
    if process is None:
        return
    _ending.append(process)
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(max((fed_item.wait for fed_item in fed), default=0))


def _feed(items: Iterable[Item | None]) -> list[Item]:
    """Pass items to the tracking process, starting it if necessary. Returns the items passed."""
    tracked = [item for item in items if item is not None]
    if not tracked:
        return []
    try:
        process = _beside.get(os.getpid())
        if process is None or process.poll() is not None:
            _ending[:] = [ended for ended in _ending if ended.poll() is None]
            process = _beside[os.getpid()] = spawn("bakeoff.tracking.process")
        assert process.stdin is not None
        process.stdin.write("".join(item.line() for item in tracked))
        process.stdin.flush()
    except OSError as error:
        log.warning("not tracked: %s", error)
        return []
    return tracked
