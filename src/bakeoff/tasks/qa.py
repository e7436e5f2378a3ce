"""Question answering: an answer to a question, from documents."""

from __future__ import annotations

from bakeoff.task import Schema
from bakeoff.tasks.documents import DocumentKind


class QuestionAnswering(DocumentKind):
    """An answer to a question, from documents: outputs are texts, ``ABSTAINED`` for none."""

    name = "qa"
    summary = "an answer to a question, from documents"
    is_graded = True

    def default_metric(self, schema: Schema) -> str:
        """F1 of the tokens that answer and gold answer share."""
        return "token_f1"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """Token F1, exact match, and recall of the first five documents."""
        return ("token_f1", "exact_match", "recall_at_5")


KIND = QuestionAnswering()
