"""A judge asks a real model through a real server: what it says is JSON, and its agreement is measured, not assumed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from answered import answered

from bakeoff import assets
from bakeoff.grading.judge import Judge
from bakeoff.llm.base import Ask, Completion

xllamacpp = pytest.importorskip("xllamacpp")

LABELLED = [
    ("What is the capital of France?", "Paris", "Paris", True),
    ("What is the capital of France?", "Paris", "It is London.", False),
    ("Which keyword defines a function in Python?", "def", "the def keyword", True),
    ("Which keyword defines a function in Python?", "def", "class", False),
    ("How many days has a week?", "7", "seven", True),
    ("How many days has a week?", "7", "eight", False),
]


@dataclass
class InProcess:
    """One request after another to llama.cpp's server in this process."""

    server: Any
    max_in_flight: int = 1
    tokens: int = 0
    said: list[Completion] = field(default_factory=list)

    def check(self) -> None: ...

    def complete(self, asks: Sequence[Ask]) -> list[Completion]:
        made = [self._one(ask) for ask in asks]
        self.said += made
        return made

    def usage(self) -> Mapping[str, Any]:
        return {"output_tokens": self.tokens}

    def _one(self, ask: Ask) -> Completion:
        body: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in ask.messages],
            "max_tokens": ask.max_tokens,
            "temperature": 0,
        }
        if ask.schema:
            body["response_format"] = {"type": "json_schema", "json_schema": {"schema": dict(ask.schema)}}
        if ask.choices:
            body["grammar"] = "root ::= " + " | ".join(f'"{choice}"' for choice in ask.choices)
        answer = self.server.handle_chat_completions(body)
        answer = json.loads(answer) if isinstance(answer, str | bytes) else answer
        text = answer["choices"][0]["message"]["content"]
        self.tokens += answer["usage"]["completion_tokens"]
        try:
            return Completion("ok", text=text, parsed=json.loads(text) if ask.schema else None)
        except json.JSONDecodeError:
            return Completion("invalid", text=text)


@pytest.fixture(scope="module")
def smollm2() -> Iterator[InProcess]:
    params = xllamacpp.CommonParams()
    params.model.path = str(assets.resolve("smollm2"))
    params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 2048, 1, 2
    params.verbosity = 0
    yield InProcess(xllamacpp.Server(params))


@pytest.mark.slow
def test_a_small_model_grades_every_answer_and_its_agreement_is_shown(smollm2, tmp_path):
    path = tmp_path / "labels.jsonl"
    rows = [{"question": q, "answers": [a], "output": o, "correct": c} for q, a, o, c in LABELLED]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    X, table = answered(*((q, (a,), o) for q, a, o, _ in LABELLED), ("Capital of Atlantis?", (), ""))
    judge = Judge(smollm2, labels=str(path))
    grades = judge.grade(X, table)
    found = judge.details()
    assert set(grades) <= {0.0, 1.0}, "no answer is without a grade"
    assert grades[-1] == 1
    assert found["validated"] is True
    assert found["agreement"]["n"] == len(LABELLED)
    # Greedy decoding: the labelled answers are those of the table, so the agreement follows from the grades.
    assert found["agreement"]["share"] == pytest.approx(np.mean(grades[:-1] == [c for *_, c in LABELLED]))
    assert found["usage"]["output_tokens"] > 0
