"""Short requests."""

from __future__ import annotations

from typing import Any

from bakeoff.llm.base import LLMRequest, Message


def build_request(text: str = "Say hello.", **more: Any) -> LLMRequest:
    return LLMRequest((Message("user", text),), **{"max_tokens": 4, **more})
