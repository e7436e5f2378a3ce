"""Many requests, several at a time, in order: replayed, retried, counted, and stopped where a budget ends."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

from bakeoff.errors import LLMError
from bakeoff.llm import cache as caches
from bakeoff.llm.base import Ask, Completion
from bakeoff.llm.cache import Cache
from bakeoff.llm.usage import Budget, RequestCounts
from bakeoff.llm.wire import ANSWER, Reply, Trouble

FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.5, 30.0
INVALID_TRIES = 2
"""How often an answer may break its form before it counts as one that does."""
PATIENCE = 8
"""Requests in a row that fail after all retries. Others are then tried once each, until the server answers again."""
THINKING = "A model that thinks first needs room for it: raise llm.thinking_tokens, or let it think less by llm.extra"


@dataclass(frozen=True)
class Terms:
    """On what terms a model is asked.

    Attributes:
        identity: of the model and its parameters, for the cache.
        concurrency: requests at a time.
        retries: after a request that failed.
        cache: on, refresh (ask, and keep the new answer) or off.
        remedy: what to do where nobody answers, in a sentence.
    """

    identity: Mapping[str, Any]
    concurrency: int
    retries: int
    cache: str
    remedy: str


class Session:
    """Asks one model.

    Args:
        terms: on which it is asked.
        send: asks once; raises ``Trouble``.
        price: dollars for input and output tokens of a model; NaN where unknown.
        budget: that may be spent.
        usage: where all is counted.
        cache: of answers.
    """

    def __init__(
        self,
        terms: Terms,
        send: Callable[[Ask], Reply],
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
        self._hopeless: LLMError | None = None

    def complete(self, asks: Sequence[Ask]) -> list[Completion]:
        """Answer the requests in order; equal ones are asked once."""
        keys = [caches.key(self.terms.identity, ask) for ask in asks]
        known = self._replayed(keys) if self.terms.cache == "on" else {}
        waiting = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in known}
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

    def _replayed(self, keys: Sequence[str]) -> dict[str, Completion]:
        """What the cache has, with a price where it is known only now."""
        found = self._cache.get(list(dict.fromkeys(keys)))
        return {
            key: replace(c, cost_usd=self._price(c.model, c.input_tokens, c.output_tokens)) if isnan(c.cost_usd) else c
            for key, c in found.items()
        }

    def _asked(self, waiting: Mapping[str, Ask]) -> dict[str, Completion]:
        """Ask, several at a time. An interrupt ends the waiting between tries, and asks no more."""
        stop = threading.Event()
        with ThreadPoolExecutor(min(self.terms.concurrency, len(waiting))) as pool:
            try:
                answers = pool.map(lambda key: self._answer(key, waiting[key], stop), waiting)
                return dict(zip(waiting, answers, strict=True))
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _answer(self, key: str, ask: Ask, stop: threading.Event) -> Completion:
        tries = invalid = 0
        wasted: list[Completion] = []  # paid for, and of no use
        last = ""
        while True:
            if self._hopeless is not None or stop.is_set():
                return Completion("failed", error=str(self._hopeless or "interrupted"))
            if not self._budget.reserve():
                reason = self._budget.ended or "the budget has ended"
                self._usage.refused(reason)
                return Completion("not_asked", error=f"{reason}{f'; before: {last}' if last else ''}")
            self._usage.asked(is_retry=tries + invalid > 0)
            try:
                reply = self._send(ask)
            except Trouble as trouble:
                self._usage.trouble(trouble.kind)
                last = str(trouble)
                tries += 1
                if trouble.is_final or tries > (self.terms.retries if self._lost_in_a_row < PATIENCE else 0):
                    return self._given_up(trouble)
                stop.wait(_pause(tries) if trouble.wait_seconds is None else trouble.wait_seconds)
                continue
            self._reached.set()
            self._lost_in_a_row = 0
            completion = _with(self._read(reply, ask), wasted)
            if completion.status == "ok":
                if self.terms.cache != "off":
                    self._cache.put(key, completion)
                return completion
            self._usage.trouble("invalid_answer")
            last = str(completion.error)
            wasted = [completion]
            invalid += 1
            if invalid >= INVALID_TRIES:
                return completion

    def _given_up(self, trouble: Trouble) -> Completion:
        """A request without an answer; where none was ever answered and none can be, it ends them all."""
        self._lost_in_a_row += not trouble.is_final
        nobody_there = trouble.kind == "connection" and not self._reached.is_set()
        if (trouble.is_for_all and not self._reached.is_set()) or nobody_there:
            self._hopeless = LLMError(f"llm: {trouble}. {self.terms.remedy}")
        return Completion("failed", error=str(trouble))

    def _read(self, reply: Reply, ask: Ask) -> Completion:
        cost = self._price(reply.model, reply.input_tokens, reply.output_tokens)
        if not reply.is_counted and self._price(reply.model, 1, 1) != 0:
            cost = nan  # nobody knows how many tokens there were
        self._budget.paid(cost)
        self._usage.paid(reply.input_tokens, reply.output_tokens, cost)
        completion = Completion(
            "ok",
            reply.text,
            logprobs=reply.logprobs,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            cost_usd=cost,
            seconds=reply.seconds,
            model=reply.model,
            fingerprint=reply.fingerprint,
        )
        formed = _formed(completion, ask)
        if reply.is_cut and not reply.text.strip() and not reply.logprobs:
            return replace(formed, status="invalid", error=f"no answer within {reply.output_tokens} tokens. {THINKING}")
        if reply.is_cut and formed.status == "invalid":
            return replace(formed, error=f"{formed.error}; it was cut after {reply.output_tokens} tokens")
        return formed


def _with(completion: Completion, wasted: Sequence[Completion]) -> Completion:
    """The completion with the tokens and the price of the answers before it that could not be used."""
    return replace(
        completion,
        input_tokens=completion.input_tokens + sum(c.input_tokens for c in wasted),
        output_tokens=completion.output_tokens + sum(c.output_tokens for c in wasted),
        cost_usd=completion.cost_usd + sum(c.cost_usd for c in wasted),
    )


def _formed(completion: Completion, ask: Ask) -> Completion:
    """The completion with its JSON read, or with its choice unwrapped; invalid where it has not the form asked for."""
    if ask.choices:
        said = _chosen(completion.text, ask.choices)
        if said is None:
            shown = completion.text.strip()[:80]
            return replace(completion, status="invalid", error=f'"{shown}" is none of the {len(ask.choices)} choices')
        return replace(completion, text=said)
    if ask.schema is None:
        return completion
    from jsonschema import ValidationError, validate

    try:
        parsed = json.loads(_unfenced(completion.text))
        validate(parsed, dict(ask.schema))
    except (ValueError, RecursionError, ValidationError) as error:
        told = error.message if isinstance(error, ValidationError) else str(error)
        return replace(completion, status="invalid", error=f"the answer breaks its schema: {told[:200]}")
    return replace(completion, parsed=parsed)


def _chosen(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a text is, in whatever wrapping; None when it is none. One token may be the start of only one."""
    plain = _unfenced(text)
    for said in (plain, _unwrapped(plain), plain.strip("\"'.` ")):
        if said in choices:
            return said
        alike = [choice for choice in choices if choice.strip().lower() == said.strip().lower()]
        if len(alike) == 1:
            return alike[0]
    said = _unwrapped(plain).strip("\"'.` ").lower()
    starts = [choice for choice in choices if said and choice.lower().startswith(said)]
    return starts[0] if len(starts) == 1 else None


def _unwrapped(text: str) -> str:
    """What JSON says, where a text is some: the value of ``answer``, or the value itself."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(said, dict):
        said = said.get(ANSWER)
    return said if isinstance(said, str) else json.dumps(said)


def _unfenced(text: str) -> str:
    """Without the fence that some models put around JSON."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.removeprefix("```json").removeprefix("```").removesuffix("```")
    return stripped.strip()


def _pause(tries: int) -> float:
    """Seconds before the next try: doubled each time, with jitter, so that workers do not come back together."""
    return min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)
