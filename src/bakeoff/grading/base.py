"""Contract of graders, which grade answers after prediction; a metric then averages the grades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.llm.base import LLM, LLMRequest
    from bakeoff.llm.transcript import Transcript
    from bakeoff.task import PredictionTable


class Grader(Protocol):
    """Grades each answer. Parameters go to the constructor and nowhere else.

    The metric ``semantic_similarity`` is the mean of what the grader named ``similarity`` gives, ``judge`` that of the
    grader named so.
    """

    def check(self) -> None:
        """Raise ``ConfigError`` or ``DataError`` if grading would be impossible. Cheap: sends no request."""

    def grade(self, X: pd.DataFrame, table: PredictionTable) -> NDArray[np.float64]:
        """A grade from 0 to 1 for each of n answers, shape (n,); NaN where there is nothing to grade.

        Args:
            X: the questions, n rows of the feature columns.
            table: the answers and the truth, the same rows.
        """

    def details(self) -> Mapping[str, Any]:
        """Details of grading for ``result.json``: requests, failures, agreement with human labels. JSON values."""

    def notes(self) -> list[str]:
        """Caveats for readers of the grades, one sentence each, after grading."""


@runtime_checkable
class GradesByLLM(Protocol):
    """A grader that asks an LLM.

    Attributes:
        llm: the model to call.
    """

    llm: LLM

    def estimate_requests(self, X: pd.DataFrame, y: NDArray[Any]) -> list[LLMRequest]:
        """Estimate the requests needed to grade the answers to n questions; nothing is sent.

        Args:
            X: the questions, n rows of the feature columns.
            y: the truth about them, shape (n,).
        """


@runtime_checkable
class KeepsTranscripts(Protocol):
    """A grader that keeps the requests of its last grading for the record.

    Requests of other graders are recorded too, but not beside the answer that they were made for.
    """

    def transcripts(self) -> Sequence[Transcript]:
        """Transcripts of the last ``grade``; their ``row`` is the position among the n answers."""
