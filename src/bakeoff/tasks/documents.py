"""What question answering and retrieval share: questions over a corpus, and gold answers and documents as targets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.data import loading, questions
from bakeoff.task import Gold, Task
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
    is_graded = True

    def load(self, source: Source, settings: DataSettings) -> Task:
        """Read questions and corpus, and split the questions."""
        return loading.task_from(questions.read(source, settings), settings)

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Answers and relevant documents as JSON."""
        column = np.empty(len(targets), dtype=object)
        for i, gold in enumerate(targets):
            content = {"answers": gold.answers, "relevance": dict(gold.relevance)}
            column[i] = json.dumps(content, ensure_ascii=False)
        return column

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """Answers and relevant documents from JSON."""
        targets = np.empty(len(column), dtype=object)
        for i, text in enumerate(column):
            content: Mapping[str, Any] = json.loads(text)
            targets[i] = Gold(tuple(content["answers"]), content["relevance"])
        return targets
