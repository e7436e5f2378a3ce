"""A language model behind any OpenAI-compatible server: OpenAI, Gemini, Anthropic, Ollama, vLLM, llama.cpp."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bakeoff.errors import ConfigError
from bakeoff.llm import keys, prices, served, tokens
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.cache import Cache
from bakeoff.llm.replies import Reply
from bakeoff.llm.session import Session, Terms
from bakeoff.llm.usage import budget_of
from bakeoff.llm.wire import Wire, connect
from bakeoff.llm.with_session import WithSession

IDENTIFY_SECONDS = 5.0
"""Timeout for a look at the list of models."""

log = logging.getLogger(__name__)

_dropped: dict[tuple[str, str], dict[str, str]] = {}
"""Parameters that a server has refused for a model, by server and model: not sent again."""


@dataclass(frozen=True)
class OpenAICompatible(WithSession):
    """A model called over HTTP through the official ``openai`` package.

    Args:
        model: as the server names it.
        base_url: of the server, with its version.
        key_env: the environment variable that holds the key; None: the server needs none. The key itself is read when
            the first request is made, and written nowhere.
        constrain: how the output format is enforced: by JSON schema, by grammar (llama.cpp), or in words alone.
        temperature: 0 for greedy decoding; None: it is not sent, and the server's default applies.
        seed: for the server's sampling, if supported; None: it is not sent.
        concurrency: maximum number of concurrent requests.
        timeout_seconds: per request.
        retries: after 429, 5xx, a timeout, a cut connection or an answer in no known form, with exponential back-off.
        max_calls: maximum number of requests, retries included.
        max_cost_usd: maximum cost in US dollars; requests in flight are still paid for.
        cache: on: replay earlier completions; refresh: send the request, and store the new completion; off.
        price: dollars per million tokens, ``{input, output}``; None: from the price table.
        max_tokens_key: the server's name for the maximum output tokens.
        most_logprobs: maximum candidates per token that the server returns; 0: it returns no log-probabilities.
        thinking_tokens: added to the output limit, for a model that thinks before it answers; what it does not use
            is not paid.
        extra: more parameters of each request.
        headers: more headers of each request, name → the environment variable that holds the value; a value itself is
            never written into a config.
        patience_seconds: the longest wait a server may ask for; beyond it no more requests are sent.
        context_tokens: the server's context window, prompt and answer together; passages that do not fit are left out
            of prompts, and counted. None: not known; the server refuses a longer prompt, or cuts it.
    """

    model: str
    base_url: str
    key_env: str | None = None
    constrain: Literal["schema", "grammar", "none"] = "schema"
    temperature: float | None = 0.0
    seed: int | None = 0
    concurrency: int = 4
    timeout_seconds: float = 60.0
    retries: int = 5
    max_calls: int | None = None
    max_cost_usd: float | None = None
    cache: Literal["on", "refresh", "off"] = "on"
    price: dict[str, float] | None = None
    max_tokens_key: str = "max_tokens"
    most_logprobs: int = 20
    thinking_tokens: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    patience_seconds: float = 60.0
    context_tokens: int | None = None

    @property
    def max_in_flight(self) -> int:
        """Maximum number of concurrent requests."""
        return self.concurrency

    @property
    def supports_logprobs(self) -> bool:
        """True if the server can return log-probabilities."""
        return self.most_logprobs > 0

    @property
    def counts_exactly(self) -> bool:
        """False: the tokenizer of a server's model is not known."""
        return False

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimate the tokens of each of n texts."""
        return [tokens.estimate(text) for text in texts]

    def check(self) -> None:
        """Raise ``ConfigError`` for a missing key, or for a budget in dollars when the price is unknown."""
        self._key()
        self._headers()
        prices.check(self.price, self.max_cost_usd, self.model, self.base_url)

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Complete n requests; completions are in request order.

        Raises:
            ConfigError: log-probabilities are requested from a server that returns none.
            LLMError: none can succeed.
        """
        self.check()
        if not self.supports_logprobs and any(request.top_logprobs for request in requests):
            raise ConfigError(f"llm: {self.base_url} returns no log-probabilities. Choose model.method=generate.")
        return self._session().complete(requests)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Dollars for the tokens of one request; NaN where the price is not known."""
        return prices.price_tokens(self.price, self.model, self.base_url, input_tokens, output_tokens)

    def usage(self) -> Mapping[str, Any]:
        """Usage so far, with the model and server it went to."""
        session: Session | None = self._made.get("session")
        identity = None if session is None else session.identity
        left_out = sorted(_dropped.get((self.base_url, self.model), ()))
        about = {"asked_for": self.model, "server": self.base_url, "identity": identity, "left_out": left_out}
        return {**about, **self._usage.told()}

    @property
    def _has_price(self) -> bool:
        return self.price is not None or prices.is_known(self.model, self.base_url)

    def _key(self) -> str:
        """The API key, if the server needs one. Raises ``ConfigError`` if it is missing or cannot be sent."""
        return "" if self.key_env is None else keys.read(self.key_env, self.base_url)

    def _headers(self) -> dict[str, str]:
        """Extra headers with their values. Raises ``ConfigError`` where a variable is not set."""
        return keys.read_headers(self.headers, self.base_url)

    def _new_session(self) -> Session:
        if not self._has_price:
            log.warning(
                'llm: the price of "%s" at %s is not known: its cost stays unknown. '
                "Give llm.price='{input: …, output: …}' in dollars per million tokens.", self.model, self.base_url,
            )  # fmt: skip
        parameters = {"temperature": self.temperature, "seed": self.seed}
        parameters = {k: v for k, v in parameters.items() if v is not None} | self.extra
        cache = Cache()
        wire = Wire(
            self.base_url, self.model, self.constrain, parameters,
            self.max_tokens_key, self.most_logprobs, self.thinking_tokens,
            self._dropped(cache), lambda *refused: cache.put_unsupported(self.base_url, self.model, *refused),
        )  # fmt: skip
        identity = {
            "server": self.base_url,
            "model": self.model,
            "asked": parameters,
            "form": self.constrain,
            "most_logprobs": self.most_logprobs,
            "thinking_tokens": self.thinking_tokens,
        }
        remedy = (
            f"Look at llm.model, llm.base_url and the key in {self.key_env}"
            if self.key_env
            else "Look at llm.model and llm.base_url, whether the server runs, and whether it wants a key (llm.key_env)"
        )
        return Session(
            Terms(
                identity,
                self.concurrency,
                self.retries,
                self.cache,
                f"{remedy}.",
                self.patience_seconds,
                account=self.key_env,
                identify=self.identify,
            ),
            lambda request: self._send(wire, request),
            lambda served, *tokens: prices.price_served(self.price, self.model, served, self.base_url, *tokens),
            budget_of((self.base_url, self.model), self.max_calls, self.max_cost_usd),
            self._usage,
            cache,
        )

    def _dropped(self, cache: Cache) -> dict[str, str]:
        """Parameters that the server is known to refuse; with ``cache=refresh`` all are tried anew."""
        dropped = _dropped.setdefault((self.base_url, self.model), {})
        if self.cache == "refresh":
            cache.forget_unsupported(self.base_url, self.model)
            dropped.clear()
        remembered = {k: v for k, v in cache.unsupported(self.base_url, self.model).items() if k not in dropped}
        if remembered:
            log.warning(
                'llm: %s is not sent: the server refused it for "%s" before. llm.cache=refresh tries it again.',
                ", ".join(remembered), self.model,
            )  # fmt: skip
        dropped |= remembered
        return dropped

    def identify(self) -> str | None:
        """The model that is served, as far as the server lists it; None if it does not. Free of charge."""
        key = self._key()
        client = self._client(key).with_options(timeout=IDENTIFY_SECONDS, max_retries=0)
        return served.identify(lambda url: client.get(url, cast_to=object), self.base_url, self.model)

    def _send(self, wire: Wire, request: LLMRequest) -> Reply:
        key = self._key()
        secrets = (key, *self._headers().values())
        with keys.hidden(*secrets):
            return keys.redacted(wire.send(self._client(key), request), *secrets)

    def _client(self, key: str) -> Any:
        with self._lock:
            if "client" not in self._made:
                self._made["client"] = connect(self.base_url, key, self.timeout_seconds, self._headers())
            return self._made["client"]
