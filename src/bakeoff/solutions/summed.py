"""Total usage and time of parts that all process the same row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bakeoff.predictions import Predictions, StageTrace
from bakeoff.usage import Usage

OF_TIME = ("seconds", "machine_seconds", "human_usd")


def expenses(parts: Mapping[str, Predictions]) -> dict[str, Any]:
    """Usage, seconds, prices and trace of rows that every part predicted; a time that one of them lacks is unknown.

    Args:
        parts: name of a part → predictions of the same n rows.

    Returns:
        Fields of ``Predictions``.
    """
    first = next(iter(parts.values()))
    n = len(first)
    usage = Usage.zeros(n)
    for part in parts.values():
        usage = usage + part.usage
    fields: dict[str, Any] = {"usage": usage}
    for name in OF_TIME:
        values = [getattr(part, name) for part in parts.values()]
        if any(value is not None for value in values):
            missing = np.full(n, np.nan) if name == "seconds" else np.zeros(n)
            fields[name] = np.sum([missing if value is None else value for value in values], axis=0)
    fields["trace"] = tuple(
        StageTrace(
            name,
            np.arange(n),
            np.ones(n, dtype=np.bool_),
            np.full(n, np.nan) if part.seconds is None else part.seconds,
            part.usage,
            part.machine_seconds,
            part.human_usd,
        )
        for name, part in parts.items()
    )
    return fields
