"""FAQ lookup: the answer of the semantically nearest training question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.errors import ConfigError, DataError
from bakeoff.llm.base import RequestEstimate
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.qa import found
from bakeoff.models.qa.abstention import calibrated
from bakeoff.models.similarity.neighbours import Neighbours
from bakeoff.models.texts import Reader
from bakeoff.retrieval.base import Embedder
from bakeoff.retrieval.history import FollowUps, Rewriter
from bakeoff.task import ABSTAINED, Corpus, Examples, Gold, Predictions, Question, Schema, questions

if TYPE_CHECKING:
    import pandas as pd

ANSWERED, UNSURE = "faq", "unsure"


@dataclass(eq=False)
class FAQ(Model):
    """Answers with the first answer of the nearest answered training question, and cites its documents.

    The confidence of an answer is the cosine of both questions, from 0 to 1.

    Args:
        embedder: for questions.
        min_confidence: threshold below which the model abstains. None: where token F1 is best on the training
            questions, each answered by the others.
        rewriter: makes a question self-contained first; None: by rule.
        store: folder or URL (s3://…) of the vectors; None: the user's cache.
        predict_batch_size: rows that a search predicts before it checks the score again.
    """

    embedder: Embedder
    min_confidence: float | None = None
    rewriter: Rewriter | None = None
    store: str | None = None
    predict_batch_size: int | None = 256

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a task without questions, or a confidence outside 0 to 1."""
        require_kind(self, schema, "qa")
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise ConfigError(f"model.min_confidence: {self.min_confidence} is not between 0 and 1.")
        found.check(self.rewriter)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Embed the answered training questions. Raises ``DataError`` when there is none."""
        assert context.corpus is not None
        answered = [i for i, gold in enumerate(train.y) if gold.is_answerable]
        if not answered:
            raise DataError("model: FAQ answers with what was answered before, and no training question has an answer.")
        self.is_search_ = context.memo is not None
        entries = [Entry(gold.answers[0], tuple(gold.relevance)) for gold in train.y[answered]]
        self._open(context.schema, context.corpus, entries, Reader(self.embedder, context.threads, self.is_search_))
        needed = self._needed(train)
        texts = dict(zip(needed, self._rewritten(questions(train.X.iloc[needed])), strict=True))
        self.rows_ = Neighbours.from_texts([texts[i] for i in answered], self.reader_, self.store)
        self.threshold_ = 0.0 if self.min_confidence is None else self.min_confidence
        if self._is_calibrated(train):
            self.threshold_ = self._calibrated(list(texts.values()), list(train.y))

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n questions. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "threshold_")
        timed = found.timed(self._nearest, questions(X), self.is_search_)
        confidence = np.array([cosine for _, cosine in timed.results])
        pairs = [(self.entries_[row], cosine >= self.threshold_) for row, cosine in timed.results]
        return Predictions(
            found.objects(entry.answer if sure else ABSTAINED for entry, sure in pairs),
            stage=found.objects(ANSWERED if sure else UNSURE for _, sure in pairs),
            confidence=confidence,
            retrieved=found.objects(entry.documents for entry, _ in pairs),
            cited=found.objects(entry.documents if sure else () for entry, sure in pairs),
            evidence=found.objects(self._evidence(entry) if sure else "" for entry, sure in pairs),
            seconds=timed.seconds,
            usage=timed.usage,
            transcripts=timed.transcripts,
            **timed.status(
                ["" if sure else f"confidence below min_confidence={self.threshold_:.3g}" for _, sure in pairs]
            ),
        )

    def warm_up(self, X: pd.DataFrame) -> None:
        """Predict one row, unless that would call an LLM: its requests are paid for."""
        if not found.asks_llm(self.corpus_, self.rewriter):
            super().warm_up(X)

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """Estimate the requests of a rewriter that calls an LLM, training questions included."""
        assert context.corpus is not None
        training = questions(train.X.iloc[self._needed(train)])
        return found.estimate_requests([*training, *questions(X)], context.corpus, self.rewriter)

    def report(self) -> ModelReport:
        """Report on the number of known questions, the index type, and the confidence threshold."""
        return ModelReport({"neighbours": dict(self.rows_.details()), "min_confidence": self.threshold_})

    def save(self, folder: Path) -> None:
        """Write the parts as configs, the entries and the threshold as JSON, the vectors and the documents."""
        persistence.write(
            folder, self, self.schema_, self.corpus_, threads=self.reader_.threads, threshold=self.threshold_,
            entries=[[entry.answer, list(entry.documents)] for entry in self.entries_],
        )  # fmt: skip
        self.rows_.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        assert saved.corpus is not None
        model, state = saved.model, saved.learned
        entries = [Entry(answer, tuple(documents)) for answer, documents in state["entries"]]
        model._open(saved.schema, saved.corpus, entries, Reader(model.embedder, state["threads"]))
        model.is_search_, model.threshold_ = False, state["threshold"]
        model.rows_ = Neighbours.load(folder, model.reader_, model.store)
        return model

    def _open(self, schema: Schema, corpus: Corpus, entries: Sequence[Entry], reader: Reader) -> None:
        self.schema_, self.corpus_, self.entries_, self.reader_ = schema, corpus, list(entries), reader
        self.texts_ = dict(zip(corpus.documents["id"], corpus.documents["text"], strict=True))

    def _rewritten(self, batch: Sequence[Question]) -> list[str]:
        return (self.rewriter or FollowUps()).rewrite(batch)

    def _nearest(self, batch: Sequence[Question]) -> list[tuple[int, float]]:
        """The nearest entry to each question, and its cosine."""
        rows, cosines = self.rows_.nearest(self._rewritten(batch), 1)
        return [(int(row), float(np.clip(cosine, 0, 1))) for row, cosine in zip(rows[:, 0], cosines[:, 0], strict=True)]

    def _evidence(self, entry: Entry) -> str:
        return "\n".join(str(self.texts_[name]) for name in entry.documents)

    def _is_calibrated(self, train: Examples) -> bool:
        """True if the threshold is calibrated on training questions: if abstaining can pay, and others can answer."""
        answered = sum(gold.is_answerable for gold in train.y)
        return self.min_confidence is None and 2 <= answered < len(train)

    def _needed(self, train: Examples) -> list[int]:
        """The training questions that are embedded: the answered ones, and the others where they help to calibrate."""
        needs_all = self._is_calibrated(train)
        return [i for i, gold in enumerate(train.y) if needs_all or gold.is_answerable]

    def _calibrated(self, texts: Sequence[str], golds: Sequence[Gold]) -> float:
        """The threshold at which training questions, each answered by the nearest other one, score best."""
        rows, cosines = self.rows_.nearest_of(self.reader_.learn(texts), 2)
        position = iter(range(len(self.entries_)))
        own = [next(position) if gold.is_answerable else -1 for gold in golds]
        chosen = [0 if row[0] != mine else 1 for row, mine in zip(rows, own, strict=True)]
        answers = [self.entries_[row[i]].answer for row, i in zip(rows, chosen, strict=True)]
        sure = [float(np.clip(c[i], 0, 1)) for c, i in zip(cosines, chosen, strict=True)]
        return calibrated(sure, answers, golds)


@dataclass(frozen=True)
class Entry:
    """An answered question: its answer, and the documents that hold it."""

    answer: str
    documents: tuple[str, ...]
