"""Short requests."""

from __future__ import annotations

from typing import Any

from bakeoff.llm.base import Ask, Message


def ask(text: str = "Say hello.", **more: Any) -> Ask:
    return Ask((Message("user", text),), **{"max_tokens": 4, **more})
