"""Rows as tensors: batches, tokens, tables; nothing is tokenised twice, and what is cut is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.base import Context
from bakeoff.models.deep.batches import Batches, Ragged, Rows
from bakeoff.models.deep.recurrent import Recurrent
from bakeoff.models.deep.tabular import FIRST, MISSING, UNSEEN, Table
from bakeoff.models.deep.tokens import UNKNOWN, Vocabulary, cut, once, split
from bakeoff.task import Examples, Schema


def test_batches_hold_each_row_once_and_differ_between_epochs() -> None:
    rows = Rows(100, {"x": np.arange(100)})
    batches = Batches(rows, 16, shuffle_seed=3)
    first = [batch["x"].tolist() for batch in batches]
    assert len(first) == len(batches) == 7
    assert sorted(row for batch in first for row in batch) == list(range(100))
    assert [batch["x"].tolist() for batch in batches] == first, "an epoch is the same whenever it is gone through"
    batches.epoch = 1
    assert [batch["x"].tolist() for batch in batches] != first


def test_sequences_of_similar_length_come_together_and_padding_is_told() -> None:
    random = np.random.default_rng(0)
    sequences = [list(random.integers(2, 9, n)) for n in random.integers(1, 200, 640)]
    rows = Rows(640, ragged={"tokens": Ragged.from_sequences(sequences)})
    padded = sum(batch["tokens"].numel() for batch in Batches(rows, 16, shuffle_seed=0))
    needed = sum(map(len, sequences))
    assert padded < 1.1 * needed
    batch = rows.batch(np.array([3, 0]))
    assert batch["tokens lengths"].tolist() == [len(sequences[3]), len(sequences[0])]
    assert batch["tokens"][1, : len(sequences[0])].tolist() == sequences[0]
    assert batch["tokens"].sum() == sum(sequences[3]) + sum(sequences[0]), "padding is 0"


def test_a_batch_of_dense_rows_copies_the_batch_and_nothing_else() -> None:
    values = np.random.default_rng(0).normal(size=(50_000, 20))
    rows = Rows(50_000, {"x": values})
    assert rows.with_target(np.zeros(50_000, dtype=np.float32)).dense["x"] is values


def test_digests_tell_rows_apart() -> None:
    a = Rows(2, {"x": np.array([1, 2])})
    assert a.digest == Rows(2, {"x": np.array([1, 2])}).digest
    assert a.digest != Rows(2, {"x": np.array([1, 3])}).digest
    assert a.digest != a.with_target(np.array([0, 1])).digest


def test_texts_are_tokenised_once() -> None:
    calls: list[int] = []

    def work() -> Ragged:
        calls.append(1)
        return Ragged.from_sequences([[1], [2]])

    first = once("a test's tokenizer", ["x", "y"], work)
    assert once("a test's tokenizer", ["x", "y"], work) is first
    assert len(calls) == 1
    once("a test's tokenizer", ["xy", ""], work)
    once("another tokenizer", ["x", "y"], work)
    assert len(calls) == 3


def test_sequences_are_cut_and_counted() -> None:
    tokens = Ragged.from_sequences([[1, 2, 3, 9], [4, 9], [5, 6, 7, 8, 9]])
    shortened = cut(tokens, 3)
    assert shortened.count == 2
    assert shortened.tokens.padded(np.array([0, 1, 2]))[0].tolist() == [[1, 2, 3], [4, 9, 0], [5, 6, 7]]
    ended = cut(tokens, 3, keep_last=True)
    assert ended.tokens.padded(np.array([0, 1, 2]))[0].tolist() == [[1, 2, 9], [4, 9, 0], [5, 6, 9]]
    assert tokens.flat.tolist() == [1, 2, 3, 9, 4, 9, 5, 6, 7, 8, 9]


def test_a_model_says_how_many_texts_it_cut(context: Callable[..., Context], messages: Examples) -> None:
    model = Recurrent(max_tokens=6, embedding=4, hidden=4, epochs=1)
    schema = Schema("classification", "label", {"message": "text"}, ("ham", "spam"))
    model.fit(messages, None, context(schema))
    longer = sum(len(split(text, "words")) > 6 for text in messages.X["message"])
    assert (
        f"Texts are truncated to 6 tokens (model.max_tokens); truncated: {longer} training rows."
        in model.report().notes
    )


def test_words_and_characters_that_training_lacks_share_a_number() -> None:
    words = Vocabulary.learn(["Call me at 12", "call at 21!"], "words", min_count=2, most=10)
    assert set(words.words) == {"call", "at", "1", "2"}
    assert words.read(["call zebra"]).flat.tolist() == [words.numbers["call"], UNKNOWN]
    assert words.read([""]).flat.tolist() == [UNKNOWN]
    letters = Vocabulary.learn(["abc", "abd"], "characters", min_count=2, most=10)
    assert set(letters.words) == {"a", "b"}


def test_a_vocabulary_of_nothing_says_why() -> None:
    with pytest.raises(DataError, match="no word in 2 training rows"):
        Vocabulary.learn(["", "  "], "words", 1, 10)
    with pytest.raises(ConfigError, match=r"model.min_count: no word occurs 3 times.*occurs 2 times"):
        Vocabulary.learn(["a a", "b"], "words", 3, 10)


def table(X: pd.DataFrame, **kinds: Any) -> Table:
    return Table.learn(X, Schema("regression", "y", kinds), max_categories=2, buckets=1024, max_tokens=100)


def test_numbers_are_standardised_gaps_are_told_and_outliers_drawn_near() -> None:
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan], "b": [0.0, 0.0, 1.0, 1.0]})
    learnt = table(X, a="numeric", b="numeric")
    numbers = learnt.rows(X)[0].dense["numbers"]
    assert numbers.shape == (4, 3)
    np.testing.assert_array_equal(numbers[:, 2], [0, 0, 0, 1])
    assert numbers[3, 0] == 0, "a gap is the median"
    far = learnt.rows(pd.DataFrame({"a": [1e9], "b": [np.inf]}))[0].dense["numbers"]
    assert np.isfinite(far).all()
    assert far.max() < 25


def test_categories_have_codes_and_those_never_seen_one_of_their_own() -> None:
    X = pd.DataFrame({"c": ["x", "x", "y", "y", "z", None]})
    learnt = table(X, c="categorical")
    codes = learnt.rows(X)[0].dense["categories"][:, 0].tolist()
    assert codes == [FIRST, FIRST, FIRST + 1, FIRST + 1, UNSEEN, MISSING], "the two most frequent are known"
    assert Table.from_plain(learnt.schema, learnt.plain()) == learnt
