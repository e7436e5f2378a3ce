"""Batches of requests, concurrent but in order: cached, retried, counted, and stopped when a budget runs out."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import isnan, nan
from typing import Any

from bakeoff.llm import cache as caches
from bakeoff.llm import journal as journals
from bakeoff.llm import progress, served
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.cache import Cache, Entry
from bakeoff.llm.failures import PATIENCE, give_up, is_beyond_patience, is_in_vain, pause
from bakeoff.llm.journal import Earlier, Journal
from bakeoff.llm.progress import Progress
from bakeoff.llm.reading import LASTING, formed
from bakeoff.llm.replies import UNREACHABLE, Reply, Trouble
from bakeoff.llm.server import state_of
from bakeoff.llm.usage import Budget, RequestCounts

UNUSABLE = 6
"""Number of first replies, all unusable, after which no more requests are sent."""
INVALID_TRIES = 2
"""Number of times a reply may violate the output format before the request counts as invalid."""
PROBES = 3
"""Maximum number of cached requests sent again to see whether the model is the same."""
INTERRUPTED = "interrupted: by the user"


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
        account: that pays, such as the variable that holds the key: if it is empty, no model of the run on the same
            server sends more requests to its debit.
        identify: asks the server which model it serves, free of charge (see ``bakeoff.llm.served``); None: completions
            tell.
    """

    identity: Mapping[str, Any]
    concurrency: int
    retries: int
    cache: str
    remedy: str
    patience_seconds: float = 60.0
    account: str | None = None
    identify: Callable[[], str | None] | None = None


@dataclass(frozen=True)
class Batch:
    """Requests that are sent together.

    Attributes:
        journal: of the run, if one is at work.
        earlier: what earlier parts of the run got for them, by key.
        stop: set after an interrupt.
        progress: display that shows how far they are; None: none does.
    """

    journal: Journal | None
    earlier: dict[str, Earlier]
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = field(default_factory=progress.current)

    def ended(self, completion: Completion, advance: Callable[[], None]) -> None:
        """Show that a request has ended."""
        if self.progress is not None:
            self.progress.ended(completion)
        advance()


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
        self._server = state_of(terms.identity.get("server"), terms.account, terms.identity.get("model"))
        self._name = uuid.uuid4().hex
        self._usable = threading.Event()
        self._over: str | None = None  # reason why this session sends no more requests
        self._unusable = Counter[str]()  # replies that could not be used, by reason

    @property
    def identity(self) -> str | None:
        """The model that is served, as the server lists it; None if it does not, or was not asked."""
        return self._server.identity

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Answer the requests in order; duplicates are sent once."""
        keys = [caches.key(self.terms.identity, request) for request in requests]
        waiting = dict(zip(keys, requests, strict=True))
        journal = journals.current()
        batch = Batch(journal, {} if journal is None else journal.take(waiting))
        known: dict[str, Completion] = {}
        with progress.batch(len(waiting)) as advance:
            if waiting:
                known = self._known(waiting, batch)
                for completion in known.values():
                    batch.ended(completion, advance)
            waiting = {key: request for key, request in waiting.items() if key not in known}
            if waiting:
                known |= self._asked(waiting, batch, advance)
        if self._server.hopeless is not None:
            raise self._server.hopeless
        repeated: set[str] = set()
        completions = []
        for key, request in zip(keys, requests, strict=True):
            # An equal request in one go is answered by the first: it was not paid for twice.
            is_replay = key in repeated and known[key].status in ("ok", "invalid")
            completion = replace(known[key], is_cached=True) if is_replay else known[key]
            repeated.add(key)
            self._usage.ended(request, completion)
            completions.append(completion)
        return completions

    def _known(self, requests: Mapping[str, LLMRequest], batch: Batch) -> dict[str, Completion]:
        """Completions of requests that need not be sent: of earlier parts of the run, then of the cache.

        They must be of the model that is served now. Where the server does not list it, a completion tells: that of a
        request that is to be sent anyway, else that of one sent again.
        """
        for key, earlier in batch.earlier.items():
            self._usage.went_on(earlier)
            self._budget.went_on(earlier.calls)
            for completion in earlier.ended:
                self._budget.paid(completion.cost_usd, self._most_usd(requests[key], completion.raw or ""))
        self._identify(batch)
        taken = [key for key, earlier in batch.earlier.items() if earlier.replies]
        self._server.has_earlier_answers = self._server.has_earlier_answers or bool(taken)
        others = [key for key in requests if key not in taken]
        entries = self._cache.get(others) if self.terms.cache == "on" else {}
        new = [key for key in others if key not in entries]
        asked: dict[str, Completion] = {}
        if self._server.model is None and new and (entries or taken):
            asked = {new[0]: self._answer(new[0], requests[new[0]], batch)}
        elif self._server.model is None and entries and not self._server.is_probed:
            self._server.is_probed = True
            asked = self._probed(entries, requests, batch)
        known = self._taken_over(batch, requests, is_more_needed=len(taken) < len(requests))
        replayed = self._replayed({key: e for key, e in entries.items() if key not in asked}, requests)
        return known | replayed | asked

    def _identify(self, batch: Batch) -> None:
        """Ask the server which model it serves, once."""
        is_needed = self.terms.cache != "off" or batch.journal is not None
        if not self._server.is_identified and is_needed and self.terms.identify is not None:
            self._server.is_identified = True
            self._server.identity = self.terms.identify()

    def _probed(
        self, entries: Mapping[str, Sequence[Entry]], requests: Mapping[str, LLMRequest], batch: Batch
    ) -> dict[str, Completion]:
        """Send a cached request again to see which model answers, and two more if it chooses another label.

        Returns:
            The new completions.
        """
        shortest = sorted(entries, key=lambda key: sum(len(message.content) for message in requests[key].messages))
        asked: dict[str, Completion] = {}
        different = 0
        for key in shortest[:PROBES]:
            completion = self._sent_once(key, requests[key], batch)
            if completion is None:
                break
            asked[key] = completion
            kept = served.fitting({key: entries[key]}, str(self._server.model)).get(key)
            if kept is None or not requests[key].choices or kept.completion.text == completion.text:
                break
            different += 1
        self._server.answers_differently = different > 1
        return asked

    def _sent_once(self, key: str, request: LLMRequest, batch: Batch) -> Completion | None:
        """Send a request without retries; None if it gets no usable answer."""
        if not self._budget.reserve():
            return None
        self._usage.asked(is_retry=False)
        try:
            reply = self._send(request)
        except Trouble as trouble:
            self._usage.trouble(trouble.kind)
            return None
        completion = self._received(key, reply, request)
        if batch.journal is not None:
            batch.journal.put(key, completion, {}, str(self._server.model))
        return completion if completion.status == "ok" else None

    def _taken_over(
        self, batch: Batch, requests: Mapping[str, LLMRequest], is_more_needed: bool
    ) -> dict[str, Completion]:
        """Return replies that earlier parts of the run have paid for."""
        known = {}
        now = self._server.model
        for key, earlier in list(batch.earlier.items()):
            if not earlier.replies:
                continue
            is_other = bool(now and earlier.served) and served.are_different(earlier.served, str(now))
            if is_other and is_more_needed and batch.journal is not None:  # two models would make one run
                self._usage.differs(earlier.served, str(now))
                batch.earlier[key] = batch.journal.discard(earlier)
                continue
            known[key] = _with(formed(earlier.replies[0], requests[key]), earlier.lost)
        if any(completion.status == "ok" for completion in known.values()):
            self._usable.set()
        return known

    def _replayed(
        self, entries: Mapping[str, Sequence[Entry]], requests: Mapping[str, LLMRequest]
    ) -> dict[str, Completion]:
        """Return cached completions of the served model, parsed afresh, with a price if it has become known since."""
        now = self._server.model
        if now is None:
            fitting = {key: of_key[-1] for key, of_key in entries.items()}
            if fitting:
                self._usage.trust_name()
        else:
            fitting = served.fitting(entries, now)
            if self._server.answers_differently:
                fitting = {key: entry for key, entry in fitting.items() if entry.session == self._name}
            for key in entries.keys() - fitting.keys():
                self._usage.differs(entries[key][-1].served, now)
        replayed = {}
        for key, entry in fitting.items():
            completion = entry.completion
            if isnan(completion.cost_usd) and not isnan(completion.input_tokens + completion.output_tokens):
                tokens = int(completion.input_tokens), int(completion.output_tokens)
                completion = replace(completion, cost_usd=self._price(completion.model, *tokens))
            replayed[key] = completion if completion.raw is None else formed(completion, requests[key])
        if any(completion.status == "ok" for completion in replayed.values()):
            self._usable.set()
        return replayed

    def _asked(
        self, waiting: Mapping[str, LLMRequest], batch: Batch, advance: Callable[[], None]
    ) -> dict[str, Completion]:
        """Send requests concurrently. An interrupt ends the waiting between attempts, and sends no more.

        Args:
            waiting: the requests, by key.
            batch: that they belong to.
            advance: called after each request.
        """

        def answer(key: str) -> Completion:
            completion = self._answer(key, waiting[key], batch)
            batch.ended(completion, advance)
            return completion

        # The first request is sent alone: where it shows that none can succeed, it is the only one that was sent.
        alone = [] if self._server.is_reached.is_set() else [*waiting][:1]
        first = {key: answer(key) for key in alone}
        others = [key for key in waiting if key not in first]
        if not others or self._server.hopeless is not None:
            return first | {key: answer(key) for key in others}
        with ThreadPoolExecutor(min(self.terms.concurrency, len(others))) as pool:
            try:
                return first | dict(zip(others, pool.map(answer, others), strict=True))
            except BaseException:
                batch.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _answer(self, key: str, request: LLMRequest, batch: Batch) -> Completion:
        """Answer a request, by that of another process if one is sending the same at this moment."""
        if self.terms.cache != "on":
            return self._sent(key, request, batch)
        with self._cache.claimed(key, batch.stop) as is_waited_for:
            entries = self._cache.get([key]) if is_waited_for else {}
            replayed = self._replayed(entries, {key: request}).get(key) if entries else None
            return self._sent(key, request, batch) if replayed is None else replayed

    def _sent(self, key: str, request: LLMRequest, batch: Batch) -> Completion:
        troubles = Counter[str]()
        completion = self._tried(key, request, batch, troubles)
        if batch.journal is not None and completion.tries:
            batch.journal.put(key, completion, troubles, self._server.model or "")
        return _with(completion, batch.earlier[key].lost) if key in batch.earlier else completion

    def _tried(self, key: str, request: LLMRequest, batch: Batch, troubles: Counter[str]) -> Completion:
        """Send a request until it is answered or lost for good; counts failed attempts by kind in ``troubles``."""
        tries = invalid = 0
        wasted: list[Completion] = []  # paid for, and of no use
        last, answered_then = "", 0
        while True:
            if (reason := self._unsent(batch, last)) is not None:
                why, error = reason
                return _with(Completion("not_asked", error=error, reason=why, tries=tries + invalid), wasted)
            is_retry = tries + invalid > 0
            self._usage.asked(is_retry)
            if is_retry and batch.progress is not None:
                batch.progress.retried()
            try:
                reply = self._send(request)
            except Trouble as trouble:
                self._usage.trouble(trouble.kind)
                troubles[trouble.kind] += 1
                last = str(trouble)
                tries += 1
                if tries <= 2:  # by the second failure, replies that were on their way at the first have come
                    answered_then = self._server.answered
                is_over = is_beyond_patience(self._server, trouble, self.terms.patience_seconds) or is_in_vain(
                    self._server, trouble, self.terms.remedy
                )
                if is_over or trouble.is_final or tries > self._most_retries:
                    was_lost = key in batch.earlier and trouble.reason != UNREACHABLE
                    is_alone = was_lost or self._server.answered > answered_then or self.terms.retries < 2
                    return _with(give_up(self._server, trouble, tries + invalid, is_alone, self.terms.remedy), wasted)
                batch.stop.wait(pause(tries) if trouble.wait_seconds is None else trouble.wait_seconds)
                continue
            completion = self._received(key, reply, request, wasted, tries + invalid + 1)
            code = completion.reason.partition(":")[0]
            if completion.status == "ok":
                self._usable.set()
                return completion
            self._usage.trouble("invalid_answer")
            troubles["invalid_answer"] += 1
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

    def _received(
        self, key: str, reply: Reply, request: LLMRequest, wasted: Sequence[Completion] = (), tries: int = 1
    ) -> Completion:
        """Completion of a reply, cached if it is worth it."""
        self._server.answer(served.from_completion(reply.model, reply.fingerprint))
        completion = replace(_with(self._read(reply, request), wasted), tries=tries)
        is_lasting = completion.status == "ok" or completion.reason.partition(":")[0] in LASTING
        if is_lasting and self.terms.cache != "off":
            model = self._server.identity or served.from_completion(reply.model, reply.fingerprint)
            self._cache.put(key, Entry(completion, model, self._name))
        return completion

    @property
    def _most_retries(self) -> int:
        """Retries of a request: none while the server fails request after request."""
        return self.terms.retries if self._server.lost_in_a_row < PATIENCE else 0

    def _unsent(self, batch: Batch, last: str) -> tuple[str, str] | None:
        """Reason and message why a request is not sent; None if it may be, and is counted against the budget."""
        if self._server.hopeless is not None:
            return "server: takes no request", str(self._server.hopeless)
        if batch.stop.is_set():
            return INTERRUPTED, INTERRUPTED
        if (closed := self._over or self._server.closed) is not None:
            return closed, closed
        if self._budget.reserve():
            return None
        limit = self._budget.ended or "the budget has ended"
        self._usage.refused(limit)
        return f"budget: {limit}", f"{limit}{f'; before: {last}' if last else ''}"

    def _most_usd(self, request: LLMRequest, text: str, model: str = "") -> float:
        """The most that a request without token counts can have cost: no token is shorter than a byte."""
        if self._budget.max_cost_usd is None:
            return nan
        read = sum(len(message.content.encode()) for message in request.messages)
        return self._price(model, read, max(len(text.encode()), request.max_tokens))

    def _read(self, reply: Reply, request: LLMRequest) -> Completion:
        if reply.is_counted:
            cost = self._price(reply.model, int(reply.input_tokens), int(reply.output_tokens))
        else:  # the token count is unknown
            cost = 0.0 if self._price(reply.model, 1, 1) == 0 else nan
        self._budget.paid(cost, self._most_usd(request, f"{reply.text}{reply.reasoning}", reply.model))
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
            added=reply.added,
        )
        return formed(completion, request)


def _with(completion: Completion, wasted: Sequence[Completion]) -> Completion:
    """The completion, plus replies, tokens and price of earlier attempts whose answers were unusable."""
    return replace(
        completion,
        unusable=(*(raw for c in wasted for raw in (*c.unusable, c.raw) if raw is not None), *completion.unusable),
        input_tokens=completion.input_tokens + sum(c.input_tokens for c in wasted),
        output_tokens=completion.output_tokens + sum(c.output_tokens for c in wasted),
        cost_usd=completion.cost_usd + sum(c.cost_usd for c in wasted),
    )
