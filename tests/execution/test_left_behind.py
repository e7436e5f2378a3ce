"""What a run leaves for later readers: test rows, profiles, out-of-sample predictions of validation rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.execution import runner
from bakeoff.models import out_of_sample
from bakeoff.models.base import Context
from bakeoff.request.spec import Request
from bakeoff.task import Development

QUICK = ("data=breast_cancer", "decision.resamples=200", "metrics.latency_rows=2", "tracker=none")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def bake(tmp_path_factory: pytest.TempPathFactory) -> python.Bakeoff:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("shared"))
        return python.bakeoff(
            *QUICK, "record_validation=true", models=["constant", "linear", "catboost"], incumbent="constant"
        )


def development(run: python.Run) -> Development:
    return runner.load_task(Request.from_config(run.config, run.folder)).development


def test_inputs_are_the_test_rows_by_id_once_in_the_bake_off(bake: python.Bakeoff) -> None:
    inputs = pd.read_parquet(bake.folder / record.INPUTS)
    task = runner.load_task(Request.from_config(bake["linear"].config, bake.folder / "linear"))
    assert inputs["id"].tolist() == [str(i) for i in task.test.ids]
    pd.testing.assert_frame_equal(inputs.drop(columns="id"), task.test.X.reset_index(drop=True))
    assert not list(bake.folder.glob(f"*/{record.INPUTS}"))
    recorded = bake["linear"].model.predict(inputs.drop(columns="id")).output
    assert recorded.tolist() == bake["linear"].predictions["output"].tolist()


def test_inputs_are_written_once_and_anew_for_another_task(bake: python.Bakeoff) -> None:
    file, test = bake.folder / record.INPUTS, development(bake["linear"]).valid
    before = file.stat().st_mtime_ns
    assert record.write_inputs(bake.folder, test, str(bake["linear"].record.fingerprint)) is None
    assert file.stat().st_mtime_ns == before
    other = bake.folder.parent / "other"
    other.mkdir()
    for fingerprint, rows in (("one", test), ("another", test.take(slice(0, 5)))):
        assert record.write_inputs(other, rows, fingerprint) is None
        assert len(pd.read_parquet(other / record.INPUTS)) == len(rows)


def test_profile_tells_of_training_rows_and_predictions(bake: python.Bakeoff) -> None:
    run = bake["linear"]
    found = json.loads((run.folder / record.PROFILE).read_text())
    train = development(run).train
    assert found["fingerprint"] == run.record.fingerprint
    assert found["train_rows"] == len(train)
    assert found["columns"]["mean radius"]["mean"] == pytest.approx(train.X["mean radius"].mean())
    assert sum(found["predictions"]["output"]["categories"].values()) == len(run.predictions)
    assert found["predictions"]["confidence"]["quantiles"]["0.0"] >= 0.5


def test_private_inputs_are_not_recorded(tmp_path: Path) -> None:
    bake = python.bakeoff(*QUICK, "record_inputs=false", models=["constant"], incumbent=None)
    assert not (bake.folder / record.INPUTS).exists()
    profile = json.loads((bake["constant"].folder / record.PROFILE).read_text())
    assert "categories" not in profile["predictions"]["output"]


@pytest.mark.parametrize("variant", ["linear", "catboost"])
def test_validation_rows_are_predicted_out_of_sample(bake: python.Bakeoff, variant: str) -> None:
    run = bake[variant]
    table = record.read_predictions(run.record, record.VALIDATION)
    valid = development(run).valid
    assert table.ids.astype(str).tolist() == [str(i) for i in valid.ids]
    assert table.target.tolist() == valid.y.tolist()
    assert (table.predictions.output == table.target).mean() > 0.85
    says_halves = any("half" in note for note in run.notes)
    assert says_halves == (variant == "catboost"), "catboost stops early on validation rows"


def test_finished_run_without_validation_is_kept_and_gets_it() -> None:
    first = python.bakeoff(*QUICK, models=["constant"], incumbent=None)["constant"]
    again = python.bakeoff(*QUICK, "record_validation=true", models=["constant"], incumbent=None)["constant"]
    assert again.record.started == first.record.started
    assert len(record.read_predictions(again.record, record.VALIDATION)) == len(development(again).valid)


class Remembers:
    """A model that says which rows it was fitted with: predictions are 1 where it has seen the row."""

    def __init__(self, uses_validation: bool) -> None:
        self.uses_validation = uses_validation

    def fit(self, train, valid, context) -> None:
        self.seen = {*train.ids, *(valid.ids if valid is not None else ())}
        self.has_valid = valid is not None

    def fit_to_all(self, rows, context) -> None:
        self.seen |= {*rows.ids}

    def predict(self, X):
        from bakeoff.task import Predictions

        return Predictions(np.array([float(i in self.seen) for i in X.index]))


@pytest.mark.parametrize("uses_validation", [False, True])
def test_no_validation_row_is_predicted_by_a_fit_that_saw_it(bake: python.Bakeoff, uses_validation: bool) -> None:
    given = development(bake["linear"])
    examples = given.examples
    named = type(examples)(examples.X.set_axis(examples.ids), examples.y, examples.ids, examples.slices)
    given = Development(given.schema, named, given.n_train, given.groups)
    models = []

    def build():
        models.append(Remembers(uses_validation))
        return models[-1]

    table, notes = out_of_sample.predicted(build, given, Context(given.schema, 0, 1))
    assert table is not None
    assert not table.predictions.output.any()
    assert table.ids.tolist() == given.valid.ids.tolist()
    assert sum(hasattr(model, "seen") for model in models) == (2 if uses_validation else 1)
    assert bool(notes) == uses_validation


def test_halves_keep_groups_together(bake: python.Bakeoff) -> None:
    given = development(bake["linear"])
    n = len(given.examples)
    grouped = Development(given.schema, given.examples, given.n_train, np.arange(n) // 5)
    halves = out_of_sample._halves(grouped)
    assert halves is not None
    first, second = (set((half + given.n_train) // 5) for half in halves)
    assert first and second and not first & second
    assert sorted(np.concatenate(halves)) == [*range(n - given.n_train)]
    alone = Development(given.schema, given.examples, given.n_train, np.zeros(n, np.intp))
    assert out_of_sample._halves(alone) is None
