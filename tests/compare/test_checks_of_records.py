"""Method checks that read inputs, configs, trials, probabilities and order of rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import record
from bakeoff.compare import checks
from bakeoff.compare.checks import Evidence
from bakeoff.compare.checks.calibration import debiased_error
from bakeoff.compare.checks.time import effective_rows
from bakeoff.record import Run, Score
from bakeoff.task import Predictions, PredictionTable, Schema

BINARY = Schema("classification", "label", {"plan": "categorical", "age": "numeric"}, ("no", "yes"), "yes")
VALUES = Schema("regression", "y", {"x": "numeric"})
NAMES = np.array(BINARY.classes, dtype=object)


def table(schema: Schema, target: np.ndarray, output: np.ndarray, proba: np.ndarray | None = None) -> PredictionTable:
    n = len(target)
    ids = np.array([str(i) for i in range(n)], dtype=object)
    return PredictionTable(
        schema, ids, target, Predictions(output, proba), np.full(n, np.nan), pd.DataFrame(index=range(n))
    )


def run(folder: Path, family: str = "classical", **more: Any) -> Run:
    return Run(folder, folder.name, family, "ok", "2026-01-01T00:00:00+00:00", **more)


def findings(name: str, evidence: Evidence) -> tuple[str, ...]:
    (checked,) = [each for each in checks.checked(evidence) if each.name == name]
    assert checked.state in ("passed", "found"), checked
    return checked.findings


def of_plan(worse_on: str, n: int, seed: int = 0) -> tuple[pd.DataFrame, PredictionTable]:
    """Rows of four plans and ages, of which 10 % are wrong, and 45 % of those young on a plan."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"plan": rng.choice(["free", "team", "pro", "max"], n), "age": rng.integers(18, 80, n)})
    frame.index = pd.Index([str(i) for i in range(n)])
    y = rng.integers(2, size=n)
    is_hard = ((frame["plan"] == worse_on) & (frame["age"] < 45)).to_numpy()
    wrong = rng.random(n) < np.where(is_hard, 0.45, 0.1)
    return frame, table(BINARY, NAMES[y], NAMES[np.where(wrong, 1 - y, y)])


def test_slice_that_nobody_declared_is_found_and_one_of_chance_is_not(tmp_path: Path) -> None:
    reports = []
    for i, worse_on in enumerate(("team", *["nothing"] * 12)):
        bakeoff = tmp_path / f"{i}"
        (bakeoff / "linear").mkdir(parents=True)
        frame, predicted = of_plan(worse_on, 1_200, i)
        frame.rename_axis("id").reset_index().to_parquet(bakeoff / record.INPUTS)
        evidence = Evidence((run(bakeoff / "linear"),), {"linear": predicted}, BINARY)
        reports.append(findings("found_slices", evidence))
    assert len(reports[0]) >= 1 and "linear is much worse where" in reports[0][0]
    assert "plan is team" in reports[0][0] and "age" in reports[0][0]
    assert sum(bool(report) for report in reports[1:]) <= 1


def test_slice_of_a_few_hard_groups_is_chance_where_rows_are_drawn_in_groups(tmp_path: Path) -> None:
    """Plans of 40 customers, each of whom is easy or hard for 30 rows: no plan is harder than another."""
    reports: dict[bool, int] = {True: 0, False: 0}
    for i in range(12):
        rng = np.random.default_rng(i)
        customer = np.repeat(np.arange(40), 30)
        frame = pd.DataFrame({"plan": rng.choice([f"p{plan}" for plan in range(8)], 40)[customer], "age": 30.0})
        frame.index = pd.Index([str(row) for row in range(1_200)])
        (tmp_path / f"{i}" / "linear").mkdir(parents=True)
        frame.rename_axis("id").reset_index().to_parquet(tmp_path / f"{i}" / record.INPUTS)
        y, is_hard = rng.integers(2, size=1_200), (rng.random(40) < 0.2)[customer]
        wrong = rng.random(1_200) < np.where(is_hard, 0.9, 0.02)
        predicted = table(BINARY, NAMES[y], NAMES[np.where(wrong, 1 - y, y)])
        declared = replace(predicted, slices=frame[["plan"]].reset_index(drop=True))
        for is_grouped in reports:
            units = customer if is_grouped else None
            evidence = Evidence(
                (run(tmp_path / f"{i}" / "linear"),), {"linear": replace(declared, units=units)}, BINARY
            )
            reports[is_grouped] += len(findings("weak_slice", evidence))
            assert not is_grouped or len(findings("found_slices", evidence)) <= 1
    assert reports[True] <= 2 and reports[False] >= 8, reports


def test_slices_are_not_searched_where_all_rows_are_of_one_group(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "linear").mkdir()
    frame, predicted = of_plan("team", 400)
    frame.rename_axis("id").reset_index().to_parquet(tmp_path / record.INPUTS)
    in_one = replace(predicted, units=np.zeros(400, dtype=np.intp))
    assert findings("found_slices", Evidence((run(tmp_path / "linear"),), {"linear": in_one}, BINARY)) == ()
    assert not len(recwarn), [str(warning.message) for warning in recwarn]


def test_slices_are_not_searched_without_inputs(tmp_path: Path) -> None:
    evidence = Evidence((run(tmp_path / "linear"),), {"linear": of_plan("team", 400)[1]}, BINARY)
    assert findings("found_slices", evidence) == ()


def stated(sharper: float, n: int = 2_000) -> PredictionTable:
    """Probabilities whose logits are so many times as large as the true ones."""
    rng = np.random.default_rng(2)
    logit = 1.5 * rng.standard_normal(n)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    p = 1 / (1 + np.exp(-sharper * logit))
    return table(BINARY, NAMES[y], NAMES[(p > 0.5).astype(int)], np.column_stack([1 - p, p]))


def test_probabilities_that_are_too_sure_are_found() -> None:
    sure, true = (Evidence((run(Path("svm")),), {"svm": stated(by)}, BINARY) for by in (3.0, 1.0))
    (finding,) = findings("calibration", sure)
    assert finding.startswith("svm: stated probabilities are off by 0.1") and "too high" in finding
    assert findings("calibration", true) == ()


def test_calibration_error_of_true_probabilities_is_about_zero_on_any_number_of_rows() -> None:
    """The plain error of such probabilities is 0.05 on 200 rows by chance alone."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(200):
        p = rng.uniform(0.5, 1, 200)
        errors.append(debiased_error(p, rng.random(200) < p))
    assert np.mean([error for error, _ in errors]) < 0.035
    assert np.mean([is_clear for _, is_clear in errors]) <= 0.01


def test_rows_of_a_bad_week_are_worth_fewer() -> None:
    rng = np.random.default_rng(0)
    n = 600
    weeks = np.repeat(rng.standard_normal(n // 20), 20)
    y = rng.standard_normal(n)
    split = {"split": {"kind": "time"}}
    noisy = {name: table(VALUES, y, y + np.exp(0.8 * weeks) * s * rng.standard_normal(n)) for name, s in
             (("old", 1.0), ("new", 1.6))}  # fmt: skip
    evidence = Evidence(tuple(run(Path(name), task=split) for name in noisy), noisy, VALUES)
    alike = {name: table(VALUES, y, y + s * rng.standard_normal(n)) for name, s in (("old", 1.0), ("new", 1.6))}
    assert findings("serial_dependence", replace(evidence, tables=alike)) == ()
    shuffled = tuple(replace(one, task={"split": {"kind": "random"}}) for one in evidence.runs)
    assert findings("serial_dependence", replace(evidence, runs=shuffled)) == ()
    drift = {"old": table(VALUES, y, y + 1.0), "new": table(VALUES, y, y + 2 + weeks)}
    (finding,) = findings("serial_dependence", replace(evidence, tables=drift))
    assert "for new vs old, 600 rows are worth about" in finding and "data.group" in finding
    weekly, short = (
        {name: replace(one, units=np.arange(n) // length) for name, one in drift.items()} for length in (100, 25)
    )
    assert findings("serial_dependence", replace(evidence, tables=weekly)) == ()
    (finding,) = findings("serial_dependence", replace(evidence, tables=short))
    assert "about as few as the 24 blocks of time that intervals draw" in finding


@pytest.mark.parametrize(("memory", "low", "high"), [(0.0, 900, 1_000), (0.5, 250, 420), (0.9, 25, 90)])
def test_effective_rows_of_an_autoregression(memory: float, low: float, high: float) -> None:
    """In theory n (1 - r) / (1 + r): 1,000, 333 and 53."""
    from scipy.signal import lfilter

    worth = [
        effective_rows(lfilter([1.0], [1.0, -memory], np.random.default_rng(i).standard_normal(1_100))[100:])
        for i in range(20)
    ]
    assert low <= np.median(worth) <= high


def of_patients(shared: float, seed: int = 0) -> tuple[pd.DataFrame, dict[str, PredictionTable]]:
    """900 visits of 60 patients, whose hardness for a variant is the patient's own by a share."""
    rng = np.random.default_rng(seed)
    patient, n = rng.integers(60, size=900), 900
    frame = pd.DataFrame({"patient_id": 1_000 + patient, "age": rng.integers(18, 80, n), "ward": patient % 4})
    frame.index = pd.Index([str(i) for i in range(n)])
    y, tables = rng.integers(2, size=n), {}
    for name in ("old", "new"):
        hard = np.sqrt(shared) * rng.standard_normal(60)[patient] + np.sqrt(1 - shared) * rng.standard_normal(n)
        tables[name] = table(PATIENTS, NAMES[y], NAMES[np.where(hard > 0.8, 1 - y, y)])
    return frame, tables


PATIENTS = replace(BINARY, columns={"patient_id": "numeric", "age": "numeric", "ward": "categorical"})


def test_rows_of_one_patient_are_named_where_they_are_hard_together_and_not_by_chance(tmp_path: Path) -> None:
    reports = []
    for i, shared in enumerate((0.8, *[0.0] * 12)):
        (tmp_path / f"{i}" / "old").mkdir(parents=True)
        frame, tables = of_patients(shared, i)
        frame.rename_axis("id").reset_index().to_parquet(tmp_path / f"{i}" / record.INPUTS)
        evidence = Evidence((run(tmp_path / f"{i}" / "old"),), tables, PATIENTS)
        reports.append(findings("clustered_rows", evidence))
        grouped = {name: replace(one, units=frame["patient_id"].to_numpy()) for name, one in tables.items()}
        assert findings("clustered_rows", replace(evidence, tables=grouped)) == ()
    assert reports[0][0].startswith("Test rows of one patient_id go together: for new vs old, 900 rows with 60 values")
    assert reports[0][0].endswith("add data.group=patient_id")
    assert not any(reports[1:])


def tuned(name: str, on_validation: float, on_test: float) -> Run:
    search = {"trials": 30, "budget": {}, "objectives": {"f1": "maximize"},
              "best": {"trial": 3, "values": [on_validation], "is_feasible": True}}  # fmt: skip
    score = Score(on_test, on_test - 0.02, on_test + 0.02)
    return run(Path(name), search=search, metrics={"f1": score})


def test_validation_and_test_that_disagree_are_named() -> None:
    frame = of_plan("team", 300)[1]
    tables = {"a": frame, "b": frame}
    evidence = Evidence((tuned("a", 0.90, 0.80), tuned("b", 0.85, 0.86)), tables, BINARY, margin=0.01, metric="f1")
    (finding,) = findings("same_order", evidence)
    assert finding.startswith("a has the best f1 on validation rows (0.900 vs 0.850), b on test rows (0.860 vs 0.800)")
    (gap,) = findings("validation_gap", evidence)
    assert gap.startswith("a: f1 0.900 on the validation rows by which it was tuned, 0.800 [0.780, 0.820] on test rows")
    agree = replace(evidence, runs=(tuned("a", 0.82, 0.80), tuned("b", 0.85, 0.86)))
    assert findings("same_order", agree) == findings("validation_gap", agree) == ()


def learned(name: str, on_training: float, on_test: float, on_validation: float | None = None) -> Run:
    one = tuned(name, on_test if on_validation is None else on_validation, on_test)
    seen = {"rows": 500, "metrics": {"f1": on_training}}
    return replace(one, search=None if on_validation is None else one.search, details={record.SEEN_ROWS: seen})


def test_variant_that_knows_its_training_rows_by_heart_is_named_where_a_simpler_one_is_as_good() -> None:
    tables = {"forest": of_plan("team", 300)[1], "linear": of_plan("team", 300)[1]}
    forest, linear = learned("forest", 1.0, 0.80), learned("linear", 0.82, 0.795)
    evidence = Evidence((forest, linear), tables, BINARY, margin=0.01, metric="f1")
    (finding,) = findings("training_gap", evidence)
    assert finding.startswith(
        "forest: f1 1.00 on 500 of its training rows, 0.800 on test rows; linear, with 0.820 and 0.795, is as good"
    )
    worth_it = replace(evidence, runs=(forest, learned("linear", 0.79, 0.77)))
    alike = replace(evidence, runs=(forest, learned("linear", 0.98, 0.80)))
    small = replace(evidence, runs=(learned("forest", 0.91, 0.80), linear))
    drifted = replace(evidence, runs=(learned("forest", 1.0, 0.80, on_validation=0.95), linear))
    unknown = replace(evidence, runs=(replace(forest, details={}), linear))
    for other in (worth_it, alike, small, drifted, unknown):
        assert findings("training_gap", other) == ()


def test_errors_on_training_rows_are_compared_as_a_share() -> None:
    def erring(name: str, on_training: float, on_test: float) -> Run:
        score = Score(on_test, 0.9 * on_test, 1.1 * on_test)
        seen = {"rows": 500, "metrics": {"rmse": on_training}}
        return run(Path(name), metrics={"rmse": score}, details={record.SEEN_ROWS: seen})

    runs = erring("forest", 20.0, 50.0), erring("linear", 45.0, 50.2)
    y = np.arange(100.0)
    evidence = Evidence(runs, {"forest": table(VALUES, y, y)}, VALUES, margin=0.5, metric="rmse", sign=-1)
    assert findings("training_gap", evidence)[0].startswith("forest: rmse 20")
    assert findings("training_gap", replace(evidence, runs=(erring("forest", 25.0, 50.0), runs[1]))) == ()


def test_best_setting_at_the_edge_of_its_space_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "linear"
    folder.mkdir()
    (folder / record.CONFIG).write_text(
        "name: x\ndata: {_target_: bakeoff.data.Sample, sample: churn, name: churn, target: churn}\n"
        "model: {_target_: bakeoff.models.Estimator, C: 1.0, depth: 3,\n"
        "  search_space: {C: 'tag(log, interval(0.001, 1000))', depth: 'range(2, 9)'}}\n"
        "search: {sampler: {_target_: optuna.samplers.RandomSampler}}\n"
    )
    trials = [{"number": i, "param:model.C": 10.0**i, "param:model.depth": 5} for i in range(4)]
    record.write_trials(folder, trials)
    search = {"trials": 30, "budget": {}, "best": {"trial": 3, "values": [0.8], "is_feasible": True}}
    evidence = Evidence((run(folder, search=search),), {"linear": of_plan("team", 300)[1]}, BINARY)
    assert findings("edge_of_space", evidence) == ("linear: the best C, 1000, lies at the edge of its space (1000).",)
    inside = {**search, "best": {**search["best"], "trial": 1}}  # type: ignore[dict-item]
    assert findings("edge_of_space", replace(evidence, runs=(run(folder, search=inside),))) == ()


def test_judge_of_the_answerers_family_and_public_rows_are_named(tmp_path: Path) -> None:
    runs = []
    for name, model, judge in (("rag", "gpt-6-luna", "gpt-6-terra"), ("llm", "claude-haiku-4-5", "gpt-6-terra")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / record.CONFIG).write_text(
            f"data: {{_target_: bakeoff.data.Sample, sample: python_docs}}\nllm: {{model: {model}}}\n"
            f"metrics: {{graders: {{judge: {{llm: {{model: {judge}}}}}}}}}\n"
        )
        runs.append(run(folder, "rag" if name == "rag" else "llm", task={"name": "python_docs"}))
    evidence = Evidence(tuple(runs), {"rag": of_plan("team", 300)[1]}, BINARY)
    (finding,) = findings("judge_family", evidence)
    assert finding.startswith("rag: its answers by gpt-6-luna are judged by gpt-6-terra, of the same family.")
    (public,) = findings("unseen_test", evidence)
    assert public.startswith("rag, llm: python_docs is public, and a language model may have been trained on it.")


def test_twins_and_nearly_exact_numbers_are_named() -> None:
    rng = np.random.default_rng(0)
    y = rng.standard_normal(300)
    tables = {"a": table(VALUES, y, y + 0.001 * rng.standard_normal(300)), "b": table(VALUES, y, y + 1)}
    evidence = Evidence((run(Path("a")), run(Path("b"))), tables, VALUES)
    assert findings("too_good", evidence) == (
        "a explains 100.00% of the variance: look for the answer among the features.",
    )
    assert findings("alike", evidence) == ()
    twins = replace(evidence, tables={"a": tables["b"], "b": tables["b"]})
    assert findings("alike", twins) == ("a and b predict the same for all 300 rows.",)
    three = replace(evidence, runs=(*evidence.runs, run(Path("c"))), tables=dict.fromkeys("abc", tables["b"]))
    assert findings("alike", three) == ("a, b and c predict the same for all 300 rows.",)
