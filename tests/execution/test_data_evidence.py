"""From rows to what stands beside the verdict: repeated inputs and leaks, by runs of real models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import bakeoff
from bakeoff import record
from bakeoff.compare.checks import Checked
from bakeoff.task import SEEN_INPUT

QUICK = ("decision.resamples=100", "metrics.latency_rows=1", "tracker=none", "record_git=false")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def bake(frame: pd.DataFrame, *overrides: str, **asked: Any) -> bakeoff.Bakeoff:
    return bakeoff.bakeoff(*QUICK, *overrides, data=frame, target="y", incumbent="constant", **asked)


def findings(made: bakeoff.Bakeoff) -> dict[str, Checked]:
    return {checked.name: checked for checked in made.comparison.checks if checked.findings}


def predictions(made: bakeoff.Bakeoff, variant: str) -> pd.DataFrame:
    return pd.read_parquet(Path("outputs") / made.folder.name / variant / "predictions.parquet")


def test_profiles_that_repeat_are_scored_as_scikit_learn_scores_them() -> None:
    rng = np.random.default_rng(1)
    people = pd.DataFrame(
        {
            "cabin": rng.choice(["1st", "2nd", "3rd", "crew"], 2000),
            "sex": rng.choice(["male", "female"], 2000, p=[0.78, 0.22]),
            "age": rng.choice(["adult", "child"], 2000, p=[0.9, 0.1]),
        }
    )
    people["y"] = np.where(rng.random(2000) < 0.4 + 0.4 * (people["sex"] == "female"), "yes", "no")
    made = bake(people, "data.positive='yes'", models=["constant", "linear"], name="people")
    answers = predictions(made, "linear")
    test = people.loc[answers["id"]]
    rest = people.drop(answers["id"])
    pipeline = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(rest[["cabin", "sex", "age"]], rest["y"])
    plain = accuracy_score(test["y"], pipeline.predict(test[["cabin", "sex", "age"]]))
    assert accuracy_score(answers["target"], answers["output"]) == pytest.approx(plain, abs=0.01)
    assert (test["y"] == "yes").mean() == pytest.approx((people["y"] == "yes").mean(), abs=0.003)
    run = made["linear"].record
    assert any("independent draws" in note.text for note in record.data_notes(run))


def test_what_is_known_by_heart_is_told_from_what_is_learned() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(300, 6))).add_prefix("x")
    frame["y"] = np.where(rng.random(300) < 0.5, "a", "b")
    frame = pd.concat([frame, frame.iloc[rng.integers(0, 300, 250)]], ignore_index=True)
    independent = "data.duplicates=independent"
    made = bake(frame, independent, models=["constant", "nearest_neighbors"], name="copies")
    assert list(findings(made)) == ["seen_inputs"]
    assert "If most inputs will be new, set data.duplicates=group." in findings(made)["seen_inputs"].findings[0]
    seen = made["nearest_neighbors"].record.slices[SEEN_INPUT]
    assert seen["yes"]["metrics"]["accuracy"] > seen["no"]["metrics"]["accuracy"] + 0.1
    answers = predictions(made, "nearest_neighbors")
    assert (answers[f"slice:{SEEN_INPUT}"] == "yes").sum() == seen["yes"]["rows"]


def test_a_leak_is_named_beside_the_verdict() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=2000), "y": np.where(rng.random(2000) < 0.4, "churned", "stayed")})
    frame["closed on"] = np.where((frame["y"] == "churned") & (rng.random(2000) < 0.98), "2024", "open")
    made = bake(frame, models=["constant", "linear"], name="leak")
    assert made.verdict.word == "ship"
    [finding] = findings(made)["single_column"].findings
    assert '"closed on" alone predicts the target' in finding
    assert """'data.ignore=["closed on"]'""" in finding
    clean = bake(frame, "data.ignore=[closed on]", models=["constant", "linear"], name="clean")
    assert "single_column" not in findings(clean)
    assert clean.verdict.word != "ship"
