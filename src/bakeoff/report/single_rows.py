"""Single test rows of a run: inputs, what a language model was asked and replied, what was read, truth and scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bakeoff import numbers, record
from bakeoff.advice import listed
from bakeoff.errors import DataError, did_you_mean
from bakeoff.llm.transcript import Transcript
from bakeoff.predictions import NO_ANSWER, NOT_ASKED, OK, WITHHELD, in_words
from bakeoff.record import Run
from bakeoff.report import quality
from bakeoff.report.blocks import Text
from bakeoff.report.document import Report
from bakeoff.report.plain import visible
from bakeoff.task import HISTORY, QUESTION
from bakeoff.tasks import kinds
from bakeoff.words import token_overlap

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.task import PredictionTable

Which = Literal["all", "failed", "wrong", "abstained"]
INDENT = "  "
NO_TRANSCRIPTS = (
    f"Prompts and replies were not recorded here ({record.TRANSCRIPTS}: record_transcripts=false, record_inputs=false, "
    "an earlier version of bakeoff, or a solution: they are in the run folders of its parts)."
)


@dataclass(frozen=True)
class RunRows:
    """The test rows of one run, as far as they were recorded."""

    run: Run

    @cached_property
    def table(self) -> PredictionTable | None:
        """Predictions beside the truth; None for a run that recorded none."""
        if not (self.run.folder / record.PREDICTIONS).is_file():
            return None
        return record.read_predictions(self.run)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Position of each row in the table, by id."""
        return {} if self.table is None else {str(name): row for row, name in enumerate(self.table.ids)}

    @cached_property
    def inputs(self) -> pd.DataFrame | None:
        """Feature columns of the test rows, indexed by id; None where they were not recorded."""
        return record.read_inputs(self.run.folder.parent)

    @cached_property
    def unpredicted(self) -> list[str]:
        """Ids of rows with requests and no recorded prediction: the run ended before, or the row was lost."""
        if not record.has_transcripts(self.run.folder):
            return []
        asked = dict.fromkeys(name for name in record.read_transcript_ids(self.run.folder) if name is not None)
        return [name for name in asked if name not in self.position]

    def select(self, which: Which) -> list[str]:
        """Ids of all rows, or of those that failed, are wrong (worst first) or were abstained from."""
        if which == "all":
            return [*self.position, *self.unpredicted]
        if self.table is None:
            return self.unpredicted if which == "failed" else []
        names, status = list(self.position), self.table.predictions.status
        if which == "wrong":
            return [names[row] for row in quality.wrong(self.table)]
        wanted = (NO_ANSWER, NOT_ASKED) if which == "failed" else (WITHHELD,)
        selected = [name for name, of_row in zip(names, status, strict=True) if of_row in wanted]
        return [*selected, *self.unpredicted] if which == "failed" else selected

    def require(self, name: str) -> str:
        """Return the id. Raises ``DataError``, with the nearest one, where no row has it."""
        known = self.select("all")
        if name in known:
            return name
        raise DataError(
            f'--row: no test row of {self.run.folder} has the id "{name}". Ids: {listed(known[:5])}'
            f"{f' and {len(known) - 5:,} more' if len(known) > 5 else ''}.{did_you_mean(name, known)}"
        )

    def report(self, names: Sequence[str], title: str) -> Report:
        """Everything recorded about some rows, below a summary of the run."""
        blocks = [Text((self._summary(), title), style="bold")]
        transcripts: dict[str, list[Transcript]] = {name: [] for name in names}
        if names and record.has_transcripts(self.run.folder):
            for name, transcript in record.read_transcripts(self.run.folder, names):
                transcripts[str(name)].append(transcript)
        for name in names:
            blocks += self._row(name, transcripts[name])
        return Report(tuple(blocks))

    def _summary(self) -> str:
        head = f"{self.run.variant}: {self.run.status}"
        if self.run.error:
            head += f", {visible(str(self.run.error['message']))}"
        if self.table is None:
            return f"{head}; no predictions were recorded"
        counts: dict[str, int] = {}
        for status in self.table.predictions.status:
            counts[status] = counts.get(status, 0) + 1
        parts = ", ".join(f"{count:,} {status}" for status, count in counts.items())
        lost = self.table.predictions.reasons(NO_ANSWER, NOT_ASKED)
        return f"{head}; {len(self.table):,} test rows: {parts}{f' ({in_words(lost)})' if lost else ''}"

    def _row(self, name: str, transcripts: Sequence[Transcript]) -> Iterator[Text]:
        yield Text(tuple(self._inputs(name)), title=f"Row {visible(name)}")
        for number, transcript in enumerate(transcripts, start=1):
            yield Text(tuple(conversation(transcript)), title=_heading(transcript, number, len(transcripts)))
        if not transcripts and self._has_requests(name):
            yield Text((NO_TRANSCRIPTS,))
        row = self.position.get(name)
        if self.table is None or row is None:
            yield Text(("No prediction was recorded for this row.",), title="Prediction")
        else:
            yield Text(tuple(_prediction(self.table, row)), title="Prediction")

    def _has_requests(self, name: str) -> bool:
        row = self.position.get(name)
        return self.table is not None and row is not None and bool(self.table.predictions.usage.calls[row] > 0)

    def _inputs(self, name: str) -> Iterator[str]:
        if self.inputs is None or name not in self.inputs.index:
            yield f"Its inputs were not recorded ({record.INPUTS})."
            return
        values = self.inputs.loc[name]
        for column in self.inputs.columns:
            if column == HISTORY and values[column] in ("", "[]", None):
                continue
            yield from _labelled("question" if column == QUESTION else str(column), _written(values[column]))


def _heading(transcript: Transcript, number: int, count: int) -> str:
    c = transcript.completion
    usage = [
        c.model or "model unknown",
        f"{c.tries} {'try' if c.tries == 1 else 'tries'}",
        f"{_count(c.input_tokens)} + {_count(c.output_tokens)} tokens",
        _price(c.cost_usd),
        f"{numbers.number(c.seconds)} s",
    ]
    if c.is_cached:
        usage.append("replayed from the cache")
    return f"Request {number} of {count}: {visible(transcript.request.stage)} ({', '.join(map(visible, usage))})"


def conversation(transcript: Transcript) -> Iterator[str]:
    """Lines of one request: passages, messages, the reply and what was read from it."""
    request, completion = transcript.request, transcript.completion
    if transcript.passages:  # whose texts stand in the prompt
        yield from _labelled("passages", ", ".join(f"[{i}] {p.document}" for i, p in enumerate(transcript.passages, 1)))
    for message in request.messages:
        yield from _labelled(f"prompt, {message.role}", message.content)
    if request.choices:
        yield f"to choose from: {visible(', '.join(request.choices))}"
    for reply in completion.unusable:
        yield from _labelled("earlier reply, unreadable", reply)
    if completion.reasoning:
        yield from _labelled("reasoning", completion.reasoning)
    if completion.refusal:
        yield from _labelled("refusal", completion.refusal)
    if completion.raw is None:
        yield f"reply: none ({visible(completion.error or completion.reason or 'not recorded')})"
    else:
        end = f" (ended: {completion.finish})" if completion.finish else ""
        yield from _labelled(f"reply{end}", completion.raw)
    if completion.status == "ok":
        yield from _labelled("read from it", completion.text)
    elif completion.raw is not None:
        yield f"read from it: nothing: {visible(completion.error or completion.reason)}"


def _prediction(table: PredictionTable, row: int) -> Iterator[str]:
    p = table.predictions
    status = str(p.status[row])
    yield f"status: {status}{f' ({visible(str(p.reason[row]))})' if p.reason[row] else ''}"
    if status == OK:
        yield from _labelled("output", _written(p.output[row]))
        if p.short is not None and p.short[row] and p.short[row] != p.output[row]:
            yield from _labelled("short form", str(p.short[row]))
    yield from _labelled("truth", _truth(table.target[row]))
    scores = dict(_scores(table, row))
    if scores:
        yield "scores: " + ", ".join(f"{name} {numbers.threshold(value)}" for name, value in scores.items())
    if p.stage is not None and p.stage[row] is not None:
        yield f"stage: {visible(str(p.stage[row]))}"
    if p.confidence is not None and np.isfinite(p.confidence[row]):
        yield f"confidence: {numbers.threshold(float(p.confidence[row]))}"
    if p.proba is not None and np.isfinite(p.proba[row]).all():
        order = np.argsort(-p.proba[row])[:5]
        shown = (f"{table.schema.classes[i]} {numbers.number(float(p.proba[row][i]))}" for i in order)
        yield f"probabilities: {visible(', '.join(shown))}"
    for label, documents in (("retrieved", p.retrieved), ("cited", p.cited)):
        if documents is not None and documents[row]:
            yield f"{label}: {visible(', '.join(map(str, documents[row])))}"
    usage = p.usage.take(np.array([row]))
    if usage.asked_any:
        calls, price = float(usage.calls[0]), _price(float(usage.cost_usd[0]))
        tokens = f"{_count(float(usage.input_tokens[0]))} + {_count(float(usage.output_tokens[0]))} tokens"
        yield f"usage: {calls:g} {'request' if calls == 1 else 'requests'}, {tokens}, {price}"
    if np.isfinite(table.seconds[row]):
        yield f"seconds: {numbers.number(float(table.seconds[row]))}"


def _scores(table: PredictionTable, row: int) -> Iterator[tuple[str, float]]:
    """Scores of one row by name; none without an answer."""
    one = table.take(np.array([row]))
    kind, p = kinds.get(table.schema.kind), one.predictions
    if p.is_answered[0]:
        right = kind.is_right(p.output, one.target)
        if right is not None:
            yield "right", float(right[0])
        elif kind.is_numeric:
            yield "absolute error", -float(quality.per_row(one)[0])
        else:
            outputs = p.output if p.short is None else p.short
            exact = kind.closeness(outputs, one.target, quality.same_words)
            for name, values in (
                ("exact match", exact),
                ("token overlap", kind.closeness(outputs, one.target, token_overlap)),
            ):
                if np.isfinite(values[0]):
                    yield name, float(values[0])
    for name, grades in one.grades.items():
        if np.isfinite(grades[0]):
            yield name, float(grades[0])


def _truth(target: Any) -> str:
    answers = getattr(target, "answers", None)
    if answers is None:
        return _written(target)
    parts = [" / ".join(answers) if answers else "no answer in the documents"]
    if target.relevance:
        parts.append(f"relevant: {', '.join(map(str, target.relevance))}")
    return "; ".join(parts)


def _written(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return numbers.number(float(value)) if np.isfinite(value) else "missing"
    if isinstance(value, np.ndarray | list | tuple):
        return ", ".join(map(_written, value)) or "none"
    return "missing" if value is None else str(value)


def _labelled(label: str, content: str) -> Iterator[str]:
    """A label before its content; content of several lines below it, indented."""
    lines = visible(content.replace("\r\n", "\n")).split("\n")
    if len(lines) == 1:
        yield f"{visible(label)}: {lines[0]}"
        return
    yield f"{visible(label)}:"
    yield from (f"{INDENT}{line}" for line in lines)


def _count(tokens: float) -> str:
    return f"{tokens:,.0f}" if np.isfinite(tokens) else "?"


def _price(dollars: float) -> str:
    if not np.isfinite(dollars):
        return "price unknown"
    price = numbers.price(dollars)
    return f"<${price[1:]}" if price.startswith("<") else f"${price}"
