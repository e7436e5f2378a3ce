"""Requests to language models, and their completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

Status = Literal["ok", "invalid", "failed", "not_asked"]


@dataclass(frozen=True)
class Message:
    """One message of a chat.

    Attributes:
        role: system, user or assistant.
        content: text of the message.
    """

    role: str
    content: str


@dataclass(frozen=True)
class LLMRequest:
    """One request to a language model.

    Attributes:
        messages: the chat so far.
        schema: JSON schema that the answer must follow; None for free text.
        choices: the answer is exactly one of these; empty for free text.
        max_tokens: maximum output tokens.
        top_logprobs: number of candidates for the first token to return, with their log-probabilities.
        stage: purpose of the request, as transcripts name it: answer, rewrite, rerank, judge. The completion does not
            depend on it.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    choices: tuple[str, ...] = ()
    max_tokens: int = 128
    top_logprobs: int = 0
    stage: str = "answer"


@dataclass(frozen=True)
class Completion:
    """Result of one request.

    Attributes:
        status: ok; invalid when the answer breaks the schema or is none of the choices; failed when none came after all
            retries; not_asked when the budget had ended.
        text: of the answer.
        parsed: the JSON value, if a schema was requested.
        logprobs: candidates for the first token, most probable first, each with its log-probability.
        input_tokens, output_tokens: as counted by the server; NaN if it does not report them.
        cost_usd: of these tokens; NaN where the price or the count is not known.
        seconds: from the request to the answer, of the attempt that succeeded.
        is_cached: whether it was replayed from the cache; all other fields are then those of the original request.
        model: as the server names it.
        fingerprint: of the server's configuration, if it returns one.
        error: one sentence, if the status is not ok.
        reason: why there is no usable answer, as ``code: words`` (see ``bakeoff.predictions``); the same words for all
            requests that end alike.
        raw: the unprocessed reply, thoughts included; None if there was none, or if cached by an earlier version.
        reasoning: thoughts that the server returns separately from the reply.
        refusal: why the model declines, if the server returns that separately from the reply.
        finish: why the reply ended, as the server names it.
        is_cut: whether the reply was truncated at its token limit.
        tries: number of attempts, the last one included.
        is_taken_over: whether it came in an earlier part of the same run, before an interruption: paid for by this run,
            and not sent again.
        unusable: raw replies of earlier attempts, which were paid for and could not be read.
        added: words added to the last message as it was sent, for a server that does not constrain its output.
    """

    status: Status
    text: str = ""
    parsed: Any = None
    logprobs: tuple[tuple[str, float], ...] = ()
    input_tokens: float = 0
    output_tokens: float = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    is_cached: bool = False
    model: str = ""
    fingerprint: str | None = None
    error: str | None = None
    reason: str = ""
    raw: str | None = None
    reasoning: str = ""
    refusal: str = ""
    finish: str = ""
    is_cut: bool = False
    tries: int = 1
    is_taken_over: bool = False
    unusable: tuple[str, ...] = ()
    added: str = ""


@dataclass(frozen=True)
class RequestEstimate:
    """Estimated requests to one language model; nothing is sent.

    Attributes:
        llm: the model they would go to.
        requests: the requests.
    """

    llm: LLM
    requests: Sequence[LLMRequest]


class LLM(Protocol):
    """A language model behind a server, here or elsewhere."""

    @property
    def max_in_flight(self) -> int:
        """Maximum number of concurrent requests."""

    @property
    def supports_logprobs(self) -> bool:
        """True if it can return log-probabilities of tokens."""

    def check(self) -> None:
        """Raise ``ConfigError`` where a request cannot be served: no key in the environment, no such file.

        Asks nothing.
        """

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Complete n requests concurrently; completions are in request order.

        A request that fails for good becomes a completion that says so.

        Raises:
            LLMError: no request can succeed: the key is refused, the model does not exist, the server does not respond.
        """

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Dollars for the tokens of one request; NaN where the price is not known, 0 for a model that runs here.

        Of one request, because some prices depend on its length.
        """

    def usage(self) -> Mapping[str, Any]:
        """Usage so far: model, calls, replayed, retries, errors by cause, tokens, dollars. JSON values."""


@runtime_checkable
class Identifies(Protocol):
    """A language model whose server may load another one under the same name."""

    def identify(self) -> str | None:
        """The model that is served, as far as the server lists it; None if it does not. Free of charge."""
