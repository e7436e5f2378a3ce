"""What was asked of a language model so far, counted."""

from __future__ import annotations

import math
import threading
from collections import Counter
from typing import Any

from bakeoff.llm.base import Completion


class Usage:
    """Counts of requests, tokens and dollars. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls = 0
        self.replayed = 0
        self.not_asked = 0
        self.spent_usd = 0.0
        self.unpriced = 0
        self.tokens = Counter[str]()
        self.troubles = Counter[str]()
        self.failures = Counter[str]()
        self.models: dict[str, None] = {}
        self.fingerprints: dict[str, None] = {}

    def reserve(self, max_calls: int | None, max_cost_usd: float | None) -> bool:
        """Count one more request, if the budget has room for it."""
        with self._lock:
            if (max_calls is not None and self.calls >= max_calls) or (
                max_cost_usd is not None and self.spent_usd >= max_cost_usd
            ):
                return False
            self.calls += 1
            return True

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
                "replayed": self.replayed,
                "not_asked": self.not_asked,
                "retried_because": dict(self.troubles),
                "without_answer": dict(self.failures),
                "input_tokens": self.tokens["input"],
                "output_tokens": self.tokens["output"],
                "cost_usd": None if self.unpriced else self.spent_usd,
            }
