"""Measurement of running costs: latency of single predictions, peak memory."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.models.base import Model

WARM_UP = 3


class PeakMemory:
    """Sample this process's memory while the block runs; ``megabytes`` is peak minus initial resident size."""

    def __init__(self, every_seconds: float = 0.01) -> None:
        import psutil

        self.megabytes = 0.0
        self._every = every_seconds
        self._process = psutil.Process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._start = self._peak = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self._peak = max(self._peak, self._process.memory_info().rss)
        self.megabytes = (self._peak - self._start) / 1e6

    def _sample(self) -> None:
        while not self._done.wait(self._every):
            self._peak = max(self._peak, self._process.memory_info().rss)


def latency(model: Model, X: pd.DataFrame, rows: NDArray[np.intp], seconds: float) -> NDArray[np.float64]:
    """Predict rows one by one for about ``seconds`` at most, after warm-up.

    Args:
        model: fitted.
        X: n rows.
        rows: positions of those to predict, in this order.
        seconds: after which no further row is predicted.

    Returns:
        Seconds that each row took, shape (n,); NaN where it was not timed.
    """
    latencies = np.full(len(X), np.nan)
    if not len(rows):
        return latencies
    for _ in range(WARM_UP):
        model.predict(X.iloc[:1])
    end = time.perf_counter() + seconds
    for row in rows:
        one = X.iloc[row : row + 1]
        start = time.perf_counter()
        model.predict(one)
        now = time.perf_counter()
        latencies[row] = now - start
        if now > end:
            break
    return latencies
