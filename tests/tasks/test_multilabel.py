"""A row has any number of labels: read from lists, JSON or separated text, split evenly, stored without loss."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff import data
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.data.sources import Csv, JsonLines, Parquet, Source
from bakeoff.errors import DataError
from bakeoff.task import Predictions, PredictionTable, Task
from bakeoff.tasks import kinds

TOPICS = [["loops", "files"], ["files"], [], ["classes", "loops", "classes"], ["loops"]] * 12
ROWS = pd.DataFrame({"text": [f"question {i} asks about things" for i in range(len(TOPICS))], "topics": TOPICS})
READ = [tuple(sorted(set(labels))) for labels in TOPICS]
MULTILABEL = kinds.get("multilabel")


def load(source: Source, **settings: Any) -> Task:
    return data.load(source, DataSettings(name="mine", target="topics", **{"kind": "multilabel", **settings}))


def targets(task: Task) -> list[tuple[str, ...]]:
    """The targets of all rows in the order of the file."""
    parts = (task.development.examples, task.test)
    found = {int(i): y for part in parts for i, y in zip(part.ids, part.y, strict=True)}
    return [found[i] for i in sorted(found)]


def separated(folder: Path, separator: str) -> Source:
    ROWS.assign(topics=[separator.join(labels) for labels in TOPICS]).to_csv(folder / "my.csv", index=False)
    return Csv(str(folder / "my.csv"))


def test_read_target_lists_of_parquet_and_json_are_labels(tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "my.parquet")
    ROWS.to_json(tmp_path / "my.jsonl", orient="records", lines=True)
    for source in (Parquet(str(tmp_path / "my.parquet")), JsonLines(str(tmp_path / "my.jsonl"))):
        task = load(source)
        assert targets(task) == READ
        assert task.schema.classes == ("classes", "files", "loops")


def test_read_target_lists_without_a_declared_kind_are_recognised(tmp_path: Path) -> None:
    ROWS.to_json(tmp_path / "my.jsonl", orient="records", lines=True)
    task = load(JsonLines(str(tmp_path / "my.jsonl")), kind="auto")
    assert task.schema.kind == "multilabel"
    assert "Task: multilabel, because the target holds lists. (data.kind)" in [str(note) for note in task.notes]


@pytest.mark.parametrize("separator", ["|", ";", ","])
def test_read_target_separator_is_sniffed_and_noted(tmp_path: Path, separator: str) -> None:
    task = load(separated(tmp_path, separator))
    assert targets(task) == READ
    notes = [str(note) for note in task.notes]
    assert f'The labels of "topics" are separated by "{separator}". (data.label_separator)' in notes
    assert "12 of 60 rows have no label. (data.target)" in notes


def test_read_target_declared_separator_goes_first_and_needs_no_note(tmp_path: Path) -> None:
    ROWS.assign(topics=["+".join(f"{label}, too" for label in labels) for labels in TOPICS]).to_csv(
        tmp_path / "my.csv", index=False
    )
    task = load(Csv(str(tmp_path / "my.csv")), label_separator="+")
    assert task.schema.classes == ("classes, too", "files, too", "loops, too")
    assert not any("separated" in str(note) for note in task.notes)


def test_read_target_json_lists_in_text_are_labels(tmp_path: Path) -> None:
    ROWS.assign(topics=MULTILABEL.write_targets(np.array(READ, dtype=object))).to_csv(tmp_path / "a.csv", index=False)
    assert targets(load(Csv(str(tmp_path / "a.csv")))) == READ


@pytest.mark.parametrize("kind", ["auto", "multilabel"])
def test_read_target_lists_as_pandas_writes_them_to_csv_are_labels(tmp_path: Path, kind: str) -> None:
    ROWS.to_csv(tmp_path / "my.csv", index=False)
    task = load(Csv(str(tmp_path / "my.csv")), kind=kind)
    assert task.schema.kind == "multilabel"
    assert targets(task) == READ


def cells(folder: Path, topics: list[str]) -> Source:
    ROWS.assign(topics=topics * (len(ROWS) // len(topics))).to_csv(folder / "my.csv", index=False)
    return Csv(str(folder / "my.csv"))


@pytest.mark.parametrize("cell", ["['loops' 'files']", "loops", "[loops, files]"])
def test_read_target_what_is_no_list_beside_lists_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(DataError, match=r"holds lists, and also .*Write all cells as JSON lists"):
        load(cells(tmp_path, ["['loops']", "['files']", cell]))


def test_read_target_brackets_belong_to_labels_where_a_separator_is_declared(tmp_path: Path) -> None:
    task = load(cells(tmp_path, ["[a];[b]", "[b]", "[a]"]), label_separator=";")
    assert task.schema.classes == ("[a]", "[b]")


def test_read_target_two_separators_are_refused_unless_one_is_declared(tmp_path: Path) -> None:
    source = cells(tmp_path, ["loops|files", "loops;files", "loops", "files|loops"])
    with pytest.raises(DataError, match=r'separated by "\|", and by ";" in "loops;files"\. Use one separator'):
        load(source)
    assert "loops;files" in load(source, label_separator="|").schema.classes


def test_read_target_labels_that_differ_in_case_are_noted(tmp_path: Path) -> None:
    task = load(cells(tmp_path, ["loops|files", "Loops", "files"]))
    text = 'Labels that differ only in case or white space are kept apart: "Loops" (20 rows), "loops" (20 rows).'
    assert any(note.text == text for note in task.notes)


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ([["a"], ["b"], None], 'data.target: "topics" is missing in 20 of 60 rows'),
        ([["a"], ["b"], "b"], "holds lists, and also 'b'. Make all cells lists."),
        ([["a"], ["b"], [None]], "Labels are strings or numbers."),
        ([["a"], [], ["a"]], "holds 1 different label; a multi-label task needs at least two."),
    ],
)
def test_read_target_what_is_no_label_is_refused(topics: list[Any], message: str) -> None:
    class Frame:
        name = "frame"

        def read(self) -> Any:
            from bakeoff.data.sources import Rows

            return Rows(ROWS.assign(topics=topics * 20))

    with pytest.raises(DataError, match=r"data\.target") as error:
        load(Frame())
    assert message in str(error.value)


def test_split_each_part_has_its_share_of_each_label() -> None:
    random = np.random.default_rng(0)
    shares = np.array([0.5, 0.2, 0.05, 0.01])
    drawn = random.random((2000, 4)) < shares

    class Drawn:
        name = "drawn"

        def read(self) -> Any:
            from bakeoff.data.sources import Rows

            topics = [[f"t{i}" for i in np.flatnonzero(row)] for row in drawn]
            return Rows(pd.DataFrame({"x": np.arange(2000.0), "topics": topics}))

    task = load(Drawn(), split=SplitSettings(test=0.25))
    assert task.split["kind"] == "stratified"
    in_test = [sum(f"t{i}" in labels for labels in task.test.y) for i in range(4)]
    np.testing.assert_allclose(in_test, 0.25 * drawn.sum(axis=0), atol=3)


def test_split_labels_of_a_single_row_are_no_obstacle_and_noted() -> None:
    class Rare:
        name = "rare"

        def read(self) -> Any:
            from bakeoff.data.sources import Rows

            topics = [["common"] if i else ["common", "rare"] for i in range(40)]
            return Rows(pd.DataFrame({"x": np.arange(40.0), "topics": topics}))

    task = load(Rare())
    assert len(task.test) == 8
    assert any("1 of 2 labels have fewer than 3 rows (rare)" in str(note) for note in task.notes)


def test_load_equal_rows_have_equal_fingerprints_and_a_changed_label_another(tmp_path: Path) -> None:
    first = load(separated(tmp_path, ";"))
    assert load(separated(tmp_path, "|")).fingerprint == first.fingerprint
    changed = ROWS.assign(topics=[";".join(labels or ["files"]) for labels in TOPICS])
    changed.to_csv(tmp_path / "my.csv", index=False)
    assert load(Csv(str(tmp_path / "my.csv"))).fingerprint != first.fingerprint


@given(st.lists(st.lists(st.text()), min_size=1))
def test_targets_and_outputs_survive_to_be_written_and_read(rows: list[list[str]]) -> None:
    made = np.empty(len(rows), dtype=object)
    made[:] = [tuple(sorted(set(labels))) for labels in rows]
    for write, read in (
        (MULTILABEL.write_targets, MULTILABEL.read_targets),
        (MULTILABEL.write_outputs, MULTILABEL.read_outputs),
    ):
        assert read(pd.Series(write(made), dtype="str")).tolist() == made.tolist()


@pytest.mark.parametrize("output", [["a"], ("b", "a"), ("a", "a")])
def test_check_predictions_unsorted_or_repeated_labels_are_refused(output: Any) -> None:
    from bakeoff.task import Schema

    outputs = np.empty(1, dtype=object)
    outputs[0] = output
    with pytest.raises(ValueError, match="no sorted tuple"):
        MULTILABEL.check_predictions(Predictions(outputs), Schema("multilabel", "y", {}, ("a", "b")), 1)


def test_breakdown_a_label_has_its_own_f1() -> None:
    from sklearn.metrics import f1_score

    from bakeoff import metrics
    from bakeoff.task import Schema

    random = np.random.default_rng(1)
    truth, guess = random.random((80, 3)) < 0.4, random.random((80, 3)) < 0.5
    schema = Schema("multilabel", "y", {}, ("a", "b", "c"))
    as_tuples = MULTILABEL.read_targets(pd.Series(["[]"] * 80)), MULTILABEL.read_targets(pd.Series(["[]"] * 80))
    for values, there in zip(as_tuples, (truth, guess), strict=True):
        values[:] = [tuple(np.array(schema.classes)[row].tolist()) for row in there]
    table = PredictionTable(
        schema,
        np.arange(80),
        as_tuples[0],
        Predictions(as_tuples[1]),
        np.full(80, np.nan),
        pd.DataFrame(index=range(80)),
    )
    parts = MULTILABEL.breakdown(table)["label"]
    for column, label in enumerate(schema.classes):
        wanted = f1_score(truth[:, column], guess[:, column])
        assert metrics.score(parts[label], ["f1_micro"])["f1_micro"] == pytest.approx(wanted)
    assert list(parts) == [schema.classes[i] for i in np.argsort(-truth.sum(axis=0), kind="stable")]


def test_over_classes_probabilities_of_unknown_labels_are_0_and_rows_need_not_add_up() -> None:
    predictions = Predictions(np.array([("a",)], dtype=object), np.array([[0.9, 0.8]]))
    moved = MULTILABEL.over_classes(predictions, ("a", "b"), ("a", "b", "c"))
    assert moved.proba is not None
    assert moved.proba.tolist() == [[0.9, 0.8, 0.0]]
    assert replace(moved, proba=None).output.tolist() == predictions.output.tolist()


def test_strata_few_rows_without_labels_are_a_stratum_of_their_own() -> None:
    y = np.empty(22, dtype=object)
    y[:] = [("a",)] * 12 + [()] * 3 + [("a", "b")] * 7
    assert MULTILABEL.strata(y).tolist() == ['["a"]'] * 12 + ['""'] * 3 + ['"b"'] * 7  # type: ignore[union-attr]


def test_classes_that_look_like_combinations_of_labels_are_named(tmp_path: Path) -> None:
    for cells, is_said in (
        (["red;blue", "blue", "red", "blue;green", "red;green"], True),
        (["Paris, France", "Lyon, France", "Rome, Italy", "Bari, Italy", "Pisa, Italy"], False),
        (["Doe, John", "Roe, Jane", "a", "b", "c"], False),
    ):
        ROWS.assign(topics=cells * 12).to_csv(tmp_path / "a.csv", index=False)
        notes = "\n".join(map(str, load(Csv(str(tmp_path / "a.csv")), kind="auto").notes))
        assert ("labels seem to hold several" in notes and "(data.kind=multilabel)" in notes) == is_said
