"""Rows as text: in full for prompts, and in the one form that saved models learnt from."""

from __future__ import annotations

import pandas as pd

from bakeoff.models.texts import prompts, texts
from bakeoff.task import Schema

CODE = "def f():\n    return 1"


def test_models_read_texts_as_they_learnt_them_and_prompts_show_all() -> None:
    one = Schema("classification", "y", {"text": "text"}, ("a", "b"))
    X = pd.DataFrame({"text": [f" {CODE} "]})
    assert texts(X, one) == ["def f(): return 1"]
    assert prompts(X, one) == [CODE]


def test_several_columns_keep_their_lines_in_prompts_as_one_does() -> None:
    two = Schema("classification", "y", {"code": "text", "price": "numeric"}, ("a", "b"))
    X = pd.DataFrame({"code": [CODE], "price": [1234567.25]})
    assert texts(X, two) == ["code: def f(): return 1\nprice: 1.23457e+06"]
    assert prompts(X, two) == ["code: def f():\n      return 1\nprice: 1234567.25"]
    assert prompts(pd.DataFrame({"code": ["x"], "price": [0.1 + 0.2]}), two) == ["code: x\nprice: 0.3"]
