"""A cross-encoder reranker for bakeoff, trained on the questions of a task."""
