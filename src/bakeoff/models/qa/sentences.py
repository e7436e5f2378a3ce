"""Sentence splitting, and scoring of sentences against a question: by shared words, or by meaning as well."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.retrieval.base import Embedder
from bakeoff.retrieval.embeddings import embedded, of_queries
from bakeoff.words import STOP, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A sentence ends with a full stop and white space, where that does not end an abbreviation; a blank line and the next
# item of a list end it too.
_END = re.compile(
    r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<!\bvs\.)(?<=[.!?])[\"')\]*]*\s+|\n\s*\n\s*|\n\s*[-*•]\s+|(?<=[。！？])"
)
_PARAGRAPH = re.compile(r"\n\s*\n")
_SUFFIX = re.compile(r"(?:ing|ied|ies|ed|es|s|ly)$")
_SHORT = 4  # letters; words this short are not stemmed
LENGTH = 20.0  # words in a typical sentence


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, white space within them made single."""
    return [" ".join(part.split()) for part in _END.split(text) if part and part.strip()]


def stems(text: str) -> set[str]:
    """The words of a text that carry meaning, without the usual English suffixes."""
    return {_SUFFIX.sub("", word) if len(word) > _SHORT else word for word in words(text) if word not in STOP}


@dataclass(frozen=True)
class Rarity:
    """Rarity of each stem among the paragraphs of documents, as in BM25 (Robertson and Spärck Jones 1976).

    Attributes:
        paragraphs: number of paragraphs.
        having: stem → number of paragraphs that contain it.
    """

    paragraphs: int
    having: Mapping[str, int]

    @classmethod
    def from_documents(cls, documents: Iterable[str]) -> Rarity:
        """Count the stems of documents."""
        having: Counter[str] = Counter()
        paragraphs = [part for document in documents for part in _PARAGRAPH.split(document) if part.strip()]
        for part in paragraphs:
            having.update(stems(part))
        return cls(len(paragraphs), having)

    def weight(self, stem: str) -> float:
        """log((n + 1) / (n with it + 0.5)); above 0."""
        return math.log((self.paragraphs + 1) / (self.having.get(stem, 0) + 0.5))

    def weights(self, stems_of_text: Iterable[str]) -> float:
        """Total weight of several stems."""
        return sum(self.weight(stem) for stem in stems_of_text)


class Scorer(Protocol):
    """Scores how well sentences answer questions."""

    def prepare(self, documents: Iterable[str], threads: int) -> None:
        """Prepare whatever can be computed before the first question."""

    def scores(
        self, questions: Sequence[str], candidates: Sequence[Sequence[str]], rarity: Rarity, threads: int
    ) -> list[NDArray[np.float64]]:
        """From 0 (not at all) to 1 for each of the sentences of each question, an array a question."""


@dataclass(frozen=True)
class Words:
    """Scores a sentence by the share of the question's words it contains, rare ones counting more.

    Args:
        length_penalty: from 0 (none) to 1: how many more shared words a sentence of twice the typical length needs.
    """

    length_penalty: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.length_penalty <= 1:
            raise ConfigError(f"model.scorer.length_penalty: {self.length_penalty} is not between 0 and 1.")

    def prepare(self, documents: Iterable[str], threads: int) -> None:
        """Do nothing: there is nothing to prepare."""

    def scores(
        self, questions: Sequence[str], candidates: Sequence[Sequence[str]], rarity: Rarity, threads: int
    ) -> list[NDArray[np.float64]]:
        """From 0 to 1 for each of the sentences of each question."""
        return [self._of_one(*pair, rarity) for pair in zip(questions, candidates, strict=True)]

    def _of_one(self, question: str, candidates: Sequence[str], rarity: Rarity) -> NDArray[np.float64]:
        question_stems = stems(question)
        all_of_them = rarity.weights(question_stems) or 1.0
        shares = np.array([rarity.weights(question_stems & stems(sentence)) / all_of_them for sentence in candidates])
        lengths = np.array([len(sentence.split()) for sentence in candidates])
        return np.asarray(shares / (1 + self.length_penalty * np.maximum(lengths / LENGTH - 1, 0)), dtype=np.float64)


@dataclass(frozen=True)
class Meaning:
    """Scores sentences by shared words, and by the similarity of their vectors to the question's.

    Args:
        embedder: for questions and sentences. All sentences of the corpus are embedded when the model is fitted.
        share: weight of vector similarity, from 0 (words alone) to 1 (similarity alone).
        length_penalty: as for ``Words``.
    """

    embedder: Embedder
    share: float = 0.7
    length_penalty: float = 0.2

    def __post_init__(self) -> None:
        Words(self.length_penalty)
        if not 0 <= self.share <= 1:
            raise ConfigError(f"model.scorer.share: {self.share} is not between 0 and 1.")

    def prepare(self, documents: Iterable[str], threads: int) -> None:
        """Embed all sentences that were not embedded before."""
        embedded(self.embedder, sorted({s for document in documents for s in sentences(document)}), threads)

    def scores(
        self, questions: Sequence[str], candidates: Sequence[Sequence[str]], rarity: Rarity, threads: int
    ) -> list[NDArray[np.float64]]:
        """From 0 to 1 for each of the sentences of each question."""
        by_words = Words(self.length_penalty).scores(questions, candidates, rarity, threads)
        vectors = of_queries(self.embedder, questions, threads)
        texts = sorted({sentence for of_one in candidates for sentence in of_one})
        known = dict(zip(texts, embedded(self.embedder, texts, threads)[0], strict=True))
        return [
            self._both(vector, [known[sentence] for sentence in of_one], shares)
            for vector, of_one, shares in zip(vectors, candidates, by_words, strict=True)
        ]

    def _both(
        self, question: NDArray[np.float32], candidates: Sequence[NDArray[np.float32]], by_words: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        near = np.clip([float(vector @ question) for vector in candidates], 0, 1)
        return np.asarray(self.share * near + (1 - self.share) * by_words, dtype=np.float64)
