"""Batches of requests, concurrent but in order: cached, retried, counted, and stopped when a budget runs out."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

from bakeoff.errors import LLMError
from bakeoff.llm import cache as caches
from bakeoff.llm import reader
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.cache import Cache
from bakeoff.llm.phrases import REFUSES
from bakeoff.llm.replies import Reply, Trouble
from bakeoff.llm.usage import Budget, RequestCounts

FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.5, 30.0
INVALID_TRIES = 2
"""Number of times a reply may violate the output format before the request counts as invalid."""
PATIENCE = 8
"""Requests in a row that fail after all retries. Others are then tried once each, until the server answers again."""
ALIKE, UNUSABLE = 4, 6
"""Limit on first requests with the same unretryable error, or first unusable replies, before requests stop."""
LASTING = ("cut", "filtered", "refused")
"""Reason codes that a retry does not change: such replies are cached, and cost nothing the next time."""
FILTERED = ("content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "safety")
THINKING = "A model that thinks first needs room for it: raise llm.thinking_tokens, or let it think less by llm.extra"


@dataclass(frozen=True)
class Terms:
    """Settings for calling a model.

    Attributes:
        identity: of the model and its parameters, for the cache.
        concurrency: maximum number of concurrent requests.
        retries: maximum retries of a failed request.
        cache: on, refresh (ask, and keep the new answer) or off.
        remedy: advice for when the server does not respond, one sentence.
        patience_seconds: the longest wait a server may ask for.
    """

    identity: Mapping[str, Any]
    concurrency: int
    retries: int
    cache: str
    remedy: str
    patience_seconds: float = 60.0


class Session:
    """Sends requests to one model.

    Args:
        terms: settings for calling it.
        send: sends one request; raises ``Trouble``.
        price: dollars for input and output tokens of a model; NaN where unknown.
        budget: limit on requests and cost.
        usage: counters to update.
        cache: of answers.
    """

    def __init__(
        self,
        terms: Terms,
        send: Callable[[LLMRequest], Reply],
        price: Callable[[str, int, int], float],
        budget: Budget,
        usage: RequestCounts,
        cache: Cache,
    ) -> None:
        self.terms = terms
        self._send = send
        self._price = price
        self._budget = budget
        self._usage = usage
        self._cache = cache
        self._reached = threading.Event()
        self._lost_in_a_row = 0
        self._usable = threading.Event()
        self._hopeless: LLMError | None = None
        self._over: str | None = None  # reason why no more requests are sent
        self._alike = Counter[str]()  # first requests that failed, by reason
        self._unusable = Counter[str]()  # replies that could not be used, by reason

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Answer the requests in order; duplicates are sent once."""
        keys = [caches.key(self.terms.identity, request) for request in requests]
        known = self._replayed(dict(zip(keys, requests, strict=True))) if self.terms.cache == "on" else {}
        waiting = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
        if waiting:
            known |= self._asked(waiting)
        if self._hopeless is not None:
            raise self._hopeless
        repeated: set[str] = set()
        completions = []
        for key in keys:
            # An equal request in one go is answered by the first: it was not paid for twice.
            is_replay = key in repeated and known[key].status in ("ok", "invalid")
            found = replace(known[key], is_cached=True) if is_replay else known[key]
            repeated.add(key)
            self._usage.ended(found)
            completions.append(found)
        return completions

    def _replayed(self, requests: Mapping[str, LLMRequest]) -> dict[str, Completion]:
        """Return cached completions, parsed afresh, with a price if it has become known since."""
        replayed = {}
        for key, completion in self._cache.get(list(requests)).items():
            if isnan(completion.cost_usd) and not isnan(completion.input_tokens + completion.output_tokens):
                tokens = int(completion.input_tokens), int(completion.output_tokens)
                completion = replace(completion, cost_usd=self._price(completion.model, *tokens))
            replayed[key] = completion if completion.raw is None else formed(completion, requests[key])
        if any(completion.status == "ok" for completion in replayed.values()):
            self._usable.set()
        return replayed

    def _asked(self, waiting: Mapping[str, LLMRequest]) -> dict[str, Completion]:
        """Send requests concurrently. An interrupt ends the waiting between attempts, and sends no more."""
        stop = threading.Event()
        # The first request is sent alone: where it shows that none can succeed, it is the only one that was sent.
        first = {} if self._reached.is_set() else {key: self._answer(key, waiting[key], stop) for key in [*waiting][:1]}
        waiting = {key: request for key, request in waiting.items() if key not in first}
        if not waiting or self._hopeless is not None:
            return first | {key: self._answer(key, request, stop) for key, request in waiting.items()}
        with ThreadPoolExecutor(min(self.terms.concurrency, len(waiting))) as pool:
            try:
                answers = pool.map(lambda key: self._answer(key, waiting[key], stop), waiting)
                return first | dict(zip(waiting, answers, strict=True))
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _answer(self, key: str, request: LLMRequest, stop: threading.Event) -> Completion:
        tries = invalid = 0
        wasted: list[Completion] = []  # paid for, and of no use
        last = ""
        while True:
            if self._hopeless is not None or stop.is_set():
                reason = "interrupted: by the user" if self._hopeless is None else "server: takes no request"
                return Completion("not_asked", error=str(self._hopeless or reason), reason=reason)
            if self._over is not None:
                return Completion("not_asked", error=self._over, reason=self._over)
            if not self._budget.reserve():
                limit = self._budget.ended or "the budget has ended"
                self._usage.refused(limit)
                message = f"{limit}{f'; before: {last}' if last else ''}"
                return Completion("not_asked", error=message, reason=f"budget: {limit}")
            self._usage.asked(is_retry=tries + invalid > 0)
            try:
                reply = self._send(request)
            except Trouble as trouble:
                self._usage.trouble(trouble.kind)
                last = str(trouble)
                tries += 1
                if self._is_beyond_patience(trouble) or self._is_in_vain(trouble):
                    return self._given_up(trouble, tries + invalid)
                if trouble.is_final or tries > (self.terms.retries if self._lost_in_a_row < PATIENCE else 0):
                    return self._given_up(trouble, tries + invalid)
                stop.wait(_pause(tries) if trouble.wait_seconds is None else trouble.wait_seconds)
                continue
            self._reached.set()
            self._lost_in_a_row = 0
            completion = replace(_with(self._read(reply, request), wasted), tries=tries + invalid + 1)
            code = completion.reason.partition(":")[0]
            if (completion.status == "ok" or code in LASTING) and self.terms.cache != "off":
                self._cache.put(key, completion)
            if completion.status == "ok":
                self._usable.set()
                return completion
            self._usage.trouble("invalid_answer")
            last = str(completion.error)
            wasted = [completion]
            invalid += 1
            if code in LASTING or invalid >= INVALID_TRIES:
                self._unusable[completion.reason] += 1
                if not self._usable.is_set() and self._unusable[completion.reason] >= UNUSABLE:
                    self._over = (
                        f"stopped: after the first {UNUSABLE} replies, all {completion.reason.replace(': ', ' ', 1)}"
                    )
                return completion

    def _is_beyond_patience(self, trouble: Trouble) -> bool:
        """Check whether the server asks for too long a wait; if so, no more requests are sent."""
        wait = trouble.wait_seconds
        if wait is None or wait <= self.terms.patience_seconds:
            return False
        limit = f"llm.patience_seconds={self.terms.patience_seconds:g}"
        self._over = f"rate_limit: reached: the server asks to wait {wait:,.0f} s, more than {limit}"
        if not self._reached.is_set():
            self._hopeless = LLMError(f"llm: {trouble}. The server asks to wait {wait:,.0f} s, more than {limit}.")
        return True

    def _is_in_vain(self, trouble: Trouble) -> bool:
        """Check whether the first requests all failed with the same unretryable error; if so, no more are sent."""
        if self._reached.is_set() or not (trouble.kind == "malformed" or trouble.is_final):
            return False
        self._alike[trouble.reason] += 1
        if self._alike[trouble.reason] < ALIKE:
            return False
        self._hopeless = LLMError(f"llm: {trouble}. The first {ALIKE} requests failed alike. {self.terms.remedy}")
        return True

    def _given_up(self, trouble: Trouble, tries: int) -> Completion:
        """Completion of a request that failed for good; if no other request can succeed, it ends them all."""
        self._lost_in_a_row += not trouble.is_final
        nobody_there = trouble.kind == "connection" and not self._reached.is_set()
        reason = trouble.reason
        if (trouble.is_for_all and not self._reached.is_set()) or nobody_there:
            self._hopeless = self._hopeless or LLMError(f"llm: {trouble}. {self.terms.remedy}")
        elif trouble.is_for_all:
            self._over = self._over or reason
        if self._lost_in_a_row > PATIENCE and reason.startswith("error"):
            reason = "server: fails again and again"
        if self._lost_in_a_row >= 2 * PATIENCE:
            self._over = self._over or "server: fails again and again"
        if self._over is not None and self._over.startswith("rate_limit") and trouble.kind == "rate_limited":
            reason = self._over
        return Completion("failed", error=str(trouble), reason=reason, tries=tries)

    def _read(self, reply: Reply, request: LLMRequest) -> Completion:
        if reply.is_counted:
            cost = self._price(reply.model, int(reply.input_tokens), int(reply.output_tokens))
        else:  # the token count is unknown
            cost = 0.0 if self._price(reply.model, 1, 1) == 0 else nan
        self._budget.paid(cost)
        self._usage.paid(reply.input_tokens, reply.output_tokens, cost)
        completion = Completion(
            "ok",
            logprobs=reply.logprobs,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            cost_usd=cost,
            seconds=reply.seconds,
            model=reply.model,
            fingerprint=reply.fingerprint,
            raw=reply.text,
            reasoning=reply.reasoning,
            refusal=reply.refusal,
            finish=reply.finish,
            is_cut=reply.is_cut,
        )
        return formed(completion, request)


def _with(completion: Completion, wasted: Sequence[Completion]) -> Completion:
    """The completion, plus the tokens and price of earlier attempts whose answers were unusable."""
    return replace(
        completion,
        input_tokens=completion.input_tokens + sum(c.input_tokens for c in wasted),
        output_tokens=completion.output_tokens + sum(c.output_tokens for c in wasted),
        cost_usd=completion.cost_usd + sum(c.cost_usd for c in wasted),
    )


def formed(completion: Completion, request: LLMRequest) -> Completion:
    """The completion as it is read from its raw reply: thoughts set aside, its choice or its JSON found.

    It is invalid, with the reason, where the reply is not usable in the form that was asked for.
    """
    raw = completion.raw or ""
    text, thoughts, is_open = reader.visible(raw)
    completion = replace(completion, status="ok", text=text, parsed=None, error=None, reason="")
    room = f"at {request.max_tokens} tokens"
    if completion.finish in FILTERED:
        return _invalid(completion, "filtered: by the server's content filter")
    if completion.refusal and not text:
        return _invalid(completion, "refused: by the model")
    if not text and not completion.logprobs:
        if is_open or thoughts or completion.reasoning or completion.is_cut:
            if is_open or completion.is_cut:
                return _invalid(completion, f"cut: within its thoughts, {room} (llm.thinking_tokens)", THINKING)
            return _invalid(completion, "unreadable: as an answer (thoughts alone)")
        if request.choices or request.schema is not None:
            return _invalid(completion, "unreadable: as an answer (empty)")
        return completion
    if is_open:
        return _invalid(completion, f"cut: within its thoughts, {room} (llm.thinking_tokens)", THINKING)
    if request.choices:
        if completion.logprobs and not text:
            return completion
        named = reader.choice(text, request.choices)
        if named is not None:
            return replace(completion, text=named)
        shown = " ".join(text.split())[:80]
        if completion.is_cut:
            return _invalid(completion, f"cut: {room} (model.max_tokens)", f'"{shown}"')
        reason = "refused: by the model" if REFUSES.match(text) else "unreadable: as one of the labels"
        return _invalid(completion, reason, f'"{shown}" is none of the {len(request.choices)} choices')
    if request.schema is None:
        return completion
    try:
        return replace(completion, parsed=reader.value(text, request.schema))
    except ValueError as error:
        if completion.is_cut:
            return _invalid(completion, f"cut: {room} (model.max_tokens)", f"the answer breaks its schema: {error}")
        reason = "unreadable: as the JSON that was asked for"
        reason = "refused: by the model" if REFUSES.match(text) else reason
        return _invalid(completion, reason, f"the answer breaks its schema: {error}")


def _invalid(completion: Completion, reason: str, more: str = "") -> Completion:
    return replace(completion, status="invalid", reason=reason, error=f"{reason}{f'. {more}' if more else ''}")


def _pause(tries: int) -> float:
    """Seconds before the next try: doubled each time, with jitter, so that workers do not come back together."""
    return min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)
