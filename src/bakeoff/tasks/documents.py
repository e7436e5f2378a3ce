"""Base of question answering and retrieval: questions over a corpus, gold answers and documents as targets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.data import loading, questions
from bakeoff.task import Gold, Schema, Task
from bakeoff.tasks.base import Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Source


class DocumentKind(Kind):
    """A task kind that looks for answers in documents: targets are ``object`` arrays of ``Gold``."""

    needs_training_rows = False
    searches_documents = True

    def load(self, source: Source, settings: DataSettings) -> Task:
        """Read questions and corpus, and split the questions."""
        return loading.task_from(questions.read(source, settings), settings)

    def has_references(self, schema: Schema) -> bool:
        """Gold answers are texts."""
        return True

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Answers and relevant documents as JSON."""
        return write_gold(targets)

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """Answers and relevant documents from JSON."""
        return read_gold(column)

    def closeness(
        self, outputs: NDArray[Any], targets: NDArray[Any], measure: Callable[[str, str], float]
    ) -> NDArray[np.float64]:
        """Closeness of each output to the nearest gold answer.

        A question that the corpus does not answer counts as in SQuAD 2.0 (Rajpurkar et al. 2018): abstaining is worth
        1, any answer 0. Abstaining from a question that has an answer is worth 0.
        """
        scores = np.zeros(len(targets))
        for i, (output, gold) in enumerate(zip(outputs, targets, strict=True)):
            is_abstention = not str(output).strip()
            if not gold.is_answerable:
                scores[i] = is_abstention
            elif not is_abstention:
                scores[i] = max(measure(str(output), answer) for answer in gold.answers)
        return scores


def write_gold(targets: NDArray[Any]) -> NDArray[Any]:
    """Each ``Gold`` as JSON, shape (n,)."""
    column = np.empty(len(targets), dtype=object)
    for i, gold in enumerate(targets):
        content: dict[str, Any] = {"answers": gold.answers, "relevance": dict(gold.relevance)}
        # Rare fields are written only for questions that have them, so that files of other tasks stay unchanged.
        content |= {"none_relevant": True} if gold.none_relevant else {}
        content |= {"itself": gold.itself} if gold.itself else {}
        content |= {"twins": dict(gold.twins)} if gold.twins else {}
        column[i] = json.dumps(content, ensure_ascii=False)
    return column


def read_gold(column: pd.Series) -> NDArray[Any]:
    """Each ``Gold`` from JSON, shape (n,)."""
    targets = np.empty(len(column), dtype=object)
    for i, text in enumerate(column):
        content: Mapping[str, Any] = json.loads(text)
        targets[i] = Gold(
            tuple(content["answers"]),
            content["relevance"],
            content.get("none_relevant", False),
            content.get("itself", ""),
            content.get("twins", {}),
        )
    return targets
