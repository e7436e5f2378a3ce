"""XGBoost and LightGBM, held to bakeoff's contracts and run from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.extend import ConfigError, Context, Examples, Schema, check_model, check_plugin, tasks
from bakeoff_xgboost.lgbm import LightGBMModel
from bakeoff_xgboost.xgb import XGBoostModel

MODELS = [XGBoostModel, LightGBMModel]


def fitted(model: Any, schema: Schema, rows: Examples, report: Any = None) -> Any:
    cut = len(rows) // 5
    context = Context(schema, 0, 1) if report is None else Context(schema, 0, 1, report)
    model.fit(rows.take(slice(cut, None)), rows.take(slice(0, cut)), context)
    return model


def colours(n: int = 400) -> tuple[Schema, Examples]:
    """Half of the colours are yes. Their names are in no order that helps."""
    random = np.random.default_rng(0)
    colour = random.integers(0, 40, n)
    X = pd.DataFrame({"colour": [f"c{c:02}" for c in colour], "noise": random.normal(size=n)})
    y = np.where(colour % 2 == 0, "yes", "no").astype(object)
    return Schema(
        "classification", "y", {"colour": "categorical", "noise": "numeric"}, ("no", "yes"), "yes"
    ), tasks.examples(X, y)


def test_the_plugin_holds_to_its_contract():
    assert "model/lightgbm composes, and its classes take these arguments" in check_plugin("xgboost")


@pytest.mark.parametrize("option", ["xgboost", "lightgbm"])
def test_the_models_hold_to_their_contract(option: str):
    held = check_model(option)
    for task in ("text", "iris", "diabetes", "mixed"):
        assert f"{task}: a saved model predicts the same" in held
        assert f"{task}: a search can end a fit" in held
    assert "mixed: categories never seen are no obstacle" in held


def test_categories_are_split_as_categories():
    schema, rows = colours()
    xgb = fitted(XGBoostModel(rounds=3, depth=1), schema, rows)
    split = json.loads(xgb.booster_.get_dump(dump_format="json")[0])
    assert isinstance(split["split_condition"], list), "a set of codes, not a number to compare with"
    right = (xgb.predict(rows.X).output == rows.y).mean()
    assert right > 0.95, "one split tells nearly all colours apart; a threshold on their codes would get half"
    lgbm = fitted(LightGBMModel(rounds=30, extra={"cat_smooth": 1, "min_data_per_group": 5}), schema, rows)
    tree = lgbm.booster_.dump_model()["tree_info"][0]["tree_structure"]
    assert tree["decision_type"] == "==" and "||" in tree["threshold"], "a set of codes"
    assert (lgbm.predict(rows.X).output == rows.y).mean() > 0.95


@pytest.mark.parametrize("model", MODELS)
def test_that_a_value_is_missing_is_learnt_from(model: Any):
    random = np.random.default_rng(0)
    x = np.where(random.random(300) < 0.5, np.nan, random.normal(size=300))
    schema = Schema("classification", "y", {"x": "numeric"}, ("no", "yes"), "yes")
    rows = tasks.examples(pd.DataFrame({"x": x}), np.where(np.isnan(x), "yes", "no").astype(object))
    assert (fitted(model(rounds=40), schema, rows).predict(rows.X).output == rows.y).all()


@pytest.mark.parametrize("model", MODELS)
def test_fitting_stops_where_validation_no_longer_gains(model: Any):
    schema, rows = tasks.diabetes()
    heard: list[tuple[int, float]] = []
    stopped = fitted(
        model(rounds=400, learning_rate=0.3, early_stopping_rounds=5),
        schema,
        rows,
        lambda step, loss: heard.append((step, loss)),
    )
    losses = [loss for _, loss in heard]
    best = int(np.argmin(losses))
    assert [step for step, _ in heard] == list(range(len(heard))), "each round is reported"
    assert len(heard) == best + 1 + 5 < 400
    rows_of_valid = rows.take(slice(0, len(rows) // 5))
    error = stopped.predict(rows_of_valid.X).output - rows_of_valid.y
    assert np.sqrt((error**2).mean()) == pytest.approx(losses[best], rel=1e-5), "the trees after the best are not used"


@pytest.mark.parametrize("model", MODELS)
def test_without_validation_rows_all_rounds_are_fitted(model: Any):
    schema, rows = tasks.mixed()
    made = model(rounds=7)
    made.fit(rows, None, Context(schema, 0, 1))
    booster = made.booster_
    assert (booster.num_boosted_rounds() if model is XGBoostModel else booster.num_trees()) == 7


def test_what_is_saved_is_the_librarys_own_format(tmp_path: Path):
    import lightgbm
    import xgboost

    schema, rows = tasks.diabetes()
    for model, file, read in (
        (XGBoostModel, "model.ubj", lambda path: xgboost.Booster(model_file=path)),
        (LightGBMModel, "model.txt", lambda path: lightgbm.Booster(model_file=path)),
    ):
        (tmp_path / file[-3:]).mkdir()
        made = fitted(model(rounds=5), schema, rows)
        made.save(tmp_path / file[-3:])
        matrix = made.layout_.matrix(rows.X)
        booster = read(tmp_path / file[-3:] / file)
        told = booster.inplace_predict(matrix) if model is XGBoostModel else booster.predict(matrix)
        np.testing.assert_allclose(told, made.predict(rows.X).output, rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (XGBoostModel(depth=0), r"model\.depth: 0 is out of range\. Allowed: from 1 to 30\."),
        (LightGBMModel(leaves=1), r"model\.leaves: 1 is out of range\. Allowed: from 2 to 131072\."),
        (XGBoostModel(extra={"max_leafs": 3}), r'XGBoost has no parameter "max_leafs"\. Did you mean "max_leaves"\?'),
        (LightGBMModel(extra={"max_bins_": 3}), r'LightGBM has no parameter "max_bins_"\. Did you mean "max_bins?"\?'),
        (XGBoostModel(extra={"eta": 0.1}), r"model\.extra\.eta: this is not an extra\. Set model\.learning_rate\."),
        (LightGBMModel(extra={"n_estimators": 9}), r"this is not an extra\. Set model\.rounds\."),
    ],
)
def test_what_is_wrong_is_refused_before_any_fit(model: Any, found: str):
    with pytest.raises(ConfigError, match=found):
        model.check(tasks.diabetes()[0])


def test_a_tuned_bake_off_reaches_a_verdict_and_ends_hopeless_trials(tmp_path: Path):
    _, rows = colours(300)
    rows.X.assign(y=rows.y).to_csv(tmp_path / "colours.csv", index=False)
    command = [
        str(Path(sys.executable).with_name("bakeoff")), "-m", "model=xgboost,lightgbm", "data=csv",
        "data.path=colours.csv", "data.target=y", "incumbent=xgboost", "search=tpe", "search.trials=12",
        "name=colours", "search.threads=1",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Verdict: " in done.stdout
    for variant in ("xgboost", "lightgbm"):
        trials = pd.read_parquet(tmp_path / "outputs" / "colours" / variant / "trials.parquet")
        assert len(trials) == 12
        assert (trials["state"] == "COMPLETE").any()
        assert (trials["state"] == "PRUNED").any(), "a trial was ended in the middle of its rounds"
