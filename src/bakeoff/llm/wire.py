"""One request to an OpenAI-compatible server, and what can go wrong with it, through the official client."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from bakeoff.llm.base import Ask

LONGEST_WAIT_SECONDS = 60.0
ANSWER = "answer"
"""The key under which a choice comes as JSON."""
ADVICE = {
    "logprobs": "choose model.method=generate",
    "temperature": "leave it out: llm.temperature=null",
    "seed": "leave it out: llm.seed=null",
    "max_tokens": "look at llm.max_tokens_key",
    "max_completion_tokens": "look at llm.max_tokens_key",
    "response_format": "choose llm.constrain=none",
    "grammar": "choose llm.constrain=schema",
    "reasoning_effort": "look at llm.extra",
}
"""What to do where a server refuses a request and names this part of it."""


class Trouble(Exception):
    """A request that got no usable answer.

    Attributes:
        kind: rate_limited, server_error, timeout, connection, malformed or refused.
        wait_seconds: that the server asks for before the next try.
        is_final: whether the same request can never succeed.
        is_for_all: whether no request can: the key is refused, the model or the server does not exist.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        wait_seconds: float | None = None,
        is_final: bool = False,
        is_for_all: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.wait_seconds = wait_seconds
        self.is_final = is_final
        self.is_for_all = is_for_all


@dataclass(frozen=True)
class Reply:
    """What a server answered, as it came.

    Attributes:
        is_cut: whether the answer ended with the tokens that it may have.
        is_counted: whether the server told how many tokens there were.
    """

    text: str
    logprobs: tuple[tuple[str, float], ...]
    input_tokens: int
    output_tokens: int
    model: str
    fingerprint: str | None
    seconds: float
    is_cut: bool = False
    is_counted: bool = True


@dataclass(frozen=True)
class Wire:
    """The way to a server.

    Attributes:
        base_url: up to and with its version, such as ``https://api.openai.com/v1``.
        model: that is asked for.
        constrain: how the form of an answer is asked for: by JSON schema, by grammar (llama.cpp), or in words alone.
        parameters: more of the request, such as temperature and seed.
        max_tokens_key: what the server calls the longest answer.
        most_logprobs: how many candidates it tells at most.
        thinking_tokens: added to the longest answer, for a model that thinks before it answers.
    """

    base_url: str
    model: str
    constrain: str
    parameters: Mapping[str, Any]
    max_tokens_key: str = "max_tokens"
    most_logprobs: int = 20
    thinking_tokens: int = 0

    def body(self, ask: Ask) -> dict[str, Any]:
        """The request as JSON values."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [asdict(message) for message in ask.messages],
            self.max_tokens_key: ask.max_tokens + self.thinking_tokens,
            **self.parameters,
        }
        if ask.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": min(ask.top_logprobs, self.most_logprobs)}
        schema = ask.schema
        if ask.choices and self.constrain == "grammar":
            body["grammar"] = "root ::= " + " | ".join(json.dumps(choice, ensure_ascii=False) for choice in ask.choices)
        elif ask.choices and self.constrain == "schema":
            schema = of_choices(ask.choices)
        if schema is not None and self.constrain != "none":
            told = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": told}
        if self.constrain == "none" and (ask.schema is not None or ask.choices):
            form = (
                f"Answer with exactly one of these, and nothing else: {', '.join(ask.choices)}."
                if ask.choices
                else f"Answer with JSON that follows this schema, and nothing else: {json.dumps(ask.schema)}"
            )
            body["messages"][-1]["content"] += f"\n\n{form}"
        return body

    def send(self, client: Any, ask: Ask) -> Reply:
        """Ask, once. Raises ``Trouble``."""
        import openai

        body = self.body(ask)
        known = {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "seed", "logprobs",
                 "top_logprobs", "response_format"}  # fmt: skip
        more = {key: body.pop(key) for key in list(body) if key not in known}
        sent = {**body, **more}
        start = time.perf_counter()
        try:
            answered = client.chat.completions.create(**body, extra_body=more or None)
            return _reply(answered, time.perf_counter() - start, self.model)
        except openai.APITimeoutError:
            raise Trouble("timeout", f"{self.base_url} gave no answer in time") from None
        except openai.APIResponseValidationError as error:
            raise Trouble("malformed", f"{self.base_url} answered in no form that is known: {error}") from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise Trouble("connection", f"{self.base_url} cannot be reached: {cause}") from None
        except openai.APIStatusError as error:
            raise _of_status(error, self.base_url, sent) from None
        except (ValueError, AttributeError, IndexError, TypeError, KeyError) as error:
            told = f"{type(error).__name__}: {error}"
            raise Trouble("malformed", f"{self.base_url} answered in no form that is known: {told}") from None


def connect(base_url: str, key: str, timeout_seconds: float) -> Any:
    """The official client. It retries nothing: retries are counted, and keep to the budget.

    Args:
        base_url: of the server. One on this machine is asked past any proxy of the environment: what stays here, stays.
        key: empty for none.
        timeout_seconds: of one request.
    """
    import openai

    for name in ("httpx", "httpx2"):  # which log a line for each request
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    host = urlsplit(base_url).hostname or ""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    return openai.OpenAI(
        base_url=base_url,
        api_key=key or "none",
        timeout=timeout_seconds,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False) if is_here else None,
    )


def of_choices(choices: tuple[str, ...]) -> dict[str, Any]:
    """The JSON schema of an answer that is one of some choices."""
    return {
        "type": "object",
        "properties": {ANSWER: {"type": "string", "enum": list(choices)}},
        "required": [ANSWER],
        "additionalProperties": False,
    }


def _reply(answered: Any, seconds: float, model: str) -> Reply:
    choice = answered.choices[0]
    candidates: tuple[tuple[str, float], ...] = ()
    if choice.logprobs is not None and choice.logprobs.content:
        candidates = tuple((c.token, float(c.logprob)) for c in choice.logprobs.content[0].top_logprobs or ())
    return Reply(
        text=choice.message.content or "",
        logprobs=candidates,
        input_tokens=int(answered.usage.prompt_tokens) if answered.usage else 0,
        output_tokens=int(answered.usage.completion_tokens) if answered.usage else 0,
        model=str(answered.model or model),
        fingerprint=getattr(answered, "system_fingerprint", None),
        seconds=seconds,
        is_cut=choice.finish_reason == "length",
        is_counted=answered.usage is not None,
    )


def _of_status(error: Any, base_url: str, body: Mapping[str, Any]) -> Trouble:
    status = error.status_code
    told = _told(error)
    if status == 429 and getattr(error, "code", None) not in ("insufficient_quota", "billing_hard_limit_reached"):
        return Trouble("rate_limited", f"{base_url} asks for patience: {told}", _wait(error.response.headers))
    if status >= 500 or status in (408, 409):
        return Trouble("server_error", f"{base_url} fails with {status}: {told}", _wait(error.response.headers))
    # No patience helps where the account is empty, which some servers tell with 429.
    is_for_all = status in (401, 402, 403, 404, 429)
    parts = [part for part in ADVICE if part in body and part in told] if status in (400, 422) else []
    advice = f". To go on, {ADVICE[parts[0]]}" if parts else ""
    message = f"{base_url} refuses with {status}: {told}{advice}"
    return Trouble("refused", message, is_final=True, is_for_all=is_for_all)


def _told(error: Any) -> str:
    """The server's own words, in one line."""
    body = error.body
    message = body.get("message") if isinstance(body, Mapping) else None
    told = " ".join(str(message or error.message).split())
    # Cut between words: a key that the server repeats is hidden later, and could not be if half of it were left.
    return (told if len(told) <= 300 else told[:300].rpartition(" ")[0]).rstrip(".")


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for: a number, or a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(0.0, seconds), LONGEST_WAIT_SECONDS)
