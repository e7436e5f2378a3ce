"""LLM usage so far, and the budget that remains."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from bakeoff.llm import served
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.journal import Earlier
from bakeoff.llm.transcript import Transcript
from bakeoff.predictions import PASSING
from bakeoff.usage import Usage

log = logging.getLogger(__name__)

_shared: dict[Hashable, Budget] | None = None


class Budget:
    """Limit on requests and dollars, and the amount spent. Thread-safe.

    Args:
        max_calls: maximum number of requests; None for no limit.
        max_cost_usd: maximum cost in US dollars; requests in flight are still paid for.
    """

    def __init__(self, max_calls: int | None = None, max_cost_usd: float | None = None) -> None:
        self._lock = threading.Lock()
        self.max_calls = max_calls
        self.max_cost_usd = max_cost_usd
        self.calls = 0
        self.spent_usd = 0.0
        self.is_estimated = False

    def reserve(self) -> bool:
        """Count one more request, if there is room for it."""
        with self._lock:
            if self.ended is not None:
                return False
            self.calls += 1
            return True

    def went_on(self, calls: int) -> None:
        """Add the requests of earlier parts of the run."""
        with self._lock:
            self.calls += calls

    def paid(self, cost_usd: float, most_usd: float = math.nan) -> None:
        """Add the cost of a completion.

        Args:
            cost_usd: NaN if unknown.
            most_usd: added instead of an unknown cost, so that it cannot exceed the limit unseen; NaN: nothing is.
        """
        with self._lock:
            self.is_estimated = self.is_estimated or (math.isnan(cost_usd) and most_usd > 0)
            amount = most_usd if math.isnan(cost_usd) else cost_usd
            self.spent_usd += 0.0 if math.isnan(amount) else amount

    @property
    def ended(self) -> str | None:
        """The limit that was reached, in words; None while there is room."""
        if self.max_calls is not None and self.calls >= self.max_calls:
            return f"llm.max_calls={self.max_calls} was reached"
        if self.max_cost_usd is not None and self.spent_usd >= self.max_cost_usd:
            by_length = " at most, by the length of texts: the server counts no tokens" if self.is_estimated else ""
            return f"llm.max_cost_usd={self.max_cost_usd:g} was reached{by_length}"
        return None


@contextmanager
def one_budget() -> Iterator[None]:
    """Share one budget among models with equal settings within this block: a search rebuilds its model each trial.

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


def usage_of(completions: Sequence[Completion]) -> Usage:
    """Usage of n rows that took one request each. A request that was never made is none."""
    import numpy as np

    counted = [c if c.status != "not_asked" else _NEVER for c in completions]
    return Usage(
        np.array([c.status != "not_asked" for c in counted], dtype=np.float64),
        np.array([c.input_tokens for c in counted], dtype=np.float64),
        np.array([c.output_tokens for c in counted], dtype=np.float64),
        np.array([c.cost_usd for c in counted], dtype=np.float64),
        np.array([c.is_cached for c in counted], dtype=np.bool_),
    )


_NEVER = Completion("not_asked")


@dataclass
class Meter:
    """The requests made or replayed within a block, in the order in which they ended."""

    exchanges: list[tuple[LLMRequest, Completion]] = field(default_factory=list)

    @property
    def completions(self) -> list[Completion]:
        """Completions of the requests."""
        return [completion for _, completion in self.exchanges]

    def transcripts(self, row: int | None) -> tuple[Transcript, ...]:
        """Transcripts of the requests, all made for one row."""
        return tuple(Transcript(row, *exchange) for exchange in self.exchanges if exchange[1].status != "not_asked")

    def all_transcripts(self, of_rows: Sequence[Transcript]) -> tuple[Transcript, ...]:
        """Transcripts of rows, and of requests that a model made without telling for which row."""
        known = {id(transcript.completion) for transcript in of_rows}
        return (*of_rows, *(t for t in self.transcripts(None) if id(t.completion) not in known))

    def usage(self, n: int) -> Usage:
        """Usage of n rows that share the requests equally."""
        return usage_of(self.completions).shared_by(n)

    @property
    def replayed_seconds(self) -> float:
        """Seconds that the requests not sent now took when they were made."""
        return sum(c.seconds for c in self.completions if c.is_cached or c.is_taken_over)

    @property
    def passing(self) -> Counter[str]:
        """Count the requests lost to what may pass, by reason."""
        return Counter(c.reason for c in self.completions if c.reason.partition(":")[0] in PASSING)


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Collect the requests to all models within this block, by this thread."""
    meter = Meter()
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


class RequestCounts:
    """Counts of requests, tokens and dollars over the life of a client. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls = 0
        self.retries = 0
        self.replayed = 0
        self.taken_over = 0
        self.of_other_models = 0
        self.is_name_trusted = False
        self.not_asked = 0
        self.spent_usd = 0.0
        self.unpriced = 0
        self.tokens = Counter[str]()
        self.uncounted = set[str]()
        self.troubles = Counter[str]()
        self.failures = Counter[str]()
        self.reasons = Counter[str]()
        self.models: dict[str, None] = {}
        self.fingerprints: dict[str, None] = {}
        self.budget_ended: str | None = None

    def asked(self, is_retry: bool) -> None:
        """Count a request that is sent."""
        with self._lock:
            self.calls += 1
            self.retries += is_retry

    def went_on(self, earlier: Earlier) -> None:
        """Add what earlier parts of the run sent for a request."""
        with self._lock:
            self.calls += earlier.calls
            self.retries += max(0, earlier.calls - 1)
            self.troubles += earlier.troubles
        for completion in earlier.ended:
            self.paid(completion.input_tokens, completion.output_tokens, completion.cost_usd)

    def differs(self, earlier: str, now: str) -> None:
        """Count a kept reply that is not used, because another model gave it than is served now."""
        with self._lock:
            self.of_other_models += 1
            if self.of_other_models > 1:
                return
        log.warning(
            "llm: kept replies are of another model (%s) than is served now (%s): they are asked anew.",
            served.name(earlier), served.name(now),
        )  # fmt: skip

    def trust_name(self) -> None:
        """Record that replies are replayed although the server did not say which model it serves."""
        with self._lock:
            self.is_name_trusted = True

    def refused(self, reason: str) -> None:
        """Record why the budget allows no more requests."""
        with self._lock:
            self.budget_ended = reason

    def trouble(self, kind: str) -> None:
        """Count a request that got no answer, or an unusable one."""
        with self._lock:
            self.troubles[kind] += 1

    def paid(self, input_tokens: float, output_tokens: float, cost_usd: float) -> None:
        """Add the cost of an answer, usable or not."""
        with self._lock:
            for name, count in (("input", input_tokens), ("output", output_tokens)):
                if math.isnan(count):
                    self.uncounted.add(name)
                else:
                    self.tokens[name] += int(count)
            if math.isnan(cost_usd):
                self.unpriced += 1
            else:
                self.spent_usd += cost_usd

    def ended(self, request: LLMRequest, completion: Completion) -> None:
        """Count how a request ended."""
        if (meter := _meter.get()) is not None:
            meter.exchanges.append((request, completion))
        with self._lock:
            self.replayed += completion.is_cached
            self.taken_over += completion.is_taken_over and not completion.is_cached
            self.not_asked += completion.status == "not_asked"
            if completion.status in ("failed", "invalid"):
                self.failures[completion.status] += 1
            if completion.reason:
                self.reasons[completion.reason] += 1
            if completion.model:
                self.models[completion.model] = None
            if completion.fingerprint:
                self.fingerprints[completion.fingerprint] = None

    def told(self) -> dict[str, Any]:
        """All counts, as JSON values. Tokens and ``cost_usd`` are null if any is unknown."""
        with self._lock:
            return {
                "models": list(self.models),
                "fingerprints": list(self.fingerprints),
                "calls": self.calls,
                "retries": self.retries,
                "troubles": dict(self.troubles),
                "replayed": self.replayed,
                "taken_over": self.taken_over,
                "of_other_models": self.of_other_models,
                "is_name_trusted": self.is_name_trusted,
                "without_answer": dict(self.failures),
                "not_asked": self.not_asked,
                "budget_ended": self.budget_ended,
                "input_tokens": None if "input" in self.uncounted else self.tokens["input"],
                "output_tokens": None if "output" in self.uncounted else self.tokens["output"],
                "reasons": dict(self.reasons),
                "cost_usd": None if self.unpriced else self.spent_usd,
            }
