"""Tracking process that runs beside a bake-off: ``python -m bakeoff.tracking.process``.

It reads folders to track from its standard input, one item a line, and ends when that is closed and all is done. The
work itself is done by another process (``bakeoff.tracking.work``), which is killed when an item takes longer than its
timeout. So a tool that fails, hangs or crashes can neither fail nor delay a run. Only the standard library is loaded.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from bakeoff import unfinished
from bakeoff.tracking.base import Item, read

IDLE_SECONDS = 10  # after which the working process ends; another one is started when there is work again
LESS_PRIORITY = 10
FAILED = "failed"
LIMIT = "tracker.timeout="
LOG, TRACKING = "log.txt", "tracking.json"  # as record.py names them; importing it would double the time to start
Reply = Mapping[str, Any]


class Worker:
    """Handle of the working process, started on demand."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask(self, item: Item) -> Reply:
        """Have the worker track an item. Failures and timeouts are replies too."""
        process = self._process or self._start()
        try:
            assert process.stdin is not None
            process.stdin.write(item.line())
            process.stdin.flush()
            line = self._replies.get(timeout=item.timeout)
        except queue.Empty:
            self.stop()
            return {"status": FAILED, "error": f"it took longer than {LIMIT}{item.timeout:g} s"}
        except OSError:
            line = ""
        if not line:
            code = process.wait()
            self.stop()
            return {"status": FAILED, "error": f"its process ended with code {code}"}
        reply: Reply = json.loads(line)
        return reply

    def stop(self) -> None:
        """Kill the worker and its child processes."""
        process, self._process = self._process, None
        if process is None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()

    def rest(self) -> None:
        """Shut the idle worker down cleanly."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with suppress(OSError, subprocess.TimeoutExpired):
            process.stdin.close()
            process.wait(IDLE_SECONDS)
        self.stop()

    def _start(self) -> subprocess.Popen[str]:
        process = spawn("bakeoff.tracking.work", stdout=subprocess.PIPE)
        # A queue of its own, so that the end of an earlier process is not taken for the end of this one.
        replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read_all, args=(process.stdout, replies), daemon=True).start()
        self._process, self._replies = process, replies
        return process


def spawn(module: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """Start a fresh interpreter in a session of its own, so that Ctrl-C on a terminal does not reach it."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module], stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL,
        text=True, encoding="utf-8", start_new_session=True,
    )  # fmt: skip


def track(item: Item, worker: Worker, is_down: bool = False) -> Reply:
    """Track an item and record the outcome in its folder. If the server is down, track on this machine.

    Args:
        item: what to track.
        worker: does it.
        is_down: whether the server is known not to answer.
    """
    reply: Reply = {"status": FAILED, "error": "not tried, as the server did not answer before"}
    if not is_down or item.mode != "online":
        reply = worker.ask(item)
    if reply["status"] == FAILED and item.mode == "online":
        error = reply["error"]
        reply = {**worker.ask(replace(item, mode="offline")), "online_error": error}
    folder = Path(item.folder)
    if reply["status"] != "kept" and folder.is_dir():
        _write(folder / TRACKING, {"tracker": item.tracker.get("_target_"), **reply})
    trouble = reply.get("error") or reply.get("online_error")
    if trouble and (folder / LOG).is_file():
        outcome = "not tracked" if reply["status"] == FAILED else "tracked on this machine, not online"
        now = datetime.now().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        with suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{now} WARNING bakeoff.tracking: {outcome}: {trouble}\n")
    return reply


def main() -> None:
    """Track incoming items until the input is closed."""
    if hasattr(os, "nice"):
        os.nice(LESS_PRIORITY)
    for name in (signal.SIGINT, signal.SIGHUP) if hasattr(signal, "SIGHUP") else (signal.SIGINT,):
        signal.signal(name, signal.SIG_IGN)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_all, args=(sys.stdin, lines), daemon=True).start()
    worker, is_down = Worker(), False
    while True:
        try:
            line = lines.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            worker.rest()
            continue
        if not line:
            break
        reply = track(read(line), worker, is_down)
        is_down = is_down or LIMIT in reply.get("online_error", "")
    worker.rest()


def _read_all(stream: IO[str], lines: queue.SimpleQueue[str]) -> None:
    """Queue every line, and at the end an empty one."""
    for line in stream:
        lines.put(line)
    lines.put("")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically; errors are ignored, since nobody is left to report them to."""
    temporary = unfinished.named(path)
    with suppress(OSError):
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        temporary.replace(path)


if __name__ == "__main__":
    main()
