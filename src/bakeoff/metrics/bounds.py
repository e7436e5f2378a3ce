"""Bounds on metrics, such as ``latency_p95_ms: "<= 50"``: the limits of a search, of a solution and of a decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bakeoff.errors import ConfigError
from bakeoff.metrics.base import asked
from bakeoff.metrics.operations import MEASUREMENTS


@dataclass(frozen=True)
class Bound:
    """A bound on a metric, e.g. ``latency_p95_ms: "<= 50"``."""

    metric: str
    bound: float
    is_upper: bool

    def violation(self, value: float) -> float:
        """Amount by which a value violates the bound; zero or less if it does not."""
        if math.isnan(value):
            return math.inf
        return value - self.bound if self.is_upper else self.bound - value

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.is_upper else '>='} {self.bound:g}"


def read_bounds(declared: Mapping[str, str] | None, where: str) -> list[Bound]:
    """Read declared bounds. Raises ``ConfigError`` for one that is not ``<= number`` or ``>= number``."""
    bounds = []
    for name, text in (declared or {}).items():
        operator, number = str(text)[:2], str(text)[2:].strip()
        try:
            bounds.append(Bound(name, float(number), {"<=": True, ">=": False}[operator]))
        except (KeyError, ValueError):
            raise ConfigError(f'{where}.{name}: "{text}" is not a bound. Write "<= 50" or ">= 0.9".') from None
        if name not in MEASUREMENTS:
            asked(name, where)
    return bounds
