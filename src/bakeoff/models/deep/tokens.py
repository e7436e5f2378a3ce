"""Tokenisation: each text is tokenised once and cached, then truncated per model."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.deep.batches import Ragged

PADDING, UNKNOWN, FIRST = 0, 1, 2
Unit = Literal["words", "characters"]
# Numbers are split into digits: there are too many to learn as words.
_WORDS = re.compile(r"\d|[^\W\d]+|[^\w\s]")
KEPT_TOKENS = 20_000_000  # in memory, of all tokenisers together

_kept: OrderedDict[str, Ragged] = OrderedDict()


def once(tokenizer: str, texts: Sequence[str], tokenised: Callable[[], Ragged]) -> Ragged:
    """Tokens of texts, cached for the same texts and tokeniser.

    Args:
        tokenizer: equal for tokenisers that do the same.
        texts: n of them.
        tokenised: does the work.
    """
    digest = hashlib.sha256(tokenizer.encode())
    for text in texts:
        data = text.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    key = digest.hexdigest()
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    tokens = tokenised()
    _kept[key] = tokens
    while len(_kept) > 1 and sum(len(ragged.flat) for ragged in _kept.values()) > KEPT_TOKENS:
        _kept.popitem(last=False)
    return tokens


@dataclass(frozen=True)
class Cut:
    """Truncated sequences.

    Attributes:
        tokens: the sequences after truncation.
        count: number of truncated sequences.
    """

    tokens: Ragged
    count: int


def cut(tokens: Ragged, longest: int, keep_last: bool = False) -> Cut:
    """Truncate sequences to ``longest`` tokens; with ``keep_last`` the final token is kept as the last one."""
    lengths = tokens.lengths
    count = int((lengths > longest).sum())
    if not count:
        return Cut(tokens, 0)
    starts = tokens.ends - lengths
    position = np.arange(len(tokens.flat)) - np.repeat(starts, lengths)
    shortened_lengths = np.minimum(lengths, longest)
    shortened = Ragged(tokens.flat[position < longest], np.cumsum(shortened_lengths), tokens.padding)
    if keep_last:
        is_cut = lengths > longest
        shortened.flat[shortened.ends[is_cut] - 1] = tokens.flat[tokens.ends[is_cut] - 1]
    return Cut(shortened, count)


def split(text: str, unit: Unit) -> list[str]:
    """Split a text into words or characters, in lower case."""
    return list(text.lower()) if unit == "characters" else _WORDS.findall(text.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Vocabulary: known words have their own number, all others share one.

    Attributes:
        words: the most frequent first.
        unit: words or characters.
    """

    words: tuple[str, ...]
    unit: Unit

    @classmethod
    def learn(cls, texts: Sequence[str], unit: Unit, min_count: int, most: int) -> Vocabulary:
        """Learn the vocabulary of training texts.

        Args:
            texts: of the training rows.
            unit: words or characters.
            min_count: minimum number of occurrences of a word.
            most: maximum number of words.

        Raises:
            DataError: there is no word in them.
            ConfigError: no word occurs so often.
        """
        counts = Counter(word for text in texts for word in split(text, unit))
        if not counts:
            raise DataError(
                f"data.text: there is no word in {len(texts):,} training rows, so there is no vocabulary. "
                "Name the columns that hold text in data.text."
            )
        words = [word for word, count in counts.most_common(most) if count >= min_count]
        if not words:
            raise ConfigError(
                f"model.min_count: no word occurs {min_count} times in {len(texts):,} training rows, so there is no "
                f"vocabulary. The most frequent one occurs {max(counts.values())} times."
            )
        return cls(tuple(words), unit)

    def __len__(self) -> int:
        return len(self.words) + FIRST

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Word → number."""
        return {word: i for i, word in enumerate(self.words, start=FIRST)}

    @cached_property
    def identity(self) -> str:
        """Digest that is equal for equal vocabularies."""
        return hashlib.sha256("\0".join((self.unit, *self.words)).encode(errors="surrogatepass")).hexdigest()

    def read(self, texts: Sequence[str]) -> Ragged:
        """Convert n texts to word numbers; a text without words becomes one unknown word."""
        known = self.numbers
        return Ragged.from_sequences(
            [[known.get(w, UNKNOWN) for w in split(text, self.unit)] or [UNKNOWN] for text in texts]
        )
