"""Retrieval only: rank the documents of a corpus for each query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from bakeoff.errors import ConfigError
from bakeoff.llm.base import RequestEstimate
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.qa import found
from bakeoff.retrieval.base import Passage, Retriever
from bakeoff.retrieval.history import FollowUps, Rewriter
from bakeoff.task import ABSTAINED, Examples, Predictions, Question, Schema, questions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class Retrieve(Model):
    """Ranks the documents of a corpus by their best passages.

    Of a query it answers the id of the best document; of a question, which wants an answer in words, the text of the
    best passage, as a search page shows it.

    Args:
        retriever: finds passages; ``depth`` stands for its ``top_k``.
        depth: number of documents to rank.
        rewriter: makes a question self-contained before anything is looked for; None: by rule.
        predict_batch_size: rows that a search predicts before it checks the score again.
    """

    retriever: Retriever
    depth: int = 100
    rewriter: Rewriter | None = None
    predict_batch_size: int | None = 128

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a task without documents, or a ``depth`` below 1."""
        require_kind(self, schema, "retrieval", "qa")
        if self.depth < 1:
            raise ConfigError(f"model.depth: {self.depth}. Rank at least 1 document.")
        found.check(self.retriever, self.rewriter)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Index the corpus; nothing is learnt from the rows."""
        assert context.corpus is not None
        self.schema_, in_search = context.schema, context.memo is not None
        self.opened_ = found.opened(context.corpus, self.retriever, context.threads, in_search)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Rank documents for n queries. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "opened_")
        timed = self.opened_.timed(self._ranked, questions(X))
        retrieved = found.objects(found.documents(ranking)[: self.depth] for ranking in timed.results)
        best = [ranking[0] if ranking else None for ranking in timed.results]
        if self.schema_.kind == "retrieval":
            output = [ABSTAINED if passage is None else passage.document for passage in best]
            return Predictions(
                found.objects(output),
                retrieved=retrieved,
                seconds=timed.seconds,
                usage=timed.usage,
                transcripts=timed.transcripts,
                **timed.status([""] * len(best)),
            )
        text = found.objects(ABSTAINED if passage is None else passage.text for passage in best)
        return Predictions(
            text,
            retrieved=retrieved,
            cited=found.objects(names[:1] for names in retrieved),
            evidence=text,
            seconds=timed.seconds,
            usage=timed.usage,
            transcripts=timed.transcripts,
            **timed.status(["" if passage else "nothing was found" for passage in best]),
        )

    def warm_up(self, X: pd.DataFrame) -> None:
        """Predict one row, unless that would call an LLM: its requests are paid for."""
        if not found.asks_llm(self.opened_.corpus, self.retriever, self.rewriter):
            super().warm_up(X)

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """Estimate the requests of a reranker or rewriter that calls an LLM."""
        assert context.corpus is not None
        return found.estimate_requests(questions(X), context.corpus, self.retriever, self.rewriter)

    def report(self) -> ModelReport:
        """Report on the index."""
        details = {"retrieval": dict(self.opened_.index.details())}
        return ModelReport(details, found.notes(details))

    def save(self, folder: Path) -> None:
        """Write the parts as configs, and the documents."""
        persistence.write(folder, self, self.schema_, self.opened_.corpus, threads=self.opened_.threads)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        return found.load(cls, folder).model

    def _ranked(self, batch: Sequence[Question]) -> list[list[Passage]]:
        """Passages for each question, best first, until enough documents are among them."""
        queries = (self.rewriter or FollowUps()).rewrite(batch)
        results: list[list[Passage]] = [[] for _ in batch]
        waiting, k = list(range(len(batch))), 2 * self.depth  # many documents have more than one passage
        while waiting:
            hits = self.opened_.index.search([queries[i] for i in waiting], k)
            more = []
            for i, of_one in zip(waiting, hits, strict=True):
                results[i] = [hit.passage for hit in of_one]
                if len(of_one) >= k and len(found.documents(results[i])) < self.depth:
                    more.append(i)
            waiting, k = more, 4 * k
        return results
