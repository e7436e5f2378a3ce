"""Ranking, held to bakeoff's contracts and run from the command line: patients in wards, ordered by their disease."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff.extend import (
    ConfigError,
    Context,
    DataError,
    Examples,
    Predictions,
    PredictionTable,
    Schema,
    check_data,
    check_metric,
    check_model,
    check_plugin,
)
from bakeoff_ranking.judging import best_first, ndcg, pairs
from bakeoff_ranking.kind import RANKING
from bakeoff_ranking.lists import Lists, items_of, order_of, ordered
from bakeoff_ranking.models import Pairwise

EXPERIMENT = """# @package _global_
defaults:
  - override /data: lists

name: wards
incumbent: by_bmi

data:
  source: {path: patients.csv}
  by: [ward]
  relevance: target
  grades: 4

hydra:
  sweeper:
    variants:
      by_bmi: [model=by_column, model.column=bmi]
      learnt: [model=pairwise]
"""
SCHEMA = Schema("ranking", "grades", {"items": "text"})


def patients() -> pd.DataFrame:
    """Real patients, dealt to wards of 8."""
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True, scaled=False).frame
    return frame.assign(sex=frame["sex"].map({1.0: "a", 2.0: "b"}), ward=np.arange(len(frame)) // 8)


class Wards:
    name = "wards"

    def __init__(self, frame: pd.DataFrame | None = None) -> None:
        self.frame = patients() if frame is None else frame

    def read(self):
        from bakeoff.extend import Rows

        return Rows(self.frame.copy())


def wards() -> tuple[Schema, Examples]:
    frame = Lists(Wards(), ["ward"], "target", grades=4).read().frame
    y = RANKING.read_targets(frame["grades"])
    return SCHEMA, Examples(frame[["items"]], y, frame["list"].to_numpy(), frame.iloc[:, :0])


def table(grades: Sequence[Sequence[float]], orders: Sequence[Sequence[int]]) -> PredictionTable:
    target = np.empty(len(grades), dtype=object)
    target[:] = [tuple(map(float, each)) for each in grades]
    output = np.array([str(list(order)) for order in orders], dtype=object)
    n = len(grades)
    nothing = pd.DataFrame(index=range(n))
    return PredictionTable(SCHEMA, np.arange(n), target, Predictions(output), np.full(n, 0.001), nothing)


def test_the_plugin_holds_to_its_contract():
    held = check_plugin("ranking")
    assert "kind of task ranking says what it is" in held
    assert "section list_order says what it is" in held


@pytest.mark.parametrize(("option", "overrides"), [("by_column", ["model.column=bmi"]), ("pairwise", [])])
def test_the_models_hold_to_their_contract(option: str, overrides: list[str]):
    held = check_model(option, tasks={"wards": wards}, overrides=overrides)
    assert "wards: a saved model predicts the same" in held


@pytest.mark.parametrize("name", ["list_ndcg", "list_pairs", "list_best_first"])
def test_the_metrics_hold_to_their_contract(name: str):
    random = np.random.default_rng(0)
    grades = random.integers(0, 4, size=(30, 5)).tolist()
    check_metric(name, [table([*grades, [1, 1]], [*(random.permutation(5).tolist() for _ in grades), [0, 1]])])


def test_lists_of_the_rows_of_another_source_hold_to_the_contract_of_data(tmp_path: Path):
    patients().to_csv(tmp_path / "patients.csv")
    overrides = [f"data.source.path={tmp_path / 'patients.csv'}", "data.by=[ward]", "data.relevance=target"]
    assert "the same config gives the same task" in check_data("lists", [*overrides, "data.grades=4"])


def test_values_of_rankings_worked_out_by_hand():
    #  right order, wrong order, one pair of three wrong, all equal
    judged = table([[2, 1], [2, 1], [3, 2, 1], [1, 1]], [[0, 1], [1, 0], [1, 0, 2], [0, 1]])
    np.testing.assert_allclose(pairs(judged), [1, 0, 2 / 3, np.nan])
    np.testing.assert_allclose(best_first(judged), [1, 0, 0, np.nan])
    log3 = np.log2(3)
    np.testing.assert_allclose(ndcg(judged), [1, 1 / log3, (1 + 2 / log3) / (2 + 1 / log3), np.nan])


def test_ndcg_agrees_with_scikit_learn():
    from sklearn.metrics import ndcg_score

    random = np.random.default_rng(1)
    grades = [[0.0, *random.integers(0, 5, 6).tolist(), 5.0] for _ in range(20)]
    orders = [random.permutation(8).tolist() for _ in grades]
    scores = [[-order.index(i) for i in range(8)] for order in orders]
    theirs = [ndcg_score([g], [s]) for g, s in zip(grades, scores, strict=True)]
    np.testing.assert_allclose(ndcg(table(grades, orders)), theirs)


def test_an_answer_may_leave_items_out_and_name_what_is_not_there():
    assert order_of("[2, 2, 9, 0]", 4) == [2, 0, 1, 3]
    assert ordered([0.5, 2.0, 0.5]) == "[1, 0, 2]"


def test_a_learnt_order_is_better_than_chance_on_lists_it_never_saw():
    schema, rows = wards()
    model = Pairwise()
    model.fit(rows.take(slice(0, 40)), None, Context(schema, 0, 1))
    unseen = rows.take(slice(40, None))
    answered = model.predict(unseen.X)
    seconds, nothing = np.full(len(unseen), 0.001), pd.DataFrame(index=range(len(unseen)))
    judged = PredictionTable(schema, unseen.ids, unseen.y, answered, seconds, nothing)
    assert np.nanmean(pairs(judged)) > 0.65, "a coin gets half of the pairs right"


def test_long_lists_are_cut_single_items_left_out_and_values_graded():
    frame = pd.DataFrame({"shop": ["a"] * 5 + ["b"], "sold": [10, 20, 30, 40, 50, 1], "price": [1, 2, 3, 4, 5, 6]})
    made = Lists(Wards(frame), ["shop"], "sold", grades=2, most=3).read().frame
    assert made["list"].tolist() == ["a/0", "a/1"]
    assert made["grades"].tolist() == ["[0.0, 1.0, 1.0]", "[0.0, 1.0]"]
    assert [len(items) for items in items_of(made["items"])] == [3, 2]
    assert "sold" not in items_of(made["items"])[0][0], "what is to be told is no feature"


def test_what_is_wrong_with_lists_is_said(tmp_path: Path):
    frame = patients()
    with pytest.raises(DataError, match=r'data\.by: there is no column "wart" in wards\..* Did you mean "ward"\?'):
        Lists(Wards(frame), ["wart"], "target").read()
    with pytest.raises(DataError, match=r'data\.relevance: "sex" of wards must hold a number'):
        Lists(Wards(frame), ["ward"], "sex").read()
    with pytest.raises(ConfigError, match="serves ranking, and this task is regression"):
        Pairwise().check(Schema("regression", "y", {"items": "text"}))


def test_a_bake_off_of_rankings_reaches_a_verdict_and_has_its_section(tmp_path: Path):
    patients().to_csv(tmp_path / "patients.csv", index=False)
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "wards.yaml").write_text(EXPERIMENT)
    command = [str(Path(sys.executable).with_name("bakeoff")), "--config-dir", "conf", "experiment=wards"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "list_ndcg" in done.stdout
    assert "Verdict: " in done.stdout
    assert "The order of the lists" in done.stdout
    assert "lists in the right order; most wrong: " in done.stdout
