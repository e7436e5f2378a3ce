"""A judge asks a real model through a real server: what it says is JSON, and its agreement is measured, not assumed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from answered import answered

from bakeoff.grading.judge import Judge
from bakeoff.llm.local import LlamaCpp

LABELLED = [
    ("What is the capital of France?", "Paris", "Paris", True),
    ("What is the capital of France?", "Paris", "It is London.", False),
    ("Which keyword defines a function in Python?", "def", "the def keyword", True),
    ("Which keyword defines a function in Python?", "def", "class", False),
    ("How many days has a week?", "7", "seven", True),
    ("How many days has a week?", "7", "eight", False),
]


@pytest.mark.slow
def test_a_small_model_grades_every_answer_and_its_agreement_is_shown(tmp_path):
    path = tmp_path / "labels.jsonl"
    rows = [{"question": q, "answers": [a], "output": o, "correct": c} for q, a, o, c in LABELLED]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    X, table = answered(*((q, (a,), o) for q, a, o, _ in LABELLED), ("Capital of Atlantis?", (), ""))
    judge = Judge(LlamaCpp(cache="off", context_tokens=2048), labels=str(path))
    grades = judge.grade(X, table)
    found = judge.details()
    assert set(grades) <= {0.0, 1.0}, "no answer is without a grade"
    assert grades[-1] == 1
    assert found["validated"] is True
    assert found["agreement"]["n"] == len(LABELLED)
    # Greedy decoding: the labelled answers are those of the table, so the agreement follows from the grades.
    assert found["agreement"]["share"] == pytest.approx(np.mean(grades[:-1] == [c for *_, c in LABELLED]))
    assert found["usage"]["output_tokens"] > 0
