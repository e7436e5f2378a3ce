"""A decision model behind a server: it returns the probability of each choice, and no text."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from bakeoff.errors import ConfigError
from bakeoff.llm import keys, prices, served
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.cache import Cache
from bakeoff.llm.client import IDENTIFY_SECONDS
from bakeoff.llm.replies import Reply, Trouble
from bakeoff.llm.session import Session, Terms
from bakeoff.llm.usage import budget_of
from bakeoff.llm.wire import connect, errors_as_trouble
from bakeoff.llm.with_session import WithSession

LEAST, MOST = 2, 255
"""Number of choices that a question may have."""
PRICE_LISTS = {"api.openai.com": "openai-decisions"}
"""Hosts with prices of their own for decisions, and their names in the price table."""
SMALLEST = 1e-12
"""Probability that stands for 0, which has no logarithm."""


@dataclass(frozen=True)
class Decisions(WithSession):
    """A decision model, called over HTTP through ``client.decisions`` of the official ``openai`` package.

    A request must have choices. Its system messages become the question, the others the input. The completion names
    the likeliest choice, and its ``logprobs`` hold every choice with its log-probability.

    Args:
        model: as the server names it.
        base_url: of the server, with its version.
        key_env: the environment variable that holds the key; None: the server needs none.
        concurrency: maximum number of concurrent requests.
        timeout_seconds: per request.
        retries: after 429, 5xx, a timeout, a cut connection or an answer in no known form, with exponential back-off.
        max_calls: maximum number of requests, retries included.
        max_cost_usd: maximum cost in US dollars; requests in flight are still paid for.
        cache: on: replay earlier completions; refresh: send the request, and store the new completion; off.
        price: dollars per million tokens, ``{input, output}``; None: from the price table.
        headers: more headers of each request, name → the environment variable that holds the value.
        patience_seconds: the longest wait a server may ask for; beyond it no more requests are sent.
    """

    model: str
    base_url: str = "https://api.openai.com/v1"
    key_env: str | None = "OPENAI_API_KEY"
    concurrency: int = 8
    timeout_seconds: float = 60.0
    retries: int = 5
    max_calls: int | None = None
    max_cost_usd: float | None = None
    cache: Literal["on", "refresh", "off"] = "on"
    price: dict[str, float] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    patience_seconds: float = 60.0

    @property
    def max_in_flight(self) -> int:
        """Maximum number of concurrent requests."""
        return self.concurrency

    @property
    def supports_logprobs(self) -> bool:
        """True: every choice has a probability."""
        return True

    def check(self) -> None:
        """Raise ``ConfigError`` for a missing key, or for a budget in dollars when the price is unknown."""
        self._key()
        self._header_values()
        prices.check(self.price, self.max_cost_usd, self.model, self.base_url, self._price_list)

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Complete n requests; completions are in request order.

        Raises:
            ConfigError: a request has no choices, or too many.
            LLMError: none can succeed.
        """
        self.check()
        for request in requests:
            if not request.choices:
                raise ConfigError(
                    f"llm: {self.model} decides among choices, and writes no text. Choose model=decision, or an LLM."
                )
            if not LEAST <= len(request.choices) <= MOST:
                raise ConfigError(
                    f"llm: {self.model} decides among {LEAST} to {MOST} choices; there are {len(request.choices)}."
                )
        return self._session().complete(requests)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Dollars for the tokens of one request; NaN where the price is not known."""
        return prices.price_tokens(self.price, self.model, self.base_url, input_tokens, output_tokens, self._price_list)

    def usage(self) -> Mapping[str, Any]:
        """Usage so far, with the model and server it went to."""
        session: Session | None = self._made.get("session")
        identity = None if session is None else session.identity
        return {"asked_for": self.model, "server": self.base_url, "identity": identity, **self._usage.told()}

    @property
    def _price_list(self) -> str | None:
        return PRICE_LISTS.get(urlsplit(self.base_url).hostname or "")

    def _key(self) -> str:
        return "" if self.key_env is None else keys.read(self.key_env, self.base_url)

    def _header_values(self) -> dict[str, str]:
        return keys.read_headers(self.headers, self.base_url)

    def _new_session(self) -> Session:
        remedy = f"Look at llm.model, llm.base_url, whether the server has /decisions, and the key ({self.key_env})."
        return Session(
            Terms(
                {"server": self.base_url, "model": self.model, "endpoint": "decisions"},
                self.concurrency, self.retries, self.cache, remedy, self.patience_seconds,
                account=self.key_env, identify=self.identify,
            ),
            self._send,
            lambda name, *tokens: self.cost(*tokens),
            budget_of((self.base_url, self.model, "decisions"), self.max_calls, self.max_cost_usd),
            self._usage,
            Cache(),
        )  # fmt: skip

    def _client(self) -> Any:
        with self._lock:
            if "client" not in self._made:
                self._made["client"] = connect(self.base_url, self._key(), self.timeout_seconds, self._header_values())
            return self._made["client"]

    def identify(self) -> str | None:
        """The model that is served, as far as the server lists it; None if it does not. Free of charge."""
        client = self._client().with_options(timeout=IDENTIFY_SECONDS)
        return served.identify(lambda url: client.get(url, cast_to=object), self.base_url, self.model)

    def _send(self, request: LLMRequest) -> Reply:
        sent = body(self.model, request)
        client = self._client()
        start = time.perf_counter()
        with keys.hidden(self._key()), errors_as_trouble(self.base_url, sent):
            response = client.decisions.with_raw_response.create(**sent)
            return read(response.text, time.perf_counter() - start, request, self.base_url)


def body(model: str, request: LLMRequest) -> dict[str, Any]:
    """The request as JSON values."""
    instructions = "\n\n".join(m.content.strip() for m in request.messages if m.role == "system")
    shown = [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"]
    question = {
        "type": "choice",
        "name": "choice",
        "instructions": instructions or "Choose what fits the input best.",
        "choices": [{"value": choice} for choice in request.choices],
    }
    return {"model": model, "input": shown, "questions": [question]}


def read(text: str, seconds: float, request: LLMRequest, base_url: str) -> Reply:
    """The reply in a response that came with status 200.

    Raises:
        Trouble: it is no decision about the choices that were given.
    """
    try:
        content = json.loads(text)
        (answer,) = content["answers"]
        usage = content.get("usage") or {}
        counts = float(usage.get("input_tokens", math.nan)), float(usage.get("output_tokens", math.nan))
        model = str(content.get("model") or "")
        if answer["type"] == "refusal":
            return Reply("", (), *counts, model, None, seconds, refusal="declined to decide")
        probabilities = {str(each["value"]): float(each["probability"]) for each in answer["probabilities"]}
        unknown = probabilities.keys() - set(request.choices)
        total = sum(probabilities.values())
        if unknown or not probabilities or not all(0 <= p <= 1 for p in probabilities.values()) or total <= 0:
            raise ValueError("probabilities of other choices than were given, or no probabilities")
        logprobs = sorted(
            ((choice, math.log(max(p, SMALLEST))) for choice, p in probabilities.items()), key=lambda pair: -pair[1]
        )
        return Reply(logprobs[0][0], tuple(logprobs), *counts, model, None, seconds)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        began = " ".join(text[:60].split())
        message = f'{base_url} gave no decision that can be read ({type(error).__name__}), beginning "{began}"'
        raise Trouble("malformed", message, reason="error: (no decision that can be read)") from None
