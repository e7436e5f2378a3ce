"""Leaks that a person would want to be told of, and tables that must not raise an alarm."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bakeoff.data import leaks, near_duplicates
from bakeoff.task import Development, Examples, Schema, Task

N = 1200
Columns = dict[str, NDArray[Any]]


def task(columns: Columns, y: NDArray[Any], kinds: dict[str, str] | None = None, ids: Any = None) -> Task:
    X = pd.DataFrame(columns)
    kind: dict[str, str] = {
        name: "numeric" if pd.api.types.is_numeric_dtype(X[name].dtype)
        else "date" if pd.api.types.is_datetime64_any_dtype(X[name].dtype) else "categorical"
        for name in X
    }  # fmt: skip
    is_labels = y.dtype == object
    classes = tuple(sorted(set(y))) if is_labels else ()
    schema = Schema("classification" if is_labels else "regression", "y", kind | (kinds or {}), classes)
    rows = Examples(X, y, np.arange(len(y)) if ids is None else ids, pd.DataFrame(index=X.index))
    n = int(len(y) * 0.8)
    development = Development(schema, rows.take(slice(0, n)), n, np.arange(n))
    return Task("mine", development, rows.take(slice(n, None)), "f", {})


CHANCE = np.random.default_rng(7)


def labels(n: int = N, share: float = 0.3) -> NDArray[Any]:
    return np.where(CHANCE.random(n) < share, "yes", "no").astype(object)


def findings(made: Task, id_column: str | None = None) -> dict[str, str]:
    return {leak.check: leak.text for leak in leaks.find(made, id_column)}


def mostly(y: NDArray[Any]) -> NDArray[Any]:
    """The labels under other names, 1 % of them wrong."""
    wrong = np.random.default_rng(8).random(len(y)) < 0.01
    return np.where((y == "yes") ^ wrong, "closed", "open").astype(object)


LEAKING: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "the labels by another name": mostly,
    "a number that is filled for one class only": lambda y: np.where(y == "yes", CHANCE.normal(size=len(y)), np.nan),
    "a threshold": lambda y: np.where(y == "yes", 5, 0) + CHANCE.random(len(y)),
}


@pytest.mark.parametrize("leaking", LEAKING)
@pytest.mark.parametrize("share", [0.3, 0.01])
def test_a_column_that_predicts_the_labels_alone_is_named(leaking: str, share: float) -> None:
    y = labels(6000, share)
    made = findings(task({"noise": CHANCE.normal(size=6000), "state": LEAKING[leaking](y)}, y))
    if leaking == "the labels by another name" and share == 0.01:
        assert made == {}, "among 1 % positives, 1 % of noise leaves little"
    else:
        assert list(made) == ["single_column"]
        assert '"state" alone predicts the target: ' in made["single_column"]
        assert "leave it out: 'data.ignore=[state]'." in made["single_column"]
        assert '"noise"' not in made["single_column"]


def test_a_column_that_is_the_value_in_another_unit_is_named() -> None:
    y = np.exp(CHANCE.normal(size=N))
    columns = {"cents": np.round(100 * y), "half": y + CHANCE.normal(size=N), "noise": CHANCE.normal(size=N)}
    made = findings(task(columns, y))
    assert list(made) == ["single_column"]
    assert made["single_column"].startswith('"cents" alone predicts the target: it explains ')


@pytest.mark.parametrize(
    "number",
    [
        lambda rank: 10_000 + rank,
        lambda rank: np.array([f"C{r:05d}" for r in rank], dtype=object),
        lambda rank: np.array([f"{'new' if r > 800 else 'old'}-{(r * 7919) % 1200}" for r in rank], dtype=object),
    ],
    ids=["numbers", "codes", "prefixes"],
)
def test_an_id_that_orders_the_classes_is_named(number: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    order = CHANCE.permutation(N)
    y = np.where((order > 800) ^ (CHANCE.random(N) < 0.05), "yes", "no").astype(object)
    made = findings(task({"customer": number(order), "x": CHANCE.normal(size=N)}, y))
    assert list(made) == ["ordered_classes"]
    assert made["ordered_classes"].startswith('"customer" looks like an id and gives the target away')
    assert "data.ignore=[customer]" in made["ordered_classes"]
    declared = findings(task({"x": CHANCE.normal(size=N)}, y, ids=number(order)), "customer")
    assert "class by class" in declared["ordered_classes"]


def test_a_date_that_orders_the_classes_is_named() -> None:
    order = CHANCE.permutation(N)
    y = np.where(order > 700, "yes", "no").astype(object)
    days = (np.datetime64("2024-01-01") + order).astype("datetime64[us]")
    made = findings(task({"signed": days, "x": CHANCE.normal(size=N)}, y))
    assert made["ordered_classes"].startswith('"signed" looks like a moment and gives the target away')


def test_a_time_by_which_rows_are_split_and_that_orders_the_classes_is_named() -> None:
    y = np.where(np.arange(N) // 300 % 2 == 0, "yes", "no").astype(object)
    made = task({"x": CHANCE.normal(size=N)}, y)
    ordered = replace(made, development=replace(made.development, is_ordered=True))
    [leak] = leaks.find(ordered, None, "day")
    assert leak.text.startswith('"day" looks like a moment and gives the target away')
    assert leaks.find(made, None, "day") == []


def honest() -> dict[str, Task]:
    y = labels()
    x = CHANCE.normal(size=N) + 1.5 * (y == "yes")
    value = 3 * x + CHANCE.normal(size=N)
    ids = np.array([f"C{r:05d}" for r in CHANCE.permutation(N)], dtype=object)
    plan = np.where(CHANCE.random(N) < 0.85, np.where(y == "yes", "a", "b"), "c").astype(object)
    many = np.array([f"class {k}" for k in CHANCE.integers(0, 300, N)], dtype=object)
    days = (np.datetime64("2024-01-01") + CHANCE.permutation(N)).astype("datetime64[us]")
    return {
        "strong features": task({"x": x, "plan": plan, "id": ids, "number": CHANCE.permutation(N), "day": days}, y),
        "values": task({"x": x, "id": ids, "number": CHANCE.permutation(N)}, value),
        "noise": task({f"x{i}": CHANCE.normal(size=N) for i in range(3)} | {"c": many}, y),
        "many classes": task({"x": x, "id": ids}, many),
        "three positives": task({"x": np.arange(N)}, np.array(["no"] * (N - 3) + ["yes"] * 3, dtype=object)),
        "twenty rows": task({"x": np.arange(20)}, np.array(["a", "b"] * 10, dtype=object)),
        "a constant column": task({"x": np.ones(N), "c": np.array(["same"] * N, dtype=object)}, y),
        "an empty column": task({"x": np.full(N, np.nan)}, y),
    }


@pytest.mark.parametrize("name", honest())
def test_honest_tables_raise_no_alarm(name: str) -> None:
    assert findings(honest()[name]) == {}


WORDS = (
    "the a parcel was broken late again please refund my order before friday we called the shop twice nobody answered "
    "and your driver left it outside in rain number lost wrong colour size small blue shoes thank you very much"
)


def sentences(n: int, seed: int) -> list[str]:
    chance = np.random.default_rng(seed)
    return [" ".join(chance.choice(np.array(WORDS.split()), chance.integers(8, 20))) for _ in range(n)]


def test_texts_that_differ_in_a_word_are_near_duplicates() -> None:
    known = sentences(800, 1)
    changed = [f"{text} thanks" if i % 2 else text.replace("the ", "The  ", 1) + " 17" for i, text in enumerate(known)]
    test = changed[:60] + sentences(140, 2)
    y = labels(1000)
    made = findings(task({"text": np.array(known + test, dtype=object)}, y, {"text": "text"}))
    assert made["near_duplicates"].startswith('30% of 200 test texts in "text" are near-duplicates of training texts')
    assert "rows 800 and 0" in made["near_duplicates"]


def test_texts_that_are_mostly_copies_allow_no_verdict_unless_they_are_accepted() -> None:
    known = sentences(800, 1)
    test = [f"{text.upper()} " for text in known[:150]] + sentences(50, 2)
    copied = task({"text": np.array(known + test, dtype=object)}, labels(1000), {"text": "text"})
    assert findings(copied)["copied_texts"].startswith('150 of 200 test texts in "text" equal training texts but for')
    assert [leak.check for leak in leaks.find(copied, accepts_copies=True)] == ["near_duplicates"]
    two = {"text": np.array(known + test, dtype=object), "n": np.random.default_rng(0).random(1000)}
    assert "copied_texts" not in findings(task(two, labels(1000), {"text": "text", "n": "numeric"}))


def test_other_texts_of_the_same_words_and_equal_texts_are_none() -> None:
    known = pd.Series(sentences(800, 1))
    similar = near_duplicates.between(pd.Series(sentences(200, 2)), known)
    assert (similar.compared, similar.pairs) == (200, {})
    assert near_duplicates.between(known[:200], known).pairs == {}, "equal inputs are told apart elsewhere"
    assert near_duplicates.between(pd.Series(["ok", "", "ok!"]), pd.Series(["ok.", "x", "ok"])).pairs == {}


def test_a_leak_among_thousands_of_columns_is_found_in_seconds() -> None:
    y = labels(1000)
    columns: Columns = {f"x{i}": CHANCE.normal(size=1000) for i in range(2000)}
    columns["x700"] = np.where(y == "yes", CHANCE.choice([-3.0, 3.0], 1000), 0) + CHANCE.uniform(-1, 1, 1000)
    columns["x900"] = np.where(y == "yes", np.nan, columns["x900"])
    start = time.process_time()
    found = [leak.text.split('"')[1] for leak in leaks.find(task(columns, y))]
    assert found == ["x700", "x900"]
    assert time.process_time() - start < 5


def test_many_rows_of_twenty_columns_take_seconds() -> None:
    n = 300_000
    columns: Columns = {f"x{i}": CHANCE.normal(size=n) for i in range(15)}
    columns |= {f"c{i}": CHANCE.choice(np.array(["a", "b", "c"], dtype=object), n) for i in range(4)}
    columns["id"] = CHANCE.permutation(n)
    made = task(columns, np.where(columns["x0"] > 1, "yes", "no").astype(object))
    start = time.process_time()
    assert list(findings(made)) == ["single_column"]
    assert time.process_time() - start < 5, "the cost must not grow with the rows"


@pytest.mark.parametrize("is_labels", [True, False])
def test_values_beyond_single_precision_are_judged_too(is_labels: bool) -> None:
    chance = np.random.default_rng(1)
    y = chance.choice(["yes", "no"], N).astype(object) if is_labels else chance.normal(size=N)
    assert not findings(task({"x": chance.choice([1e308, -1e300, 0.0, np.nan], N)}, y))
