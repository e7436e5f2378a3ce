"""A language model as a stage of a cascade: what it was asked as itself is not asked again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripted import says, serving

import bakeoff as python

QUICK = ("data=breast_cancer", "decision.resamples=100", "metrics.latency_rows=5", "tracker=none", "test_rows=12")


def run_variants(**variants: tuple[str, ...]) -> python.Bakeoff:
    """Run variants by name, each of its own overrides."""
    lists = (f"+hydra.sweeper.variants.{name}={json.dumps(overrides)}" for name, overrides in variants.items())
    return python.bakeoff(*QUICK, "decision.metric=accuracy", *lists)


def test_cascade_asks_the_language_model_nothing_that_its_stage_was_asked(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(lambda body, number: says("malignant")) as script:
        llm = (
            "model=llm", "llm=openai_compatible", "llm.model=m", f"llm.base_url={script.url}", "model.method=generate",
            "llm.price={input: 1.0, output: 1.0}",
        )  # fmt: skip
        validated = (*llm, "record_validation=true")
        run_variants(llm=llm)
        of_test_rows = len(script.seen)
        assert of_test_rows == 12
        bake = run_variants(llm=llm, given=("model=cascade", "model.stages=[{part: linear, accept: 0.9}, llm]"))
        assert len(script.seen) == of_test_rows, "given thresholds need no validation rows"
        run_variants(llm=validated)
        assert len(script.seen) == 2 * of_test_rows, "as many validation rows as test rows, and no test row again"
        stages = "model.stages=[{part: linear, accept: learnt, where: {mean radius: '> 0'}}, {part: llm}]"
        learnt = run_variants(llm=validated, learnt=("model=cascade", stages))["learnt-test_rows=12"]
        assert len(script.seen) == 2 * of_test_rows
    given = bake["given-test_rows=12"]
    stages = given.predictions["stage"].str.partition("/")[0]
    asked = given.predictions["calls"] > 0
    assert (asked == (stages == "llm")).all(), "the price of a row is that of the stages it passed"
    assert learnt.status == "ok"


def test_student_is_taught_once_and_predicts_without_the_language_model(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(lambda body, number: says(("malignant", "benign")[number % 2])) as script:
        bake = python.bakeoff(
            *QUICK, "llm=openai_compatible", "llm.model=m", f"llm.base_url={script.url}", "model.rows=40",
            "model.teacher.method=generate", "llm.price={input: 1.0, output: 1.0}", "record_validation=true",
            models=["distilled", "constant"],
        )  # fmt: skip
        assert len(script.seen) == 40, "the rows to label, in the final fit and for validation rows alike"
        run = next(run for name, run in bake.items() if name.startswith("distilled"))
    labelling = run.record.details["labelling"]
    assert labelling["requests"] == 40 and labelling["usd"] > 0
    assert "calls" not in run.predictions, "no prediction asked a language model"
