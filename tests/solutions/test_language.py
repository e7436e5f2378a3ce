"""Segments by the language of a text, detected offline."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError
from bakeoff.solutions import HeldOut, Segmented, language
from bakeoff.solutions.answers import Recorded
from bakeoff.solutions.judging import Judge
from bakeoff.task import Examples, Predictions, Schema

SCHEMA = Schema("classification", "label", {"text": "text"}, ("no", "yes"), "yes")
GERMAN = "Wie kann ich mein Konto in diesem Monat noch schließen?"
SPANISH = "¿Cómo puedo cerrar mi cuenta de ahorros este mes, por favor?"


def test_languages_are_detected_and_texts_without_words_are_unsure() -> None:
    pytest.importorskip("gcld3")
    found = language.detected([GERMAN, SPANISH, "如何关闭我的账户", "12345", "", "👍👍"])
    assert found.tolist() == ["de", "es", "zh", language.UNSURE, language.UNSURE, language.UNSURE]


def test_each_language_gets_the_part_that_does_best_and_unsure_rows_the_fallback() -> None:
    pytest.importorskip("gcld3")
    X = pd.DataFrame({"text": [GERMAN, SPANISH, "42"] * 30})
    truth = np.array(["yes", "no"] * 45, dtype=object)
    other = np.where(truth == "yes", "no", "yes").astype(object)
    is_german = (X["text"] == GERMAN).to_numpy()
    a = Predictions(np.where(is_german, truth, other).astype(object))
    b = Predictions(np.where(is_german, other, truth).astype(object))
    rows = Examples(X, truth, np.arange(90), X.iloc[:, :0])
    solution = Segmented("language", ["a", "b"], fallback="a", min_rows=10)
    solution.check(SCHEMA)
    solution.learn(HeldOut(SCHEMA, rows, Recorded({"a": a, "b": b}, truth), Judge("accuracy"), 0))
    assert solution.chosen_ == {"de": "a", "es": "b"}
    new = pd.DataFrame({"text": [GERMAN, SPANISH, "42", "如何关闭我的账户"]})
    each = {"a": Predictions(np.full(4, "yes", dtype=object)), "b": Predictions(np.full(4, "no", dtype=object))}
    assert solution.combine(Recorded(each, None), new).output.tolist() == ["yes", "no", "yes", "yes"]


def test_column_named_language_is_used_as_it_is() -> None:
    schema = Schema("classification", "label", {"language": "categorical"}, ("no", "yes"), "yes")
    solution = Segmented("language", ["a", "b"])
    solution.check(schema)
    solution.schema_ = schema
    assert solution._segment(pd.DataFrame({"language": ["x", "y"]})).tolist() == ["x", "y"]


def test_table_without_text_has_no_language() -> None:
    with pytest.raises(ConfigError, match="no text in which a language could be detected"):
        Segmented("language", ["a", "b"]).check(
            Schema("classification", "label", {"x": "numeric"}, ("no", "yes"), "yes")
        )


def test_missing_detector_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcld3", None)
    language._detector.cache_clear()
    with pytest.raises(ConfigError, match=r"bakeoff\[language\]"):
        Segmented("language", ["a", "b"]).check(SCHEMA)
    language._detector.cache_clear()
