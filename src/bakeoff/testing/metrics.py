"""The contract of a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import metrics
from bakeoff.metrics import applies_to
from bakeoff.metrics.resampling import by_loop
from bakeoff.task import Gold, Predictions, PredictionTable, Schema, Series, Usage
from bakeoff.testing.contract import Contract

ROWS = 40


def check_metric(name: str, tables: Sequence[PredictionTable] = ()) -> list[str]:
    """Check a metric on tables that it applies to: its value, its resamples, one row and none.

    Args:
        name: as it is written in configs.
        tables: of predictions; small ones of the kinds that bakeoff brings when empty.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(f"metric {name}")
    with contract.holds("it is found by its name, alone"):
        metric = metrics.asked(name, "metrics.names")
    with contract.holds("it says what it is"):
        assert metric.value.__doc__, "its function has no docstring"
        assert metric.direction in ("maximize", "minimize"), f"its direction is {metric.direction}"
    fitting = [table for table in tables or _tables() if applies_to(metric, table)]
    assert fitting, f"{contract.of}: it applies to none of the tables. Give tables of its kind."
    for table in fitting:
        kind = table.schema.kind
        with contract.holds(f"{kind}: the value is a number"):
            value = metric.value(table)
            assert isinstance(value, float), f"it is of type {type(value).__name__}"
            assert not math.isinf(value), "it is infinite"
        with contract.holds(f"{kind}: all rows once is the value"):
            once = metric.resample(table, np.ones((1, len(table)), dtype=np.float32))
            np.testing.assert_allclose(once, [value], rtol=1e-6, atol=1e-9)
        with contract.holds(f"{kind}: resamples at once are resamples one by one"):
            drawn = np.random.default_rng(0).multinomial(len(table), np.full(len(table), 1 / len(table)), size=5)
            counts = drawn.astype(np.float32)
            loop = by_loop(metric.value)(table, counts)
            np.testing.assert_allclose(metric.resample(table, counts), loop, rtol=1e-5, atol=1e-7)
        with contract.holds(f"{kind}: one row has a value, or NaN"):
            float(metric.value(table.take(np.array([0]))))
        with contract.holds(f"{kind}: no rows have no value"):
            _of_nothing(metric, table)
    return contract.held


def _of_nothing(metric: metrics.Metric, table: PredictionTable) -> None:
    try:
        value = metric.value(table.take(np.array([], dtype=np.intp)))
    except Exception:  # raising is correct as well
        return
    assert math.isnan(value), f"it is {value}"


def _tables() -> list[PredictionTable]:
    random = np.random.default_rng(0)
    tables = []
    for classes, positive in ((("no", "yes"), "yes"), (("a", "b", "c"), None)):
        proba = random.dirichlet(np.ones(len(classes)), ROWS)
        target = np.array(random.choice(classes, ROWS), dtype=object)
        output = np.array(classes, dtype=object)[proba.argmax(axis=1)]
        schema = Schema("classification", "y", {"x": "numeric"}, classes, positive)
        tables.append(_table(schema, target, Predictions(output, proba, confidence=proba.max(axis=1))))
    labels, target, output = ("a", "b", "c"), np.empty(ROWS, dtype=object), np.empty(ROWS, dtype=object)
    proba_of_labels = random.random((ROWS, 3))
    for i in range(ROWS):
        target[i] = tuple(label for label, there in zip(labels, random.random(3) < 0.4, strict=True) if there)
        output[i] = tuple(label for label, proba in zip(labels, proba_of_labels[i], strict=True) if proba > 0.5)
    tables.append(
        _table(Schema("multilabel", "y", {"x": "numeric"}, labels), target, Predictions(output, proba_of_labels))
    )
    value = random.normal(10, 2, ROWS)
    tables.append(
        _table(Schema("regression", "y", {"x": "numeric"}), value, Predictions(value + random.normal(size=ROWS)))
    )
    paths = random.normal(10, 2, (ROWS, 3))
    series = Series(6, 3, 2, ("y",), (), "1 h", 3600.0, None, {"": 1.5})
    forecast = Schema("forecast", "y", {"y": "numeric"}, series=series)
    tables.append(_table(forecast, paths, Predictions(paths + random.normal(size=paths.shape))))
    gold, found = np.empty(ROWS, dtype=object), np.empty(ROWS, dtype=object)
    for i in range(ROWS):
        gold[i] = Gold((f"answer number {i}",), {f"d{i}": 1})
        found[i] = tuple(f"d{j}" for j in random.permutation([i, i + 1, i + 2]))
    said = np.array([f"answer number {i // 2 * 2}" for i in range(ROWS)], dtype=object)
    graded = {name: random.random(ROWS) for name in ("similarity", "judge")}
    written = np.array([f"a text about number {i // 3 * 3}" for i in range(ROWS)], dtype=object)
    references = np.empty(ROWS, dtype=object)
    references[:] = [Gold((f"text on number {i}", "another") if i % 5 else ()) for i in range(ROWS)]
    grades = {name: random.random(ROWS) for name in ("similarity", "judge", "support")}
    schema = Schema("generation", "summary", {"text": "text"})
    tables.append(_table(schema, references, Predictions(written), grades))
    for kind in ("qa", "retrieval"):
        answers = Predictions(
            said,
            confidence=random.random(ROWS),
            retrieved=found,
            cited=found,
            evidence=said,
            usage=Usage(
                np.ones(ROWS),
                random.integers(50, 90, ROWS).astype(float),
                random.integers(5, 9, ROWS).astype(float),
                random.random(ROWS),
                np.zeros(ROWS, dtype=np.bool_),
            ),
        )
        tables.append(_table(Schema(kind, "answers", {"question": "text"}), gold, answers, graded))
    return tables


def _table(
    schema: Schema, target: NDArray[Any], predictions: Predictions, grades: dict[str, NDArray[Any]] | None = None
) -> PredictionTable:
    import pandas as pd

    seconds = np.linspace(0.001, 0.01, ROWS)
    nothing = pd.DataFrame(index=range(ROWS))
    ids = np.arange(ROWS).astype(str).astype(object)
    return PredictionTable(
        schema, ids, target, predictions, seconds, nothing, grades or {}, seconds, value=10 * seconds
    )
