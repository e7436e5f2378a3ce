"""Lookups for questions: the time each takes, and the LLM usage on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.llm import progress
from bakeoff.llm.base import LLM, Completion, LLMRequest, RequestEstimate
from bakeoff.llm.transcript import Transcript
from bakeoff.llm.usage import Meter, metered
from bakeoff.models import persistence
from bakeoff.models.persistence import M, Saved
from bakeoff.retrieval.base import Index, LooksUpByLLM, Passage, Retriever
from bakeoff.task import NO_ANSWER, NOT_ASKED, OK, PASSING, WITHHELD, Corpus, Question, RowStatus, Usage

if TYPE_CHECKING:
    from numpy.typing import NDArray

Find = Callable[[Sequence[Question]], list[Any]]


@dataclass(frozen=True)
class Timed:
    """Lookup results for n questions, with time and usage.

    Attributes:
        results: one a question.
        seconds: that each took, shape (n,); None where they were made together.
        mean_seconds: a question.
        usage: LLM usage of each; equal parts if they were made together.
        lost: for each, status and reason if a request before the answer got no usable reply; None elsewhere. If they
            were made together, all are lost to what may pass, or none.
        transcripts: of the requests before the answers.
    """

    results: list[Any]
    seconds: NDArray[np.float64] | None
    mean_seconds: float
    usage: Usage
    lost: Sequence[tuple[RowStatus, str] | None]
    transcripts: tuple[Transcript, ...] = ()

    def status(self, withheld: Sequence[str]) -> dict[str, Any]:
        """Status and reason of each row as fields, given why an answer is withheld; an empty text: it is not."""
        rows = [lost or ((WITHHELD, why) if why else (OK, "")) for lost, why in zip(self.lost, withheld, strict=True)]
        return {"status": objects(status for status, _ in rows), "reason": objects(reason for _, reason in rows)}


def timed(make: Find, asked: Sequence[Question], together: bool) -> Timed:
    """Look up n questions: in one batch, which is fastest, or one by one, each timed.

    A replayed request counts with the time that it took originally.
    """
    if together:
        start = time.perf_counter()
        with metered() as meter:
            results = make(asked)
        mean = (time.perf_counter() - start + meter.replayed_seconds) / len(asked)
        passing = next(iter(meter.passing), None)
        lost_together = [None if passing is None else (NOT_ASKED, passing)] * len(asked)
        return Timed(results, None, mean, meter.usage(len(asked)), lost_together, meter.transcripts(None))
    results, seconds, usage, lost = [], [], [], list[tuple[RowStatus, str] | None]()
    transcripts: list[Transcript] = []
    with progress.batch(len(asked), doing="looking up") as advance:
        for row, question in enumerate(asked):
            start = time.perf_counter()
            with metered() as meter:
                results += make([question])
            seconds.append(time.perf_counter() - start + meter.replayed_seconds)
            usage.append(meter.usage(1))
            lost.append(_lost(meter))
            transcripts += meter.transcripts(row)
            advance()
    return Timed(
        results, np.array(seconds), float(np.mean(seconds)), Usage.concatenate(usage), lost, tuple(transcripts)
    )


def _lost(meter: Meter) -> tuple[RowStatus, str] | None:
    """Status and reason of a row, where one of these requests got no answer that can be used."""
    for completion in meter.completions:
        if completion.status != "ok":
            reason = completion.reason or "error: (no usable answer)"
            is_unasked = completion.status == "not_asked" or reason.partition(":")[0] in PASSING
            return (NOT_ASKED if is_unasked else NO_ANSWER), reason
    return None


def complete(llm: LLM, requests: Sequence[LLMRequest], lookup: Timed) -> list[Completion]:
    """Complete n requests, one for each looked-up question. Those whose lookup was lost are not sent."""
    answers = iter(llm.complete([one for one, lost in zip(requests, lookup.lost, strict=True) if lost is None]))
    return [
        next(answers) if lost is None else Completion("not_asked", error=lost[1], reason=lost[1], tries=0)
        for lost in lookup.lost
    ]


@dataclass(frozen=True)
class Opened:
    """An indexed corpus, ready for lookups by a model.

    Attributes:
        corpus: the documents.
        index: of the model's retriever.
        threads: for it.
        together: whether questions are looked up in one batch, as in a search, or each timed.
    """

    corpus: Corpus
    index: Index
    threads: int
    together: bool

    def timed(self, make: Find, batch: Sequence[Question]) -> Timed:
        """Look up n questions, in one batch or each timed."""
        return timed(make, batch, self.together)


def opened(corpus: Corpus, retriever: Retriever, threads: int, together: bool = False) -> Opened:
    """Index a corpus. Indexes built before, by this or another run, are reused."""
    return Opened(corpus, retriever.index(corpus, threads), threads, together)


def load(cls: type[M], folder: Path) -> Saved[M]:
    """Read back a model with ``retriever``, ``schema_`` and ``opened_``, and what else ``persistence.write`` wrote.

    The index is found by its content, or rebuilt.
    """
    saved = persistence.read(cls, folder)
    assert saved.corpus is not None
    model: Any = saved.model
    model.schema_ = saved.schema
    model.opened_ = opened(saved.corpus, model.retriever, saved.learned["threads"])
    return saved


def asks_llm(corpus: Corpus, *parts: object) -> bool:
    """Check whether a lookup with these components may call an LLM."""
    return bool(estimate_requests([], corpus, *parts))


def check(*parts: object) -> None:
    """Raise ``ConfigError`` if a retriever or rewriter needs an LLM that cannot be called."""
    for part in parts:
        if isinstance(part, LooksUpByLLM):
            part.check()


def estimate_requests(batch: Sequence[Question], corpus: Corpus, *parts: object) -> list[RequestEstimate]:
    """Estimate the LLM requests for looking up n questions; nothing is sent."""
    return [one for part in parts if isinstance(part, LooksUpByLLM) for one in part.estimate_requests(batch, corpus)]


def notes(details: Mapping[str, Any]) -> tuple[str, ...]:
    """Caveats about an index and those within it: passages that the embedder reads in parts, or does not know."""
    own = []
    if longer := details.get("texts_in_parts"):
        own.append(
            f"{longer:,} of {details['passages']:,} passages are longer than the {details['tokens_at_once']} tokens "
            "that the embedder reads at once: the mean of their parts is searched, which finds less. Cut them shorter "
            "(retriever.chunker.words)."
        )
    if cut := details.get("reranked_in_part"):
        own.append(
            f"{cut:,} of {details['reranked']:,} passages were shown to the reranker in part: "
            "retriever.reranker.words is shorter. Raise it, or cut passages shorter (retriever.chunker.words)."
        )
    if details.get("not_english"):
        own.append(
            "The documents are not in English, the only language that the embedder knows: dense search finds much less "
            "in them. Choose retriever=bm25, or an embedder of your language (embedder=sentence_transformers)."
        )
    inner = [note for value in details.values() if isinstance(value, Mapping) for note in notes(value)]
    return tuple(dict.fromkeys([*own, *inner]))


def distinct(passages: Iterable[Passage]) -> list[Passage]:
    """Deduplicate passages by text, in order: showing one twice adds nothing for a model."""
    first: dict[str, Passage] = {}
    for passage in passages:
        first.setdefault(passage.text, passage)
    return list(first.values())


def documents(passages: Iterable[Passage]) -> tuple[str, ...]:
    """Ids of the documents of passages, in their order, each once."""
    return tuple(dict.fromkeys(passage.document for passage in passages))


def objects(values: Iterable[Any]) -> NDArray[Any]:
    """An array of any values, tuples as they are, shape (n,)."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    for i, value in enumerate(listed):
        array[i] = value
    return array
