"""One request to an OpenAI-compatible server through the official client, and its possible errors."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from bakeoff import secrets
from bakeoff.llm import limits, replies
from bakeoff.llm.base import LLMRequest
from bakeoff.llm.choices import ANSWER
from bakeoff.llm.replies import (
    EMPTY_ACCOUNT,
    FILTERED_REASON,
    TOO_LONG_REASON,
    UNREACHABLE,
    Reply,
    Trouble,
    is_empty_account,
)

log = logging.getLogger(__name__)

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
"""Remedies for a server that refuses a request and names this part of it."""


MOST_BYTES = 16_000_000
"""Size of a reply: a thousand times that of a long one."""
JSON_TOKENS = 16
"""Extra output tokens for a choice wrapped in JSON."""
OPTIONAL = ("logprobs", "temperature", "seed", "max_tokens", "max_completion_tokens", "response_format", "grammar")
"""Parameters that are dropped if a server does not support them. Models report missing log-probabilities."""
UNSUPPORTED = re.compile(
    r"unsupported|not supported|(?:does|do)(?: not|n.t) support|unknown|unrecogni[sz]ed|unexpected|not permitted|extra"
    r"|invalid (?:parameter|argument|field)|not (?:allowed|available|implemented)|instead|no such|deprecated",
    re.IGNORECASE,
)
TOO_LONG = re.compile(
    r"context (?:length|window|size)|maximum context|too (?:long|large|many tokens)|exceed", re.IGNORECASE
)


class Unsupported(Exception):
    """A server does not support a parameter. Its request can be sent again without it.

    Attributes:
        parameter: its name in the request.
        reason: for a request that cannot do without it.
    """

    def __init__(self, parameter: str, message: str, reason: str) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.reason = reason


@dataclass(frozen=True)
class Wire:
    """Connection settings for a server.

    Attributes:
        base_url: up to and with its version, such as ``https://api.openai.com/v1``.
        model: name to request.
        constrain: how the output format is enforced: by JSON schema, by grammar (llama.cpp), or in words alone.
        parameters: more of the request, such as temperature and seed.
        max_tokens_key: the server's name for the maximum output tokens.
        most_logprobs: maximum number of candidates per token.
        thinking_tokens: added to the output limit, for a model that thinks before it answers.
        dropped: parameters that the server has refused, which are not sent again: name → its message. Shared by all
            clients of one server and model in this process.
        remember: called with the name and the message of each parameter that is dropped.
    """

    base_url: str
    model: str
    constrain: str
    parameters: Mapping[str, Any]
    max_tokens_key: str = "max_tokens"
    most_logprobs: int = 20
    thinking_tokens: int = 0
    dropped: dict[str, str] = field(default_factory=dict, compare=False)
    remember: Callable[[str, str], None] = field(default=lambda parameter, message: None, compare=False)

    def body(self, request: LLMRequest) -> dict[str, Any]:
        """The request as JSON values."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [asdict(message) for message in request.messages],
            self._max_tokens_key: self._room(request),
            **{name: value for name, value in self.parameters.items() if name not in self.dropped},
        }
        constrain = "none" if {"response_format", "grammar"} & self.dropped.keys() else self.constrain
        if request.top_logprobs and "logprobs" not in self.dropped:
            body |= {"logprobs": True, "top_logprobs": min(request.top_logprobs, self.most_logprobs)}
        schema = request.schema
        if request.choices and constrain == "grammar":
            body["grammar"] = "root ::= " + " | ".join(
                json.dumps(choice, ensure_ascii=False) for choice in request.choices
            )
        elif request.choices and constrain == "schema":
            schema = build_choice_schema(request.choices)
        if schema is not None and constrain != "none":
            answer_format = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": answer_format}
        if constrain == "none" and (request.schema is not None or request.choices):
            form = (
                f"Answer with exactly one of these, and nothing else: {', '.join(request.choices)}."
                if request.choices
                else f"Answer with JSON that follows this schema, and nothing else: {json.dumps(request.schema)}"
            )
            body["messages"][-1]["content"] += f"\n\n{form}"
        return body

    @property
    def _max_tokens_key(self) -> str:
        if self.max_tokens_key not in self.dropped:
            return self.max_tokens_key
        return "max_completion_tokens" if self.max_tokens_key == "max_tokens" else "max_tokens"

    def _room(self, request: LLMRequest) -> int:
        """Maximum tokens of a reply: a choice within JSON needs room for the JSON too."""
        is_wrapped = bool(request.choices) and self.constrain == "schema" and "response_format" not in self.dropped
        return request.max_tokens + self.thinking_tokens + (JSON_TOKENS if is_wrapped else 0)

    def send(self, client: Any, request: LLMRequest) -> Reply:
        """Send once, and once more for each parameter the server turns out not to support. Raises ``Trouble``."""
        while True:
            body = self.body(request)
            try:
                added = body["messages"][-1]["content"].removeprefix(request.messages[-1].content)
                return replace(self._sent(client, body), added=added)
            except Unsupported as error:
                if error.parameter == "logprobs" and not request.choices:
                    message = f"{error}. To go on, {ADVICE['logprobs']}"
                    raise Trouble("refused", message, is_final=True, reason=error.reason) from None
                if error.parameter in self.dropped:  # another request found out meanwhile
                    if error.parameter in body:
                        continue
                    raise Trouble("refused", str(error), is_final=True, reason=error.reason) from None
                self.dropped[error.parameter] = str(error)
                self.remember(error.parameter, str(error))
                log.warning("llm: %s. It is left out from now on.", error)

    def _sent(self, client: Any, parameters: Mapping[str, Any]) -> Reply:
        known = {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "seed", "logprobs",
                 "top_logprobs", "response_format"}  # fmt: skip
        body = {key: value for key, value in parameters.items() if key in known}
        more = {key: value for key, value in parameters.items() if key not in known}
        start = time.perf_counter()
        with errors_as_trouble(self.base_url, parameters):
            response = client.chat.completions.with_raw_response.create(**body, extra_body=more or None)
            return replies.read(response.text, response.headers, time.perf_counter() - start, self.model, self.base_url)


@contextmanager
def errors_as_trouble(base_url: str, sent: Mapping[str, Any]) -> Iterator[None]:
    """Raise ``Trouble`` or ``Unsupported`` for the official client's errors.

    Args:
        base_url: of the server, for messages.
        sent: the request as JSON values.
    """
    import openai

    try:
        yield
    except openai.APITimeoutError:
        raise Trouble("timeout", f"{base_url} gave no answer in time", reason="error: (timeout)") from None
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        if isinstance(cause, limits.EndlessReply):
            raise _endless(base_url, cause) from None
        if type(cause).__name__ in ("ConnectError", "ProxyError", "UnsupportedProtocol", "APIConnectionError"):
            raise Trouble("connection", f"{base_url} cannot be reached: {cause}", reason=UNREACHABLE) from None
        message = f"{base_url} dropped the connection: {str(cause).rstrip('.')}"
        raise Trouble("connection", message, reason="error: (connection dropped)") from None
    except limits.EndlessReply as error:
        raise _endless(base_url, error) from None
    except openai.APIStatusError as error:
        raise _of_status(error, base_url, sent) from None


def connect(
    base_url: str,
    key: str,
    timeout_seconds: float,
    headers: Mapping[str, str] | None = None,
    retries: int = 0,
    most_bytes: int = MOST_BYTES,
) -> Any:
    """Create the official client. It follows no redirect: rows and keys go to the server that was named.

    Args:
        base_url: of the server. One on this machine bypasses any proxy in the environment, so local data stays local.
        key: empty for none.
        timeout_seconds: per request.
        headers: sent with each request, besides those of the client.
        retries: of the client's own; those of ours are counted and stay within the budget.
        most_bytes: maximum size of a reply.
    """
    import openai

    for name in ("httpx", "httpx2"):  # which log a line for each request
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    host = urlsplit(base_url).hostname or ""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    client = openai.OpenAI(
        base_url=base_url,
        api_key=key or "none",
        timeout=timeout_seconds,
        max_retries=retries,
        default_headers={"Accept-Encoding": "identity", **(headers or {})},
        http_client=openai.DefaultHttpxClient(
            trust_env=not is_here,
            follow_redirects=False,
            event_hooks={"response": [limits.limiting(most_bytes, timeout_seconds)]},
        ),
    )
    keep_account_at_openai(client)
    return client


def keep_account_at_openai(client: Any) -> None:
    """Stop a client of another host from sending the organization and project it takes from the environment."""
    host = client.base_url.host
    if host != "openai.com" and not host.endswith(".openai.com"):
        client.organization = client.project = None


def build_choice_schema(choices: tuple[str, ...]) -> dict[str, Any]:
    """The JSON schema of an answer that is one of some choices."""
    return {
        "type": "object",
        "properties": {ANSWER: {"type": "string", "enum": list(choices)}},
        "required": [ANSWER],
        "additionalProperties": False,
    }


def _endless(base_url: str, error: Exception) -> Trouble:
    return Trouble("server_error", f"{base_url}: {error}", is_final=True, reason="error: (reply without end)")


def _of_status(error: Any, base_url: str, body: Mapping[str, Any]) -> Exception:
    status = error.status_code
    if 300 <= status < 400:
        where = str(error.response.headers.get("location", "another address"))
        message = f"{base_url} redirects to {secrets.without_secrets(where):.200}, and redirects are not followed"
        return Trouble("refused", message, is_final=True, is_for_all=True, reason=f"error: HTTP {status}")
    message_of_server = _told(error)
    wait = _wait(error.response.headers)
    code = getattr(error, "code", None)
    if is_empty_account(status, code):  # some servers report this with 429; waiting does not help
        message = f"{base_url} refuses with {status}: {message_of_server}"
        return Trouble("refused", message, is_final=True, is_for_all=True, reason=EMPTY_ACCOUNT)
    if status == 400 and code in ("content_filter", "content_policy_violation"):
        return Trouble("refused", f"{base_url} filters it: {message_of_server}", is_final=True, reason=FILTERED_REASON)
    if status == 429:
        message = f"{base_url} asks for patience: {message_of_server}"
        return Trouble("rate_limited", message, wait, reason="rate_limit: reached")
    if status >= 500 or status in (408, 409):
        return Trouble(
            "server_error", f"{base_url} fails with {status}: {message_of_server}", wait, reason=f"error: HTTP {status}"
        )
    refused = [part for part in ADVICE if part in body and part in message_of_server] if status in (400, 422) else []
    if refused and UNSUPPORTED.search(message_of_server) and refused[0] in OPTIONAL:
        return Unsupported(
            refused[0], f"{base_url} does not support {refused[0]}: {message_of_server}", f"error: HTTP {status}"
        )
    advice = f". To go on, {ADVICE[refused[0]]}" if refused else ""
    if status in (400, 413, 422) and TOO_LONG.search(message_of_server):
        message = (
            f"{base_url} refuses with {status}: {message_of_server}. Shorten what is sent, or choose a longer context"
        )
        return Trouble("refused", message, is_final=True, reason=TOO_LONG_REASON)
    reason = "account: is refused" if status in (401, 403) else f"error: HTTP {status}"
    return Trouble(
        "refused",
        f"{base_url} refuses with {status}: {message_of_server}{advice}",
        is_final=True,
        is_for_all=status in (401, 403, 404),
        reason=reason,
    )


def _told(error: Any) -> str:
    """The server's own words, in one line."""
    body = error.body
    message = body.get("message") if isinstance(body, Mapping) else None
    text = " ".join(str(message or error.message).split())
    # Cut between words: a key that the server repeats is hidden later, and could not be if half of it were left.
    return (text if len(text) <= 300 else text[:300].rpartition(" ")[0]).rstrip(".")


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
    return max(0.0, seconds)
