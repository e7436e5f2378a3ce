"""Thread limits of scikit-learn estimators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

FEW_ROWS = 64  # up to which handing out the work takes longer than the work


@contextmanager
def working(estimator: Any, threads: int) -> Iterator[None]:
    """Run with at most so many threads of BLAS and OpenMP, and of joblib where the estimator has an ``n_jobs``."""
    before = getattr(estimator, "n_jobs", None)
    if before is not None:
        estimator.n_jobs = min(before, threads) if before > 0 else threads
    try:
        with _pools().limit(limits=threads):
            yield
    finally:
        if before is not None:
            estimator.n_jobs = before


@cache
def _pools() -> Any:
    """The libraries' thread pools; finding them takes milliseconds, so once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
