"""Predictions of the test rows: which rows, how they were timed, which of them are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import record
from bakeoff.errors import LLMError, Unfinished
from bakeoff.execution.clock import Clock
from bakeoff.execution.fitted import Fitted
from bakeoff.execution.measurement import latency
from bakeoff.llm import journal, progress
from bakeoff.llm.transcript import Transcript
from bakeoff.llm.usage import metered
from bakeoff.models.base import Model
from bakeoff.predictions import in_words
from bakeoff.request.spec import Request
from bakeoff.solutions.answers import simulated
from bakeoff.task import NO_ANSWER, NOT_ASKED, OK, WITHHELD, Examples, PredictionTable, Task
from bakeoff.tasks import kinds


def asked(task: Task, rows: int | None) -> tuple[Examples, list[str]]:
    """Select the test rows to predict: all, or a sample that is equal for all variants and nested as ``rows`` grows."""
    n = len(task.test)
    if rows is None or rows >= n:
        return task.test, []
    return task.test.take(np.sort(_drawn(task)[:rows])), [
        f"Evaluated on a random sample of {rows:,} of {n:,} test rows."
    ]


def _drawn(task: Task) -> NDArray[np.intp]:
    """Positions of all test rows in sampling order."""
    return np.random.default_rng(int(task.split["seed"])).permutation(len(task.test))


def answered(
    model: Model, test: Examples, task: Task, request: Request, clock: Clock, fitted: Fitted | None
) -> PredictionTable:
    """Join the test rows with their predictions, without rows for which the model had no budget left."""
    settings = request.metrics
    if len(task.development.examples):
        model.warm_up(task.development.examples.X.iloc[:1])
    with clock.step("predict", "predicting"):
        try:
            with metered() as meter, progress.shown("predicting", clock.announce):
                predictions = simulated(model, test.X, test.y)
        except LLMError as error:
            record_transcripts(request, test.ids, error.transcripts)
            raise
    predictions = replace(predictions, transcripts=meter.all_transcripts(predictions.transcripts))
    record_transcripts(request, test.ids, predictions.transcripts)
    if fitted:
        predictions = kinds.get(task.schema.kind).over_classes(predictions, fitted.schema.classes, task.schema.classes)
    kinds.get(task.schema.kind).check_predictions(predictions, task.schema, len(test))
    seconds = predictions.seconds
    if seconds is None:
        with clock.step("latency", "timing single predictions"):
            # In the order in which samples grow: where another variant answers a sample, its rows are the first timed.
            drawn = _drawn(task)[: len(test)]
            order = np.argsort(np.argsort(drawn))[: settings.latency_rows]
            seconds = latency(model, test.X, order, settings.latency_seconds)
    table = PredictionTable(task.schema, test.ids, test.y, predictions, seconds, test.slices, units=test.units)
    if (lost := predictions.passing) and (predictions.status != NOT_ASKED).any():
        record.write_predictions(request.folder, table.take(np.flatnonzero(predictions.status != NOT_ASKED)))
    if lost:
        raise unfinished(lost, f"{len(test):,} test rows were not answered")
    return table


def unfinished(lost: Counter[str], of_what: str) -> Unfinished:
    """Error of a run that lost something for reasons that may pass."""
    return Unfinished(
        f"{sum(lost.values()):,} of {of_what} ({in_words(lost)}). "
        "When that has passed, the same command goes on with what is missing."
    )


def count_rows(table: PredictionTable) -> tuple[dict[str, Any], list[str]]:
    """Count rows by status for the record, and note those without a prediction."""
    predictions = table.predictions
    counts: dict[str, Any] = {"asked": len(table), "answered": int((predictions.status == OK).sum())}
    notes = []
    for status, words in (
        (NO_ANSWER, "have no answer, and are neither right nor wrong"),
        (WITHHELD, "are withheld"),
        (NOT_ASKED, "were not asked"),
    ):
        reasons = dict(predictions.reasons(status).most_common())
        if reasons:
            counts[status] = reasons
            notes.append(f"{sum(reasons.values()):,} of {len(table):,} test rows {words}: {in_words(reasons)}.")
    return counts, notes


def require_answers(request: Request, table: PredictionTable, rows: Mapping[str, Any]) -> None:
    """Raise ``LLMError`` if no row has a prediction to score; the rows are written all the same."""
    if not len(table):
        reason = next(iter(rows[NOT_ASKED]))
        raise LLMError(f"No test row was asked: {reason}. Raise llm.max_calls or llm.max_cost_usd.")
    if not table.predictions.is_answered.any():
        record.write_predictions(request.folder, table)
        raise LLMError(f"No test row has an answer: {in_words(rows[NO_ANSWER])}.")


def positions(test: Examples, table: PredictionTable) -> NDArray[np.intp]:
    """Positions of the test rows that are in the table."""
    return np.flatnonzero(np.isin(test.ids.astype(str), table.ids.astype(str)))


def seconds_of_all(table: PredictionTable, measured: float) -> float:
    """Total seconds of the predictions: measured, or summed if some were replayed, taken over or those of parts."""
    if table.predictions.machine_seconds is not None:
        return float(table.predictions.machine_seconds.sum())
    replies = journal.current()
    is_measured = not (table.predictions.usage.cached.any() or (replies is not None and replies.taken_over))
    return measured if is_measured else float(np.nansum(table.seconds))


def record_transcripts(request: Request, ids: NDArray[Any], transcripts: Sequence[Transcript]) -> None:
    """Write what language models were asked and replied, unless texts are private."""
    if request.record_transcripts and request.record_inputs:
        record.write_transcripts(request.folder, ids, transcripts)
