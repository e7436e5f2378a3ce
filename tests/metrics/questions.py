"""Tables of answered questions, by hand and at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from bakeoff.metrics import applies_to, get
from bakeoff.record.tables import USAGE
from bakeoff.task import Gold, Predictions, PredictionTable, Schema, Usage

DOCUMENTS = [f"d{i}" for i in range(8)]
NAN_OR = [np.nan, 0.0, 0.25, 1.0]


def objects(values: Sequence[Any]) -> np.ndarray:
    """An array of n objects, tuples among them."""
    found = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        found[i] = value
    return found


def answered(
    rows: Sequence[tuple[str, Gold]], kind: str = "qa", grades: dict[str, Any] | None = None, **fields: Any
) -> PredictionTable:
    """A table of outputs and truths; lists of tuples or of text among the fields become arrays."""
    n = len(rows)
    usage = Usage.from_columns(n, **{name: fields.pop(name) for name in USAGE if name in fields})
    given = {k: objects(v) if k in ("retrieved", "cited", "evidence") else np.array(v) for k, v in fields.items()}
    return PredictionTable(
        Schema(kind, "answers", {"question": "text", "history": "text"}),
        np.arange(n),
        objects([gold for _, gold in rows]),
        Predictions(objects([output for output, _ in rows]), usage=usage, **given),
        np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
        {name: np.array(values, dtype=float) for name, values in (grades or {}).items()},
    )


texts = st.sampled_from(["", " ", "the cat", "a cat sat", "cats", "**", "//", "The", "sat on a mat", "Größe"])
relevances = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(1, 3), max_size=4)
golds = st.builds(Gold, st.lists(texts.filter(str.strip), max_size=3).map(tuple), relevances)
rankings = st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=8).map(tuple)


@st.composite
def tables(draw, least: int = 1) -> PredictionTable:
    n = draw(st.integers(least, 8))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=n, max_size=n))

    return answered(
        column(st.tuples(texts, golds)),
        grades={"similarity": column(st.sampled_from(NAN_OR)), "judge": column(st.sampled_from(NAN_OR))},
        retrieved=column(rankings),
        cited=column(rankings),
        evidence=column(st.sampled_from(["", "The cat sat on a mat.", "a ** b", "Die Größe"])),
        calls=column(st.sampled_from([0.0, 1.0, 2.0])),
        input_tokens=column(st.sampled_from([0.0, 100.0])),
        output_tokens=column(st.sampled_from([0.0, 7.0])),
        cost_usd=column(st.sampled_from([0.0, 0.002, np.nan])),
    )


@st.composite
def resampled(draw) -> tuple[PredictionTable, np.ndarray]:
    table = draw(tables())
    n = len(table)
    rows = draw(st.lists(st.lists(st.integers(0, n - 1), min_size=1, max_size=2 * n), min_size=1, max_size=3))
    return table, np.array([np.bincount(r, minlength=n) for r in rows], dtype=np.float32)


def assert_faces_agree(name: str, table: PredictionTable, counts: np.ndarray) -> None:
    """Assert that resampling equals the value of each resampled table, and with all counts 1, the value itself."""
    metric = get(name)
    assert applies_to(metric, table)
    drawn = [table.take(np.repeat(np.arange(len(table)), row.astype(int))) for row in counts]
    expected = [metric.value(each) for each in drawn]
    np.testing.assert_allclose(metric.resample(table, counts), expected, rtol=1e-9, err_msg=name)
    ones = np.ones((1, len(table)), dtype=np.float32)
    np.testing.assert_allclose(metric.resample(table, ones), [metric.value(table)], rtol=1e-9, err_msg=name)
