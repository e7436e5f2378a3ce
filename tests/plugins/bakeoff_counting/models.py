from __future__ import annotations

import json

import numpy as np

from bakeoff.models.base import require_kind
from bakeoff.task import Predictions


class WordCounter:
    """Counts the words that the training rows counted.

    Args:
        most: counts above are cut off.
    """

    uses_validation = False

    def __init__(self, most: int = 10) -> None:
        self.most = most

    def check(self, schema):
        """Raise ``ConfigError`` for another kind of task."""
        require_kind(self, schema, "counting")

    def fit(self, train, valid, context):
        """Learn which words are counted."""
        self.column_ = context.schema.of_kind("text", "categorical")[0]
        self.words_ = sorted({word for counts in train.y for word in counts})

    def predict(self, X):
        """Counts of each row as JSON."""
        if not hasattr(self, "words_"):
            raise RuntimeError("WordCounter: predict was called before fit.")
        texts = [str(text).split() for text in X[self.column_]]
        counted = [{w: min(self.most, t.count(w)) for w in self.words_ if w in t} for t in texts]
        return Predictions(np.array([json.dumps(c, sort_keys=True) for c in counted], dtype=object))

    def save(self, folder):
        """Write the words."""
        (folder / "words.json").write_text(json.dumps([self.most, self.column_, self.words_]))

    @classmethod
    def load(cls, folder):
        """Read them back."""
        most, column, words = json.loads((folder / "words.json").read_text())
        model = cls(most)
        model.column_, model.words_ = column, words
        return model
