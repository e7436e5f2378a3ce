"""Extractive QA without a language model: the retrieved sentence that best matches the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.llm.base import RequestEstimate
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.qa import found
from bakeoff.models.qa.abstention import calibrated
from bakeoff.models.qa.sentences import Rarity, Scorer, Words, sentences
from bakeoff.retrieval.base import Passage, Retriever
from bakeoff.retrieval.history import FollowUps, Rewriter
from bakeoff.task import ABSTAINED, Examples, Predictions, Question, Schema, questions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ANSWERED, UNSURE = "sentence", "unsure"
CALIBRATED_ON = 300  # rows at most


@dataclass(eq=False)
class Extractive(Model):
    """Answers questions with a sentence of the corpus: the cheap baseline that generation must beat.

    The confidence of an answer is the score of its sentence, from 0 to 1.

    Args:
        retriever: finds the passages; its ``top_k`` is the number searched for sentences.
        scorer: rates how well a sentence answers a question; None: by the words they share.
        rank_weight: weight of the passage's rank relative to the sentence's own score, from 0 to 1.
        min_confidence: threshold below which the model abstains. None: where token F1 is best on a sample of the
            training questions, from which nothing else is learnt.
        rewriter: makes a question self-contained before passages are looked for; None: by rule.
        predict_batch_size: rows that a search predicts before it checks the score again.
    """

    retriever: Retriever
    scorer: Scorer | None = None
    rank_weight: float = 0.1
    min_confidence: float | None = None
    rewriter: Rewriter | None = None
    predict_batch_size: int | None = 32

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a task without questions, or a share outside 0 to 1."""
        require_kind(self, schema, "qa")
        for name in ("rank_weight", "min_confidence"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"model.{name}: {value} is not between 0 and 1.")
        found.check(self.retriever, self.rewriter)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Index the corpus, and calibrate the confidence threshold for abstaining."""
        assert context.corpus is not None
        memo: dict[Any, Any] = {} if context.memo is None else context.memo
        texts = context.corpus.documents["text"]
        if Rarity not in memo:
            memo[Rarity] = Rarity.from_documents(texts)
        (self.scorer or Words()).prepare(texts, context.threads)
        self.schema_, self.rarity_ = context.schema, memo[Rarity]
        in_search = context.memo is not None
        self.opened_ = found.opened(context.corpus, self.retriever, context.threads, in_search)
        self.threshold_ = self._calibrated(train, context.seed) if self.min_confidence is None else self.min_confidence

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n questions. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "threshold_")
        timed = self.opened_.timed(self._said, questions(X))
        replies: list[_Reply] = timed.results
        is_sure = [one.is_answer and one.confidence >= self.threshold_ for one in replies]
        pairs = list(zip(replies, is_sure, strict=True))
        return Predictions(
            found.objects(one.sentence if sure else ABSTAINED for one, sure in pairs),
            stage=found.objects(ANSWERED if sure else UNSURE for sure in is_sure),
            confidence=np.array([one.confidence for one in replies]),
            retrieved=found.objects(found.documents(one.retrieved) for one in replies),
            cited=found.objects(found.documents(one.cited) if sure else () for one, sure in pairs),
            evidence=found.objects("\n".join(p.text for p in one.cited) if sure else "" for one, sure in pairs),
            seconds=timed.seconds,
            usage=timed.usage,
            transcripts=timed.transcripts,
            **timed.status([_why(one, sure, self.threshold_) for one, sure in pairs]),
        )

    def warm_up(self, X: pd.DataFrame) -> None:
        """Predict one row, unless that would call an LLM: its requests are paid for."""
        if not found.asks_llm(self.opened_.corpus, self.retriever, self.rewriter):
            super().warm_up(X)

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """Estimate the requests of a reranker or rewriter that calls an LLM, calibration questions included."""
        assert context.corpus is not None
        sampled = questions(train.X.iloc[self._sample(train, context.seed)])
        return found.estimate_requests([*sampled, *questions(X)], context.corpus, self.retriever, self.rewriter)

    def report(self) -> ModelReport:
        """Report on the index and the confidence threshold."""
        details = {"retrieval": dict(self.opened_.index.details()), "min_confidence": self.threshold_}
        return ModelReport(details, found.notes(details))

    def save(self, folder: Path) -> None:
        """Write the parts as configs, the threshold and the documents."""
        persistence.write(
            folder,
            self,
            self.schema_,
            self.opened_.corpus,
            threads=self.opened_.threads,
            threshold=self.threshold_,
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = found.load(cls, folder)
        model = saved.model
        model.rarity_ = Rarity.from_documents(model.opened_.corpus.documents["text"])
        model.threshold_ = saved.learned["threshold"]
        return model

    def _said(self, batch: Sequence[Question]) -> list[_Reply]:
        """The best sentence for each question."""
        texts = (self.rewriter or FollowUps()).rewrite(batch)
        hits = self.opened_.index.search(texts, self.retriever.top_k)
        retrieved = [[hit.passage for hit in of_one] for of_one in hits]
        passages = [found.distinct(of_one) for of_one in retrieved]
        pairs = [
            [(s, rank) for rank, passage in enumerate(of_one) for s in sentences(passage.text)] for of_one in passages
        ]
        candidates = [[sentence for sentence, _ in of_one] for of_one in pairs]
        scores = (self.scorer or Words()).scores(texts, candidates, self.rarity_, self.opened_.threads)
        best = [self._best(*of_one) for of_one in zip(pairs, scores, passages, strict=True)]
        return [replace(one, retrieved=of_one) for one, of_one in zip(best, retrieved, strict=True)]

    def _best(
        self, pairs: Sequence[tuple[str, int]], scores: NDArray[np.float64], passages: Sequence[Passage]
    ) -> _Reply:
        """The best sentence of some passages; of equal ones the first.

        Args:
            pairs: each sentence and the rank of its passage.
            scores: of each sentence.
            passages: the passages.
        """
        if not pairs:
            return _Reply(ABSTAINED, 0.0, passages, None)
        by_rank = 1 / (1 + np.array([rank for _, rank in pairs]))
        scores = (1 - self.rank_weight) * scores + self.rank_weight * by_rank
        best = int(scores.argmax())
        sentence, rank = pairs[best]
        return _Reply(sentence, float(np.clip(scores[best], 0, 1)), passages, passages[rank])

    def _calibrated(self, train: Examples, seed: int) -> float:
        """The lowest threshold with the best token F1 on training questions, where abstaining on a question without an
        answer scores 1; 0 if there are no such questions.
        """
        rows = self._sample(train, seed)
        if not len(rows):
            return 0.0
        golds = train.y[rows]
        replies = self._said(questions(train.X.iloc[rows]))
        return calibrated([one.confidence for one in replies], [one.sentence for one in replies], list(golds))

    def _sample(self, train: Examples, seed: int) -> NDArray[np.intp]:
        """Sample training questions to calibrate on; none if the confidence is given, or abstaining cannot pay."""
        rows = np.random.default_rng(seed).permutation(len(train))[:CALIBRATED_ON]
        if self.min_confidence is not None or all(gold.is_answerable for gold in train.y[rows]):
            return rows[:0]
        return rows


@dataclass(frozen=True)
class _Reply:
    """The best sentence for a question, with its confidence, the passages searched, and the passage it is from."""

    sentence: str
    confidence: float
    retrieved: Sequence[Passage]
    passage: Passage | None

    @property
    def is_answer(self) -> bool:
        """True if there is a sentence at all."""
        return self.passage is not None

    @property
    def cited(self) -> list[Passage]:
        """The passage that contains it."""
        return [] if self.passage is None else [self.passage]


def _why(reply: _Reply, is_sure: bool, threshold: float) -> str:
    """Reason for withholding the answer; empty if it is given."""
    if not reply.is_answer:
        return "nothing was found"
    return "" if is_sure else f"confidence below min_confidence={threshold:.3g}"
