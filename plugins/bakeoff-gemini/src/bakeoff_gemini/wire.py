"""One request to Gemini through Google's SDK, and its possible errors."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bakeoff.extend import LLMRequest, Reply, Trouble, build_choice_schema

API_VERSION = "v1beta"
"""Version of Google's API: the one with thinking budgets and JSON schemas."""
ROLES = {"user": "user", "assistant": "model"}


@dataclass(frozen=True)
class Wire:
    """Connection settings for a model.

    Attributes:
        base_url: of the server, without its version.
        model: name to request.
        parameters: more of ``GenerateContentConfig``, by the SDK's names.
        most_logprobs: maximum number of candidates per token.
        thinking_tokens: added to the output limit, which thoughts count against.
    """

    base_url: str
    model: str
    parameters: Mapping[str, Any]
    most_logprobs: int = 0
    thinking_tokens: int = 0

    def request(self, request: LLMRequest) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Contents and config of a request, in the SDK's terms."""
        told = [message.content for message in request.messages if message.role == "system"]
        contents = [
            {"role": ROLES[message.role], "parts": [{"text": message.content}]}
            for message in request.messages
            if message.role != "system"
        ]
        config: dict[str, Any] = {"max_output_tokens": request.max_tokens + self.thinking_tokens, **self.parameters}
        if told:
            config["system_instruction"] = "\n\n".join(told)
        schema = build_choice_schema(request.choices) if request.choices else request.schema
        if schema is not None:
            config |= {"response_mime_type": "application/json", "response_json_schema": dict(schema)}
        if request.top_logprobs:
            config |= {"response_logprobs": True, "logprobs": min(request.top_logprobs, self.most_logprobs)}
        return contents, config

    def send(self, client: Any, request: LLMRequest) -> Reply:
        """Send one request. Raises ``Trouble``."""
        from google.genai import errors

        timeouts, connections = _network()
        contents, config = self.request(request)
        start = time.perf_counter()
        try:
            answered = client.models.generate_content(model=self.model, contents=contents, config=config)
            return self._reply(answered, time.perf_counter() - start)
        except timeouts:
            raise Trouble("timeout", f"{self.base_url} gave no answer in time") from None
        except connections as error:
            raise Trouble("connection", f"{self.base_url} cannot be reached: {error}") from None
        except errors.APIError as error:
            raise _of_status(error, self.base_url) from None
        except (ValueError, AttributeError, IndexError, TypeError, KeyError) as error:
            told = f"{type(error).__name__}: {error}"
            raise Trouble("malformed", f"{self.base_url} answered in no form that is known: {told}"[:300]) from None

    def _reply(self, answered: Any, seconds: float) -> Reply:
        blocked = getattr(answered.prompt_feedback, "block_reason", None)
        if blocked:
            told = f"{self.base_url} refuses the request: {getattr(blocked, 'value', blocked)}"
            raise Trouble("refused", told, is_final=True)
        candidate = answered.candidates[0]
        usage = answered.usage_metadata
        if usage is None or usage.prompt_token_count is None:
            raise ValueError("it counts no tokens")
        reason = getattr(candidate.finish_reason, "value", candidate.finish_reason)
        parts = (candidate.content.parts if candidate.content else None) or []
        text = "".join(part.text for part in parts if part.text and not part.thought)
        if not text and reason not in ("STOP", "MAX_TOKENS"):
            raise Trouble("refused", f"{self.base_url} gives no answer: {reason}", is_final=True)
        return Reply(
            text=text,
            logprobs=tuple(_candidates(candidate)),
            input_tokens=usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0),
            output_tokens=(usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
            model=answered.model_version or self.model,
            fingerprint=None,
            seconds=seconds,
            is_cut=reason == "MAX_TOKENS",
        )


def connect(base_url: str, key: str, timeout_seconds: float) -> Any:
    """Create Google's client, without its own retries: ours are counted and stay within the budget.

    Args:
        base_url: of the server. One on this machine bypasses any proxy in the environment.
        key: of the account.
        timeout_seconds: per request.
    """
    from google import genai

    for name in ("httpx", "httpx2", "google_genai"):  # which log lines for each request
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    host = urlsplit(base_url).hostname or ""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    options: dict[str, Any] = {
        "base_url": base_url,
        "api_version": API_VERSION,
        "timeout": max(1, round(1000 * timeout_seconds)),
    }
    if is_here:
        options["client_args"] = {"trust_env": False}
    # The environment may ask for Vertex AI, which wants no key: this client is for Gemini's own API.
    return genai.Client(api_key=key, vertexai=False, http_options=genai.types.HttpOptions(**options))


def _network() -> tuple[tuple[type[Exception], ...], tuple[type[Exception], ...]]:
    """Timeouts and other faults of the network, of whichever HTTP library the SDK uses."""
    import importlib

    found = []
    for name in ("httpx", "httpx2"):
        try:
            found.append(importlib.import_module(name))
        except ImportError:
            continue
    return tuple(lib.TimeoutException for lib in found), tuple(lib.TransportError for lib in found)


def _candidates(candidate: Any) -> Iterator[tuple[str, float]]:
    """Candidates for the first token, most probable first."""
    result = candidate.logprobs_result
    first = result.top_candidates[0].candidates if result and result.top_candidates else None
    for one in first or ():
        if one.token is not None and one.log_probability is not None:
            yield str(one.token), float(one.log_probability)


def _of_status(error: Any, base_url: str) -> Trouble:
    code = int(error.code or 0)
    told = " ".join(str(error.message or error.status or "").split())[:300].rstrip(".")
    details = _details(error)
    if code == 429 and not any("PerDay" in name for name in _quotas(details)):
        return Trouble("rate_limited", f"{base_url} asks for patience: {told}", _wait(details))
    if code >= 500 or code in (408, 409):
        return Trouble("server_error", f"{base_url} fails with {code}: {told}", _wait(details))
    # An invalid key is reported with 400; an exhausted daily quota with 429, and waiting does not help.
    is_bad_key = any(detail.get("reason") == "API_KEY_INVALID" for detail in details)
    is_for_all = code in (401, 402, 403, 404, 429) or is_bad_key
    return Trouble("refused", f"{base_url} refuses with {code}: {told}", is_final=True, is_for_all=is_for_all)


def _details(error: Any) -> list[Mapping[str, Any]]:
    """Details of Google's errors besides the message: objects that name their type."""
    body = error.details if isinstance(error.details, Mapping) else {}
    inner = body.get("error", body)
    found = inner.get("details") if isinstance(inner, Mapping) else None
    return [detail for detail in found or () if isinstance(detail, Mapping)]


def _quotas(details: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(v.get("quotaId", "")) for d in details for v in d.get("violations", ()) if isinstance(v, Mapping)]


def _wait(details: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds that Google asks for before the next try, such as ``retryDelay: 3.5s``."""
    for detail in details:
        match = re.fullmatch(r"([\d.]+)s", str(detail.get("retryDelay", "")))
        if match:
            return float(match[1])
    return None


def as_json(parameters: Mapping[str, Any]) -> Any:
    """Parameters as JSON values, for the key of the cache."""
    return json.loads(json.dumps(parameters, default=str, sort_keys=True))
