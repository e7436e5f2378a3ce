"""Formatting of numbers for people: the digits that an interval supports, thousands separated."""

from __future__ import annotations

import math
from collections.abc import Iterable

MOST_DECIMALS = 4
MISSING = "–"
LEAST_PRICE = 0.0001
"""Dollars below which a price is shown as a bound."""


def number(value: float | None, decimals: int | None = None) -> str:
    """Three significant digits and four decimals at most, unless ``decimals`` are given; no exponent.

    A value that is None or not finite is a dash. 0 has no sign.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if decimals is None:
        decimals = 0 if value == 0 else min(MOST_DECIMALS, max(0, 2 - math.floor(math.log10(abs(value)))))
    return _without_sign_of_zero(f"{value:,.{decimals}f}")


def threshold(value: float) -> str:
    """Format a number chosen by a person: without trailing zeros."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def difference(value: float, decimals: int | None = None) -> str:
    """A difference, with its sign."""
    text = number(value, decimals)
    return text if text == MISSING or text.startswith("-") or not any(c in "123456789" for c in text) else f"+{text}"


def with_interval(value: float | None, low: float | None, high: float | None, decimals: int | None = None) -> str:
    """A value and its interval with the same decimals: ``0.967 [0.939, 0.989]``; without one where it is unknown."""
    if low is None or high is None or not math.isfinite(low + high):
        return number(value, decimals)
    digits = interval_decimals([(low, high)]) if decimals is None else decimals
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def difference_with_interval(value: float, low: float, high: float, decimals: int | None = None) -> str:
    """The same for a difference, all three with their signs."""
    digits = interval_decimals([(low, high)]) if decimals is None else decimals
    return f"{difference(value, digits)} [{difference(low, digits)}, {difference(high, digits)}]"


def interval_decimals(intervals: Iterable[tuple[float | None, float | None]]) -> int:
    """The decimals that the narrowest of some intervals supports: two significant digits of its width."""
    widths = [high - low for low, high in intervals if low is not None and high is not None and high > low]
    finite = [width for width in widths if math.isfinite(width)]
    return min(MOST_DECIMALS, max(0, 1 - math.floor(math.log10(min(finite))))) if finite else 3


def price(value: float | None) -> str:
    """US dollars; unknown where there is no value, never 0."""
    if value is None or not math.isfinite(value):
        return "unknown"
    return f"<{LEAST_PRICE}" if 0 < value < LEAST_PRICE else number(value)


def _without_sign_of_zero(text: str) -> str:
    return text.lstrip("-") if not any(c in "123456789" for c in text) else text
