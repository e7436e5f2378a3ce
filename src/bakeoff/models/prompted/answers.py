"""From completions to predictions: short answers, and what asking took."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.llm.base import Completion
from bakeoff.llm.usage import usage_of
from bakeoff.models.qa.found import Timed
from bakeoff.task import ABSTAINED, NOT_ASKED, OK, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = "unknown"
"""What a model is told to say when it has no answer."""
_NO_ANSWER = re.compile(
    r"^\W*(unknown|none|n/?a|no answer|not (stated|mentioned|answerable|specified|known|in the (text|passages))"
    r"|i (do not|don't|don’t) know|(there is )?no information)\b",
    re.IGNORECASE,
)


def short(text: str) -> str:
    """The first line of an answer, without quotes and the full stop; ``ABSTAINED`` where it says that there is none."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"^(answer|a)\s*:\s*", "", line, flags=re.IGNORECASE).strip().strip("\"“”'` ")
    line = line.removesuffix(".").strip()
    return ABSTAINED if _NO_ANSWER.match(line) else line


def of_completions(
    output: NDArray[Any],
    stage: NDArray[Any],
    completions: Sequence[Completion],
    before: Timed | None = None,
    **more: Any,
) -> Predictions:
    """Predictions of n rows that took one request each, and what was looked up before.

    Args:
        output: the answers.
        stage: which part of the model gave them.
        completions: of the requests.
        before: what was looked up for each row before it was asked.
        more: other fields of ``Predictions``.
    """
    # A request that failed for good is no quick answer.
    seconds = np.array([math.nan if c.status == "failed" else c.seconds for c in completions], dtype=np.float64)
    usage = usage_of(completions)
    if before is not None:
        seconds = seconds + (before.mean_seconds if before.seconds is None else before.seconds)
        usage = usage + before.usage
    was_asked = [c.status != "not_asked" for c in completions]
    return Predictions(
        output,
        stage=stage,
        seconds=seconds,
        usage=usage,
        status=np.array([OK if asked else NOT_ASKED for asked in was_asked], dtype=object),
        reason=np.array(
            ["" if asked else str(c.error) for asked, c in zip(was_asked, completions, strict=True)], dtype=object
        ),
        **more,
    )
