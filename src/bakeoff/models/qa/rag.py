"""Retrieval-augmented generation: retrieve passages, let an LLM answer from them, and cite the ones used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.llm.base import LLM, Completion, LLMRequest, RequestEstimate
from bakeoff.llm.prompts import Prompt
from bakeoff.llm.reader import Reader
from bakeoff.llm.tokens import LimitsContext
from bakeoff.llm.transcript import ShownPassage, Transcript, from_requests
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.prompted import answers
from bakeoff.models.qa import found
from bakeoff.models.qa.prompt_room import Fitted, fit
from bakeoff.retrieval.base import Passage, Retriever
from bakeoff.retrieval.chunk import cut_to
from bakeoff.retrieval.history import FollowUps, Rewriter
from bakeoff.task import ABSTAINED, OK, WITHHELD, Examples, Predictions, Question, Schema, questions
from bakeoff.words import support

if TYPE_CHECKING:
    import pandas as pd

ANSWER = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "sources": {"type": "array", "items": {"type": "integer"}}},
    "required": ["answer", "sources"],
    "additionalProperties": False,
}
ANSWERED = "llm"


@dataclass(eq=False)
class RAG(Model):
    """Answers questions from the passages that a retriever finds.

    The confidence of an answer is the share of its content words that stand in the passages it cites.

    Args:
        retriever: finds the passages; its ``top_k`` is the number shown.
        llm: the model that answers.
        prompt: prompt templates. They see ``question``, ``history`` and ``passages``, each with ``number``,
            ``title`` and ``text``.
        rewriter: makes a question self-contained before passages are looked for.
        citations: asked: the LLM names the passages it used, in JSON; matched: the passage that holds most of the
            answer's words is cited, for small models that are lost in JSON.
        min_confidence: threshold below which the model abstains.
        passage_words: maximum words shown of a passage; None: all of it. Truncated passages are counted and reported.
        max_tokens: maximum output tokens of an answer with its sources.
        predict_batch_size: rows that a search predicts before it checks the score again.
        reader: reads the answer; its ``abstention`` is the word that prompts see as ``unknown``.
    """

    retriever: Retriever
    llm: LLM
    prompt: Prompt
    rewriter: Rewriter | None = None
    citations: Literal["asked", "matched"] = "asked"
    min_confidence: float = 0.5
    passage_words: int | None = None
    max_tokens: int = 128
    predict_batch_size: int | None = 8
    reader: Reader = field(default_factory=Reader)

    _cuts: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _was_answered = False  # once True, a batch without a usable answer means a bad batch, not a broken server

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a task without questions, a prompt without passages, or a missing key."""
        require_kind(self, schema, "qa")
        if not {"question", "passages"} <= self.prompt.variables():
            raise ConfigError(
                "prompt: model=rag needs {{ question }} and {{ passages }} in it. Choose prompt=answer_from_passages."
            )
        if not 0 <= self.min_confidence <= 1:
            raise ConfigError(f"model.min_confidence: {self.min_confidence} is not between 0 and 1.")
        self.llm.check()
        found.check(self.retriever, self.rewriter)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Index the corpus; nothing is learnt from the rows."""
        assert context.corpus is not None
        self.schema_, in_search = context.schema, context.memo is not None
        self.opened_ = found.opened(context.corpus, self.retriever, context.threads, in_search)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n questions. Raises ``LLMError`` when none has ever got an answer."""
        require_fitted(self, "opened_")
        batch = questions(X)
        lookup = self.opened_.timed(self._passages, batch)
        fitted = [self._fit(*pair) for pair in zip(batch, map(found.distinct, lookup.results), strict=True)]
        requests, contexts = [one.request for one in fitted], [one.passages for one in fitted]
        completions = found.complete(self.llm, requests, lookup)
        transcripts = from_requests(requests, completions, map(self._as_shown, contexts))
        self._count_cuts(fitted, completions)
        self._was_answered = self._was_answered or any(c.status == "ok" for c in completions)
        if not self._was_answered:
            answers.require_any([*lookup.transcripts, *transcripts], completions)
        retrieved = found.objects(map(found.documents, lookup.results))
        return self._read(completions, contexts, lookup, transcripts, retrieved=retrieved)

    def reread(self, recorded: Predictions, transcripts: Sequence[Transcript], schema: Schema) -> Predictions:
        """Read recorded answers again. Citations refer to the passages as they were shown."""
        given = answers.rereadable(transcripts)
        shown = [[Passage("", p.document, p.title, p.text) for p in t.passages] for t in given]
        return answers.overlaid(recorded, given, self._read([t.completion for t in given], shown))

    def _read(
        self,
        completions: Sequence[Completion],
        shown: Sequence[Sequence[Passage]],
        lookup: found.Timed | None = None,
        transcripts: Sequence[Transcript] = (),
        **more: Any,
    ) -> Predictions:
        """Predictions for n questions, from the completions and the passages that their prompts showed."""
        replies = [
            _Reply.from_completion(c, passages, self.reader) for c, passages in zip(completions, shown, strict=True)
        ]
        statuses = [
            (WITHHELD, f"confidence below model.min_confidence={self.min_confidence:g}")
            if reply.read.status == OK and reply.confidence < self.min_confidence
            else (reply.read.status, reply.read.reason)
            for reply in replies
        ]
        pairs = [(reply, status == OK) for reply, (status, _) in zip(replies, statuses, strict=True)]
        return answers.from_completions(
            found.objects(reply.read.output if is_given else ABSTAINED for reply, is_given in pairs),
            ANSWERED,
            completions,
            lookup,
            statuses,
            transcripts,
            short=found.objects(reply.read.short if is_given else ABSTAINED for reply, is_given in pairs),
            confidence=np.array([reply.confidence for reply in replies]),
            cited=found.objects(found.documents(reply.cited) if is_given else () for reply, is_given in pairs),
            evidence=found.objects(
                "\n".join(p.text for p in reply.cited) if is_given else "" for reply, is_given in pairs
            ),
            **more,
        )

    def warm_up(self, X: pd.DataFrame) -> None:
        """Do nothing: predictions are paid LLM requests."""

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """Estimate the requests for n questions; other passages of the corpus stand in for the retrieved ones."""
        assert context.corpus is not None
        cut = self.retriever.passages(context.corpus)
        k = min(self.retriever.top_k, len(cut))
        context_passages = [cut[i * len(cut) // k] for i in range(k)]
        batch = questions(X)
        before = found.estimate_requests(batch, context.corpus, self.retriever, self.rewriter)
        return [
            *before,
            RequestEstimate(self.llm, [self._build_request(question, context_passages) for question in batch]),
        ]

    def report(self) -> ModelReport:
        """Report on the index and the LLM usage so far."""
        details = {"retrieval": dict(self.opened_.index.details()), "llm": dict(self.llm.usage())}
        return ModelReport(details, notes=(*found.notes(details), *self._notes()))

    def save(self, folder: Path) -> None:
        """Write the parts as configs, and the documents."""
        persistence.write(folder, self, self.schema_, self.opened_.corpus, threads=self.opened_.threads)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        return found.load(cls, folder).model

    def _fit(self, question: Question, passages: Sequence[Passage]) -> Fitted:
        """The request with as many of the passages as the model's context window holds."""
        return fit(lambda shown: self._build_request(question, shown), passages, self.llm)

    def _count_cuts(self, fitted: Sequence[Fitted], completions: Sequence[Completion]) -> None:
        """Count passages left out or truncated, and answers truncated at their token limit."""
        texts = [passage.text for one in fitted for passage in one.passages]
        self._cuts["shown"] += len(texts)
        self._cuts["left_out"] += sum(one.left_out for one in fitted)
        self._cuts["part"] += sum(one.is_cut for one in fitted)
        self._cuts["passages"] += sum(cut_to(text, self.passage_words) != text for text in texts)
        self._cuts["answers"] += sum(c.status == "ok" and c.is_cut for c in completions)

    def _notes(self) -> list[str]:
        cut, notes = self._cuts, []
        if cut["passages"]:
            limit = f"model.passage_words={self.passage_words}"
            notes.append(f"{cut['passages']:,} of {cut['shown']:,} passages were shown in part: {limit}.")
        if cut["left_out"] or cut["part"]:
            notes.append(self._note_on_context())
        if cut["answers"]:
            limit = f"model.max_tokens={self.max_tokens}"
            notes.append(f"{cut['answers']:,} answers ended at {limit}, and count as they are.")
        return notes

    def _note_on_context(self) -> str:
        cut, llm = self._cuts, self.llm
        assert isinstance(llm, LimitsContext)
        retrieved = cut["shown"] + cut["left_out"]
        parts = [
            f"{n:,} of {retrieved:,} passages {held}"
            for n, held in ((cut["left_out"], "were left out of prompts"), (cut["part"], "were shown in part"))
            if n
        ]
        counted = "counted by its tokenizer" if llm.counts_exactly else "estimated from the length of the prompts"
        return (
            f"{', '.join(parts)}: the context window of llm.context_tokens={llm.context_tokens} holds no more "
            f"({counted}). Enlarge it, or show fewer or shorter passages (retriever.top_k, retriever.chunker.words)."
        )

    def _passages(self, batch: Sequence[Question]) -> list[list[Passage]]:
        """The passages found for each question, best first."""
        texts = (self.rewriter or FollowUps()).rewrite(batch)
        found_hits = self.opened_.index.search(texts, self.retriever.top_k)
        return [[hit.passage for hit in hits] for hits in found_hits]

    def _as_shown(self, passages: Sequence[Passage]) -> list[ShownPassage]:
        return [ShownPassage(p.document, p.title, cut_to(p.text, self.passage_words)) for p in passages]

    def _build_request(self, question: Question, passages: Sequence[Passage]) -> LLMRequest:
        context = [
            {"number": i, "title": passage.title, "text": cut_to(passage.text, self.passage_words)}
            for i, passage in enumerate(passages, start=1)
        ]
        messages = self.prompt.render(
            question=question.text, history=question.history, passages=context, unknown=self.reader.abstention
        )
        return LLMRequest(messages, schema=ANSWER if self.citations == "asked" else None, max_tokens=self.max_tokens)


@dataclass(frozen=True)
class _Reply:
    """Parsed answer to a question, the passages it cites, and how far these support it."""

    read: answers.Read
    cited: Sequence[Passage] = ()
    confidence: float = 0.0

    @classmethod
    def from_completion(cls, completion: Completion, passages: Sequence[Passage], reader: Reader) -> Self:
        """Parse a completion. Numbers that match no passage are dropped."""
        parsed = completion.parsed
        read = answers.read(completion, reader, None if parsed is None else str(parsed["answer"]))
        if read.status != OK:
            return cls(read)
        if parsed is None:
            cited = sorted(passages, key=lambda passage: -support(read.short, passage.text))[:1]
        else:
            numbers = dict.fromkeys(int(n) for n in parsed["sources"])  # 1.0 is an integer too
            cited = [passages[n - 1] for n in numbers if 1 <= n <= len(passages)]
        return cls(read, cited, support(read.short, "\n".join(p.text for p in cited)))
