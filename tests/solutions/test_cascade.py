"""Cascades: which stage answers which row, and thresholds that are learnt under limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.errors import ConfigError
from bakeoff.metrics.bounds import read_bounds
from bakeoff.models.base import Context, Model
from bakeoff.solutions import Cascade, HeldOut
from bakeoff.solutions.answers import Recorded, simulated
from bakeoff.solutions.base import cross_fitted
from bakeoff.solutions.judging import Judge
from bakeoff.solutions.ladder import guaranteed
from bakeoff.task import NO_ANSWER, OK, WITHHELD, Examples, Gold, Predictions, Schema, Usage
from bakeoff.testing import check_model
from bakeoff.testing.tasks import text

SCHEMA = Schema("classification", "label", {"amount": "numeric"}, ("bad", "good"), "bad")
PARTS = (
    "++model.parts={rules: {_target_: bakeoff.models.Rules, rules: [{name: offer, keywords: [free], output: spam}]},"
    " linear: {_target_: bakeoff.models.Estimator, classifier: {_target_: sklearn.linear_model.LogisticRegression}}}"
)


def part(labels: Sequence[str], sure: Sequence[float] | None = None, **more: Any) -> Predictions:
    given = {"confidence": None if sure is None else np.array(sure, dtype=float), **more}
    return Predictions(np.array(labels, dtype=object), **given)


class Fixed(Model):
    """A model with the same prediction for a row whenever it is asked, by the index of the row."""

    column_kinds = None

    def __init__(self, labels: Sequence[str], sure: Sequence[float]) -> None:
        self.answers = part(labels, sure)

    def check(self, schema: Schema) -> None:
        """Accept any task."""

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn nothing."""

    def predict(self, X: pd.DataFrame) -> Predictions:
        return self.answers.take(X.index.to_numpy())

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Fixed:
        raise NotImplementedError


def random_part(random: np.random.Generator, truth: np.ndarray[Any, Any], skill: float, usd: float) -> Predictions:
    """Predictions that are right the more often, the surer they are."""
    sure = random.uniform(0.5, 1, len(truth))
    right = random.random(len(truth)) < sure**skill
    other = np.where(truth == "bad", "good", "bad")
    n = len(truth)
    return Predictions(
        np.where(right, truth, other).astype(object), confidence=sure, seconds=np.full(n, usd),
        machine_seconds=np.full(n, usd), usage=Usage.from_columns(n, calls=np.ones(n), cost_usd=np.full(n, usd)),
    )  # fmt: skip


def held_out(n: int, seed: int, parts: dict[str, tuple[float, float]], judge: Judge | None = None) -> HeldOut:
    random = np.random.default_rng(seed)
    truth = np.where(random.random(n) < 0.3, "bad", "good").astype(object)
    predictions = {name: random_part(random, truth, skill, usd) for name, (skill, usd) in parts.items()}
    X = pd.DataFrame({"amount": random.uniform(0, 100, n)})
    rows = Examples(X, truth, np.arange(n), X.iloc[:, :0])
    return HeldOut(SCHEMA, rows, Recorded(predictions, truth), judge or Judge("accuracy"), seed)


def combined(stages: list[Any], parts: dict[str, Predictions], truth: Any = None, amount: Any = None) -> Predictions:
    cascade = Cascade(stages)
    cascade.check(SCHEMA)
    cascade.schema_ = SCHEMA
    n = len(next(iter(parts.values())))
    X = pd.DataFrame({"amount": np.zeros(n) if amount is None else amount})
    return cascade.combine(Recorded(parts, truth), X)


def test_first_stage_that_is_sure_enough_answers() -> None:
    first = part(["bad", "bad", "bad"], [0.9, 0.8, 0.1])
    second = part(["good", "good", "good"])
    answers = combined([{"part": "a", "accept": 0.8}, "b"], {"a": first, "b": second})
    assert answers.output.tolist() == ["bad", "bad", "good"]
    assert answers.stage is not None and answers.stage.tolist() == ["a", "a", "b"]
    assert [trace.rows.tolist() for trace in answers.trace] == [[0, 1, 2], [2]]


def test_row_without_answer_goes_on_however_sure_the_stage_is() -> None:
    first = part(["", "bad"], [1.0, 1.0], status=np.array([NO_ANSWER, OK], dtype=object))
    answers = combined([{"part": "a", "accept": 0.5}, "b"], {"a": first, "b": part(["good", "good"])})
    assert answers.output.tolist() == ["good", "bad"]
    assert answers.status.tolist() == [OK, OK]


def test_rules_are_accepted_where_a_rule_holds() -> None:
    rules = part(["bad", "good"], stage=np.array(["offer", "default"], dtype=object))
    answers = combined([{"part": "rules", "covered": True}, "b"], {"rules": rules, "b": part(["bad", "bad"])})
    assert answers.stage is not None and answers.stage.tolist() == ["rules/offer", "b"]


def test_column_condition_decides() -> None:
    stages = [{"part": "a", "where": {"amount": "<= 10"}}, "b"]
    answers = combined(stages, {"a": part(["bad"] * 2), "b": part(["good"] * 2)}, amount=[5.0, 50.0])
    assert answers.output.tolist() == ["bad", "good"]


def test_agreement_costs_what_both_parts_cost() -> None:
    a, b, c = part(["bad", "bad"]), part(["bad", "good"]), part(["good", "good"])
    priced = {
        name: Predictions(p.output, usage=Usage.from_columns(2, cost_usd=[usd] * 2))
        for name, p, usd in (("a", a, 1.0), ("b", b, 2.0), ("c", c, 4.0))
    }
    answers = combined([{"part": "a", "agree": "b"}, "c"], priced)
    assert answers.output.tolist() == ["bad", "good"]
    assert answers.usage.cost_usd.tolist() == [3.0, 7.0]


def test_person_is_right_by_definition_and_has_a_price() -> None:
    truth = np.array(["bad", "good"], dtype=object)
    stages = [{"part": "a", "accept": 0.9}, {"part": "human", "usd": 2.0, "seconds": 60}]
    answers = combined(stages, {"a": part(["bad", "bad"], [0.95, 0.2], seconds=np.ones(2))}, truth)
    assert answers.output.tolist() == ["bad", "good"]
    assert answers.human_usd is not None and answers.human_usd.tolist() == [0.0, 2.0]
    assert answers.seconds is not None and answers.seconds.tolist() == [1.0, 61.0]


def test_person_errs_as_often_as_declared_and_on_the_same_rows_whatever_the_stages_before() -> None:
    truth = np.array(["bad", "good"] * 2000, dtype=object)
    wrong = []
    for least in (0.0, 0.5):
        stages = [{"part": "a", "accept": 0.99}, {"part": "human", "accuracy": 0.9}]
        sure = np.where(np.arange(4000) % 4 == 0, 1.0 if least else 0.0, 0.0)
        answers = combined(stages, {"a": part(truth.tolist(), sure.tolist())}, truth)
        wrong.append(answers.output != truth)
    assert wrong[0].mean() == pytest.approx(0.1, abs=0.02)
    assert not (wrong[1] & ~wrong[0]).any()


def test_new_rows_that_go_to_a_person_are_withheld() -> None:
    answers = combined([{"part": "a", "accept": 0.9}, "human"], {"a": part(["bad", "bad"], [0.95, 0.2])})
    assert answers.status.tolist() == [OK, WITHHELD]
    assert answers.reason[1] == "handed to a person"


@given(st.integers(0, 10_000), st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=2, max_size=2))
def test_ladder_says_what_asking_stage_by_stage_gives(seed: int, thresholds: list[float | None]) -> None:
    held = held_out(40, seed, {"a": (3.0, 1.0), "b": (2.0, 2.0), "c": (1.0, 4.0)})
    cascade = Cascade([{"part": "a", "accept": "learnt", "where": {"amount": "> 20"}}, "b", "c"])
    cascade.schema_, cascade.thresholds_ = SCHEMA, tuple(thresholds)
    one_by_one = cascade.combine(held.answers, held.rows.X)
    at_once = cascade.ladder(held).combined(tuple(thresholds))
    assert at_once.output.tolist() == one_by_one.output.tolist()
    np.testing.assert_allclose(at_once.usage.cost_usd, one_by_one.usage.cost_usd)
    assert at_once.seconds is not None and one_by_one.seconds is not None
    np.testing.assert_allclose(at_once.seconds, one_by_one.seconds)


def learnt(held: HeldOut, **settings: Any) -> Cascade:
    cascade = Cascade(["a", "b", "c"], **settings)
    cascade.check(SCHEMA)
    cascade.learn(held)
    return cascade


def test_learnt_thresholds_are_at_least_as_good_as_any_stage_alone() -> None:
    held = held_out(400, 1, {"a": (3.0, 1.0), "b": (2.0, 2.0), "c": (1.0, 4.0)})
    answers = learnt(held).combine(held.answers, held.rows.X)
    accuracy = (answers.output == held.rows.y).mean()
    assert all(accuracy >= (p.output == held.rows.y).mean() for p in held.answers.predictions.values())


def test_learnt_thresholds_keep_a_limit() -> None:
    judge = Judge("accuracy", tuple(read_bounds({"requests_usd_per_1k": "<= 3000"}, "model.limits")))
    held = held_out(400, 1, {"a": (3.0, 1.0), "b": (2.0, 2.0), "c": (1.0, 4.0)}, judge)
    answers = learnt(held).combine(held.answers, held.rows.X)
    assert 1000 * answers.usage.cost_usd.mean() <= 3000
    free = learnt(held_out(400, 1, {"a": (3.0, 1.0), "b": (2.0, 2.0), "c": (1.0, 4.0)}))
    assert 1000 * free.combine(held.answers, held.rows.X).usage.cost_usd.mean() > 3000


def test_cross_fitted_predictions_cover_every_row_once() -> None:
    held = held_out(100, 3, {"a": (3.0, 1.0), "b": (2.0, 2.0), "c": (1.0, 4.0)})
    predictions = cross_fitted(learnt(held), held)
    assert predictions is not None and len(predictions) == 100
    assert (predictions.output == held.rows.y).mean() > 0.5


def test_promised_risk_is_broken_no_more_often_than_declared() -> None:
    """One thousand validation sets of 300 rows; the true risk of each threshold is known."""
    broken = reached = 0
    for seed in range(1000):
        random = np.random.default_rng(seed)
        sure = random.uniform(0.5, 1, 300)
        right = random.random(300) < sure
        held = held_out(300, seed, {"a": (1.0, 1.0), "b": (1.0, 2.0)})
        first = Predictions(
            np.where(right, held.rows.y, np.where(held.rows.y == "bad", "good", "bad")).astype(object), confidence=sure
        )
        answers = Recorded({**held.answers.predictions, "a": first}, held.rows.y)
        ladder = Cascade(["a", "b"]).ladder(HeldOut(SCHEMA, held.rows, answers, held.judge, seed))
        is_right = np.stack([output == held.rows.y for output in ladder.chosen["output"]])
        (least,) = guaranteed(ladder, is_right, max_risk=0.15, delta=0.1).thresholds
        if least is not None:
            reached += 1
            broken += 1 - (max(least, 0.5) + 1) / 2 > 0.15  # errors of rows from least to 1, uniformly sure
    assert reached > 500
    assert broken <= 0.1 * 1000 + 2 * np.sqrt(1000 * 0.1 * 0.9)


def test_risk_out_of_reach_is_a_finding() -> None:
    held = held_out(60, 0, {"a": (4.0, 1.0), "b": (1.0, 2.0), "c": (1.0, 2.0)})
    cascade = learnt(held, max_risk=0.001)
    assert cascade.thresholds_ == (None, None)
    assert any("No threshold keeps errors at or below 0.1%" in note for note in cascade.report().notes)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (["a"], "needs two stages"),
        (["a", "a"], "a is a part twice"),
        (["human", "a"], "so human is the last stage"),
        ([{"part": "a", "acept": 0.9}, "b"], r'Did you mean "accept"'),
        ([{"part": "a", "accept": 7}, "b"], "neither a confidence from 0 to 1"),
        ([{"part": "a", "where": {"amout": 3}}, "b"], r'Did you mean "amount"'),
        ([{"part": "a", "agree": "b"}, "b"], '"b" is a later stage'),
        ([{"part": "a", "usd": 3}, "b"], "of the stage human"),
        (["a", {"part": "human", "accuracy": 98}], "not a number from 0 to 1"),
        ([3, "b"], "3 is no stage"),
    ],
)
def test_stage_that_makes_no_sense_is_refused(stages: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cascade(stages).check(SCHEMA)


def test_stage_without_confidence_says_what_else_could_accept_it() -> None:
    held = held_out(30, 0, {"a": (1.0, 1.0), "b": (1.0, 1.0)})
    bare = Recorded({**held.answers.predictions, "a": part(["bad"] * 30)}, held.rows.y)
    with pytest.raises(ConfigError, match=r"a gives no confidence.*covered: true"):
        Cascade(["a", "b"]).learn(HeldOut(SCHEMA, held.rows, bare, held.judge, 0))


def test_two_thousand_thresholds_of_six_stages_take_less_than_five_seconds() -> None:
    held = held_out(700, 1, {name: (4.0 - i / 2, 1.0 + i) for i, name in enumerate("abcdef")}, Judge("f1"))
    cascade = Cascade(list("abcdef"))
    cascade.schema_ = SCHEMA
    ladder, random = cascade.ladder(held), np.random.default_rng(0)
    start = time.process_time()
    for _ in range(2000):
        thresholds = tuple(random.uniform(0.5, 1, 5).tolist())
        held.judge.rank(held.judge.table(SCHEMA, held.rows, ladder.combined(thresholds)))
    assert time.process_time() - start < 5


def test_cascade_holds_to_the_contract_of_models() -> None:
    held = check_model("cascade", {"text": text}, [PARTS])
    assert "text: a saved model predicts the same" in held


def test_cascade_of_variants_cannot_be_fitted_by_itself() -> None:
    schema, rows = text()
    with pytest.raises(ConfigError, match="rules, linear are variants of a bake-off"):
        Cascade(["rules", "linear"]).fit(rows, None, Context(schema, 0, 1))


def test_person_who_finds_no_answer_says_so() -> None:
    schema = Schema("qa", "answer", {"question": "text"})
    truth = np.array([Gold(()), Gold(("42",))], dtype=object)
    cascade = Cascade([{"part": "a", "accept": 0.9}, "human"])
    cascade.schema_ = schema
    answers = cascade.combine(Recorded({"a": part(["x", "x"], [0, 0])}, truth), pd.DataFrame({"question": ["", ""]}))
    assert answers.status.tolist() == [WITHHELD, OK]
    assert answers.reason.tolist() == ["a person found no answer", ""]


def test_person_within_a_part_is_simulated_where_the_truth_is_known() -> None:
    inner = Cascade([{"part": "a", "accept": 0.9}, "human"], {"a": Fixed(["bad"] * 3, [0.95, 0.2, 0.1])})
    outer = Cascade([{"part": "inner", "where": {"amount": "> 0"}}, "a"], {"inner": inner, "a": inner.parts["a"]})
    inner.schema_ = outer.schema_ = SCHEMA
    X = pd.DataFrame({"amount": [1.0, 1.0, 0.0]})
    truth = np.array(["bad", "good", "good"], dtype=object)
    assert outer.simulate(X, truth).output.tolist() == ["bad", "good", "bad"]
    assert outer.predict(X).output.tolist() == ["bad", "bad", "bad"], "what is handed to a person goes on here"


def test_model_with_a_method_simulate_does_not_see_the_targets() -> None:
    class Peeking(Fixed):
        def simulate(self, X: pd.DataFrame, truth: Any) -> Predictions:
            return part(list(truth))

    X = pd.DataFrame({"amount": [1.0, 1.0]})
    truth = np.array(["bad", "good"], dtype=object)
    assert simulated(Peeking(["good", "good"], [1, 1]), X, truth).output.tolist() == ["good", "good"]
