"""Inputs of a recurrent network: the words of a text; ``forecaster`` has those of a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bakeoff.models.deep import training
from bakeoff.models.deep.batches import Rows
from bakeoff.models.deep.targets import Targets
from bakeoff.models.deep.tokens import Unit, Vocabulary, cut, once
from bakeoff.models.texts import texts
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.deep.networks import Forecaster, RecurrentNetwork

TOKENS = "tokens"  # as in networks.py, which imports torch


@dataclass(frozen=True)
class Cells:
    """Settings of a network's recurrent layers.

    Attributes:
        kind: lstm or gru.
        hidden: width of each direction.
        layers: number of recurrent layers.
        bidirectional: whether a sequence is read from its end as well.
        dropout: share of values dropped in training.
    """

    kind: Literal["lstm", "gru"]
    hidden: int
    layers: int
    bidirectional: bool
    dropout: float


class Reader(Protocol):
    """Converter of rows to network inputs, and of network outputs to predictions. Learned from training rows alone.

    Attributes:
        targets: encoder of the truth.
        cut: name of a set of rows → number of truncated ones.
    """

    targets: Targets
    cut: dict[str, int]

    def rows(self, X: pd.DataFrame, whose: str) -> Rows:
        """Encode n rows for the network."""

    def known(self, examples: Examples, whose: str) -> Rows:
        """Encode rows together with their targets."""

    def predictions(self, outputs: Any, X: pd.DataFrame) -> Predictions:
        """Convert the network's outputs for n rows to predictions."""

    def network(self) -> RecurrentNetwork | Forecaster:
        """Build a network for such rows."""

    def plain(self) -> dict[str, Any]:
        """Learned state, for JSON."""

    def identity(self) -> Mapping[str, Any]:
        """Identity of this reader, to match checkpoints."""

    def details(self) -> Mapping[str, Any]:
        """Details for ``result.json``."""


@dataclass(frozen=True)
class Words:
    """Settings of reading texts.

    Attributes:
        tokens: words or characters.
        min_count: minimum occurrences in training for a word to be known.
        most: maximum number of known words.
        max_tokens: per text; longer texts are truncated.
        embedding: dimensions of a word.
    """

    tokens: Unit
    min_count: int
    most: int
    max_tokens: int
    embedding: int


class TextReader:
    """Encoder of a row's text as word numbers.

    Args:
        schema: of the task.
        words: settings for reading texts.
        cells: of the network.
        vocabulary: the words that are known.
        targets: encoder of the truth.
    """

    def __init__(self, schema: Schema, words: Words, cells: Cells, vocabulary: Vocabulary, targets: Targets) -> None:
        self.schema = schema
        self.words = words
        self.cells = cells
        self.vocabulary = vocabulary
        self.targets = targets
        self.cut: dict[str, int] = {}

    @classmethod
    def learn(cls, train: Examples, schema: Schema, words: Words, cells: Cells) -> TextReader:
        """Learn the vocabulary of the training rows."""
        vocabulary = Vocabulary.learn(texts(train.X, schema), words.tokens, words.min_count, words.most)
        return cls(schema, words, cells, vocabulary, Targets.learn(train.y, schema))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], schema: Schema, words: Words, cells: Cells) -> TextReader:
        """Restore from the output of ``plain``."""
        vocabulary = Vocabulary(tuple(plain["words"]), words.tokens)
        return cls(schema, words, cells, vocabulary, Targets.from_dict(plain, schema))

    def rows(self, X: pd.DataFrame, whose: str) -> Rows:
        """Tokenise texts, and count those truncated."""
        read = texts(X, self.schema)
        if len(read) <= training.FEW_ROWS:
            tokenised = self.vocabulary.read(read)
        else:
            tokenised = once(self.vocabulary.identity, read, lambda: self.vocabulary.read(read))
        shortened = cut(tokenised, self.words.max_tokens)
        self.cut[whose] = max(shortened.count, self.cut.get(whose, 0))
        return Rows(len(read), ragged={TOKENS: shortened.tokens})

    def known(self, examples: Examples, whose: str) -> Rows:
        """Encode rows together with their targets."""
        return self.rows(examples.X, whose).with_target(self.targets.encoded(examples.y))

    def predictions(self, outputs: Any, X: pd.DataFrame) -> Predictions:
        """Convert the network's outputs to predictions."""
        return self.targets.predictions(outputs)

    def network(self) -> RecurrentNetwork:
        """Build a network for words."""
        from bakeoff.models.deep.networks import RecurrentNetwork

        of = self.cells
        return RecurrentNetwork(
            len(self.vocabulary), self.words.embedding, of.hidden, of.layers, of.kind, of.bidirectional, of.dropout,
            self.targets.outputs,
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Vocabulary and scaling of the targets, for JSON."""
        return {"words": list(self.vocabulary.words), **self.targets.plain()}

    def identity(self) -> Mapping[str, Any]:
        """Digest of the vocabulary."""
        return {"vocabulary": self.vocabulary.identity}

    def details(self) -> Mapping[str, Any]:
        """Size of the vocabulary, for ``result.json``."""
        return {"vocabulary": len(self.vocabulary)}
