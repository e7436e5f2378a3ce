"""Meaning is compared by the vectors of an embedder, each text embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from answered import answered
from sklearn.feature_extraction.text import HashingVectorizer

from bakeoff import metrics
from bakeoff.grading.similarity import SemanticSimilarity


@dataclass
class Letters:
    """Vectors of three letters in a row. Keeps what it embedded."""

    embedded: list[str] = field(default_factory=list)
    identity: str = "letters"

    def embed(self, texts: Sequence[str], threads: int = 1) -> np.ndarray:
        self.embedded += texts
        hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 3), n_features=256)
        return hashing.transform(texts).toarray().astype(np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))


ROWS = [
    ("Where?", ("in the garden", "outside"), "outside"),
    ("Where?", ("in the garden",), "in a garden"),
    ("Where?", ("in the garden",), "XYZ"),
    ("Where?", ("in the garden",), ""),
    ("Where?", (), "outside"),
    ("Where?", (), ""),
]


def test_an_answer_is_compared_with_the_gold_answer_that_is_nearest():
    grades = SemanticSimilarity(Letters()).grade(*answered(*ROWS))
    assert grades[0] == pytest.approx(1)
    a, b = Letters().embed(["in the garden", "in a garden"])
    assert 0.3 < grades[1] < 0.95
    assert grades[1] == pytest.approx(float(a @ b))
    assert 0 <= grades[2] < 0.2


def test_an_abstention_has_no_meaning_and_a_question_without_answer_no_grade():
    grades = SemanticSimilarity(Letters()).grade(*answered(*ROWS))
    assert grades[3] == 0
    assert np.isnan(grades[4:]).all()


def test_every_text_is_embedded_once():
    letters = Letters()
    SemanticSimilarity(letters).grade(*answered(*ROWS))
    assert sorted(letters.embedded) == ["XYZ", "in a garden", "in the garden", "outside"]


def test_what_was_embedded_before_is_used_again():
    first, second = Letters(), Letters()
    expected = SemanticSimilarity(first).grade(*answered(*ROWS))
    grader = SemanticSimilarity(second)
    np.testing.assert_allclose(grader.grade(*answered(*ROWS)), expected)
    assert not second.embedded
    assert grader.details()["texts_reused"] == 4
    assert grader.details()["embedder"] == "letters"


def test_nothing_is_embedded_where_there_is_nothing_to_compare():
    letters = Letters()
    grades = SemanticSimilarity(letters).grade(*answered(ROWS[3], ROWS[4]))
    assert grades[0] == 0
    assert np.isnan(grades[1])
    assert not letters.embedded


def test_the_metric_is_the_mean_of_the_grades():
    X, table = answered(*ROWS)
    grades = SemanticSimilarity(Letters()).grade(X, table)
    table.grades["similarity"] = grades
    assert metrics.score(table, ["semantic_similarity"])["semantic_similarity"] == pytest.approx(np.mean(grades[:4]))
