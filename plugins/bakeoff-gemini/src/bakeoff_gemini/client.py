"""Gemini as a language model of bakeoff."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bakeoff.extend import (
    Cache,
    Completion,
    ConfigError,
    LLMRequest,
    Reply,
    RequestCounts,
    Session,
    Terms,
    budget_of,
    did_you_mean,
    keys,
    prices,
)
from bakeoff_gemini.wire import Wire, as_json, connect

log = logging.getLogger(__name__)

KEY = "GEMINI_API_KEY"
DECIDED = (
    "max_output_tokens", "temperature", "seed", "thinking_config", "response_mime_type", "response_schema",
    "response_json_schema", "response_logprobs", "logprobs", "system_instruction", "candidate_count", "http_options",
)  # fmt: skip
"""Parameters of a request that ``extra`` may not set."""


@dataclass(frozen=True)
class Gemini:
    """A Google model, called through the google-genai SDK.

    The key is read from the environment variable GEMINI_API_KEY when the first request is made, and written nowhere.

    Args:
        model: as Google names it.
        base_url: of the server, without its version.
        temperature: 0 for greedy decoding; None: it is not sent, and the model's default applies.
        seed: for the server's sampling; None: it is not sent.
        thinking_budget: maximum thinking tokens; 0: none, -1: chosen by the model, None: its default.
        thinking_tokens: added to the output limit, which thoughts count against; unused tokens are not paid for.
        concurrency: maximum number of concurrent requests.
        timeout_seconds: per request.
        retries: after 429, 5xx, a timeout, a cut connection or an answer in no known form, with exponential back-off.
        max_calls: maximum number of requests, retries included.
        max_cost_usd: maximum cost in US dollars; requests in flight are still paid for.
        cache: on: replay earlier completions; refresh: send the request, and store the new completion; off.
        price: dollars per million tokens, ``{input, output}``; None: from the price table.
        most_logprobs: maximum candidates per token that the model returns; 0: it returns no log-probabilities.
        extra: more of the SDK's GenerateContentConfig, such as ``{top_p: 0.9}``.
    """

    model: str
    base_url: str = "https://generativelanguage.googleapis.com"
    temperature: float | None = 0.0
    seed: int | None = 0
    thinking_budget: int | None = None
    thinking_tokens: int = 0
    concurrency: int = 8
    timeout_seconds: float = 60.0
    retries: int = 5
    max_calls: int | None = None
    max_cost_usd: float | None = None
    cache: Literal["on", "refresh", "off"] = "on"
    price: dict[str, float] | None = None
    most_logprobs: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    _usage: RequestCounts = field(default_factory=RequestCounts, init=False, repr=False, compare=False)
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def max_in_flight(self) -> int:
        """Maximum number of concurrent requests."""
        return self.concurrency

    @property
    def supports_logprobs(self) -> bool:
        """True if it can return log-probabilities."""
        return self.most_logprobs > 0

    def check(self) -> None:
        """Raise ``ConfigError`` for a missing key, an unknown parameter, or a dollar budget without a known price."""
        self._key()
        for name in self.extra:
            if name in DECIDED:
                raise ConfigError(
                    f"llm.extra.{name}: this is not an extra; it is set by a key of llm, or by the model."
                )
        if self.extra:
            from google.genai.types import GenerateContentConfig

            known = set(GenerateContentConfig.model_fields) - set(DECIDED)
            for name in self.extra:
                if name not in known:
                    raise ConfigError(
                        f'llm.extra.{name}: GenerateContentConfig has no "{name}".{did_you_mean(name, known)}'
                    )
        prices.check(self.price, self.max_cost_usd, self.model, self.base_url)

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Complete n requests; completions are in request order.

        Raises:
            ConfigError: log-probabilities are requested, and ``most_logprobs`` is 0.
            LLMError: none can succeed.
        """
        self.check()
        if not self.supports_logprobs and any(request.top_logprobs for request in requests):
            raise ConfigError("llm.most_logprobs: it is 0. Raise it, or choose model.method=generate.")
        return self._session().complete(requests)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Dollars for the tokens of one request; NaN where the price is not known."""
        return prices.price_tokens(self.price, self.model, self.base_url, input_tokens, output_tokens)

    def usage(self) -> Mapping[str, Any]:
        """Usage so far, with the model and server it went to."""
        return {"asked_for": self.model, "server": self.base_url, **self._usage.told()}

    @property
    def _has_price(self) -> bool:
        return self.price is not None or prices.is_known(self.model, self.base_url)

    def _session(self) -> Session:
        with self._lock:
            if "session" not in self._made:
                self._made["session"] = self._new_session()
            session: Session = self._made["session"]
            return session

    def _new_session(self) -> Session:
        if not self._has_price:
            log.warning('llm: the price of "%s" is not known: its cost stays unknown. Give llm.price.', self.model)
        parameters = {"temperature": self.temperature, "seed": self.seed}
        if self.thinking_budget is not None:
            parameters["thinking_config"] = {"thinking_budget": self.thinking_budget}  # type: ignore[assignment]
        parameters = {k: v for k, v in parameters.items() if v is not None} | self.extra
        wire = Wire(self.base_url, self.model, parameters, self.most_logprobs, self.thinking_tokens)
        identity = {
            "sdk": "google-genai",
            "server": self.base_url,
            "model": self.model,
            "asked": as_json(parameters),
            "most_logprobs": self.most_logprobs,
            "thinking_tokens": self.thinking_tokens,
        }
        remedy = f"Look at llm.model, llm.base_url and the key in {KEY}."
        return Session(
            Terms(identity, self.concurrency, self.retries, self.cache, remedy),
            lambda request: self._send(wire, request),
            lambda served, *tokens: prices.price_served(self.price, self.model, served, self.base_url, *tokens),
            budget_of((self.base_url, self.model), self.max_calls, self.max_cost_usd),
            self._usage,
            Cache(),
        )

    def _key(self) -> str:
        return keys.read(KEY, "Google's Gemini API", "llm")

    def _send(self, wire: Wire, request: LLMRequest) -> Reply:
        key = self._key()
        with keys.hidden(key):
            return wire.send(self._client(key), request)

    def _client(self, key: str) -> Any:
        with self._lock:
            if "client" not in self._made:
                self._made["client"] = connect(self.base_url, key, self.timeout_seconds)
            return self._made["client"]
