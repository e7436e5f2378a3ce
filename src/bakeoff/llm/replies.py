"""The reply of an OpenAI-compatible server, read whatever its shape: whole, streamed, or no reply at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from bakeoff import secrets

UNREACHABLE = "server: cannot be reached"
"""Reason of a request whose server accepts no connection."""
EMPTY_ACCOUNT = "account: is empty"
TOO_LONG_REASON = "error: (longer than the model's context)"
THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
"""Types of parts of a message that are no part of the answer."""
FILTERED_REASON = "filtered: by the server's content filter"


class Trouble(Exception):
    """A request that got no usable answer.

    Attributes:
        kind: rate_limited, server_error, timeout, connection, malformed or refused.
        wait_seconds: delay the server asks for before the next attempt.
        is_final: whether the same request can never succeed.
        is_for_all: whether no request can: the key is refused, the model or the server does not exist.
        reason: the same in words that are equal for all requests that end alike, as ``code: words``.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        wait_seconds: float | None = None,
        is_final: bool = False,
        is_for_all: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__(secrets.without_secrets(message))
        self.kind = kind
        self.wait_seconds = wait_seconds
        self.is_final = is_final
        self.is_for_all = is_for_all
        self.reason = reason or f"error: ({kind.replace('_', ' ')})"


@dataclass(frozen=True)
class Reply:
    """A server's reply, before any parsing of its text.

    Attributes:
        text: of the reply; empty where there is none.
        logprobs: candidates for the first token, each with its log-probability.
        input_tokens, output_tokens: NaN if the server does not report them.
        model: as the server names it.
        fingerprint: of the server's configuration, if it returns one.
        seconds: from the request to the reply.
        is_cut: whether the reply was truncated at its token limit.
        reasoning: thoughts that the server returns separately from the text.
        refusal: why the model declines, in its words, if the server returns that separately from the text.
        finish: why the reply ended, as the server names it.
        added: words added to the last message of the request, for a server that does not constrain its output.
    """

    text: str
    logprobs: tuple[tuple[str, float], ...]
    input_tokens: float
    output_tokens: float
    model: str
    fingerprint: str | None
    seconds: float
    is_cut: bool = False
    reasoning: str = ""
    refusal: str = ""
    finish: str = ""
    added: str = ""

    @property
    def is_counted(self) -> bool:
        """True if the server reported token counts."""
        return not (isnan(self.input_tokens) or isnan(self.output_tokens))


def read(text: str, headers: Mapping[str, str], seconds: float, model: str, base_url: str) -> Reply:
    """The reply in a response that came with status 200.

    Args:
        text: body of the response: JSON, or events of a stream, which some servers send unasked.
        headers: of the response.
        seconds: that it took.
        model: name that was requested.
        base_url: for messages.

    Raises:
        Trouble: it is no reply.
    """
    text = text.removeprefix("\ufeff")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = _of_stream(text) if kind == "text/event-stream" or text.startswith("data:") else json.loads(text)
        if error := _error(body):
            raise _of_error(error, base_url)
        return _reply(body, seconds, model)
    except (ValueError, AttributeError, IndexError, TypeError, KeyError, RecursionError) as error:
        began = " ".join(text[:60].split())
        what = f"it sent {kind or 'no content type'}"
        what += f', beginning "{began}"' if began else ", and nothing in it"
        message = f"{base_url} gave no reply that can be read: {what} ({type(error).__name__}). Look at llm.base_url"
        raise Trouble("malformed", message, reason="error: (no reply that can be read)") from None


def is_empty_account(status: Any, code: Any) -> bool:
    """Check whether a refusal says that nothing is left to pay with, by its HTTP status or its code."""
    return status == 402 or code in (402, "402", "insufficient_quota", "billing_hard_limit_reached")


def _error(body: Any) -> Mapping[str, Any] | str | None:
    """The error that a body holds, itself or in its choice; None where there is none."""
    choice = (body.get("choices") or [None])[0]
    for holder in (body, choice):
        if isinstance(holder, Mapping) and isinstance(error := holder.get("error"), Mapping | str) and error:
            return error
    return None


def _of_error(error: Mapping[str, Any] | str, base_url: str) -> Trouble:
    """An error that came with status 200, as some gateways pass on those of a provider."""
    message, code = (error.get("message", error), error.get("code")) if isinstance(error, Mapping) else (error, None)
    told = f"{base_url} fails: {str(message)[:300]}"
    if is_empty_account(None, code):
        return Trouble("refused", told, is_final=True, is_for_all=True, reason=EMPTY_ACCOUNT)
    if str(code) in ("429", "rate_limit_exceeded"):
        return Trouble("rate_limited", told, reason="rate_limit: reached")
    return Trouble("server_error", told, reason="error: (told within a reply)")


def _of_stream(text: str) -> dict[str, Any]:
    """The events of a stream as one reply."""
    content, reasoning, whole = [], [], dict[str, Any]()
    finish, refusal, logprobs = None, list[str](), list[Any]()
    for event in _events(text):
        whole |= {key: event[key] for key in ("model", "system_fingerprint", "usage", "error") if event.get(key)}
        for choice in (event.get("choices") or ())[:1]:
            delta = choice.get("delta") or choice.get("message") or {}
            content.append(delta.get("content") or "")
            reasoning.append(delta.get("reasoning_content") or delta.get("reasoning") or "")
            refusal.append(delta.get("refusal") or "")
            logprobs += (choice.get("logprobs") or {}).get("content") or []
            finish = choice.get("finish_reason") or finish
            whole["choices"] = True
    if "choices" in whole and finish is None and "[DONE]" not in text and "error" not in whole:
        raise ValueError("the stream breaks off")
    if "choices" in whole:
        message = {"content": "".join(content), "reasoning_content": "".join(reasoning), "refusal": "".join(refusal)}
        whole["choices"] = [{"message": message, "finish_reason": finish, "logprobs": {"content": logprobs}}]
    return whole


def _events(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data and data != "[DONE]":
            event = json.loads(data)
            if isinstance(event, Mapping):
                yield event


def _reply(body: Mapping[str, Any], seconds: float, model: str) -> Reply:
    choice = body["choices"][0]
    message = choice.get("message") or {}
    finish = str(choice.get("finish_reason") or "")
    input_tokens, output_tokens = _counts(body.get("usage"))
    text = _well_formed(_text(message.get("content")))
    if not input_tokens:  # some servers send zeros; no prompt has no token
        input_tokens, output_tokens = nan, output_tokens or nan
    if not output_tokens and text:
        output_tokens = nan
    return Reply(
        text=text,
        logprobs=tuple(_candidates(choice.get("logprobs"))),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        model=str(body.get("model") or model),
        fingerprint=body.get("system_fingerprint"),
        seconds=seconds,
        is_cut=finish in ("length", "max_tokens", "MAX_TOKENS"),
        reasoning=_well_formed(_text(message.get("reasoning_content") or message.get("reasoning"))),
        refusal=_well_formed(_text(message.get("refusal") or None)),
        finish=finish,
    )


def _text(content: Any) -> str:
    """Text of a message: a string, or a list of parts."""
    if isinstance(content, list):
        said = [part for part in content if not (isinstance(part, Mapping) and part.get("type") in THOUGHTS)]
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in said]
        return "".join(str(part) for part in parts if part)
    return "" if content is None else str(content)


def _well_formed(text: str) -> str:
    """Drop unpaired surrogates, which cannot be encoded in a file."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _candidates(logprobs: Any) -> Iterator[tuple[str, float]]:
    """Candidates for the first token, most probable first."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    for candidate in (content[0].get("top_logprobs") or ()) if content else ():
        yield _well_formed(str(candidate["token"])), float(candidate["logprob"])


def _counts(usage: Any) -> tuple[float, float]:
    """Tokens read and written, by whatever names; NaN where the server does not say."""
    if not isinstance(usage, Mapping):
        return nan, nan
    read = _number(usage, "prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
    output_tokens = _number(usage, "completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")
    total = _number(usage, "total_tokens", "totalTokenCount")
    if isnan(output_tokens) and total > read:
        output_tokens = total - read
    if isnan(read) and total > output_tokens:
        read = total - output_tokens
    return read, output_tokens


def _number(usage: Mapping[str, Any], *names: str) -> float:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return nan
