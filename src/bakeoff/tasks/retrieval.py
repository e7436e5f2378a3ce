"""Retrieval: the documents that are relevant to a query."""

from __future__ import annotations

from bakeoff.task import Schema
from bakeoff.tasks.documents import DocumentKind


class Retrieval(DocumentKind):
    """The documents that are relevant to a query: ``Predictions.retrieved`` is the answer."""

    name = "retrieval"
    summary = "the documents that are relevant to a query"

    def default_metric(self, schema: Schema) -> str:
        """Normalised discounted cumulative gain of the first ten documents."""
        return "ndcg_at_10"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """The default metric, recall of the first five documents, and the mean reciprocal rank of the first."""
        return ("ndcg_at_10", "recall_at_5", "mrr")

    def has_references(self, schema: Schema) -> bool:
        """The answer is documents, not a text."""
        return False


KIND = Retrieval()
