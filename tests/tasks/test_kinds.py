"""Every task kind of bakeoff holds to the contract that plugins hold to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import metrics
from bakeoff.errors import ConfigError
from bakeoff.task import Examples, Predictions, Schema
from bakeoff.tasks import kinds
from bakeoff.tasks.base import Kind
from bakeoff.testing import tasks

TOYS = {
    "classification": tasks.iris,
    "regression": tasks.diabetes,
    "multilabel": tasks.errands,
    "forecast": tasks.forecast,
    "qa": tasks.qa,
    "retrieval": tasks.retrieval,
    "generation": tasks.notices,
}
MODELS = {path.stem for path in (Path(__file__).parents[2] / "conf" / "model").glob("*.yaml")}


def test_names_are_those_with_a_small_task() -> None:
    assert set(kinds.OWN) == set(TOYS)
    assert kinds.own() <= set(kinds.names())


@pytest.mark.parametrize("name", kinds.OWN)
def test_kind_says_what_it_is(name: str) -> None:
    kind = kinds.get(name)
    assert isinstance(kind, Kind) and kind.name == name and kind.summary
    assert kinds.get(name) is kind
    assert set(kind.baselines) <= MODELS


@pytest.mark.parametrize("name", kinds.OWN)
def test_headline_metrics_apply_to_the_kind_and_begin_with_its_default(name: str) -> None:
    kind, (schema, _) = kinds.get(name), TOYS[name]()
    headline = kind.headline_metrics(schema)
    assert headline[0] == kind.default_metric(schema)
    assert set(headline) <= {metric.name for metric in metrics.applicable(schema)}


@pytest.mark.parametrize("name", kinds.OWN)
def test_targets_survive_to_be_written_to_a_file_and_read(name: str, tmp_path: Path) -> None:
    kind, (_, rows) = kinds.get(name), TOYS[name]()
    pd.DataFrame({"target": kind.write_targets(rows.y)}).to_parquet(tmp_path / "t.parquet")
    read = kind.read_targets(pd.read_parquet(tmp_path / "t.parquet")["target"])
    assert all(np.all(a == b) for a, b in zip(read, rows.y, strict=True))


@pytest.mark.parametrize(
    ("name", "make"), [(name, make) for name, make in TOYS.items() if kinds.get(name).strata(make()[1].y) is not None]
)
def test_strata_and_labels_are_of_the_rows(name: str, make: Callable[[], tuple[Schema, Examples]]) -> None:
    kind, (schema, rows) = kinds.get(name), make()
    strata = kind.strata(rows.y)
    assert strata is not None and len(strata) == len(rows)
    positions, labels = kind.labels(rows.y)
    assert len(positions) == len(labels) and positions.max() < len(rows)
    assert set(labels) == set(schema.classes)


def test_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'data\.kind: "multilable" is unknown.*Did you mean "multilabel"'):
        kinds.get("multilable")


@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_probabilities_are_checked_where_there_is_an_answer_only(kind: str) -> None:
    """A language model whose budget ends leaves rows without an answer, and so without probabilities."""
    schema = Schema(kind, "label", {"text": "text"}, ("ham", "spam"))
    output = np.empty(2, dtype=object)
    output[:] = ["ham", ""] if kind == "classification" else [("ham",), ()]
    proba = np.array([[0.75, 0.25], [np.nan, np.nan]])
    asked = Predictions(output, proba=proba, status=np.array(["ok", "not_asked"], dtype=object))
    kinds.get(kind).check_predictions(asked, schema, 2)
    with pytest.raises(ValueError, match="a probability is"):
        kinds.get(kind).check_predictions(replace(asked, status=np.array(["ok", "ok"], dtype=object)), schema, 2)
