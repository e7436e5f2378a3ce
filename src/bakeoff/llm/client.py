"""A language model behind any OpenAI-compatible server: OpenAI, Gemini, Anthropic, Ollama, vLLM, llama.cpp."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bakeoff.errors import ConfigError
from bakeoff.llm import prices
from bakeoff.llm.base import Ask, Completion
from bakeoff.llm.cache import Cache
from bakeoff.llm.session import Session, Terms
from bakeoff.llm.usage import Usage
from bakeoff.llm.wire import Reply, Trouble, Wire


@dataclass(frozen=True)
class OpenAICompatible:
    """A model that is asked over HTTP through the official ``openai`` package.

    Args:
        model: as the server names it.
        base_url: of the server, with its version.
        key_env: the environment variable that holds the key; None: the server wants none. The key itself is read when
            a request is made, and kept nowhere.
        constrain: how the form of an answer is asked for: by JSON schema, by grammar (llama.cpp), or in words alone.
        temperature: 0 for the most probable answer; None: the server's default.
        seed: of the server's chance, where it has one.
        concurrency: requests at a time.
        timeout_seconds: of one request.
        retries: after 429, 5xx, a timeout, a cut connection or an answer in no known form, with growing pauses.
        max_calls: after which nothing is asked any more; retries count.
        max_cost_usd: the same in dollars; what is in flight is still paid.
        cache: on: answer again what was answered before; refresh: ask, and keep the new answer; off.
        price: dollars per million tokens, ``{input, output}``; None: from the price table.
        max_tokens_key: what the server calls the longest answer.
        most_logprobs: how many candidates for a token the server tells at most.
        extra: more parameters of each request.
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
    extra: dict[str, Any] = field(default_factory=dict)
    _usage: Usage = field(default_factory=Usage, init=False, repr=False, compare=False)
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def max_in_flight(self) -> int:
        """How many requests are asked at a time."""
        return self.concurrency

    def check(self) -> None:
        """Raise ``ConfigError`` for a missing key, and for a budget in dollars that nobody can count."""
        if self.key_env and not os.environ.get(self.key_env):
            raise ConfigError(
                f"llm.key_env: the environment variable {self.key_env} is not set. Set it to your key of {self.base_url}."
            )
        if self.price is not None and set(self.price) != {"input", "output"}:
            raise ConfigError("llm.price: give dollars per million tokens, e.g. llm.price='{input: 0.15, output: 0.6}'")
        if self.max_cost_usd is not None and self.price is None and not prices.is_known(self.model, self.base_url):
            raise ConfigError(
                f'llm.max_cost_usd: the price of "{self.model}" is not known, so it cannot be counted. '
                "Give llm.price='{input: …, output: …}' in dollars per million tokens."
            )

    def complete(self, asks: Sequence[Ask]) -> list[Completion]:
        """Answer n requests in the order asked. Raises ``LLMError`` when none can succeed."""
        self.check()
        return self._session().complete(asks)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Dollars for some tokens; NaN where the price is not known."""
        return prices.of_tokens(self.price, self.model, self.base_url, input_tokens, output_tokens)

    def usage(self) -> Mapping[str, Any]:
        """What was asked so far, and of whom."""
        return {"asked_for": self.model, "server": self.base_url, **self._usage.told()}

    def _session(self) -> Session:
        with self._lock:
            if "session" not in self._made:
                parameters = {"temperature": self.temperature, "seed": self.seed}
                parameters = {k: v for k, v in parameters.items() if v is not None} | self.extra
                wire = Wire(
                    self.base_url, self.model, self.constrain, parameters, self.max_tokens_key, self.most_logprobs
                )
                identity = {"server": self.base_url, "model": self.model, "asked": parameters, "form": self.constrain}
                self._made["session"] = Session(
                    Terms(
                        identity,
                        self.concurrency,
                        self.retries,
                        self.max_calls,
                        self.max_cost_usd,
                        self.cache,
                        self._remedy(),
                    ),
                    lambda ask: self._send(wire, ask),
                    lambda served, read, written: self._cost_of(served, read, written),
                    self._usage,
                    Cache(),
                )
            session: Session = self._made["session"]
            return session

    def _cost_of(self, served: str, read: int, written: int) -> float:
        """By the name that was asked for; servers answer with that of a dated version, which the table may not have."""
        by_asked = self.cost(read, written)
        return by_asked if by_asked == by_asked else prices.of_tokens(None, served, self.base_url, read, written)

    def _send(self, wire: Wire, ask: Ask) -> Reply:
        key = os.environ.get(self.key_env, "") if self.key_env else ""
        try:
            return wire.send(self._client(key), ask)
        except Trouble as trouble:
            if key and key in str(trouble):  # some servers repeat the key that they refuse
                told = str(trouble).replace(key, "…")
                raise Trouble(trouble.kind, told, trouble.wait_seconds, trouble.is_final, trouble.is_for_all) from None
            raise

    def _client(self, key: str) -> Any:
        with self._lock:
            if "client" not in self._made:
                import openai

                # Retries are ours: they are counted, and keep to the budget.
                self._made["client"] = openai.OpenAI(
                    base_url=self.base_url, api_key=key or "none", timeout=self.timeout_seconds, max_retries=0
                )
            return self._made["client"]

    def _remedy(self) -> str:
        if self.key_env:
            return f"Look at llm.model, llm.base_url and the key in {self.key_env}."
        return "Look at llm.model and llm.base_url, and whether the server runs."
