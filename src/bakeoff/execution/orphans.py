"""Worker processes end with the process that started them, however that ended."""

from __future__ import annotations

import os
import threading
import time

LOOK_SECONDS = 1.0
WORKER_NAMES = ("LokyProcess", "ForkServerProcess", "SpawnProcess")  # as joblib names them

_watched: set[int] = set()


def end_with_parent() -> None:
    """End this process within seconds of the end of its parent, if it is a worker of a process pool.

    A trial that is cut short so is begun again by the next run, as that of a killed process.
    """
    import multiprocessing

    if not multiprocessing.current_process().name.startswith(WORKER_NAMES) or os.getpid() in _watched:
        return
    _watched.add(os.getpid())
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
