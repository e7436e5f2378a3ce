"""Ensembles, calibrated variants, thresholds and segments: what they learn and how they predict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from bakeoff.errors import ConfigError
from bakeoff.solutions import Abstaining, Calibrated, Ensemble, HeldOut, Segmented, Solution, Threshold
from bakeoff.solutions.answers import Recorded
from bakeoff.solutions.judging import Judge
from bakeoff.task import NO_ANSWER, OK, WITHHELD, Examples, Gold, Predictions, Schema, Usage
from bakeoff.testing import check_model
from bakeoff.testing.tasks import diabetes, mixed, retrieval, text

SCHEMA = Schema("classification", "label", {"region": "categorical"}, ("bad", "good"), "bad")
NUMBERS = Schema("regression", "value", {"region": "categorical"})
TWO = (
    "++model.parts={constant: {_target_: bakeoff.models.Constant}, linear: {_target_: bakeoff.models.Estimator,"
    " classifier: {_target_: sklearn.linear_model.LogisticRegression},"
    " regressor: {_target_: sklearn.linear_model.Ridge}}}"
)
ONE = (
    "++model.parts={linear: {_target_: bakeoff.models.Estimator,"
    " classifier: {_target_: sklearn.linear_model.LogisticRegression}}}"
)


def probable(random: np.random.Generator, truth: np.ndarray[Any, Any], strength: float) -> Predictions:
    """Predictions whose log-odds are the truth's side, blurred by noise."""
    side = np.where(truth == "bad", 1.0, -1.0)
    p = 1 / (1 + np.exp(-strength * (side + random.normal(0, 1.5, len(truth)))))
    proba = np.stack([p, 1 - p], axis=1)
    n = len(truth)
    return Predictions(
        np.where(p >= 0.5, "bad", "good").astype(object), proba, seconds=np.ones(n), machine_seconds=np.ones(n),
        usage=Usage.from_columns(n, cost_usd=np.ones(n)),
    )  # fmt: skip


def held_out(n: int = 300, seed: int = 0, judge: Judge | None = None, strength: float = 1.0) -> HeldOut:
    random = np.random.default_rng(seed)
    truth = np.where(random.random(n) < 0.3, "bad", "good").astype(object)
    parts = {name: probable(random, truth, strength) for name in ("a", "b", "c")}
    X = pd.DataFrame({"region": random.choice(["north", "south", "east"], n, p=[0.5, 0.45, 0.05])})
    rows = Examples(X, truth, np.arange(n), X.iloc[:, :0])
    return HeldOut(SCHEMA, rows, Recorded(parts, truth), judge or Judge("f1"), seed)


def combined(solution: Solution, held: HeldOut) -> Predictions:
    solution.check(held.schema)
    solution.schema_ = held.schema
    if solution.learns:
        solution.learn(held)
    return solution.combine(held.answers, held.rows.X)


def accuracy(predictions: Predictions, held: HeldOut) -> float:
    return float((predictions.output == held.rows.y).mean())


@pytest.mark.parametrize("method", ["average", "weighted", "stacked", "vote"])
def test_ensemble_of_independent_parts_is_better_than_its_parts(method: Any) -> None:
    held = held_out(2000, judge=Judge("accuracy"))
    whole = accuracy(combined(Ensemble(["a", "b", "c"], method), held), held)
    assert whole > max(accuracy(part, held) for part in held.answers.predictions.values())


def test_ensemble_costs_what_all_its_parts_cost() -> None:
    held = held_out(20)
    whole = combined(Ensemble(["a", "b"], "average"), held)
    assert whole.usage.cost_usd.tolist() == [2.0] * 20
    assert whole.seconds is not None and whole.seconds.tolist() == [2.0] * 20
    assert [trace.name for trace in whole.trace] == ["a", "b"]


def test_weights_leave_out_a_part_that_knows_nothing() -> None:
    held = held_out(500, judge=Judge("log_loss"))
    noise = np.random.default_rng(9).dirichlet([1, 1], 500)
    useless = Predictions(np.full(500, "good", dtype=object), noise)
    answers = Recorded({**held.answers.predictions, "c": useless}, held.rows.y)
    ensemble = Ensemble(["a", "b", "c"], "weighted")
    ensemble.learn(HeldOut(SCHEMA, held.rows, answers, held.judge, 0))
    assert ensemble.weights_["c"] < 0.1
    assert sum(ensemble.weights_.values()) == pytest.approx(1)


def test_part_without_an_answer_does_not_count_in_its_row() -> None:
    held = held_out(4)
    silent = Predictions(
        np.full(4, "", dtype=object), np.full((4, 2), np.nan), status=np.array([NO_ANSWER] * 4, dtype=object)
    )
    answers = Recorded({"a": held.answers.predictions["a"], "b": silent}, None)
    ensemble = Ensemble(["a", "b"], "average")
    ensemble.schema_ = SCHEMA
    whole = ensemble.combine(answers, held.rows.X)
    np.testing.assert_allclose(whole.proba, held.answers.predictions["a"].proba)
    assert whole.status.tolist() == [OK] * 4
    both_silent = ensemble.combine(Recorded({"a": silent, "b": silent}, None), held.rows.X)
    assert both_silent.status.tolist() == [NO_ANSWER] * 4


@pytest.mark.parametrize("method", ["average", "weighted", "stacked"])
def test_numbers_are_averaged(method: Any) -> None:
    random = np.random.default_rng(0)
    y = random.normal(100, 10, 400)
    parts = {name: Predictions(y + random.normal(0, 5, 400)) for name in ("a", "b")}
    X = pd.DataFrame({"region": ["x"] * 400})
    rows = Examples(X, y, np.arange(400), X.iloc[:, :0])
    held = HeldOut(NUMBERS, rows, Recorded(parts, y), Judge("rmse"), 0)
    whole = combined(Ensemble(["a", "b"], method), held)
    alone = min(np.sqrt(np.mean((part.output - y) ** 2)) for part in parts.values())
    assert np.sqrt(np.mean((whole.output - y) ** 2)) < alone


def test_rankings_are_fused_by_reciprocal_ranks() -> None:
    schema, rows = retrieval()

    def ranked(*documents: str) -> Predictions:
        lists = np.empty(1, dtype=object)
        lists[0] = documents
        return Predictions(np.array([documents[0]], dtype=object), retrieved=lists)

    ensemble = Ensemble(["a", "b"], "average")
    ensemble.schema_ = schema
    answers = Recorded({"a": ranked("bread", "coffee"), "b": ranked("coffee", "violin")}, None)
    whole = ensemble.combine(answers, rows.X.iloc[:1])
    assert whole.retrieved is not None and whole.retrieved[0] == ("coffee", "bread", "violin")


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "isotonic"])
def test_overconfident_probabilities_are_corrected(method: Any) -> None:
    held, new = held_out(1000, 1, strength=4.0), held_out(1000, 2, strength=4.0)
    calibrated = Calibrated("a", method)
    combined(calibrated, held)
    after = calibrated.combine(new.answers, new.rows.X)
    before = new.answers.predictions["a"]
    assert after.proba is not None and before.proba is not None
    assert log_loss(new.rows.y, after.proba) < log_loss(new.rows.y, before.proba)
    errors = calibrated.report().details["calibration_error"]
    assert errors["after"] < errors["before"]


@pytest.mark.parametrize("objective", ["f1", "accuracy", "balanced_accuracy"])
def test_threshold_equals_brute_force(objective: str) -> None:
    held = held_out(200, 3, Judge(objective))
    threshold = Threshold("a")
    found = held.judge.value(held.judge.table(SCHEMA, held.rows, combined(threshold, held)))
    proba = held.answers.predictions["a"].proba
    assert proba is not None
    every = [
        held.judge.value(
            held.judge.table(SCHEMA, held.rows, Predictions(np.where(proba[:, 0] >= t, "bad", "good").astype(object)))
        )
        for t in [*np.unique(proba[:, 0]), 1.1]
    ]
    assert found == pytest.approx(np.nanmax(every))


def test_threshold_is_learnt_for_f1_where_a_ranking_decides() -> None:
    threshold = Threshold("a")
    assert threshold.judge(SCHEMA, "roc_auc").metric == "f1"
    assert threshold.judge(SCHEMA, "recall").metric == "recall"


def test_threshold_keeps_a_capacity_on_validation_rows() -> None:
    held = held_out(400, 4, Judge("recall"))
    flagged = combined(Threshold("a", capacity=0.05), held).output == "bad"
    assert 0.04 <= flagged.mean() <= 0.05
    free = combined(Threshold("a"), held).output == "bad"
    assert free[held.rows.y == "bad"].all(), "without one, recall is best if every bad row is flagged"


def test_segments_get_the_part_that_does_best_there_and_small_ones_the_fallback() -> None:
    held = held_out(400, 5, Judge("accuracy"))
    north = (held.rows.X["region"] == "north").to_numpy()
    good, bad = held.rows.y, np.where(held.rows.y == "bad", "good", "bad").astype(object)
    parts = {"a": Predictions(np.where(north, good, bad)), "b": Predictions(np.where(north, bad, good))}
    segmented = Segmented(["region"], ["a", "b"])
    whole = combined(segmented, HeldOut(SCHEMA, held.rows, Recorded(parts, None), held.judge, 0))
    assert segmented.chosen_ == {"north": "a", "south": "b"}
    assert segmented.small_ == ["east"]
    assert whole.stage is not None and set(whole.stage[north]) == {"a"}
    unseen = segmented.combine(Recorded({k: v.take(np.arange(1)) for k, v in parts.items()}, None),
                               pd.DataFrame({"region": ["west"]}))  # fmt: skip
    assert unseen.stage is not None and unseen.stage[0] == segmented.fallback_


@pytest.mark.parametrize(
    ("option", "task", "overrides"),
    [
        ("ensemble", mixed, [TWO, "model.members=[constant,linear]"]),
        ("ensemble", diabetes, [TWO, "model.members=[constant,linear]", "model.method=stacked"]),
        ("calibrated", text, [ONE]),
        ("threshold", text, [ONE]),
        ("segmented", mixed, [TWO, "model.choices=[constant,linear]", "model.by=[plan]", "model.min_rows=5"]),
    ],
)
def test_solutions_hold_to_the_contract_of_models(option: str, task: Any, overrides: list[str]) -> None:
    check_model(option, {task.__name__: task}, overrides)


@pytest.mark.parametrize(
    ("solution", "schema", "message"),
    [
        (Ensemble(["a"]), SCHEMA, "two members or more"),
        (Ensemble(["a", "b"], "vote"), NUMBERS, "labels are voted on"),
        (Threshold("a"), Schema("classification", "y", {}, ("1", "2", "3")), "needs two classes"),
        (Threshold("a", 0.5, capacity=0.1), SCHEMA, "model.threshold gives one"),
        (Threshold("a", objective="roc_auc"), SCHEMA, "the same at every threshold"),
        (Segmented(["regoin"], ["a", "b"]), SCHEMA, 'Did you mean "region"'),
        (Segmented(["region"], ["a", "b"], fallback="d", parts={"e": "x"}), SCHEMA, "model.parts: e is not used"),
        (Calibrated("a"), NUMBERS, "serves classification"),
    ],
)
def test_what_makes_no_sense_is_refused(solution: Solution, schema: Schema, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        solution.check(schema)


def numbers(values: list[float], status: list[str] | None = None) -> Predictions:
    more = {} if status is None else {"status": np.array(status, dtype=object)}
    return Predictions(np.array(values, dtype=float), **more)


def of_numbers(parts: dict[str, Predictions], truth: list[float]) -> HeldOut:
    X = pd.DataFrame({"region": ["north"] * len(truth)})
    y = np.array(truth)
    return HeldOut(NUMBERS, Examples(X, y, np.arange(len(y)), X.iloc[:, :0]), Recorded(parts, y), Judge("rmse"), 0)


def test_stacked_numbers_replace_a_part_without_an_answer_by_the_mean_of_the_others() -> None:
    held = of_numbers({"a": numbers([1, 2, 3, 4]), "b": numbers([1, 2, 3, 4])}, [1, 2, 3, 4])
    solution = Ensemble(["a", "b"], "stacked")
    solution.learn(held)
    new = {"a": numbers([5, np.nan], [OK, NO_ANSWER]), "b": numbers([np.nan, np.nan], [NO_ANSWER, NO_ANSWER])}
    answers = solution.combine(Recorded(new, None), held.rows.X.iloc[:2])
    assert answers.output[0] == pytest.approx(5)
    assert answers.status.tolist() == [OK, NO_ANSWER]


@pytest.mark.parametrize("solution", [Ensemble(["a", "b"], "stacked"), Calibrated("a", "isotonic")])
def test_class_without_validation_rows_can_still_be_predicted(solution: Solution) -> None:
    schema = Schema("classification", "label", {"region": "categorical"}, ("x", "y", "z"))
    random = np.random.default_rng(0)
    truth = random.choice(["x", "y"], 60).astype(object)
    proba = random.dirichlet(np.ones(3), 60)
    part = Predictions(np.array(["x"] * 60, dtype=object), proba)
    X = pd.DataFrame({"region": ["north"] * 60})
    rows = Examples(X, truth, np.arange(60), X.iloc[:, :0])
    solution.learn(HeldOut(schema, rows, Recorded({"a": part, "b": part}, truth), Judge("accuracy"), 0))
    sure = Predictions(np.array(["z"], dtype=object), np.array([[0.02, 0.03, 0.95]]))
    answers = solution.combine(Recorded({"a": sure, "b": sure}, None), X.iloc[:1])
    assert answers.output.tolist() == ["z"]
    assert answers.proba is not None and answers.proba.sum() == pytest.approx(1)


def test_rows_that_a_part_did_not_answer_teach_nothing() -> None:
    held = held_out(20)
    status = np.full(20, OK, dtype=object)
    status[:5] = NO_ANSWER
    lost = replace(held.answers.predictions["a"], status=status)
    some = replace(held, answers=Recorded({**held.answers.predictions, "a": lost}, held.rows.y))
    assert len(some.answered) == 15
    assert len(held.answered) == 20


def test_segments_where_parts_are_equally_good_go_to_the_fallback() -> None:
    held = held_out(100)
    same = Recorded({"a": held.answers.predictions["a"], "b": held.answers.predictions["a"]}, held.rows.y)
    solution = Segmented(["region"], ["a", "b"], fallback="b", min_rows=1)
    solution.learn(replace(held, answers=same))
    assert set(solution.chosen_.values()) == {"b"}


QUESTIONS = Schema("qa", "answer", {"question": "text"})


def answers_of(*texts: str, withheld: tuple[int, ...] = (), found: tuple[tuple[str, ...], ...] = ()) -> Predictions:
    status = np.full(len(texts), OK, dtype=object)
    status[list(withheld)] = WITHHELD
    retrieved = None
    if found:
        retrieved = np.empty(len(texts), dtype=object)
        retrieved[:] = found
    return Predictions(np.array(texts, dtype=object), status=status, retrieved=retrieved)


def together(method: str, **parts: Predictions) -> Predictions:
    solution = Ensemble(list(parts), method)  # type: ignore[arg-type]
    solution.check(QUESTIONS)
    solution.schema_ = QUESTIONS
    n = len(next(iter(parts.values())))
    return solution.combine(Recorded(parts, None), pd.DataFrame({"question": [""] * n}))


def test_answer_that_is_most_like_the_others_is_given() -> None:
    combined = together(
        "average",
        a=answers_of("a lambda", "", "x", found=(("1", "2"), (), ("3",))),
        b=answers_of("a lambda expression", "", "y", withheld=(1, 2), found=(("2", "1"), ("9",), ("4",))),
        c=answers_of("lambda expression", "seven", "", withheld=(2,), found=(("2",), (), ("4",))),
    )
    assert combined.output[0] == "a lambda expression"
    assert combined.status.tolist() == [OK, OK, WITHHELD], "an answer without words is one, unless it is withheld"
    assert combined.retrieved is not None
    assert combined.retrieved.tolist() == [("2", "1"), ("9",), ("4", "3")]
    assert combined.confidence is not None and 1 / 3 < combined.confidence[0] < 1


def test_weights_of_answers_are_learnt() -> None:
    gold = np.array([Gold(("red",)), Gold(("blue",)), Gold(()), Gold(("green",))], dtype=object)
    X = pd.DataFrame({"question": [""] * 4})
    parts = {
        "bad": answers_of("one", "two", "three", "four"),
        "good": answers_of("red", "blue", "", "x", withheld=(2,)),
    }
    held = HeldOut(
        QUESTIONS, Examples(X, gold, np.arange(4), X.iloc[:, :0]), Recorded(parts, gold), Judge("token_f1"), 0
    )
    solution = Ensemble(["bad", "good"])
    solution.learn(held)
    assert solution.weights_["good"] > 0.5
    assert solution.combine(held.answers, X).output.tolist() == ["red", "blue", "", "x"]


def test_predictions_below_a_given_confidence_are_withheld() -> None:
    held = held_out(50)
    answers = combined(Abstaining("a", threshold=0.8), held)
    sure = held.answers.predictions["a"].proba
    assert sure is not None and answers.stage is not None
    is_given = sure.max(axis=1) >= 0.8
    assert (answers.status == np.where(is_given, OK, WITHHELD)).all()
    assert (answers.stage == np.where(is_given, "a", "abstains")).all()
    assert (answers.output[is_given] == held.answers.predictions["a"].output[is_given]).all()


def test_risk_among_predictions_given_is_kept_where_it_can_be() -> None:
    held = held_out(600, strength=3.0)
    answers = combined(Abstaining("a", max_risk=0.15), held)
    is_given = answers.status == OK
    assert 0.1 < is_given.mean() < 1
    assert (answers.output != held.rows.y)[is_given].mean() <= 0.15
    solution = Abstaining("a", max_risk=0.0001)
    assert (combined(solution, held).status == WITHHELD).all()
    assert any("every prediction is withheld" in note for note in solution.report().notes)


def test_threshold_of_abstaining_is_worth_most_among_all() -> None:
    def worth(table: Any, X: Any) -> Any:
        right = table.predictions.output == table.target
        value = np.where(table.predictions.status == WITHHELD, 0.0, np.where(right, 1.0, -5.0))
        return replace(table, value=value, cost=np.zeros(len(table)))

    held = held_out(120, judge=Judge("net_value_per_1k", price=worth))
    solution = Abstaining("a", objective="net_value_per_1k")
    best = held.judge.value(held.judge.table(held.schema, held.rows, combined(solution, held)))
    for least in np.linspace(0, 1, 101):
        other = combined(Abstaining("a", threshold=float(least)), held)
        assert held.judge.value(held.judge.table(held.schema, held.rows, other)) <= best + 1e-9


@pytest.mark.parametrize("more", [{}, {"threshold": 0.5, "max_risk": 0.1}])
def test_abstaining_needs_one_reason(more: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="says when to abstain"):
        Abstaining("a", **more).check(SCHEMA)  # type: ignore[arg-type]
