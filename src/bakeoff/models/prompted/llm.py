"""A prompted LLM that classifies, estimates, answers or writes, zero-shot or few-shot."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from bakeoff.config import wiring
from bakeoff.errors import ConfigError, LLMError, did_you_mean
from bakeoff.llm import reader as readers
from bakeoff.llm.base import LLM, Completion, LLMRequest, RequestEstimate
from bakeoff.llm.prompts import Prompt
from bakeoff.llm.transcript import Transcript, from_requests
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.prompted import answers, labels
from bakeoff.models.prompted.labels import Spoken
from bakeoff.models.prompted.shots import Shots
from bakeoff.models.qa.found import Timed, objects
from bakeoff.models.texts import Reader, number, prompts
from bakeoff.retrieval.base import Embedder
from bakeoff.task import ABSTAINED, NO_ANSWER, OK, Examples, Predictions, RowStatus, Schema, Usage, questions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ANSWERED = "llm"
NUMBER = {
    "type": "object",
    "properties": {"value": {"type": "number"}},
    "required": ["value"],
    "additionalProperties": False,
}
# Content-free inputs that measure a prompt's own bias towards a label (Zhao et al. 2021).
CONTENT_FREE = ("N/A", "", "[MASK]")
NEEDS = {"classification": "text", "multilabel": "text", "regression": "text", "qa": "question", "generation": "text"}
PROMPTS = {"classification": wiring.PROMPT, **wiring.PROMPTS}
NO_LABEL = "unreadable: as one of the labels (no likely token begins one)"
FEWEST_TO_JUDGE = 5
"""Rows of a batch that shows, where none of them begins a label, that the prompt does not ask for labels."""
LABELLED = ("classification", "multilabel")


@dataclass(eq=False)
class PromptedLLM(Model):
    """Prompts a language model for each row.

    Args:
        llm: the model to call.
        prompt: prompt templates. They see ``text`` (the row), ``labels``, ``target``, or ``question`` and
            ``history``.
        method: generate: the answer is one of the labels, by constrained output. logprobs: the label whose first token
            is most probable, which gives probabilities too; the server must return log-probabilities.
        calibrate: divide these by the probabilities for a content-free input (Zhao et al. 2021).
        shots: number of training rows shown as examples; 0 for none.
        shots_by: random, balanced over the labels, or nearest: those whose text is most like the row's.
        embedder: measures which rows are nearest; for ``shots_by: nearest``.
        names: label → a word that says what it means; labels not listed keep their own name.
        max_tokens: maximum output tokens of an answer.
        predict_batch_size: rows that a search predicts before it checks the score again.
        reader: reads answers to questions; its ``abstention`` is the word that prompts see as ``unknown``.
    """

    llm: LLM
    prompt: Prompt
    method: Literal["generate", "logprobs"] = "generate"
    calibrate: bool = True
    shots: int = 0
    shots_by: Literal["random", "balanced", "nearest"] = "balanced"
    embedder: Embedder | None = None
    names: dict[str, str] | None = None
    max_tokens: int = 32
    predict_batch_size: int | None = 16
    reader: readers.Reader = field(default_factory=readers.Reader)

    _was_answered = False  # once True, a batch without a usable answer means a bad batch, not a broken server
    _was_read = False  # once True, a batch whose tokens begin no label is a bad batch, not a prompt that asks for none

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a prompt of another task kind, a missing key, or ambiguous labels."""
        require_kind(self, schema, *NEEDS)
        variables = self.prompt.variables()
        if NEEDS[schema.kind] not in variables or (schema.kind not in LABELLED and "labels" in variables):
            raise ConfigError(
                f"prompt: it is no prompt for {schema.kind}: that needs {{{{ {NEEDS[schema.kind]} }}}}"
                f"{'' if schema.kind in LABELLED else ' and has no labels'}. "
                f"Choose prompt={PROMPTS[schema.kind]}."
            )
        if "passages" in variables:
            raise ConfigError(f"prompt: it wants passages, which model=rag has. Choose prompt={PROMPTS[schema.kind]}.")
        if self.shots and self.shots_by == "nearest" and self.embedder is None:
            raise ConfigError("model.shots_by: nearest needs an embedder. Add embedder=minilm, or choose balanced.")
        if self._is_by_logprobs(schema) and len(schema.classes) > labels.MOST:
            raise ConfigError(
                f"model.method: logprobs distinguishes at most {labels.MOST} labels; there are {len(schema.classes)}. "
                "Choose model.method=generate."
            )
        for label in self.names or {}:
            if label not in schema.classes:
                raise ConfigError(
                    f'model.names: there is no label "{label}". Labels: {", ".join(schema.classes)}.'
                    f"{did_you_mean(label, schema.classes)}"
                )
        self.llm.check()

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Choose the rows to show as examples; nothing else is learnt."""
        self.schema_, self.threads_ = context.schema, context.threads
        self.spoken_ = Spoken.from_classes(
            context.schema.classes, self.names or {}, codes=self._is_by_logprobs(context.schema)
        )
        examples = _values(train.X, context.schema)
        replies = [self._said(truth) for truth in train.y]
        reader = None
        if self.embedder is not None:
            reader = Reader(self.embedder, context.threads, looks_up=context.memo is not None)
        self.shots_ = Shots.from_examples(examples, replies, self.shots, self.shots_by, reader, context.seed)
        self.leaning_: NDArray[np.float64] | None = None

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``LLMError`` if no row has ever got an answer."""
        require_fitted(self)
        start = time.perf_counter()
        requests = self._build_requests(X)
        before = None
        if self.shots_.reader is not None:  # finding the nearest examples takes its time
            before = Timed(
                requests,
                None,
                (time.perf_counter() - start) / len(requests),
                Usage.zeros(len(requests)),
                [None] * len(requests),
            )
        is_by_logprobs = self._is_by_logprobs(self.schema_)
        measured: Sequence[Transcript] = ()
        if is_by_logprobs and self.calibrate and self.leaning_ is None:
            self.leaning_, measured = self._measured_leaning()
        completions = self.llm.complete(requests)
        transcripts = (*measured, *from_requests(requests, completions))
        self._was_answered = self._was_answered or any(c.status == "ok" for c in completions)
        if not self._was_answered:
            answers.require_any(transcripts, completions)
        read = self._by_logprobs if is_by_logprobs else self._by_text
        return read(completions, before, transcripts)

    def reread(self, recorded: Predictions, transcripts: Sequence[Transcript], schema: Schema) -> Predictions:
        """Read recorded answers again. Raises ``ConfigError`` where labels were chosen by log-probabilities."""
        if self._is_by_logprobs(schema):
            raise ConfigError("reread: model.method=logprobs chose the labels by probability, and read no reply.")
        self.schema_ = schema
        self.spoken_ = Spoken.from_classes(schema.classes, self.names or {}, codes=False)
        given = answers.rereadable(transcripts)
        return answers.overlaid(recorded, given, self._by_text([t.completion for t in given], None))

    def warm_up(self, X: pd.DataFrame) -> None:
        """Do nothing: predictions are paid LLM requests."""

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """Estimate the requests for n rows; other examples stand in for the nearest ones."""
        shots_by = "random" if self.shots_by == "nearest" else self.shots_by
        model = replace(self, shots_by=shots_by, embedder=None)
        model.fit(train, None, context)
        is_calibrated = self._is_by_logprobs(context.schema) and self.calibrate
        return [
            RequestEstimate(self.llm, [*(model._content_free() if is_calibrated else []), *model._build_requests(X)])
        ]

    def report(self) -> ModelReport:
        """Report on the LLM usage so far."""
        return ModelReport({"llm": dict(self.llm.usage())})

    def save(self, folder: Path) -> None:
        """Write the parts as configs and the examples as JSON."""
        persistence.write(
            folder, self, self.schema_, shots=self.shots_.to_json(),
            threads=self.threads_,
            leaning=None if self.leaning_ is None else self.leaning_.tolist(),
        )  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_, state = saved.model, saved.schema, saved.learned
        model.threads_ = state["threads"]
        model.spoken_ = Spoken.from_classes(
            saved.schema.classes, model.names or {}, codes=model._is_by_logprobs(saved.schema)
        )
        reader = None if model.embedder is None else Reader(model.embedder, model.threads_)
        model.shots_ = Shots.from_json(state["shots"], reader)
        leaning = state["leaning"]
        model.leaning_ = None if leaning is None else np.array(leaning)
        return model

    def _is_by_logprobs(self, schema: Schema) -> bool:
        """True if labels are chosen by the probability of their first token: only if each row has one label."""
        return schema.kind == "classification" and self.method == "logprobs"

    def _said(self, truth: Any) -> str:
        """Correct answer in the form the model should output."""
        if self.schema_.kind == "multilabel":
            return labels.as_json([self.spoken_.word(label) for label in truth])
        if self.schema_.kind == "classification":
            return self.spoken_.word(str(truth))
        if self.schema_.kind == "regression":
            return f'{{"value": {number(float(truth))}}}'
        return truth.answers[0] if truth.answers else self.reader.abstention

    def _build_requests(self, X: pd.DataFrame) -> list[LLMRequest]:
        return [self._build_request(values, shots) for values, shots in self.shots_.beside(_values(X, self.schema_))]

    def _build_request(self, values: Mapping[str, Any], shots: Sequence[tuple[Mapping[str, Any], str]]) -> LLMRequest:
        about: dict[str, Any] = {"target": self.schema_.target, "labels": self.spoken_.listed}
        about["unknown"] = self.reader.abstention
        messages = self.prompt.render(examples=shots, **about, **values)
        if self.schema_.kind == "regression":
            return LLMRequest(messages, schema=NUMBER, max_tokens=self.max_tokens)
        if self.schema_.kind in ("qa", "generation"):
            return LLMRequest(messages, max_tokens=self.max_tokens)
        if self.schema_.kind == "multilabel":
            return LLMRequest(messages, schema=labels.list_schema(self.spoken_.words), max_tokens=self.max_tokens)
        if self.method == "logprobs":
            return LLMRequest(messages, max_tokens=1, top_logprobs=labels.CANDIDATES)
        return LLMRequest(messages, choices=tuple(self.spoken_.words), max_tokens=self.max_tokens)

    def _by_text(
        self, completions: Sequence[Completion], before: Timed | None, transcripts: Sequence[Transcript] = ()
    ) -> Predictions:
        read = [self._read(completion) for completion in completions]
        is_numeric = self.schema_.kind == "regression"
        output = np.array([one.output for one in read]) if is_numeric else objects(one.output for one in read)
        statuses = [(one.status, one.reason) for one in read]
        short = objects(one.short for one in read) if self.schema_.kind == "qa" else None
        return answers.from_completions(output, ANSWERED, completions, before, statuses, transcripts, short=short)

    def _read(self, completion: Completion) -> answers.Read:
        """Parse a completion into the prediction for its row."""
        status, reason = answers.status_of(completion)
        if self.schema_.kind == "qa":
            return answers.read(completion, self.reader)
        if self.schema_.kind == "multilabel" and (status == OK or reason.startswith("unreadable")):
            listed = self.spoken_.labels(completion.text)
            return answers.UNREADABLE if listed is None else answers.Read(OK, output=listed)
        if self.schema_.kind == "regression":
            number = _finite(completion.parsed["value"]) if status == OK else np.nan
            return answers.Read(status, reason, number) if np.isfinite(number) else answers.lost(status, reason, np.nan)
        if status != OK:
            return answers.lost(status, reason)
        if self.schema_.kind == "generation":
            return answers.read_text(completion, self.reader)
        label = self.spoken_.label(completion.text)
        return answers.UNREADABLE if label is None else answers.Read(OK, output=label)

    def _by_logprobs(
        self, completions: Sequence[Completion], before: Timed | None, transcripts: Sequence[Transcript]
    ) -> Predictions:
        _require_logprobs(completions, transcripts)
        proba = np.array([self._proba(c) for c in completions])
        best = proba.argmax(axis=1)
        output = np.array([self.schema_.classes[i] for i in best], dtype=object)
        confidence = proba[np.arange(len(proba)), best]
        statuses = [self._status_by_logprobs(completion) for completion in completions]
        is_lost = np.array([status != OK for status, _ in statuses])
        self._was_read = self._was_read or not is_lost.all()
        is_batch = len(statuses) >= FEWEST_TO_JUDGE
        if is_batch and not self._was_read and all(reason == NO_LABEL for _, reason in statuses):
            likeliest = ", ".join(f'"{token.strip()}"' for token, _ in completions[0].logprobs[:3])
            raise LLMError(
                f"llm: none of the likeliest first tokens of {len(completions)} answers begins a label "
                f"({likeliest} are the likeliest of the first). Choose model.method=generate, or a prompt that asks "
                "for the label alone.",
                transcripts,
            )
        output[is_lost], proba[is_lost], confidence[is_lost] = ABSTAINED, np.nan, np.nan
        return answers.from_completions(
            output, ANSWERED, completions, before, statuses, transcripts, proba=proba, confidence=confidence
        )

    def _status_by_logprobs(self, completion: Completion) -> tuple[RowStatus, str]:
        """Status of a row, and the reason if its first token has no candidate that begins a label."""
        status, reason = answers.status_of(completion)
        if status == OK and not completion.logprobs:
            return NO_ANSWER, "unreadable: without log-probabilities"
        if status == OK and not self.spoken_.is_begun(completion.logprobs):
            return NO_ANSWER, NO_LABEL
        return status, reason

    def _proba(self, completion: Completion) -> NDArray[np.float64]:
        proba = self.spoken_.probabilities(completion.logprobs)
        if self.leaning_ is not None and completion.logprobs:
            proba = proba / self.leaning_
        return np.asarray(proba / proba.sum(), dtype=np.float64)

    def _content_free(self) -> list[LLMRequest]:
        shots = self.shots_.fixed()
        return [replace(self._build_request({"text": text}, shots), stage="calibrate") for text in CONTENT_FREE]

    def _measured_leaning(self) -> tuple[NDArray[np.float64] | None, list[Transcript]]:
        """Probability of each label for a content-free input, shape (k,), and the transcripts of the requests.

        None if no log-probabilities come back.
        """
        requests = self._content_free()
        completions = self.llm.complete(requests)
        transcripts = [replace(t, row=None) for t in from_requests(requests, completions)]
        _require_logprobs(completions, transcripts)
        probabilities = [self.spoken_.probabilities(c.logprobs) for c in completions if c.logprobs]
        leaning = np.asarray(np.mean(probabilities, axis=0), dtype=np.float64) if probabilities else None
        return leaning, transcripts


def _values(X: pd.DataFrame, schema: Schema) -> list[dict[str, Any]]:
    """Template values of each row."""
    if schema.kind == "qa":
        return [{"question": question.text, "history": question.history} for question in questions(X)]
    return [{"text": text} for text in prompts(X, schema)]


def _require_logprobs(completions: Sequence[Completion], transcripts: Sequence[Transcript]) -> None:
    """Raise ``LLMError`` where answers came back, and none has log-probabilities."""
    answered = [completion for completion in completions if completion.status == "ok"]
    if answered and not any(completion.logprobs for completion in answered):
        raise LLMError("llm: the server returns no log-probabilities. Choose model.method=generate.", transcripts)


def _finite(value: float) -> float:
    """Convert a number to float; NaN if it is not a number or out of range."""
    return float(value) if abs(value) <= sys.float_info.max else np.nan
