"""Progress of requests for a display: ``predicting 120/300, 2 retries, $0.04``."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from bakeoff.llm.base import Completion

EVERY_SECONDS = 0.2
"""Least time between two lines, but for the last of a batch."""


@dataclass
class Progress:
    """Counts of what is under way, shown as one line. Safe for threads.

    Attributes:
        doing: in a word or two, such as ``predicting``.
        show: takes the line.
        retries: requests sent again.
        cost_usd: dollars paid, as far as prices are known.
    """

    doing: str
    show: Callable[[str], None]
    retries: int = 0
    cost_usd: float = 0.0
    _total: int | None = None
    _done: int = 0
    _part: str = ""
    _shown_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def batch(self, total: int, doing: str = "") -> Iterator[Callable[[], None]]:
        """Count parts of a whole within the block; yields a function to call after each part.

        Only the outermost batch counts: where rows are looked up one by one, the requests of each row are no parts.

        Args:
            total: number of parts.
            doing: what is done with the parts, if not what the whole is doing.
        """
        with self._lock:
            is_outermost = self._total is None
            if is_outermost:
                self._total, self._done, self._part = total, 0, doing or self.doing
        self._update(is_last=is_outermost)
        try:
            yield self._advance if is_outermost else lambda: None
        finally:
            if is_outermost:
                self._update(is_last=True)
                with self._lock:
                    self._total = None

    def retried(self) -> None:
        """Count a request that is sent again."""
        with self._lock:
            self.retries += 1
        self._update()

    def ended(self, completion: Completion) -> None:
        """Add the price of a request, unless it was replayed or paid for before an interruption."""
        if not (completion.is_cached or completion.is_taken_over) and not math.isnan(completion.cost_usd):
            with self._lock:
                self.cost_usd += completion.cost_usd

    def _advance(self) -> None:
        with self._lock:
            self._done += 1
        self._update()

    def _update(self, is_last: bool = False) -> None:
        with self._lock:
            now = time.monotonic()
            if self._total is None or (now - self._shown_at < EVERY_SECONDS and not is_last):
                return
            self._shown_at = now
            line = self._line()
        self.show(line)

    def _line(self) -> str:
        parts = [f"{self._part} {self._done:,}/{self._total:,}"]
        if self.retries:
            parts.append(f"{self.retries:,} {'retry' if self.retries == 1 else 'retries'}")
        if self.cost_usd >= 0.005:
            parts.append(f"${self.cost_usd:,.2f}")
        return ", ".join(parts)


_current: ContextVar[Progress | None] = ContextVar("progress", default=None)


@contextmanager
def shown(doing: str, show: Callable[[str], None]) -> Iterator[Progress]:
    """Show the progress of the requests that this thread makes within the block."""
    progress = Progress(doing, show)
    token = _current.set(progress)
    try:
        yield progress
    finally:
        _current.reset(token)


@contextmanager
def batch(total: int, doing: str = "") -> Iterator[Callable[[], None]]:
    """Count parts of a whole for the display at work, if there is one; yields a function to call after each part."""
    progress = _current.get()
    if progress is None:
        yield lambda: None
        return
    with progress.batch(total, doing) as advance:
        yield advance


def current() -> Progress | None:
    """The display at work; None where nothing is shown."""
    return _current.get()
