"""Method checks: each finds the weakness that it is there to find, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare import checks
from bakeoff.compare.checks import Evidence
from bakeoff.compare.decision import Gain
from bakeoff.compare.looks import Looks
from bakeoff.errors import DataError
from bakeoff.record import Run
from bakeoff.task import SEEN_INPUT, Predictions, PredictionTable, Schema, Series

BINARY = Schema("classification", "label", {"text": "text"}, ("ham", "spam"), "spam")
HERE = {"cpu": "one", "cores": 2, "gpus": [], "versions": {"bakeoff": "0.1.0"}}
SEARCH = {"budget": {"trials": 20, "seconds": None}, "best": {"is_feasible": True}}


def run(name: str, minute: int, family: str = "classical", **changed: Any) -> Run:
    started = f"2026-01-01T00:{minute:02}:00.000+00:00"
    made = Run(Path(name), name, family, "ok", started, seconds={"data": 300.0, "fit": 20.0}, environment=HERE)
    return replace(made, **changed)


def table(output: list[str], target: list[str]) -> PredictionTable:
    n = len(target)
    answers, truth = Predictions(np.array(output, dtype=object)), np.array(target, dtype=object)
    return PredictionTable(BINARY, np.arange(n), truth, answers, np.full(n, 0.1), pd.DataFrame(index=range(n)))


def seen(scored: PredictionTable, n: int) -> PredictionTable:
    """The same, the inputs of the first n rows having been seen in training."""
    return replace(scored, slices=pd.DataFrame({SEEN_INPUT: ["yes"] * n + ["no"] * (len(scored) - n)}))


PLANS = pd.DataFrame({"plan": ["free"] * 60 + ["team"] * 70 + ["pro"] * 70})


def searched(scored: PredictionTable, nothing_for: int) -> PredictionTable:
    """The same, by a search that came back empty-handed from the first few queries."""
    retrieved = np.empty(len(scored), dtype=object)
    for i in range(len(scored)):
        retrieved[i] = () if i < nothing_for else ("document 1",)
    return replace(scored, predictions=replace(scored.predictions, retrieved=retrieved))


def leaky(check: str) -> dict[str, Any]:
    return {"leaks": [{"check": check, "text": f"the finding of {check}"}]}


TRUTH = ["ham", "spam"] * 100
MOSTLY = ["spam", "ham", *TRUTH[2:]]
SOUND = Evidence(
    (run("rules", 0, "rules"), run("linear", 1, search=SEARCH)),
    {"rules": table(["ham"] * 200, TRUTH), "linear": table(MOSTLY, TRUTH)},
    BINARY,
)


def found(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    return {checked.name: checked.findings for checked in checks.checked(evidence) if checked.findings}


def with_linear(**changed: Any) -> Evidence:
    rules, linear = SOUND.runs
    return replace(SOUND, runs=(rules, replace(linear, **changed)))


def test_a_sound_bakeoff_has_nothing_to_object_to() -> None:
    assert found(SOUND) == {}
    states = {checked.name: checked.state for checked in checks.checked(SOUND)}
    assert list(states) == checks.own()
    assert {name for name, state in states.items() if state == "not_applicable"} == {
        own.name for own in checks.OWN if not own.applies(BINARY)
    }


def in_groups(scored: PredictionTable, groups: int) -> PredictionTable:
    return replace(scored, units=np.arange(len(scored)) % groups)


def confident(output: list[str], sure: float = 0.95) -> PredictionTable:
    """Predictions with that probability each."""
    made = table(output, TRUTH)
    is_spam = np.array(output) == "spam"
    proba = np.where(is_spam[:, None], [1 - sure, sure], [sure, 1 - sure])
    return replace(made, predictions=replace(made.predictions, proba=proba))


WRONG = ["spam", "ham", "spam", "ham", *TRUTH[4:]]
LATE = {"trials": 40, "best": {"trial": 38, "is_feasible": True}, "budget": SEARCH["budget"]}
UNDECIDED = Gain("linear", 0.8, 0.02, -0.05, 0.09, 0.035, rows=200)
WEAK = {
    "looks_spent": (
        replace(SOUND, looks=Looks("rows", {"linear": 6}, 0.05)),
        "6 looks were taken at these test rows: 0.039 of 0.05 is spent, and a new variant needs an interval of 99.83%",
    ),
    "search_ended": (with_linear(search=LATE), "linear: trial 39 of 40 is its best. Add search.trials=80."),
    "enough_units": (
        replace(SOUND, tables={"linear": in_groups(table(MOSTLY, TRUTH), 4)}),
        "200 test rows in 4 groups: a verdict needs at least 5 groups",
    ),
    "detectable": (
        replace(SOUND, gains=(UNDECIDED,), margin=0.01),
        "200 test rows detect a gain of about 0.109 (80% power), 11 times the threshold of 0.01",
    ),
    "one_seed": (
        replace(SOUND, runs=(SOUND.runs[0], run("catboost", 1, "boosting"))),
        "catboost: one seed. Retraining alone usually moves F1 or accuracy by 0.002 to 0.006 (standard deviation), "
        "which is not in the interval. Add seeds=5",
    ),
    "rival_seeds": (
        replace(SOUND, runs=(SOUND.runs[0], *(run(f"catboost-seed={i}", 1 + i, "boosting") for i in range(3)))),
        "catboost-seed=0, catboost-seed=1, catboost-seed=2 differ in their seed alone",
    ),
    "label_noise": (
        replace(
            SOUND,
            runs=(*SOUND.runs, run("svm", 2, search=SEARCH), run("tree", 3, search=SEARCH)),
            tables={n: confident(WRONG, s) for n, s in (("linear", 0.95), ("svm", 0.96), ("tree", 0.97))},
        ),
        "All 3 variants that learn contradict the target of 4 rows with confidence: 0, 1, 2, 3.",
    ),
    "same_budget": (
        replace(SOUND, runs=(*SOUND.runs, run("svm", 2, search={**SEARCH, "budget": {"trials": 5, "seconds": None}}))),
        "linear 20 trials, svm 5 trials",
    ),
    "answered": (
        with_linear(details={"rows": {"asked": 200, "no_answer": {"truncated": 3, "error": 1}}}),
        "linear gave no answer to 4 of 200 rows",
    ),
    "found_something": (
        replace(SOUND, tables={"linear": searched(table(MOSTLY, TRUTH), nothing_for=3)}),
        "linear found nothing for 3 of 200 queries",
    ),
    "weak_slice": (
        replace(SOUND, tables={"linear": replace(table(["spam"] * 40 + TRUTH[40:], TRUTH), slices=PLANS)}),
        "linear is much worse where plan is free (60 rows): its error rate is 0.333 there, and 0.1 over all rows.",
    ),
    "met_constraints": (with_linear(search={**SEARCH, "best": {"is_feasible": False}}), "linear: no trial met"),
    "simple_baseline": (
        replace(SOUND, runs=(run("svm", 0), run("linear", 1))), "Add model=constant or model=rules",
    ),
    "enough_rows": (
        replace(SOUND, tables={"linear": table(["ham"] * 195 + ["spam"] * 5, ["ham"] * 196 + ["spam"] * 4)}),
        "fewer than 10 test rows are compared: spam (4)",
    ),
    "too_good": (replace(SOUND, tables={"linear": table(TRUTH, TRUTH)}), "linear is right about every row"),
    "says_more_than_one_thing": (
        replace(SOUND, tables={"linear": table(["spam"] * 200, TRUTH)}), "the same answer, spam",
    ),
    "same_machine": (with_linear(environment=HERE | {"cores": 16}), "rules on one with 2 cores, linear on one with 16"),
    "same_version": (with_linear(environment=HERE | {"versions": {"bakeoff": "0.2.0"}}), "rules 0.1.0, linear 0.2.0"),
    "seen_inputs": (
        replace(SOUND, tables={"linear": seen(table(TRUTH[:150] + TRUTH[151:] + ["ham"], TRUTH), 150)}),
        "linear is right about 100.0% of the 150 test rows whose input also stands in training, and about 0.0% of the "
        "50 others",
    ),
    "single_column": (with_linear(task=leaky("single_column")), "the finding of single_column"),
    "ordered_classes": (with_linear(task=leaky("ordered_classes")), "the finding of ordered_classes"),
    "near_duplicates": (with_linear(task=leaky("near_duplicates")), "the finding of near_duplicates"),
    "copied_texts": (with_linear(task=leaky("copied_texts")), "the finding of copied_texts"),
    "timed_alone": (with_linear(started="2026-01-01T00:00:19.000+00:00"), "rules and linear ran side by side"),
}  # fmt: skip


OF_RECORDS = {
    "edge_of_space", "same_order", "validation_gap", "serial_dependence", "alike", "calibration", "found_slices",
    "judge_family", "unseen_test", "training_gap", "clustered_rows",
}  # fmt: skip
"""Checks that test_checks_of_records.py tries."""


@pytest.mark.parametrize(
    "name", [check.name for check in checks.OWN if check.applies(BINARY) and check.name not in OF_RECORDS]
)
def test_each_check_finds_what_it_is_there_to_find(name: str) -> None:
    evidence, said = WEAK[name]
    assert list(found(evidence)) == [name]
    assert said in found(evidence)[name][0]


def test_who_overlaps_is_found_over_others_in_between() -> None:
    between = run("tree", 1, environment=HERE | {"cores": 16})
    late = replace(SOUND, runs=(run("rules", 0, "rules", seconds={"fit": 3000.0}), between, run("linear", 2)))
    assert found(late)["timed_alone"][0].startswith("rules and linear ran side by side")


def test_a_variant_that_was_not_tuned_beside_one_that_was_is_named() -> None:
    beside = replace(SOUND, runs=(*SOUND.runs, run("svm", 2)))
    assert found(beside) == {
        "same_budget": ("The variants were not tuned with the same budget: linear 20 trials, svm not at all.",)
    }


def test_hardly_any_errors_are_too_good_unless_the_most_frequent_label_makes_few_too() -> None:
    truth = TRUTH * 5
    almost = replace(SOUND, tables={"linear": table(["spam", *truth[1:]], truth)})
    assert "linear is right about all rows but one" in found(almost)["too_good"][0]
    rare = ["ham"] * 995 + ["spam"] * 5
    assert "too_good" not in found(replace(SOUND, tables={"linear": table(rare, rare)}))
    other = ["ham"] * 900 + ["spam"] * 100
    assert "too_good" not in found(replace(SOUND, tables={"linear": table(["spam"] * 5 + other[5:], other)}))


def test_a_slice_that_is_harder_for_everyone_is_not_weak() -> None:
    truth = ["ham", "spam"] * 30 + ["ham"] * 126 + ["spam"] * 14
    output = ["spam", "spam"] * 15 + ["ham", "spam"] * 15 + ["ham"] * 140
    harder = replace(SOUND, tables={"linear": replace(table(output, truth), slices=PLANS)})
    assert "weak_slice" not in found(harder)


def test_rows_that_showed_a_gain_were_enough_to_show_it() -> None:
    shipped = replace(UNDECIDED, variant="svm", low=0.02)
    assert "detectable" not in found(replace(SOUND, gains=(UNDECIDED, shipped), margin=0.01))


def test_few_rows_are_told() -> None:
    few = replace(SOUND, tables={"linear": table(MOSTLY[:50], TRUTH[:50])})
    assert found(few) == {
        "enough_rows": ("50 test rows are compared: on fewer than 100, intervals are rough themselves.",)
    }


def test_a_forecast_that_is_the_truth_is_too_good() -> None:
    paths = np.arange(400.0).reshape(200, 2)
    schema = Schema("forecast", "y", {"y": "numeric"}, series=Series(4, 2, 2, ("y",), (), "1 h", 3600.0, None, {}))
    said = PredictionTable(
        schema, np.arange(200), paths, Predictions(paths.copy()), np.full(200, 0.1), pd.DataFrame(index=range(200))
    )
    assert list(found(Evidence((run("lstm", 0),), {"lstm": said}, schema))) == ["too_good"]


def test_runs_of_earlier_versions_are_checked_as_far_as_they_tell() -> None:
    bare = [replace(r, environment={}, started="", seconds={}) for r in SOUND.runs]
    assert found(replace(SOUND, runs=bare)) == {}


def test_check_that_crashes_is_said_with_its_severity_and_damaged_files_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raising(error: Exception) -> checks.Check:
        def finds(evidence: Evidence) -> list[str]:
            raise error

        return checks.check("enough_units", "Are there enough?", severity="blocks")(finds)

    monkeypatch.setattr(checks, "OWN", (raising(KeyError("x")),))
    (failed,) = checks.checked(SOUND)
    assert failed.findings == ("enough_units failed here: KeyError: 'x'",)
    assert (failed.state, failed.severity) == ("failed", "blocks")
    monkeypatch.setattr(checks, "OWN", (raising(DataError("trials.parquet is damaged")),))
    with pytest.raises(DataError, match="damaged"):
        checks.checked(SOUND)


def test_each_check_has_a_section_in_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs/checks.md").read_text("utf-8")
    sections = [line.removeprefix("### `").rstrip("`") for line in page.splitlines() if line.startswith("### `")]
    assert sorted(sections) == sorted(checks.own())
    for own in checks.OWN:
        text = page.partition(f"### `{own.name}`")[2].partition("###")[0]
        assert own.asks in text and f"({own.severity})" in text, own.name
