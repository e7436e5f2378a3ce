"""A server that mixes faults of all kinds into its replies, by row and by attempt; the same ones each time."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from scripted import Answer, Body, refuses, says

PASSING_FAULTS: dict[str, Callable[[str], Answer]] = {
    "HTTP 500": lambda label: refuses(500, "out of luck"),
    "HTTP 503": lambda label: refuses(503, "overloaded"),
    "HTTP 429": lambda label: refuses(429, "slow down", **{"Retry-After": "0.01"}),
    "dropped": lambda label: (200, b"", {"Content-Length": "40"}),
    "truncated JSON": lambda label: (200, b'{"choices": [{"message": {"cont', {}),
    "HTML": lambda label: (200, b"<html>Welcome to the hotel WLAN</html>", {"Content-Type": "text/html"}),
    "error in a reply": lambda label: (200, {"error": {"message": "provider is busy"}}, {}),
    "empty": lambda label: says(""),
    "prose": lambda label: says("It depends."),
}
"""Faults that a second attempt overcomes."""
HARMLESS_FAULTS: dict[str, Callable[[str], Answer]] = {
    "no usage": lambda label: says(label, usage=None),
    "half usage": lambda label: says(label, usage={"prompt_tokens": 50, "completion_tokens": None}),
    "bold": lambda label: says(f"**{label}**"),
    "thoughts": lambda label: says(f"<think>\nHm.\n</think>\n{label}"),
    "slow": lambda label: says(label),
}
"""Oddities of replies that are answers all the same."""
LASTING_FAULTS: dict[str, tuple[str, Callable[[str], Answer]]] = {
    "filtered": ("filtered", lambda label: says(None, "content_filter")),
    "refused": ("refused", lambda label: says(None, refusal="I can't help with that.")),
    "cut": ("cut", lambda label: says("The message", "length")),
    "never a label": ("unreadable", lambda label: says("eggs")),
    "always HTTP 500": ("error", lambda label: refuses(500, "this very request")),
    "too long": ("error", lambda label: refuses(400, "maximum context length is 64 tokens")),
}
"""Faults of single rows that no attempt overcomes, with the code of their reason."""


@dataclass
class BadDay:
    """Replies to rows named ``row N``, with faults for a share of them.

    Attributes:
        label: the right answer of a row.
        share: of rows with a fault.
        lasting: number of rows whose fault lasts.
        empty_after: replies after which the account is empty; None: never.
        hang_seconds: before the first reply to one row, beyond the patience of the client; 0: none hangs.
    """

    label: Callable[[int], str]
    rows: int
    share: float = 0.3
    lasting: int = 12
    empty_after: int | None = None
    hang_seconds: float = 0
    tries: Counter[int] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        chosen = random.Random(7).sample(range(self.rows), int(self.share * self.rows))
        names = [*PASSING_FAULTS, *HARMLESS_FAULTS]
        lasting = [*LASTING_FAULTS]
        self.fault = {row: lasting[i % len(lasting)] for i, row in enumerate(chosen[: self.lasting])}
        self.fault |= {row: names[i % len(names)] for i, row in enumerate(chosen[self.lasting :])}

    @property
    def lost(self) -> dict[int, str]:
        """Rows that no attempt can get, with the code of the reason."""
        return {row: LASTING_FAULTS[name][0] for row, name in self.fault.items() if name in LASTING_FAULTS}

    def __call__(self, body: Body, n: int) -> Answer:
        row = int(re.search(r"row (\d+)", body["messages"][-1]["content"])[1])
        label = self.label(row)
        with self.lock:
            self.tries[row] += 1
            is_first = self.tries[row] == 1
            if self.empty_after is not None and sum(self.answered.values()) >= self.empty_after:
                return refuses(402, "Insufficient credits.")
        fault = self.fault.get(row)
        if is_first and self.hang_seconds and row == next(r for r in range(self.rows) if r not in self.fault):
            time.sleep(self.hang_seconds)
            return says("too late")
        if fault in LASTING_FAULTS:
            return LASTING_FAULTS[fault][1](label)
        if fault in PASSING_FAULTS and is_first:
            return PASSING_FAULTS[fault](label)
        if fault == "slow":
            time.sleep(0.05)
        with self.lock:
            self.answered[row] += 1
        return HARMLESS_FAULTS[fault](label) if fault in HARMLESS_FAULTS else says(label)
