"""Labels as an LLM outputs them: by name, or as letters if their first tokens could be confused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.llm.lists import LABELS, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = len(ascii_uppercase)
CANDIDATES = 500
"""Candidates for the first token: many, since a small model's top candidates are often no labels at all."""
TELLING = 2
"""Number of initial letters in which two labels must differ: tokens are pieces of words."""

MARKS = " \t\n\r\u2581\u0120\u010a"
"""Spaces, and the signs by which tokenizers write them."""


@dataclass(frozen=True)
class Spoken:
    """Labels and the words for them, in one order.

    Attributes:
        classes: the labels.
        names: display name of each.
        words: the model's output for each.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]

    @classmethod
    def from_classes(cls, classes: Sequence[str], names: Mapping[str, str], codes: bool) -> Spoken:
        """Words for labels: their names, or letters where ``codes`` are allowed and two names begin alike.

        That includes a name that is a prefix of another, as 1 is of 10: both may have the same first token.
        """
        meant = tuple(names.get(label, label) for label in classes)
        starts = sorted(name.lower()[:TELLING] for name in meant)
        begin_alike = any(after.startswith(before) for before, after in pairwise(starts))
        if codes and begin_alike and len(classes) <= MOST:
            return cls(tuple(classes), meant, tuple(ascii_uppercase[: len(classes)]))
        return cls(tuple(classes), meant, meant)

    @property
    def listed(self) -> list[str]:
        """List the words for a prompt, each with the label's name if that differs."""
        pairs = zip(self.words, self.names, strict=True)
        return [word if word == name else f"{word} ({name})" for word, name in pairs]

    def word(self, label: str) -> str:
        """Word for a label."""
        return self.words[self.classes.index(label)]

    def label(self, word: str) -> str | None:
        """Label for a word; None if there is none."""
        return self.classes[self.words.index(word)] if word in self.words else None

    def labels(self, text: str) -> tuple[str, ...] | None:
        """The labels that a reply lists, sorted, by their words or names; None if it cannot be read.

        Labels that a JSON list invents are dropped.
        """
        label_of = dict(zip((*self.names, *self.words), (*self.classes, *self.classes), strict=True))
        named = listed(text, tuple(label_of))
        return None if named is None else tuple(sorted({label_of[name] for name in named}))

    def probabilities(self, candidates: Sequence[tuple[str, float]]) -> NDArray[np.float64]:
        """The share of each label in the probability of the candidates for the first token, shape (k,).

        A token counts for the one word that begins with it. A label that no candidate begins gets the probability of
        the least candidate, as an upper bound; without candidates all are alike.
        """
        mass = self._mass(candidates)
        floor = np.exp(min((logprob for _, logprob in candidates), default=0.0))
        mass = np.where(mass > 0, mass, floor)
        return np.asarray(mass / mass.sum(), dtype=np.float64)

    def is_begun(self, candidates: Sequence[tuple[str, float]]) -> bool:
        """Return whether any candidate for the first token begins a label."""
        return bool((self._mass(candidates) > 0).any())

    def _mass(self, candidates: Sequence[tuple[str, float]]) -> NDArray[np.float64]:
        """Probability of the candidates that begin each word, shape (k,)."""
        mass = np.zeros(len(self.words))
        lowered = [word.lower() for word in self.words]
        for token, logprob in candidates:
            start = token.strip(MARKS).lower()
            meant = [i for i, word in enumerate(lowered) if start and word.startswith(start)]
            if len(meant) == 1:
                mass[meant[0]] += np.exp(logprob)
        return mass


def list_schema(words: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an answer that lists some of the words."""
    return {
        "type": "object",
        "properties": {LABELS: {"type": "array", "items": {"type": "string", "enum": list(words)}}},
        "required": [LABELS],
        "additionalProperties": False,
    }


def as_json(words: Sequence[str]) -> str:
    """An answer that lists these words, as ``list_schema`` asks for it."""
    return json.dumps({LABELS: list(words)}, ensure_ascii=False)
