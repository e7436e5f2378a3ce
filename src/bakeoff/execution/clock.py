"""Timer of the steps of a run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
Step = Callable[[str], None]


@dataclass
class Clock:
    """Timer that records the seconds of each step and announces it as it begins."""

    announce: Step
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Time a block under ``name``; ``doing`` is the progress message."""
        self.announce(doing)
        log.info(doing)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start
