"""The run folder: what is written is read back the same, whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import record, unfinished
from bakeoff.errors import DataError
from bakeoff.record import Run, Score
from bakeoff.task import (
    ABSTAINED,
    DataNote,
    Gold,
    NoteRank,
    Predictions,
    PredictionTable,
    Schema,
    StageTrace,
    Usage,
    concatenated,
)

BINARY = Schema("classification", "label", {"weight": "numeric", "home": "categorical"}, ("cat", "dog"), "dog")
VALUES = Schema("regression", "price", {"rooms": "numeric"})
ASKED = Schema("qa", "answers", {"question": "text", "history": "text"})


def run(folder: Path, schema: Schema = BINARY, **changed: Any) -> Run:
    asked = {"kind": schema.kind, "target": schema.target, "columns": dict(schema.columns), "classes": schema.classes}
    task = {"name": "pets", "schema": asked | {"positive": schema.positive}, "split": {"test": 4}, "notes": ["so"]}
    return replace(
        Run(folder, folder.name, "classical", "ok", "2026-01-02T03:04:05.678+00:00", task, "f1n9er"), **changed
    )


def labelled(proba: bool = True, stage: bool = True, slices: pd.DataFrame | None = None) -> PredictionTable:
    return PredictionTable(
        BINARY,
        np.array([7, 3, 5, 1], dtype=object),
        np.array(["cat", "dog", "dog", "cat"], dtype=object),
        Predictions(
            np.array(["cat", "cat", "dog", "cat"], dtype=object),
            np.array([[0.9, 0.1], [0.6, 0.4], [0.25, 0.75], [1.0, 0.0]]) if proba else None,
            np.array(["rule a", "default", "rule a", "default"], dtype=object) if stage else None,
        ),
        np.array([0.001, np.nan, 0.002, np.nan]),
        pd.DataFrame(index=range(4)) if slices is None else slices,
    )


def valued() -> PredictionTable:
    return PredictionTable(
        VALUES,
        np.array(["a", "b", "c", "d"], dtype=object),
        np.array([1.5, 2.0, -3.0, 1e9]),
        Predictions(np.array([1.25, 2.0, 0.1, 1e9])),
        np.full(4, np.nan),
        pd.DataFrame(index=range(4)),
    )


def test_data_notes_are_read_back_and_those_of_earlier_versions_are_sentences(tmp_path: Path) -> None:
    written = (
        DataNote("2 rows were dropped.", "data.duplicates", NoteRank.ROWS),
        DataNote("Task: classification.", "data.kind", NoteRank.CHOICES),
    )
    now = run(tmp_path / "now")
    assert now.task is not None
    now = replace(now, task={**now.task, "notes": [asdict(note) for note in written]})
    for folder in ("now", "before"):
        (tmp_path / folder).mkdir()
    assert record.data_notes(record.read_run(record.finish(now).folder)) == written
    before = record.read_run(record.finish(run(tmp_path / "before")).folder)
    assert record.data_notes(before) == (DataNote("so"),)
    assert str(written[0]) == "2 rows were dropped. (data.duplicates)"
    assert record.data_notes(replace(now, task=None)) == ()


def assert_same_usage(a: Usage, b: Usage) -> None:
    for f in fields(Usage):
        np.testing.assert_array_equal(getattr(a, f.name), getattr(b, f.name))


def assert_same(read: PredictionTable, written: PredictionTable) -> None:
    assert read.schema == written.schema
    assert list(read.ids) == list(written.ids)
    for a, b in ((read.target, written.target), (read.predictions.output, written.predictions.output)):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    np.testing.assert_array_equal(read.seconds, written.seconds)
    for f in fields(Predictions):
        a, b = getattr(read.predictions, f.name), getattr(written.predictions, f.name)
        assert (a is None) == (b is None), f.name
        if f.name == "transcripts":
            continue  # they lie in a file of their own
        if f.name == "usage":
            assert_same_usage(a, b)
        elif f.name == "trace":
            assert [stage.name for stage in a] == [stage.name for stage in b]
            for one, other in zip(a, b, strict=True):
                for name in ("rows", "accepted", "seconds"):
                    np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
                assert_same_usage(one.usage, other.usage)
        elif a is not None:
            assert a.dtype == b.dtype, f.name
            np.testing.assert_array_equal(a, b)
    assert set(read.grades) == set(written.grades)
    for name, grades in written.grades.items():
        np.testing.assert_array_equal(read.grades[name], grades)
    assert list(read.slices.columns) == list(written.slices.columns)
    assert len(read.slices) == len(written.slices)


def objects(*values: Any) -> Any:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def answered() -> PredictionTable:
    predictions = Predictions(
        objects("the loop", ABSTAINED),
        stage=objects("llm", "llm"),
        confidence=np.array([0.75, 0.0]),
        retrieved=objects(("while", "for"), ()),
        cited=objects(("while",), ()),
        evidence=objects("break ends the loop", ""),
        usage=Usage(
            np.array([1.0, 2.0]),
            np.array([100.0, 210.0]),
            np.array([5.0, 0.0]),
            np.array([0.001, np.nan]),
            np.array([True, False]),
        ),
        status=objects("ok", "withheld"),
        trace=(
            StageTrace("fast", np.array([1]), np.array([False]), np.array([0.5]), Usage.from_columns(1, calls=[1])),
        ),
    )
    gold = objects(Gold(("the loop", "the nearest loop"), {"break": 2}), Gold())
    no_slices = pd.DataFrame(index=range(2))
    grades = {"judge": np.array([1.0, np.nan])}
    return PredictionTable(ASKED, objects("q1", "q2"), gold, predictions, np.array([0.1, 0.2]), no_slices, grades)


SLICES = pd.DataFrame(
    {"home": ["flat", None, "yard", "flat"], "rooms": [1, 2, 3, 4], "seen": pd.to_datetime(["2026-01-01"] * 4)}
)


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        (labelled(), BINARY),
        (labelled(proba=False), BINARY),
        (labelled(stage=False), BINARY),
        (labelled(proba=False, stage=False), BINARY),
        (labelled(slices=SLICES), BINARY),
        (valued(), VALUES),
        (answered(), ASKED),
    ],
    ids=["all", "no proba", "no stage", "labels only", "slices", "values", "answers"],
)
def test_predictions_are_read_back_as_they_were(tmp_path: Path, table: PredictionTable, schema: Schema) -> None:
    record.write_predictions(tmp_path, table)
    assert_same(record.read_predictions(run(tmp_path, schema)), table)


def test_slices_keep_their_values(tmp_path: Path) -> None:
    record.write_predictions(tmp_path, labelled(slices=SLICES))
    read = record.read_predictions(run(tmp_path)).slices
    assert read["home"].iloc[0] == "flat"
    assert read["home"].isna().tolist() == [False, True, False, False]
    assert read["rooms"].tolist() == [1, 2, 3, 4]
    assert read["seen"].iloc[0] == pd.Timestamp("2026-01-01")


def test_the_columns_of_the_predictions_file_are_the_documented_ones(tmp_path: Path) -> None:
    record.write_predictions(tmp_path, labelled(slices=SLICES[["home"]]))
    columns = list(pd.read_parquet(tmp_path / record.PREDICTIONS).columns)
    assert columns == [
        "id",
        "target",
        "output",
        "stage",
        "status",
        "reason",
        "proba:cat",
        "proba:dog",
        "seconds",
        "slice:home",
    ]


def test_a_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    written = run(
        tmp_path,
        metrics={"f1": Score(0.9, 0.8, 0.95), "fit_seconds": Score(1.5)},
        slices={"home": {"flat": {"rows": 3, "metrics": {"f1": 0.5}}}},
        stages={"rule a": {"coverage": 0.5, "accuracy": 1.0}},
        parameters={"alpha": 1, "nested": {"deep": [1, 2]}},
        seconds={"fit": 0.25},
        card={"licence": "BSD-3-Clause"},
        environment={"git": None},
    )
    written = replace(written, sha256=record.finish(written).sha256)
    read = record.read_run(tmp_path)
    assert read == replace(written, task=read.task)
    assert record.schema_of(read) == BINARY


def test_a_failure_is_read_back_with_its_traceback(tmp_path: Path) -> None:
    error = {"type": "ValueError", "message": "ValueError: no", "traceback": "Traceback …"}
    record.finish(run(tmp_path, status="failed", error=error, task=None, fingerprint=None))
    read = record.read_run(tmp_path)
    assert (read.status, read.error, read.fingerprint) == ("failed", error, None)
    with pytest.raises(DataError, match="never reached its data"):
        record.schema_of(read)


def test_nan_and_infinity_become_null(tmp_path: Path) -> None:
    nan = float("nan")
    record.finish(
        run(
            tmp_path,
            metrics={"roc_auc": Score(nan, nan, nan), "mape": Score(float("inf"))},
            slices={"home": {"flat": {"rows": np.int64(1), "metrics": {"f1": np.float64("nan")}}}},
        )
    )
    text = (tmp_path / record.RESULT).read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    content = json.loads(text)
    assert content["metrics"] == {
        "roc_auc": {"value": None, "low": None, "high": None},
        "mape": {"value": None, "low": None, "high": None},
    }
    assert content["slices"]["home"]["flat"] == {"rows": 1, "metrics": {"f1": None}}
    assert record.read_run(tmp_path).metrics["roc_auc"] == Score(None)


def test_a_config_is_read_back_as_it_was(tmp_path: Path) -> None:
    content = {"name": "pets", "seed": 0, "model": {"_target_": "x.Y", "rules": [{"output": "no"}], "C": 1e-5}}
    record.begin(tmp_path, content)
    assert record.read_config(tmp_path) == content
    assert record.read_config(tmp_path / "nowhere") is None


def test_a_run_that_begins_again_keeps_nothing_of_the_last_attempt(tmp_path: Path) -> None:
    record.begin(tmp_path, {"name": "first"})
    record.write_predictions(tmp_path, labelled())
    record.write_model(tmp_path, lambda folder: (folder / "weights").write_text("1"))
    record.finish(run(tmp_path))
    record.begin(tmp_path, {"name": "second"})
    assert [p.name for p in tmp_path.iterdir()] == [record.CONFIG]
    assert record.read_run(tmp_path).status == "interrupted"


class Torn(Exception):
    """The disk is full."""


class Unspeakable:
    def __str__(self) -> str:
        raise Torn


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    record.write_text(tmp_path / "told.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        record.write_text(tmp_path / "told.txt", "new \ud800")
    assert (tmp_path / "told.txt").read_text() == "old"
    with pytest.raises(Torn):
        record.write_json(tmp_path / "told.txt", {"a": Unspeakable()})
    assert (tmp_path / "told.txt").read_text() == "old"
    table = labelled()
    record.write_predictions(tmp_path, table)
    with pytest.raises(ValueError, match="same length"):
        record.write_predictions(tmp_path, replace(table, seconds=table.seconds[:2]))
    assert_same(record.read_predictions(run(tmp_path)), table)
    assert {p.name for p in tmp_path.iterdir()} == {"told.txt", record.PREDICTIONS}


@pytest.mark.parametrize("error", [Torn, KeyboardInterrupt])
def test_a_model_that_cannot_be_saved_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def torn(folder: Path) -> None:
        (folder / "half").write_text("half of ")
        raise error

    size = record.write_model(tmp_path, lambda folder: (folder / "weights").write_text("old"))
    assert size == 3
    with pytest.raises(error):
        record.write_model(tmp_path, torn)
    assert [p.name for p in tmp_path.iterdir()] == [record.MODEL]
    assert (tmp_path / record.MODEL / "weights").read_text() == "old"


KILLED = """
import os, signal, sys
from pathlib import Path
from bakeoff import record

def save(path):
    (path / "half").write_text("half") if path.is_dir() else path.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
record.write_model(folder, save) if sys.argv[2] == "model" else record.write_file(folder / "result.json", save)
"""


@pytest.mark.parametrize("what", ["model", "result"])
def test_what_a_killed_process_leaves_is_not_taken_for_a_result_and_goes(tmp_path: Path, what: str) -> None:
    record.begin(tmp_path, {"name": "first"})
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), what])
    assert done.returncode == -signal.SIGKILL
    assert record.read_run(tmp_path).status == "interrupted"
    assert len(list(tmp_path.iterdir())) == 2
    record.begin(tmp_path, {"name": "second"})
    assert [p.name for p in tmp_path.iterdir()] == [record.CONFIG]


def test_a_new_model_takes_the_place_of_the_old_one_as_a_whole(tmp_path: Path) -> None:
    record.write_model(tmp_path, lambda folder: (folder / "old").write_text("old"))
    record.write_model(tmp_path, lambda folder: (folder / "new").write_text("new"))
    assert [p.name for p in (tmp_path / record.MODEL).iterdir()] == ["new"]


def test_files_can_be_read_by_others(tmp_path: Path) -> None:
    record.write_text(tmp_path / "told.txt", "so")
    record.write_model(tmp_path, lambda folder: (folder / "weights").write_text("1"))
    assert (tmp_path / "told.txt").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / record.MODEL).stat().st_mode & 0o777 == 0o755


def test_runs_come_in_the_order_in_which_they_started(tmp_path: Path) -> None:
    for name, started in (("b", "2026-01-01"), ("a", "2026-01-03"), ("c", "2026-01-02")):
        record.begin(tmp_path / name, {"name": "x"})
        record.finish(run(tmp_path / name, started=started))
    record.begin(tmp_path / "0killed", {"model": {"card": {"family": "boosting"}}})
    (tmp_path / "notes").mkdir()
    runs = record.read_runs(tmp_path)
    assert [r.variant for r in runs] == ["b", "c", "a", "0killed"]
    assert (runs[-1].status, runs[-1].family) == ("interrupted", "boosting")
    assert [r.variant for r in record.read_runs(tmp_path / "c")] == ["c"]


def test_what_is_no_run_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        record.read_runs(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no runs"):
        record.read_runs(tmp_path)
    with pytest.raises(DataError, match="is not a run folder"):
        record.read_run(tmp_path)
    with pytest.raises(DataError, match=r"there is no predictions\.parquet"):
        record.read_predictions(run(tmp_path))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"metrics": {"f1": 3}}', '{"metrics": {}, "later": 1}'])
def test_a_result_that_cannot_be_read_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / record.RESULT).write_text(content)
    with pytest.raises(DataError, match=r"result\.json:? .*(cannot be read|is damaged)"):
        record.read_run(tmp_path)


def test_rows_are_taken_by_position_and_by_mask_alike_and_stacked_again() -> None:
    table = answered()
    first, second = table.take(np.array([0])), table.take(np.array([False, True]))
    assert (list(first.ids), list(second.ids)) == (["q1"], ["q2"])
    assert first.grades["judge"].tolist() == [1.0]
    whole = concatenated([first.predictions, second.predictions])
    assert_same(replace(table, predictions=whole), table)


def test_a_temporary_file_is_kept_while_its_process_lives_and_removed_once_it_is_dead(tmp_path: Path) -> None:
    mine = unfinished.named(tmp_path / "tracking.json")
    mine.write_text("{")
    program = (
        "import sys; from pathlib import Path; from bakeoff import unfinished as u; f = u.named(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", f"{program}; f.write_text('x')", str(tmp_path / "data.parquet")], check=True)
    assert len(list(tmp_path.iterdir())) == 2
    record.remove_left(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]


def test_no_room_names_a_temporary_file_without_its_owner() -> None:
    sources = Path(unfinished.__file__).parent
    named = {str(file.relative_to(sources)) for file in sources.rglob("*.py") if '.part"' in file.read_text("utf-8")}
    assert named == {"unfinished.py", "assets/__init__.py"}, "an asset's download has a lock, and goes on in its file"
