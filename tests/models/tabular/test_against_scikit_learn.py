"""Our linear model against a plain scikit-learn pipeline on the same split: its score is no better and no worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bakeoff import data
from bakeoff.config import components
from bakeoff.data.samples import Sample
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Parquet, Source
from bakeoff.models.base import Context
from bakeoff.models.tabular.estimator import adapt
from bakeoff.testing.contract import composed


def passengers() -> pd.DataFrame:
    """Like the list of the Titanic: 1,300 people, repeated profiles, missing ages, 40 % of whom survive."""
    rng = np.random.default_rng(5)
    n = 1300
    cabin, sex = rng.integers(1, 4, n), rng.choice(["male", "female"], n, p=[0.65, 0.35])
    age = np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 70, n).astype(float))
    fare = np.round(rng.choice([7.25, 7.9, 8.05, 13.0, 26.0, 52.0, 80.0], n) / cabin, 2)
    chance = 1 / (1 + np.exp(-(1.2 - 0.9 * cabin + 2.4 * (sex == "female") - 0.02 * np.nan_to_num(age, nan=30))))
    port = rng.choice(["S", "C", "Q", None], n, p=[0.7, 0.19, 0.1, 0.01])
    frame = pd.DataFrame({"cabin": cabin, "sex": sex, "age": age, "fare": fare, "port": port})
    return frame.assign(y=np.where(rng.random(n) < chance, "yes", "no"))


def categories() -> pd.DataFrame:
    """2,000 rows of five categories, 200 profiles or so."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({f"c{i}": rng.choice(list("abcd")[: i + 2], 2000) for i in range(3)})
    frame["region"] = rng.choice([f"r{i}" for i in range(12)], 2000)
    chance = 0.25 + 0.4 * (frame["c2"] == "d") + 0.2 * frame["region"].isin(["r1", "r5"])
    return frame.assign(y=np.where(rng.random(2000) < chance, "yes", "no"))


def rows(name: str, tmp_path: Path) -> tuple[pd.DataFrame, Source, str]:
    made = {"passengers": passengers, "categories": categories}
    if name in made:
        made[name]().to_parquet(tmp_path / "rows.parquet")
        return made[name](), Parquet(str(tmp_path / "rows.parquet")), "y"
    source = Sample(name)
    return source.read().frame, source, {"churn": "churn", "credit": "Status", "ames": "Sale_Price"}[name]


@pytest.mark.parametrize("name", ["churn", "credit", "ames", "passengers", "categories"])
def test_the_linear_model_scores_like_a_plain_pipeline(name: str, tmp_path: Path) -> None:
    frame, source, target = rows(name, tmp_path)
    task = data.load(source, DataSettings(name=name, target=target))
    model = adapt(components.instantiate(composed("model=linear", "data=diabetes")["model"], "model"))
    model.fit(task.development.examples, None, Context(task.schema, 0, 2))
    answers = model.predict(task.test.X)

    learned, asked = frame.iloc[task.development.examples.ids], frame.iloc[task.test.ids]
    is_regression = task.schema.kind == "regression"
    head = Ridge(alpha=10.0) if is_regression else LogisticRegression(C=10.0, max_iter=1000)
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    names = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"), OneHotEncoder(handle_unknown="ignore")
    )
    encoder = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (names, make_column_selector(dtype_exclude="number")),
    )
    plain = make_pipeline(encoder, head).fit(_plain(learned, target), learned[target])
    if is_regression:
        ours, theirs = (
            r2_score(asked[target], values) for values in (answers.output, plain.predict(_plain(asked, target)))
        )
    else:
        assert answers.proba is not None
        positive = task.schema.classes[1]
        truth = (asked[target].astype(str) == positive).to_numpy()
        assert list(truth) == list(task.test.y == positive), "the same rows"
        ours = roc_auc_score(truth, answers.proba[:, 1])
        theirs = roc_auc_score(truth, plain.predict_proba(_plain(asked, target))[:, 1])
    assert ours == pytest.approx(theirs, abs=0.015)


def _plain(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    features = frame.drop(columns=target)
    return features.astype(
        {c: object for c in features.columns if not pd.api.types.is_numeric_dtype(features[c].dtype)}
    )
