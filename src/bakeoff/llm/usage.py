"""What was asked of a language model so far, counted, and how much may still be asked."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from bakeoff.llm.base import Completion

_shared: dict[Hashable, Budget] | None = None


class Budget:
    """Requests and dollars spent of what may be. Safe for threads.

    Args:
        max_calls: after which nothing is asked any more; None for no limit.
        max_cost_usd: the same in dollars; what is in flight is still paid.
    """

    def __init__(self, max_calls: int | None = None, max_cost_usd: float | None = None) -> None:
        self._lock = threading.Lock()
        self.max_calls = max_calls
        self.max_cost_usd = max_cost_usd
        self.calls = 0
        self.spent_usd = 0.0

    def reserve(self) -> bool:
        """Count one more request, if there is room for it."""
        with self._lock:
            if self.ended is not None:
                return False
            self.calls += 1
            return True

    def paid(self, cost_usd: float) -> None:
        """Count what an answer cost; NaN where nobody knows."""
        with self._lock:
            self.spent_usd += 0.0 if math.isnan(cost_usd) else cost_usd

    @property
    def ended(self) -> str | None:
        """Which limit was reached, in words; None while there is room."""
        if self.max_calls is not None and self.calls >= self.max_calls:
            return f"llm.max_calls={self.max_calls} was reached"
        if self.max_cost_usd is not None and self.spent_usd >= self.max_cost_usd:
            return f"llm.max_cost_usd={self.max_cost_usd:g} was reached"
        return None


@contextmanager
def one_budget() -> Iterator[None]:
    """Within this block, models with equal settings spend one budget: a search makes one anew for each trial.

    It holds in this process.
    """
    global _shared
    before, _shared = _shared, {}
    try:
        yield
    finally:
        _shared = before


def budget_of(settings: Hashable, max_calls: int | None, max_cost_usd: float | None) -> Budget:
    """The budget of a model with these settings: shared within ``one_budget``, a new one elsewhere."""
    if _shared is None:
        return Budget(max_calls, max_cost_usd)
    return _shared.setdefault((settings, max_calls, max_cost_usd), Budget(max_calls, max_cost_usd))


@dataclass
class Spent:
    """What some requests took; of replayed ones, what they took when they were asked.

    Attributes:
        calls: requests that were made or replayed.
        replayed: how many of them were replayed.
        replayed_seconds: what these took.
        input_tokens, output_tokens, cost_usd: of all; dollars are NaN where a price is not known.
    """

    calls: float = 0
    replayed: float = 0
    replayed_seconds: float = 0.0
    input_tokens: float = 0
    output_tokens: float = 0
    cost_usd: float = 0.0

    def add(self, completion: Completion) -> None:
        """Count how a request ended."""
        if completion.status == "not_asked":
            return
        self.calls += 1
        self.replayed += completion.is_cached
        self.replayed_seconds += completion.seconds if completion.is_cached else 0.0
        self.input_tokens += completion.input_tokens
        self.output_tokens += completion.output_tokens
        self.cost_usd += completion.cost_usd

    def share(self, n: int) -> Spent:
        """One of n equal parts."""
        return Spent(*(value / n for value in vars(self).values()))


_meter: ContextVar[Spent | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Spent]:
    """Count what all models together are asked within this block, by this thread."""
    spent = Spent()
    token = _meter.set(spent)
    try:
        yield spent
    finally:
        _meter.reset(token)


class Usage:
    """Counts of requests, tokens and dollars. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls = 0
        self.retries = 0
        self.replayed = 0
        self.not_asked = 0
        self.spent_usd = 0.0
        self.unpriced = 0
        self.tokens = Counter[str]()
        self.troubles = Counter[str]()
        self.failures = Counter[str]()
        self.models: dict[str, None] = {}
        self.fingerprints: dict[str, None] = {}
        self.budget_ended: str | None = None

    def asked(self, is_retry: bool) -> None:
        """Count a request that is sent."""
        with self._lock:
            self.calls += 1
            self.retries += is_retry

    def refused(self, reason: str) -> None:
        """Keep why the budget has no room for more."""
        with self._lock:
            self.budget_ended = reason

    def trouble(self, kind: str) -> None:
        """Count a request that got no answer, or one that cannot be used."""
        with self._lock:
            self.troubles[kind] += 1

    def paid(self, input_tokens: int, output_tokens: int, cost_usd: float) -> None:
        """Count what an answer cost, whether it could be used or not."""
        with self._lock:
            self.tokens.update(input=input_tokens, output=output_tokens)
            if math.isnan(cost_usd):
                self.unpriced += 1
            else:
                self.spent_usd += cost_usd

    def ended(self, completion: Completion) -> None:
        """Count how a request ended."""
        if (spent := _meter.get()) is not None:
            spent.add(completion)
        with self._lock:
            self.replayed += completion.is_cached
            self.not_asked += completion.status == "not_asked"
            if completion.status in ("failed", "invalid"):
                self.failures[completion.status] += 1
            if completion.model:
                self.models[completion.model] = None
            if completion.fingerprint:
                self.fingerprints[completion.fingerprint] = None

    def told(self) -> dict[str, Any]:
        """All of it, as JSON values. ``cost_usd`` is null where a price is not known."""
        with self._lock:
            return {
                "models": list(self.models),
                "fingerprints": list(self.fingerprints),
                "calls": self.calls,
                "retries": self.retries,
                "troubles": dict(self.troubles),
                "replayed": self.replayed,
                "without_answer": dict(self.failures),
                "not_asked": self.not_asked,
                "budget_ended": self.budget_ended,
                "input_tokens": self.tokens["input"],
                "output_tokens": self.tokens["output"],
                "cost_usd": None if self.unpriced else self.spent_usd,
            }
