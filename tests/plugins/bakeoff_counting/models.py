from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from bakeoff.extend import Model, Predictions, persistence, require_fitted, require_kind


@dataclass(eq=False)
class WordCounter(Model):
    """Counts the words that the training rows counted.

    Args:
        most: counts above are cut off.
    """

    most: int = 10

    def check(self, schema):
        """Raise ``ConfigError`` for another kind of task."""
        require_kind(self, schema, "counting")

    def fit(self, train, valid, context):
        """Learn which words are counted."""
        self.schema_ = context.schema
        self.column_ = context.schema.of_kind("text", "categorical")[0]
        self.words_ = sorted({word for counts in train.y for word in counts})

    def predict(self, X):
        """Counts of each row as JSON."""
        require_fitted(self, "words_")
        texts = [str(text).split() for text in X[self.column_]]
        counted = [{w: min(self.most, t.count(w)) for w in self.words_ if w in t} for t in texts]
        return Predictions(np.array([json.dumps(c, sort_keys=True) for c in counted], dtype=object))

    def save(self, folder):
        """Write the words."""
        persistence.write(folder, self, self.schema_, column=self.column_, words=self.words_)

    @classmethod
    def load(cls, folder):
        """Read them back."""
        saved = persistence.read(cls, folder)
        model, model.schema_ = saved.model, saved.schema
        model.column_, model.words_ = saved.learned["column"], saved.learned["words"]
        return model
