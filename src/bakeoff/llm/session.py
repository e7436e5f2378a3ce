"""Many requests, several at a time, in order: replayed, retried, counted, and stopped where a budget ends."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from bakeoff.errors import LLMError
from bakeoff.llm import cache as caches
from bakeoff.llm.base import Ask, Completion
from bakeoff.llm.cache import Cache
from bakeoff.llm.usage import Usage
from bakeoff.llm.wire import Reply, Trouble, of_choices

FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.5, 30.0
INVALID_TRIES = 2
"""How often an answer may break its form before it counts as one that does."""


@dataclass(frozen=True)
class Terms:
    """On what terms a model is asked.

    Attributes:
        identity: of the model and its parameters, for the cache.
        concurrency: requests at a time.
        retries: after a request that failed.
        max_calls: after which nothing is asked any more; retries count.
        max_cost_usd: the same in dollars; what is in flight is still paid.
        cache: on, refresh (ask, and keep the new answer) or off.
        remedy: what to do where nobody answers, in a sentence.
    """

    identity: Mapping[str, Any]
    concurrency: int
    retries: int
    max_calls: int | None
    max_cost_usd: float | None
    cache: str
    remedy: str


class Session:
    """Asks one model.

    Args:
        terms: on which it is asked.
        send: asks once; raises ``Trouble``.
        price: dollars for input and output tokens of a model; NaN where unknown.
        usage: where all is counted.
        cache: of answers.
    """

    def __init__(
        self,
        terms: Terms,
        send: Callable[[Ask], Reply],
        price: Callable[[str, int, int], float],
        usage: Usage,
        cache: Cache,
    ) -> None:
        self.terms = terms
        self._send = send
        self._price = price
        self._usage = usage
        self._cache = cache
        self._reached = threading.Event()
        self._hopeless: LLMError | None = None

    def complete(self, asks: Sequence[Ask]) -> list[Completion]:
        """Answer the requests in order; equal ones are asked once."""
        keys = [caches.key(self.terms.identity, ask) for ask in asks]
        known = self._cache.get(list(dict.fromkeys(keys))) if self.terms.cache == "on" else {}
        waiting = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in known}
        if waiting:
            with ThreadPoolExecutor(self.terms.concurrency) as pool:
                known |= zip(waiting, pool.map(self._answer, waiting, waiting.values()), strict=True)
        if self._hopeless is not None:
            raise self._hopeless
        repeated: set[str] = set()
        completions = []
        for key in keys:
            # An equal request in one go is answered by the first: it was not paid for twice.
            found = replace(known[key], is_cached=True) if key in repeated else known[key]
            repeated.add(key)
            self._usage.ended(found)
            completions.append(found)
        return completions

    def _answer(self, key: str, ask: Ask) -> Completion:
        tries = invalid = 0
        last = ""
        while True:
            if self._hopeless is not None:
                return Completion("failed", error=str(self._hopeless))
            if not self._usage.reserve(self.terms.max_calls, self.terms.max_cost_usd):
                return Completion("not_asked", error=f"the budget for requests had ended{f' ({last})' if last else ''}")
            try:
                reply = self._send(ask)
            except Trouble as trouble:
                self._usage.trouble(trouble.kind)
                last = str(trouble)
                tries += 1
                if trouble.is_final or tries > self.terms.retries:
                    return self._given_up(trouble)
                time.sleep(_pause(tries) if trouble.wait_seconds is None else trouble.wait_seconds)
                continue
            self._reached.set()
            completion = self._read(reply, ask)
            if completion.status == "ok":
                if self.terms.cache != "off":
                    self._cache.put(key, completion)
                return completion
            self._usage.trouble("invalid_answer")
            invalid += 1
            if invalid >= INVALID_TRIES:
                return completion

    def _given_up(self, trouble: Trouble) -> Completion:
        """A request without an answer; where none was ever answered and none can be, it ends them all."""
        nobody_there = trouble.kind == "connection" and not self._reached.is_set()
        if (trouble.is_for_all and not self._reached.is_set()) or nobody_there:
            self._hopeless = LLMError(f"llm: {trouble}. {self.terms.remedy}")
        return Completion("failed", error=str(trouble))

    def _read(self, reply: Reply, ask: Ask) -> Completion:
        cost = self._price(reply.model, reply.input_tokens, reply.output_tokens)
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
        return _formed(completion, ask)


def _formed(completion: Completion, ask: Ask) -> Completion:
    """The completion with its JSON read, or with its choice unwrapped; invalid where it has not the form that was asked."""
    if ask.choices:
        said = _chosen(completion.text, ask)
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
    except (ValueError, ValidationError) as error:
        told = error.message if isinstance(error, ValidationError) else str(error)
        return replace(completion, status="invalid", error=f"the answer breaks its schema: {told[:200]}")
    return replace(completion, parsed=parsed)


def _chosen(text: str, ask: Ask) -> str | None:
    """The choice that a text is, in whatever wrapping; None when it is none. One token may be the start of only one."""
    said = _unfenced(text).strip()
    try:
        wrapped = json.loads(said)
        key = next(iter(of_choices(ask.choices)["properties"]))
        said = str(wrapped[key]) if isinstance(wrapped, dict) and key in wrapped else str(wrapped)
    except ValueError:
        said = said.strip("\"'.` ")
    by_name = {choice.strip().lower(): choice for choice in ask.choices}
    if said.strip().lower() in by_name:
        return by_name[said.strip().lower()]
    starts = [choice for choice in ask.choices if said and choice.lower().startswith(said.strip().lower())]
    return starts[0] if len(starts) == 1 else None


def _unfenced(text: str) -> str:
    """Without the fence that some models put around JSON."""
    stripped = text.strip()
    if stripped.startswith("```"):
        stripped = stripped.removeprefix("```json").removeprefix("```").removesuffix("```")
    return stripped.strip()


def _pause(tries: int) -> float:
    """Seconds before the next try: doubled each time, with jitter, so that workers do not come back together."""
    return min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (tries - 1)) * random.uniform(0.5, 1.0)
