"""Chunkers: split documents into passages. Nothing but white space is lost.

Sizes are in words. A character of a script that is written without spaces, such as Chinese, counts as one word: models
read it as one token or more. Any other run without white space counts as one word for each 24 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from bakeoff.errors import ConfigError
from bakeoff.words import UNSPACED

WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]{{1,24}}")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n\s*\n\s*|(?<=[。！？؟])")
_HEADING = re.compile(r"#{1,6}\s+\S")
_FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(frozen=True)
class Whole:
    """The document as one passage."""

    def split(self, text: str) -> list[str]:
        """One passage."""
        return [text.strip()]


@dataclass(frozen=True)
class Sentences:
    """As many whole sentences as fit, each passage beginning with the last sentences of the one before it.

    Args:
        words: maximum words per passage; a longer sentence is split.
        overlap: maximum words repeated from the previous passage; whole sentences only.
    """

    words: int = 120
    overlap: int = 0

    def __post_init__(self) -> None:
        _check_words(self.words)
        if not 0 <= self.overlap < self.words:
            raise ConfigError(
                f"retriever.chunker.overlap: {self.overlap} words. From 0 to less than words, which is {self.words}."
            )

    def split(self, text: str) -> list[str]:
        """The passages, in order."""
        sentences = [part for sentence in _sentences(text) for part in _cut(sentence, self.words)]
        groups: list[list[str]] = []
        current: list[str] = []
        for sentence in sentences:
            if current and _count(current) + count(sentence) > self.words:
                groups.append(current)
                current = self._repeated(current, self.words - count(sentence))
            current = [*current, sentence]
        return _passages(map(" ".join, [*groups, current]))

    def _repeated(self, sentences: Sequence[str], room: int) -> list[str]:
        """The last sentences that fit into the overlap and leave room for the next one; never all of them."""
        repeated: list[str] = []
        for sentence in reversed(sentences[1:]):
            if _count(repeated) + count(sentence) > min(self.overlap, room):
                break
            repeated.insert(0, sentence)
        return repeated


@dataclass(frozen=True)
class Recursive:
    """Cuts at the first separator, joins what fits, and cuts what is still too long at the next separator.

    Args:
        words: maximum words per passage.
        separators: where to cut, the best place first; between words when none is left.
    """

    words: int = 120
    separators: Sequence[str] = ("\n\n", "\n", ". ", " ")

    def __post_init__(self) -> None:
        _check_words(self.words)
        object.__setattr__(self, "separators", tuple(self.separators))  # equal to one that a config made of a list
        if not all(self.separators):
            raise ConfigError('retriever.chunker.separators: "" separates nothing. Leave it out: words are cut last.')

    def split(self, text: str) -> list[str]:
        """The passages, in order."""
        return _passages(self._parts(text, tuple(self.separators)))

    def _parts(self, text: str, separators: tuple[str, ...]) -> list[str]:
        if count(text) <= self.words:
            return [text]
        if not separators:
            return _cut(text, self.words)
        pieces = [p for piece in _after(text, separators[0]) for p in self._parts(piece, separators[1:])]
        return _joined(pieces, self.words)


@dataclass(frozen=True)
class Markdown:
    """A passage for each heading and the text below it; longer ones are cut as ``Recursive`` does.

    A heading with no text of its own goes with the next one. A ``#`` in a block of code is no heading.

    Args:
        words: maximum words per passage.
    """

    words: int = 240

    def __post_init__(self) -> None:
        _check_words(self.words)

    def split(self, text: str) -> list[str]:
        """The passages, in order."""
        cut = Recursive(self.words).split
        return _passages(part for section in _sections(text) for part in cut(section))


def count(text: str) -> int:
    """Count the words of a text."""
    return sum(1 for _ in WORD.finditer(text))


def cut_to(text: str, words: int | None) -> str:
    """Truncate a text to a number of words, layout preserved; None: all of it."""
    if words is None:
        return text
    match = next(islice(WORD.finditer(text), words, None), None)
    return text if match is None else text[: match.start()].rstrip()


def _count(texts: Sequence[str]) -> int:
    return sum(map(count, texts))


def _passages(parts: Iterable[str]) -> list[str]:
    """The non-empty parts, or one empty passage."""
    return [part for part in (p.strip() for p in parts) if part] or [""]


def _sentences(text: str) -> list[str]:
    ends = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [text[a:b].strip() for a, b in pairwise(ends) if text[a:b].strip()]


def _cut(text: str, words: int) -> list[str]:
    """Split a text into parts of the given number of words, wherever that falls."""
    starts = [match.start() for match in WORD.finditer(text)][::words]
    return [text[a:b].rstrip() for a, b in pairwise([*starts, len(text)])]


def _after(text: str, separator: str) -> list[str]:
    """Split a text into pieces that end in the separator."""
    pieces = text.split(separator)
    return [piece + separator for piece in pieces[:-1]] + pieces[-1:]


def _joined(pieces: Sequence[str], words: int) -> list[str]:
    """Join neighbouring pieces as long as they fit."""
    joined: list[str] = []
    size = 0
    for piece in pieces:
        more = count(piece)
        if joined and size + more <= words:
            joined[-1] += piece
            size += more
        else:
            joined.append(piece)
            size = more
    return joined


def _sections(text: str) -> list[str]:
    sections: list[list[str]] = [[]]
    is_code = False
    for line in text.splitlines(keepends=True):
        if _FENCE.match(line):
            is_code = not is_code
        starts = not is_code and _HEADING.match(line) is not None
        if starts and any(not _is_heading_or_blank(earlier) for earlier in sections[-1]):
            sections.append([])
        sections[-1].append(line)
    return ["".join(lines) for lines in sections]


def _is_heading_or_blank(line: str) -> bool:
    return not line.strip() or _HEADING.match(line) is not None


def _check_words(words: int) -> None:
    if words < 1:
        raise ConfigError(f"retriever.chunker.words: {words}. A passage has at least 1 word.")
