"""Query rewriting: makes follow-up questions self-contained before retrieval."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bakeoff.llm.base import LLM, LLMRequest, RequestEstimate
from bakeoff.task import Corpus, Question
from bakeoff.words import STOP

_WORD = re.compile(r"\w+(?:[.'-]\w+)*")


class Rewriter(Protocol):
    """Makes questions self-contained."""

    def rewrite(self, questions: Sequence[Question]) -> list[str]:
        """A text for each of n questions that can be understood alone."""


@dataclass(frozen=True)
class AsAsked:
    """Questions as they were asked."""

    def rewrite(self, questions: Sequence[Question]) -> list[str]:
        """Return the questions' texts unchanged."""
        return [question.text for question in questions]


@dataclass(frozen=True)
class FollowUps:
    """By rule: a question that follows others is preceded by the words of the user's turns that carry their meaning.

    Args:
        turns: number of the user's latest turns to use.
        words: maximum words prepended to a question; the latest ones are kept.
    """

    turns: int = 2
    words: int = 12

    def rewrite(self, questions: Sequence[Question]) -> list[str]:
        """The questions, those that follow others with those words before them."""
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> str:
        earlier = (
            [turn.content for turn in question.history if turn.role == "user"][-self.turns :] if self.turns else []
        )
        present = {word.lower() for word in _WORD.findall(question.text)}
        carried_over: dict[str, str] = {}
        for word in (word for turn in reversed(earlier) for word in content_words(turn)):
            if word.lower() not in present and word.lower() not in carried_over and len(carried_over) < self.words:
                carried_over[word.lower()] = word
        return " ".join([*carried_over.values(), question.text])


@dataclass(frozen=True)
class ByLLM:
    """An LLM rewrites questions that follow others; where it gives no answer, the rule does.

    Args:
        llm: the model to call, once per follow-up question.
        template: a prompt that sees ``question`` and ``history``, as ``conf/prompt/rewrite.yaml``. It is not named
            ``prompt``, as the chosen prompt is for answers.
        max_tokens: maximum output tokens of a rewritten question.
    """

    llm: LLM
    template: Any
    max_tokens: int = 64

    def rewrite(self, questions: Sequence[Question]) -> list[str]:
        """The questions, those that follow others rewritten."""
        texts = FollowUps().rewrite(questions)
        rows = [row for row, question in enumerate(questions) if question.history]
        requests = self._build_requests(questions)
        for row, completion in zip(rows, self.llm.complete(requests) if requests else [], strict=True):
            if completion.status == "ok" and completion.text.strip():
                texts[row] = completion.text.strip()
        return texts

    def check(self) -> None:
        """Raise ``ConfigError`` if the LLM cannot be called."""
        self.llm.check()

    def estimate_requests(self, questions: Sequence[Question], corpus: Corpus) -> list[RequestEstimate]:
        """A request for each question that follows others."""
        return [RequestEstimate(self.llm, self._build_requests(questions))]

    def _build_requests(self, questions: Sequence[Question]) -> list[LLMRequest]:
        return [
            LLMRequest(
                self.template.render(question=one.text, history=one.history),
                max_tokens=self.max_tokens,
                stage="rewrite",
            )
            for one in questions
            if one.history
        ]


def content_words(text: str) -> list[str]:
    """The words that carry meaning, in order."""
    return [word for word in _WORD.findall(text) if word.lower() not in STOP]
