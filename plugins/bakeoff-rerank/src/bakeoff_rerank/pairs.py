"""Training pairs: questions with passages that answer them, and with hard negatives."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bakeoff.extend import BM25, ConfigError, Corpus, Recursive, Source, body, words

HISTORY = "[]"  # of a question that stands for itself


@dataclass(frozen=True)
class Pair:
    """A question, a passage, and a label: 1 if the passage answers the question, else 0."""

    question: str
    passage: str
    label: float


def build_pairs(source: Source, split_column: str | None, negatives: int, seed: int) -> list[Pair]:
    """Pairs of the training questions of a source that brings documents: one passage that answers, some that do not.

    Args:
        source: its rows have the columns ``question``, ``answers``, ``relevance`` and ``history`` of a task of kind qa.
        split_column: marks the training rows; other rows are not used. None: all rows are for training.
        negatives: passages of other documents for each question: those that BM25 finds first, then any.
        seed: of the order, and of any passages.

    Raises:
        ConfigError: there are no documents, or no training questions.
    """
    rows = source.read()
    if rows.corpus is None:
        raise ConfigError(f"retriever.reranker.train_on: {source.name} brings no documents.")
    frame = rows.frame
    if split_column is not None:
        if split_column not in frame:
            raise ConfigError(
                f'retriever.reranker.split_column: {source.name} has no column "{split_column}", so nobody knows which '
                "questions are for the test. Name one, or set null where all rows are for training."
            )
        frame = frame[frame[split_column] == "train"]
    if "history" in frame:
        frame = frame[frame["history"] == HISTORY]
    asked = [
        (str(question), json.loads(answers), json.loads(relevance))
        for question, answers, relevance in zip(frame["question"], frame["answers"], frame["relevance"], strict=True)
    ]
    asked = [one for one in asked if one[1] and one[2]]
    if not asked:
        raise ConfigError(f"retriever.reranker.train_on: {source.name} has no training question with an answer.")
    chance = random.Random(seed)
    found = _mined(asked, Corpus(rows.corpus, _fingerprint(rows.corpus)), negatives, chance)
    chance.shuffle(found)
    return found


def _fingerprint(documents: Any) -> str:
    told = documents[["id", "title", "text"]].to_csv(index=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _mined(
    asked: Sequence[tuple[str, list[str], dict[str, int]]], corpus: Corpus, negatives: int, chance: random.Random
) -> list[Pair]:
    retriever = BM25(top_k=10, chunker=Recursive())
    by_document: dict[str, list[Any]] = {}
    for passage in retriever.passages(corpus):
        by_document.setdefault(passage.document, []).append(passage)
    hits = retriever.index(corpus).search([question for question, _, _ in asked], 40)
    pairs: list[Pair] = []
    for (question, answers, relevance), ranking in zip(asked, hits, strict=True):
        own = [p for name in relevance for p in by_document.get(name, [])]
        if not own:
            continue
        best = max(own, key=lambda p: (_says(answers, p.text), _shared(question, p.text)))
        pairs.append(Pair(question, body(best.title, best.text), 1.0))
        near = [hit.passage for hit in ranking if hit.passage.document not in relevance][:negatives]
        far = [p for name in sorted(by_document) if name not in relevance for p in by_document[name] if p not in near]
        others = [*near, *chance.sample(far, min(negatives - len(near), len(far)))]
        pairs += [Pair(question, body(p.title, p.text), 0.0) for p in others]
    return pairs


def _says(answers: Sequence[str], text: str) -> bool:
    return any(answer.lower() in text.lower() for answer in answers)


def _shared(question: str, text: str) -> int:
    return len(set(words(question)) & set(words(text)))
