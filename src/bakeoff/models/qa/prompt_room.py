"""Fit passages into the context window of a language model, and count what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bakeoff.llm.base import LLM, LLMRequest
from bakeoff.llm.tokens import LimitsContext, excess
from bakeoff.retrieval.base import Passage
from bakeoff.retrieval.chunk import count, cut_to

Build = Callable[[Sequence[Passage]], LLMRequest]


@dataclass(frozen=True)
class Fitted:
    """A request that fits into the context window.

    Attributes:
        request: the prompt, with the passages.
        passages: those that it shows, best first.
        left_out: number of passages that did not fit.
        is_cut: whether the only passage left is shown in part.
    """

    request: LLMRequest
    passages: Sequence[Passage]
    left_out: int = 0
    is_cut: bool = False


def fit(build: Build, passages: Sequence[Passage], llm: LLM) -> Fitted:
    """Leave out the last passages until the request fits; the first is shown in part where it alone does not.

    Nothing is left out where the context window is not known: a server refuses what is too long, and the row says so.
    """
    request = build(passages)
    if not isinstance(llm, LimitsContext):
        return Fitted(request, passages)
    shown = list(passages)
    while (over := excess(request, llm)) > 0 and len(shown) > 1:
        shown.pop()
        request = build(shown)
    left_out = len(passages) - len(shown)
    if over <= 0 or not shown:
        return Fitted(request, shown, left_out)
    first, fits, exceeds = shown[0], 0, count(shown[0].text)
    while exceeds - fits > 1:
        words = (fits + exceeds) // 2
        if excess(build([_shortened(first, words)]), llm) > 0:
            exceeds = words
        else:
            fits = words
    shown = [_shortened(first, fits)]
    return Fitted(build(shown), shown, left_out, is_cut=True)


def _shortened(passage: Passage, words: int) -> Passage:
    return replace(passage, text=cut_to(passage.text, words))
