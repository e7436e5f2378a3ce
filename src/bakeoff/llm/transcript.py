"""Transcripts: each request to a language model beside its reply as it came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bakeoff.llm.base import Completion, LLMRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ShownPassage:
    """A passage as a prompt showed it.

    Attributes:
        document: id of its document.
        title: of the document.
        text: as far as it was shown.
    """

    document: str
    title: str
    text: str


@dataclass(frozen=True)
class Transcript:
    """One request to a language model, and its completion.

    Attributes:
        row: position of the row that it was made for; None: for no single row, as to measure the bias of a prompt.
        request: the request; its ``stage`` names the purpose.
        completion: the raw reply, what was read from it, and its usage.
        passages: the passages in the prompt, in the order of their numbers.
    """

    row: int | None
    request: LLMRequest
    completion: Completion
    passages: tuple[ShownPassage, ...] = ()

    def within(self, part: str, rows: Sequence[int] | NDArray[np.intp]) -> Transcript:
        """The transcript with positions among all rows, of a part that saw some of them.

        Args:
            part: name of the part of a model, to put before the stage; empty for none.
            rows: position of each row that the part saw.
        """
        row = None if self.row is None else int(rows[self.row])
        stage = f"{part}/{self.request.stage}" if part else self.request.stage
        return replace(self, row=row, request=replace(self.request, stage=stage))


def from_requests(
    requests: Sequence[LLMRequest],
    completions: Sequence[Completion],
    passages: Iterable[Sequence[ShownPassage]] | None = None,
) -> tuple[Transcript, ...]:
    """Transcripts of n rows with one request each; requests that were never sent have none."""
    shown = [()] * len(requests) if passages is None else [tuple(of_row) for of_row in passages]
    return tuple(
        Transcript(row, request, completion, of_row)
        for row, (request, completion, of_row) in enumerate(zip(requests, completions, shown, strict=True))
        if completion.status != "not_asked"
    )
