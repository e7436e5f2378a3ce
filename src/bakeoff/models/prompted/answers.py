"""Conversion of completions to predictions, with status and LLM usage per row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.errors import LLMError
from bakeoff.llm.base import Completion
from bakeoff.llm.reader import Reader
from bakeoff.llm.reading import formed
from bakeoff.llm.transcript import Transcript
from bakeoff.llm.usage import usage_of
from bakeoff.models.qa.found import Timed
from bakeoff.predictions import in_words
from bakeoff.task import ABSTAINED, NO_ANSWER, NOT_ASKED, OK, PASSING, WITHHELD, Predictions, RowStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANSWER, BEFORE = "answer", ("rewrite", "rerank")
"""Stages of requests."""
READ = ("output", "short", "stage", "confidence", "cited", "evidence", "status", "reason")
"""Fields of ``Predictions`` that depend on what is read from a reply."""
STAGES: dict[RowStatus, str] = {NO_ANSWER: "no answer", NOT_ASKED: "no answer", WITHHELD: "unsure"}
"""The stages of rows that were not answered."""
SAID_SO = "the model said that it has no answer"
"""Reason for a withheld row whose reply itself abstains."""
DECLINED, EMPTY = "refused: by the model", "unreadable: as an answer (empty)"
AMBIGUOUS = "unreadable: as one answer"


def status_of(completion: Completion) -> tuple[RowStatus, str]:
    """Status of a row that took one request, and the reason if it has no answer."""
    if completion.status == "ok":
        return OK, ""
    reason = completion.reason or f"error: ({completion.error or 'no usable answer'})"
    if completion.status == "not_asked" or reason.partition(":")[0] in PASSING:
        return NOT_ASKED, reason
    return NO_ANSWER, reason


@dataclass(frozen=True)
class Read:
    """Parsed reply for one row. Output and its short form are meaningless unless the status is ok."""

    status: RowStatus
    reason: str = ""
    output: Any = ABSTAINED
    short: str = ABSTAINED


UNREADABLE = Read(NO_ANSWER, "unreadable: as what was asked for")


def lost(status: RowStatus, reason: str, output: Any = ABSTAINED) -> Read:
    """A row without an answer; ``unreadable`` if the completion itself is ok."""
    return Read(NO_ANSWER, UNREADABLE.reason, output) if status == OK else Read(status, reason, output)


def read(completion: Completion, reader: Reader, text: str | None = None) -> Read:
    """Read a short answer in free text: the completion's, or ``text`` where that is a part of it."""
    status, reason = status_of(completion)
    if status != OK:
        return Read(status, reason)
    answer = reader.answer(completion.text if text is None else text)
    if answer.status == "withheld":
        return Read(WITHHELD, SAID_SO)
    if answer.status == "refused":
        return Read(NO_ANSWER, DECLINED)
    if answer.status == "unreadable":
        return Read(NO_ANSWER, AMBIGUOUS)
    return Read(OK, "", answer.whole, answer.short) if answer.whole else Read(NO_ANSWER, EMPTY)


def read_text(completion: Completion, reader: Reader) -> Read:
    """Read a longer text, such as a summary: kept as it is, and never read as an abstention."""
    status, reason = status_of(completion)
    if status != OK:
        return Read(status, reason)
    if reader.answer(completion.text).status == "refused":
        return Read(NO_ANSWER, DECLINED)
    text = completion.text.strip()
    return Read(OK, output=text) if text else Read(NO_ANSWER, EMPTY)


def require_any(transcripts: Sequence[Transcript], completions: Sequence[Completion]) -> None:
    """Raise ``LLMError`` if no request has a usable answer, and none was skipped because a budget ended.

    The error carries the transcripts: they are recorded all the same.
    """
    if any(c.status in ("ok", "not_asked") and not c.reason.startswith("stopped") for c in completions):
        return
    reasons = Counter(c.reason or str(c.error) for c in completions)
    example = next((str(c.error) for c in completions if c.error), "")
    raise LLMError(
        f"llm: none of {len(completions)} requests got an answer that can be used ({in_words(reasons)}). {example}",
        transcripts,
    )


def from_completions(
    output: NDArray[Any],
    stage: str,
    completions: Sequence[Completion],
    before: Timed | None = None,
    statuses: Sequence[tuple[RowStatus, str]] | None = None,
    transcripts: Sequence[Transcript] = (),
    **more: Any,
) -> Predictions:
    """Build predictions for n rows that took one request each, after an optional lookup.

    Args:
        output: the answers.
        stage: of the rows that were answered.
        completions: of the requests.
        before: lookup done for each row before its request.
        statuses: status and reason of each row, if the reply says more than the completion; None: the completion's.
        transcripts: of the requests, and of others besides the lookup's.
        more: other fields of ``Predictions``.
    """
    # A request that failed for good must not count as a fast prediction.
    seconds = np.array([math.nan if c.status == "failed" else c.seconds for c in completions], dtype=np.float64)
    usage = usage_of(completions)
    rows = list(statuses) if statuses is not None else [status_of(c) for c in completions]
    if before is not None:
        seconds = seconds + (before.mean_seconds if before.seconds is None else before.seconds)
        usage = usage + before.usage
        rows = [lost or row for lost, row in zip(before.lost, rows, strict=True)]
        transcripts = [*before.transcripts, *transcripts]
    return Predictions(
        output,
        stage=np.array([STAGES.get(status, stage) for status, _ in rows], dtype=object),
        seconds=seconds,
        usage=usage,
        status=np.array([status for status, _ in rows], dtype=object),
        reason=np.array([reason for _, reason in rows], dtype=object),
        transcripts=tuple(transcripts),
        **more,
    )


def rereadable(transcripts: Sequence[Transcript]) -> list[Transcript]:
    """The transcripts of answers to single rows whose raw reply is known, read afresh.

    Rows that were lost to a request before the answer stay lost.
    """
    lost = {t.row for t in transcripts if t.request.stage in BEFORE and t.completion.status != "ok"}
    return [
        replace(t, completion=formed(t.completion, t.request))
        for t in transcripts
        if t.row is not None and t.row not in lost and t.request.stage == ANSWER and t.completion.raw is not None
    ]


def overlaid(recorded: Predictions, transcripts: Sequence[Transcript], fresh: Predictions) -> Predictions:
    """Recorded predictions, with what was read afresh at the rows of some transcripts; usage and seconds stay.

    Args:
        recorded: n rows.
        transcripts: one for each of m rows.
        fresh: predictions of these m rows.
    """
    rows = np.array([t.row for t in transcripts], dtype=np.intp)
    there: dict[str, Any] = {}
    for name in READ:
        old, new = getattr(recorded, name), getattr(fresh, name)
        if old is not None and new is not None and len(rows):
            there[name] = np.array(old, dtype=old.dtype if old.dtype == new.dtype else object)
            there[name][rows] = new
    return replace(recorded, **there)
