"""Business value: matrices of numbers and columns, outcomes, losses, and verdicts that rest on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import business, capacity, metrics, record
from bakeoff.compare import vetoes
from bakeoff.errors import ConfigError
from bakeoff.report import monthly
from bakeoff.report.blocks import Table
from bakeoff.solutions import HeldOut, Threshold
from bakeoff.solutions.answers import Recorded
from bakeoff.solutions.judging import Judge
from bakeoff.task import NO_ANSWER, OK, WITHHELD, Examples, Gold, Predictions, PredictionTable, Schema

SCHEMA = Schema("classification", "leaves", {"charges": "numeric", "plan": "categorical"}, ("No", "Yes"), "Yes")
MATRIX = {
    "_target_": "bakeoff.business.ValueMatrix",
    "values": {"Yes": {"Yes": "charges * 3", "No": 0}, "No": {"Yes": "-charges", "No": 0}},
}


def table(
    truth: list[Any], output: list[Any], status: list[str] | None = None, schema: Schema = SCHEMA
) -> PredictionTable:
    n = len(truth)
    given = {} if status is None else {"status": np.array(status, dtype=object)}
    targets = np.empty(n, dtype=object)
    targets[:] = truth
    predictions = Predictions(np.array(output, dtype=object), **given)
    return PredictionTable(
        schema, np.arange(n), targets, predictions, np.full(n, np.nan), pd.DataFrame(index=range(n)), cost=np.zeros(n)
    )


def test_cells_are_numbers_columns_and_products() -> None:
    rows = table(["Yes", "No", "Yes", "No"], ["Yes", "Yes", "No", "No"])
    X = pd.DataFrame({"charges": [10.0, 20.0, 30.0, 40.0]})
    valued = business.build_valuer(MATRIX, SCHEMA)(rows, X)
    assert valued.value is not None and valued.value.tolist() == [30.0, -20.0, 0.0, 0.0]
    assert metrics.score(valued, ["net_value_per_1k"]) == {"net_value_per_1k": pytest.approx(2500.0)}


def test_cost_is_deducted_and_resamples_are_those_of_the_rows() -> None:
    rows = table(["Yes", "No"], ["Yes", "Yes"])
    valued = business.build_valuer(MATRIX, SCHEMA)(rows, pd.DataFrame({"charges": [10.0, 20.0]}))
    priced = PredictionTable(**{**vars(valued), "cost": np.array([1.0, 2.0])})
    metric = metrics.get("net_value_per_1k")
    assert metric.value(priced) == pytest.approx(1000 * (29 - 22) / 2)
    drawn = metric.resample(priced, np.array([[2, 0], [1, 1]], dtype=np.float32))
    np.testing.assert_allclose(drawn, [29_000, 3500])


def test_value_that_is_unknown_is_not_zero() -> None:
    rows = table(["Yes"], ["Yes"])
    valued = business.build_valuer(MATRIX, SCHEMA)(rows, pd.DataFrame({"charges": [np.nan]}))
    assert np.isnan(metrics.score(valued, ["net_value_per_1k"])["net_value_per_1k"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Yes": {"Yes": 1, "No": 0}}, r'business\.values\.No: there is no value for the prediction "No"'),
        ({**MATRIX["values"], "Yse": {}}, r'no class "Yse".*Did you mean "Yes"'),
        ({**MATRIX["values"], "Yes": {"Yes": "charge * 3", "No": 0}}, 'Did you mean "charges"'),
        ({**MATRIX["values"], "Yes": {"Yes": "plan", "No": 0}}, "plan is categorical, and a value needs a number"),
        ({**MATRIX["values"], "Yes": {"Yes": "__import__('os')", "No": 0}}, "there is no feature column"),
    ],
)
def test_matrix_that_cannot_value_the_task_is_refused(values: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        business.build_valuer({**MATRIX, "values": values}, SCHEMA)


def test_right_wrong_and_withheld_have_their_values() -> None:
    node = {"_target_": "bakeoff.business.Outcomes", "right": 1.0, "wrong": -5.0, "withheld": -0.5}
    rows = table(["Yes", "No", "No", "No"], ["Yes", "Yes", "", ""], [OK, OK, WITHHELD, NO_ANSWER])
    valued = business.build_valuer(node, SCHEMA)(rows, pd.DataFrame(index=range(4)))
    assert valued.value is not None
    np.testing.assert_array_equal(valued.value, [1.0, -5.0, -0.5, np.nan])


def test_answers_to_questions_are_right_where_they_equal_a_gold_answer() -> None:
    schema = Schema("qa", "answers", {"question": "text"})
    node = {"_target_": "bakeoff.business.Outcomes", "withheld": 0.0}
    golds = [Gold(("the dough",)), Gold(("four",)), Gold(), Gold(("ice",))]
    rows = table(golds, ["Dough.", "five", "", ""], [OK, OK, WITHHELD, WITHHELD], schema)
    valued = business.build_valuer(node, schema)(rows, pd.DataFrame(index=range(4)))
    assert valued.value is not None and valued.value.tolist() == [1.0, -5.0, 1.0, 0.0]


def test_too_much_and_too_little_cost_differently() -> None:
    schema = Schema("regression", "sold", {})
    node = {"_target_": "bakeoff.business.ErrorCosts", "over": 1.0, "under": 4.0}
    n = np.arange(2)
    rows = PredictionTable(
        schema, n, np.array([10.0, 10.0]), Predictions(np.array([12.0, 9.0])), np.zeros(2), pd.DataFrame(index=n)
    )
    valued = business.build_valuer(node, schema)(rows, pd.DataFrame(index=n))
    assert valued.value is not None and valued.value.tolist() == [-2.0, -4.0]


def test_threshold_of_most_value_equals_brute_force() -> None:
    random = np.random.default_rng(0)
    p = random.random(150)
    truth = np.where(random.random(150) < p, "Yes", "No").astype(object)
    X = pd.DataFrame({"charges": random.uniform(10, 100, 150)})
    rows = Examples(X, truth, np.arange(150), X.iloc[:, :0])
    value = business.build_valuer(MATRIX, SCHEMA)
    judge = Judge("value_per_1k", (), lambda rows, X: value(rows, X))
    proba = np.stack([1 - p, p], axis=1)
    part = Predictions(np.where(p >= 0.5, "Yes", "No").astype(object), proba)
    threshold = Threshold("a", objective="value_per_1k")
    threshold.learn(HeldOut(SCHEMA, rows, Recorded({"a": part}, truth), judge, 0))
    charges = X["charges"].to_numpy()
    gained = [np.sum(((truth == "Yes") * 3 - (truth == "No")) * charges * (p >= t)) for t in [*np.unique(p), 2.0]]
    reached = np.sum(((truth == "Yes") * 3 - (truth == "No")) * charges * (p >= threshold.threshold_))
    assert reached == pytest.approx(max(gained))


def test_verdict_rests_on_value_and_a_kept_run_is_valued_by_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ("data=breast_cancer", "decision.resamples=200", "metrics.latency_rows=5", "tracker=none")
    python.bakeoff(*quick, models=["constant"])
    values = "{benign: {benign: 0, malignant: -100}, malignant: {benign: -1000, malignant: mean radius * -1}}"
    bake = python.bakeoff(
        *quick, "business=churn", "~business.values", f"++business.values={values}",
        "decision.metric=net_value_per_1k", models=["linear"], incumbent="constant",
    )  # fmt: skip
    board = bake.leaderboard
    assert board.loc[["constant", "linear"], "net_value_per_1k"].notna().all()
    frame = record.read_predictions(bake["linear"].record)
    X = record.read_inputs(bake.folder)
    assert X is not None
    radius = X.loc[[str(i) for i in frame.ids], "mean radius"].to_numpy()
    cells = {("benign", "malignant"): -100.0, ("malignant", "benign"): -1000.0, ("benign", "benign"): 0.0}
    pairs = zip(frame.target, frame.predictions.output, radius, strict=True)
    worth = 1000 * np.mean([cells.get((truth, output), -size) for truth, output, size in pairs])
    assert board.loc["linear", "net_value_per_1k"] == pytest.approx(worth, rel=1e-3)
    assert bake.verdict.winner == "linear"


def test_value_of_a_month_is_a_multiple_with_its_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bake = python.bakeoff(
        "data=diabetes", "decision.resamples=200", "metrics.latency_rows=20", "tracker=none", "report=none",
        "business=error_costs", "business.per_month=20000", models=["constant", "linear"],
    )  # fmt: skip
    assert "Value of a month, 20,000 predictions" in bake.to_markdown()
    (table,) = monthly.blocks(bake.comparison)
    assert isinstance(table, Table)
    difference = next(d for d in bake.comparison.differences if (d.variant, d.metric) == ("linear", "net_value_per_1k"))
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["linear"][1] == record.Score(20 * difference.difference, 20 * difference.low, 20 * difference.high)
    assert by_name["constant"][1] == "incumbent"


def test_volume_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="per_month: 0 is no number of predictions"):
        business.build_valuer({**MATRIX, "per_month": 0}, SCHEMA)


def test_answer_of_a_person_has_a_value_of_its_own_where_one_is_declared() -> None:
    rows = table(["Yes", "No", "No"], ["Yes", "Yes", "No"])
    by_person = replace(rows, predictions=replace(rows.predictions, human_usd=np.array([0.0, 2.0, 2.0])))
    node = {"_target_": "bakeoff.business.Outcomes", "right": 1.0, "wrong": -5.0}
    X = pd.DataFrame(index=range(3))
    as_others = business.build_valuer(node, SCHEMA)(by_person, X).value
    assert as_others is not None and as_others.tolist() == [1.0, -5.0, 1.0]
    apart = business.build_valuer({**node, "escalated": 0.5}, SCHEMA)(by_person, X).value
    assert apart is not None and apart.tolist() == [1.0, 0.5, 0.5]
    stages = np.array(["rules", "human", "human"], dtype=object)
    free = replace(rows, predictions=replace(rows.predictions, human_usd=np.zeros(3), stage=stages))
    unpaid = business.build_valuer({**node, "escalated": 0.5}, SCHEMA)(free, X).value
    assert unpaid is not None and unpaid.tolist() == [1.0, 0.5, 0.5], "a person may cost nothing"


@pytest.mark.parametrize("cell", [float("inf"), "1e400", "charges * 1e400"])
def test_cell_that_is_no_finite_number_is_refused(cell: Any) -> None:
    values = {"Yes": {"Yes": cell, "No": 0}, "No": {"Yes": 0, "No": 0}}
    with pytest.raises(ConfigError, match="is no finite number of US dollars"):
        business.build_valuer({**MATRIX, "values": values}, SCHEMA)


def test_cell_is_a_product_of_several_factors() -> None:
    values = {"Yes": {"Yes": "charges * 12 * 0.5", "No": 0}, "No": {"Yes": -1, "No": 0}}
    rows = table(["Yes", "No"], ["Yes", "Yes"])
    valued = business.build_valuer({**MATRIX, "values": values}, SCHEMA)(rows, pd.DataFrame({"charges": [10.0, 1.0]}))
    assert valued.value is not None and valued.value.tolist() == [60.0, -1.0]


def test_missing_number_in_a_column_of_the_values_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"charges": random.uniform(10, 100, 300), "x": random.normal(size=300)})
    frame["leaves"] = np.where(frame["x"] > 0, "Yes", "No")
    frame.loc[random.random(300) < 0.1, "charges"] = np.nan
    frame.to_csv("rows.csv", index=False)
    bake = python.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=leaves", "data.positive=Yes", "tracker=none", "report=none",
        "decision.resamples=200", "metrics.latency_rows=5", "business=churn",
        "business.values={Yes: {Yes: charges * 3, No: 0}, No: {Yes: -1, No: 0}}", "name=gaps",
        models=["constant", "linear"],
    )  # fmt: skip
    assert any("predictions have no value (charges has no number there)" in note for note in bake.comparison.notes)


def scored(n: int = 1000, seed: int = 0) -> tuple[Examples, Predictions, np.ndarray]:
    """Rows with probabilities that tell the classes apart a little."""
    random = np.random.default_rng(seed)
    positive = random.random(n)
    truth = np.where(random.random(n) < positive, "Yes", "No").astype(object)
    X = pd.DataFrame({"charges": np.ones(n), "plan": "a"})
    output = np.where(positive > 0.5, "Yes", "No").astype(object)
    predictions = Predictions(output, np.column_stack([1 - positive, positive]))
    return Examples(X, truth, np.arange(n), X.iloc[:, :0]), predictions, positive


@pytest.mark.parametrize(
    ("declared", "per_month", "share"),
    [("5%", None, 0.05), (500, 20_000, 0.025), ("500 a week", 20_000, 0.1087), ("20 per day", 20_000, 0.03044)],
)
def test_capacity_is_a_share_of_the_rows(declared: Any, per_month: float | None, share: float) -> None:
    node = {**MATRIX, "capacity": declared, "per_month": per_month}
    found = capacity.of_business(node, SCHEMA)
    assert found is not None and found.share == pytest.approx(share, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capacity": "500 a fortnight"}, r"capacity: '500 a fortnight' is no number of positive predictions"),
        ({"capacity": -3}, r"capacity: -3 is no number of positive predictions"),
        ({"capacity": 0.05, "per_month": 20_000}, r"0\.05 is less than one row a month; for a share write 5%\."),
        ({"capacity": "0.2 a week", "per_month": 20_000}, r"less than one row a week; for a share write 20%"),
        ({"capacity": 500}, r"Add business\.per_month=20000, or give a share such as 5%"),
    ],
)
def test_a_capacity_that_says_nothing_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        business.build_valuer({**MATRIX, **changes}, SCHEMA)


def test_a_capacity_without_a_positive_class_is_refused() -> None:
    three = Schema("classification", "y", {"charges": "numeric"}, ("a", "b", "c"))
    node = {"_target_": "bakeoff.business.Outcomes", "capacity": "5%"}
    with pytest.raises(ConfigError, match=r"business\.capacity: it is of positive predictions"):
        business.build_valuer(node, three)


def test_a_threshold_keeps_the_capacity_of_the_business_model() -> None:
    rows, predictions, positive = scored()
    held = HeldOut(SCHEMA, rows, Recorded({"part": predictions}, rows.y), Judge("recall"), 0, capacity=0.1)
    threshold = Threshold("part")
    threshold.learn(held)
    assert (positive >= threshold.threshold_).mean() == pytest.approx(0.1, abs=0.005)
    stricter = Threshold("part", capacity=0.05)
    stricter.learn(held)
    assert (positive >= stricter.threshold_).mean() == pytest.approx(0.05, abs=0.005)


def test_only_a_variant_that_is_shown_to_exceed_the_capacity_is_refused() -> None:
    limit = capacity.Capacity(0.1, "10%")
    at, well_above = (table(["No"] * 1000, ["Yes"] * n + ["No"] * (1000 - n)) for n in (105, 140))
    assert vetoes.excess(limit, at) == ""
    assert (
        vetoes.excess(limit, well_above)
        == 'it predicts "Yes" for 14.0% of the rows, more than the 10.00% of business.capacity=10%'
    )


def test_rows_of_one_group_are_no_independent_evidence_of_an_excess() -> None:
    """At exactly the capacity, 40 groups of 20 alike rows are refused about as rarely as 40 rows: 2.5 % of times."""
    limit, refused = capacity.Capacity(0.2, "20%"), 0
    for seed in range(300):
        answers = ["Yes" if drawn else "No" for drawn in np.repeat(np.random.default_rng(seed).random(40) < 0.2, 20)]
        refused += bool(vetoes.excess(limit, replace(table(answers, answers), units=np.repeat(np.arange(40), 20))))
    assert refused <= 15
    all_positive = replace(table(["No"] * 800, ["Yes"] * 800), units=np.repeat(np.arange(40), 20))
    assert "100.0% of the rows" in vetoes.excess(limit, all_positive)


def test_rows_without_an_answer_do_not_dilute_an_excess() -> None:
    rows = table(["No"] * 1000, ["Yes"] * 100 + ["No"] * 300 + [None] * 600, [OK] * 400 + [NO_ANSWER] * 600)
    assert 'predicts "Yes" for 25.0% of the rows' in vetoes.excess(capacity.Capacity(0.15, "15%"), rows)


def test_a_misspelt_class_is_named_before_the_cell_that_it_leaves_empty() -> None:
    values = {"Yes": {"Yess": 1, "No": 0}, "No": {"Yes": 0, "No": 0}}
    with pytest.raises(ConfigError, match=r'there is no class "Yess"\. Classes: No, Yes\. Did you mean "Yes"'):
        business.build_valuer({**MATRIX, "values": values}, SCHEMA)
