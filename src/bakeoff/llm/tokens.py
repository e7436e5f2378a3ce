"""Token counts of prompts: exact where a tokenizer is known, else estimated from the characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bakeoff.llm.base import LLMRequest
from bakeoff.words import UNSPACED

PER_MESSAGE = 8
"""Tokens of a chat template around each message, at most; those before the answer included."""
_UNSPACED = re.compile(f"[{UNSPACED}]")


@runtime_checkable
class LimitsContext(Protocol):
    """A language model whose context window is known.

    Attributes:
        context_tokens: prompt and answer together; None where it is not known.
        counts_exactly: whether ``count_tokens`` uses the model's own tokenizer.
    """

    context_tokens: int | None

    @property
    def counts_exactly(self) -> bool:
        """True if ``count_tokens`` uses the model's own tokenizer, and does not estimate."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each of n texts, or an estimate."""


def estimate(text: str) -> int:
    """Estimate the tokens of a text, whatever the tokenizer.

    Four ASCII characters make a token (OpenAI, "What are tokens and how to count them?"), two of other alphabets, such
    as Cyrillic or Arabic, and one of a script without spaces, such as Chinese.
    """
    ascii_characters = sum(character.isascii() for character in text) if not text.isascii() else len(text)
    unspaced = len(_UNSPACED.findall(text)) if ascii_characters < len(text) else 0
    others = len(text) - ascii_characters - unspaced
    return -(-ascii_characters // 4) + -(-others // 2) + unspaced


def of_request(request: LLMRequest) -> int:
    """Estimate the input tokens of a request."""
    return sum(estimate(message.content) for message in request.messages)


def excess(request: LLMRequest, llm: LimitsContext) -> int:
    """Tokens by which a request and the longest answer to it exceed the model's context; 0 or less if they fit."""
    if llm.context_tokens is None:
        return 0
    contents = [message.content for message in request.messages]
    room = llm.context_tokens - request.max_tokens - PER_MESSAGE * len(contents)
    if sum(len(content.encode()) for content in contents) <= room:
        return 0  # a token is at least a byte
    return sum(llm.count_tokens(contents)) - room
