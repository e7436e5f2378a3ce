"""An encoder that learns from pairs of few rows. That of the fast tests is a tiny one, made here, not yet trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from bakeoff.errors import AssetError, ConfigError, DataError
from bakeoff.models import persistence
from bakeoff.models.base import Context
from bakeoff.models.deep.contrastive import SetFit, drawn
from bakeoff.task import Examples, Schema

SPAM = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
TABLE = Schema("regression", "price", {"area": "numeric", "town": "categorical", "note": "text"})
Make = Callable[..., Context]


def made(folder: Path, **arguments: Any) -> SetFit:
    usual = {"encoder": str(folder), "pairs": 64, "classifier": LogisticRegression(C=10)}
    return SetFit(**{**usual, **arguments})


def test_pairs_are_drawn_half_of_one_class_and_half_of_two_with_all_rows_in_turn() -> None:
    codes = np.array([0] * 30 + [1] * 6 + [2])
    left, right, near = drawn(codes, 200, seed=1)
    assert near.sum() == 100
    assert len(near) == 200
    np.testing.assert_array_equal(codes[left] == codes[right], near)
    assert (left != right).all()
    assert set(left[near]) == set(range(36)), "the class of one row has no pair of its own"
    assert set(left[~near]) == set(range(37))
    np.testing.assert_array_equal(drawn(codes, 200, seed=1)[1], right)
    assert not np.array_equal(drawn(codes, 200, seed=2)[1], right)


def test_rows_without_contrast_are_refused() -> None:
    for codes in ([0, 0, 0], [0, 1, 2]):
        with pytest.raises(ConfigError, match="two training rows of a class and one of another"):
            drawn(np.array(codes), 10, seed=0)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_texts_of_one_class_come_together_and_a_saved_model_predicts_the_same(
    pooling: Any, tiny: Path, messages: Examples, context: Make, tmp_path: Path
) -> None:
    def apart(model: SetFit) -> float:
        """How much nearer texts of one class are than others."""
        vectors = model._vectors(model.texts_.rows(list(messages.X["message"]), "asked"))
        cosines = vectors @ vectors.T
        is_near = messages.y[:, None] == messages.y
        return float(cosines[is_near].mean() - cosines[~is_near].mean())

    untaught = made(tiny, pooling=pooling, learning_rate=1e-12)
    untaught.fit(messages, None, context(SPAM))
    model = made(tiny, pooling=pooling, learning_rate=0.01, pairs=200, epochs=4)
    model.check(SPAM)
    model.fit(messages, None, context(SPAM))
    assert apart(model) > apart(untaught) + 0.3
    predicted = model.predict(messages.X)
    assert (predicted.output == messages.y).mean() > 0.9
    assert predicted.proba is not None
    np.testing.assert_allclose(predicted.proba.sum(axis=1), 1)
    alone = model.predict(messages.X.iloc[3:4]).proba
    assert alone is not None
    np.testing.assert_allclose(alone, predicted.proba[3:4], atol=1e-5)
    persistence.save(model, tmp_path)
    again = persistence.load(tmp_path).predict(messages.X).proba
    np.testing.assert_allclose(again, predicted.proba, atol=1e-6)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".bin", ".pt", ".ckpt")]


def test_the_same_seed_gives_the_same_model_and_the_classifier_given_stays_unfitted(
    tiny: Path, messages: Examples, context: Make
) -> None:
    probas, given = [], LogisticRegression()
    for seed in (1, 1, 2):
        model = made(tiny, classifier=given)
        model.fit(messages, None, replace(context(SPAM), seed=seed))
        probas.append(model.predict(messages.X).proba)
    np.testing.assert_array_equal(probas[0], probas[1])
    assert not np.array_equal(probas[0], probas[2])
    assert not hasattr(given, "classes_")


def test_what_a_fit_costs_depends_on_pairs_and_epochs(tiny: Path, messages: Examples, context: Make) -> None:
    told: list[tuple[int, float]] = []
    model = made(tiny, pairs=40, epochs=2, batch_size=16)
    model.fit(messages, None, context(SPAM, report=lambda step, loss: told.append((step, loss))))
    assert [row["steps"] for row in model.report().curves] == [3, 6]
    assert model.report().details["training"]["epochs"] == 2
    assert told == [], "how near pairs are is no score"


def test_a_text_longer_than_the_encoder_reads_is_cut_and_counted(tiny: Path, messages: Examples, context: Make) -> None:
    X = pd.DataFrame({"message": [*messages.X["message"][:-2], "very long " * 30, "longer still " * 90]})
    model = made(tiny, max_tokens=500)
    model.fit(Examples(X, messages.y, messages.ids, messages.slices), None, context(SPAM))
    assert "Texts are truncated to 64 tokens (model.max_tokens); truncated: 2 training rows." in model.report().notes
    assert len(model.predict(X).output) == 60


def test_rows_of_several_columns_and_a_class_that_training_lacks(tiny: Path, houses: Examples, context: Make) -> None:
    schema = Schema("classification", "price", TABLE.columns, ("dear", "fair", "never"))
    y = np.where(houses.y > np.median(houses.y), "dear", "fair").astype(object)
    model = made(tiny, classifier=GaussianNB())
    model.fit(replace(houses, y=y), None, context(schema))
    proba = model.predict(houses.X).proba
    assert proba is not None
    assert proba.shape == (80, 3)
    assert (proba[:, 2] == 0).all()


def test_an_encoder_that_cannot_be_had_says_what_can(tmp_path: Path, messages: Examples, context: Make) -> None:
    with pytest.raises(AssetError, match=r"model.encoder: .*nowhere cannot be loaded: .* or minilm"):
        made(tmp_path / "nowhere").fit(messages, None, context(SPAM))


def test_a_saved_model_with_another_config_is_refused(
    tiny: Path, messages: Examples, context: Make, tmp_path: Path
) -> None:
    model = made(tiny)
    model.fit(messages, None, context(SPAM))
    persistence.save(model, tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**described, "intermediate_size": 48}))
    with pytest.raises(DataError, match="weights of another model"):
        persistence.load(tmp_path)


def test_values_are_checked_before_any_work(tiny: Path) -> None:
    for arguments, message in (
        ({"pairs": 1}, "model.pairs"),
        ({"pooling": "max"}, 'model.pooling: "max" is unknown'),
        ({"max_tokens": 2}, "model.max_tokens"),
        ({"epochs": 0}, "model.epochs"),
        ({"learning_rate": 0.0}, "model.learning_rate"),
        ({"classifier": None}, "model.classifier"),
        ({"classifier": LogisticRegression(C=-1)}, r"model.classifier.*C"),
    ):
        with pytest.raises(ConfigError, match=message):
            made(tiny, **arguments).check(SPAM)
    with pytest.raises(ConfigError, match="serves classification, and this task is regression"):
        made(tiny).check(TABLE)


def test_predicting_before_fitting_is_refused(tiny: Path, messages: Examples) -> None:
    with pytest.raises(RuntimeError, match="before fit"):
        made(tiny).predict(messages.X)


@pytest.mark.slow
def test_the_pinned_encoder_learns_from_few_rows(messages: Examples, context: Make) -> None:
    model = SetFit(pairs=100, classifier=LogisticRegression())
    model.fit(messages.take(slice(0, 16)), None, context(SPAM))
    assert (model.predict(messages.X).output == messages.y).mean() > 0.95
