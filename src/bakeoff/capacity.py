"""Capacity: how many rows may be predicted positive, such as the 500 offers a week that a team can make."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakeoff.config.component import Component
from bakeoff.errors import ConfigError
from bakeoff.task import Schema

MONTHS = {"day": 12 / 365.25, "week": 12 * 7 / 365.25, "month": 1.0, "year": 12.0}
"""Length of each period in months."""
KEY = "business.capacity"
EXAMPLES = "Write 500 (a month), 500 a week, or 5%."


@dataclass(frozen=True)
class Capacity:
    """Greatest share of rows that may be predicted positive.

    Attributes:
        share: above 0; one that is 1 or more limits nothing.
        text: as it was declared.
    """

    share: float
    text: str


def check(capacity: float | str | None, per_month: float | None) -> None:
    """Raise ``ValueError`` for a capacity that cannot be read, or is of a period without a volume of that period."""
    if capacity is not None:
        _share(capacity, per_month)


def of_business(node: Component | Mapping[str, Any] | None, schema: Schema) -> Capacity | None:
    """The capacity that a business model declares; None where it declares none.

    Raises:
        ConfigError: it cannot be read, or the task has no positive class.
    """
    arguments = node.arguments if isinstance(node, Component) else dict(node or {})
    declared = arguments.get("capacity")
    if declared is None:
        return None
    if schema.positive is None:
        raise ConfigError(
            "business.capacity: it is of positive predictions, and this task has no positive class (data.positive)."
        )
    try:
        return Capacity(_share(declared, arguments.get("per_month")), str(declared))
    except ValueError as error:
        raise ConfigError(f"business.{error}") from None


def _share(declared: float | str, per_month: float | None) -> float:
    text = str(declared).strip()
    parsed = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:(%)|(?:a|per)\s+(day|week|month|year))?", text)
    amount = math.nan if parsed is None else float(parsed[1])
    if parsed is None or not amount > 0:
        raise ValueError(f"capacity: {declared!r} is no number of positive predictions. {EXAMPLES}")
    if parsed[2]:
        return amount / 100
    period = parsed[3] or "month"
    if amount < 1:
        raise ValueError(f"capacity: {declared} is less than one row a {period}; for a share write {amount * 100:g}%.")
    if per_month is None:
        raise ValueError(
            f"capacity: {declared!r} is of a time, and the number of predictions is not known. Add "
            "business.per_month=20000, or give a share such as 5%."
        )
    return amount / MONTHS[period] / per_month
