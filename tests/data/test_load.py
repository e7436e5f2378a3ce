"""What a person gets from data.load: a task, or a message that says what is wrong and where."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from bakeoff import data
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.data.sources import Csv, JsonLines, Parquet, Source, Sql
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import Task

TEXTS = [f"message number {i} about {'prizes' if i % 4 == 0 else 'lunch'}" for i in range(40)]
LABELS = ["spam" if i % 4 == 0 else "ham" for i in range(40)]


@pytest.fixture
def messages() -> pd.DataFrame:
    return pd.DataFrame({"text": TEXTS, "length": range(40), "label": LABELS})


def csv(tmp_path: Path, frame: pd.DataFrame, name: str = "my.csv") -> str:
    frame.to_csv(tmp_path / name, index=False)
    return str(tmp_path / name)


def load(source: Source, target: str = "label", seed: int = 0, **settings: Any) -> Task:
    split = replace(settings.pop("split", SplitSettings()), seed=seed)  # type: ignore[type-var]
    return data.load(source, DataSettings(name="mine", target=target, split=split, **settings))  # type: ignore[arg-type]


def message(source: Source, error: type[Exception] = DataError, target: str = "label", **settings: object) -> str:
    with pytest.raises(error) as raised:
        load(source, target, **settings)
    return str(raised.value)


def test_a_csv_file_becomes_a_task(tmp_path: Path, messages: pd.DataFrame) -> None:
    task = load(Csv(csv(tmp_path, messages)), slices=["length"])
    assert task.schema.kind == "classification"
    assert task.schema.classes == ("ham", "spam")
    assert task.schema.positive == "spam"
    assert dict(task.schema.columns) == {"text": "text", "length": "numeric"}
    assert (len(task.development.train), len(task.development.valid), len(task.test)) == (25, 7, 8)
    assert dict(task.split) == {"kind": "stratified", "seed": 0, "train": 25, "valid": 7, "test": 8}
    everything = np.concatenate([task.development.examples.ids, task.test.ids])
    assert sorted(everything) == list(range(40))
    for part in (task.development.train, task.development.valid, task.test):
        assert list(part.X["text"]) == [TEXTS[i] for i in part.ids]
        assert list(part.y) == [LABELS[i] for i in part.ids]
        assert list(part.slices["length"]) == list(part.ids)
    assert any("data.kind" in str(note) for note in task.notes)
    assert any("data.positive" in str(note) for note in task.notes)


def test_a_trial_cannot_reach_the_test_rows(tmp_path: Path, messages: pd.DataFrame) -> None:
    task = load(Csv(csv(tmp_path, messages)))
    examples = task.development.examples
    assert not set(examples.ids) & set(task.test.ids)
    assert not np.shares_memory(examples.X["length"].to_numpy(), task.test.X["length"].to_numpy())
    train = task.development.train.X["length"].to_numpy()
    assert np.shares_memory(train, examples.X["length"].to_numpy()), "training rows must be views"


def test_the_same_rows_from_any_source_are_the_same_task(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages.to_parquet(tmp_path / "a.parquet")
    messages.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    with sqlite3.connect(tmp_path / "a.db") as database:
        messages.to_sql("messages", database, index=False)
    tasks = [
        load(Csv(csv(tmp_path, messages, "b.csv"))),
        load(Parquet(str(tmp_path / "a.parquet"))),
        load(JsonLines(str(tmp_path / "a.jsonl"))),
        load(Sql(f"sqlite:///{tmp_path / 'a.db'}", "select * from messages")),
    ]
    assert len({task.fingerprint for task in tasks}) == 1


def test_the_fingerprint_changes_with_a_value_a_role_and_a_seed(tmp_path: Path, messages: pd.DataFrame) -> None:
    path = csv(tmp_path, messages)
    fingerprints = [load(Csv(path)).fingerprint, load(Csv(path), seed=1).fingerprint]
    fingerprints.append(load(Csv(path), slices=["length"]).fingerprint)
    messages.loc[3, "length"] = 1000
    fingerprints.append(load(Csv(csv(tmp_path, messages))).fingerprint)
    assert len(set(fingerprints)) == 4


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([0, 1] * 20, ("0", "1")),
        ([0.0, 1.0] * 20, ("0", "1")),
        ([True, False] * 20, ("False", "True")),
        (pd.Categorical(["b", "a"] * 20), ("a", "b")),
    ],
)
def test_labels_of_any_type_become_strings(tmp_path: Path, values: object, classes: tuple[str, ...]) -> None:
    pd.DataFrame({"x": range(40), "label": values}).to_parquet(tmp_path / "a.parquet")
    task = load(Parquet(str(tmp_path / "a.parquet")))
    assert task.schema.classes == classes
    assert task.test.y.dtype == object
    assert set(task.test.y) == set(classes)


def test_many_distinct_integers_are_values(tmp_path: Path) -> None:
    task = load(Csv(csv(tmp_path, pd.DataFrame({"x": range(40), "y": range(40)}))), target="y")
    assert task.schema.kind == "regression"
    assert task.test.y.dtype == np.float64
    assert any("40 distinct numbers" in note.text for note in task.notes)


def test_columns_are_read_as_what_they_hold(tmp_path: Path) -> None:
    n = 40
    frame = pd.DataFrame(
        {
            "count": range(n),
            "half": [None, 0.5] * 20,
            "city": ["Rome", "Oslo"] * 20,
            "opted_in": [True, False] * 20,
            "day": [f"2024-01-{i % 28 + 1:02d}" for i in range(n)],
            "moment": [f"2024-01-{i % 28 + 1:02d}T10:00:00+02:00" for i in range(n)],
            "comment": TEXTS,
            "note": [None, "ok"] * 20,
            "customer": [f"c{i}" for i in range(n)],
            "label": LABELS,
        }
    )
    task = load(Csv(csv(tmp_path, frame)), text=["note"], id="customer")
    assert dict(task.schema.columns) == {
        "count": "numeric",
        "half": "numeric",
        "city": "categorical",
        "opted_in": "categorical",
        "day": "date",
        "moment": "date",
        "comment": "text",
        "note": "text",
    }
    assert set(task.test.X["opted_in"]) <= {"True", "False"}
    assert set(task.development.examples.X["note"]) == {"", "ok"}
    assert task.test.X["moment"].iloc[0].hour == 8
    assert all(str(name).startswith("c") for name in task.test.ids)


def test_repeated_rows_are_dropped_when_asked_and_counted(tmp_path: Path, messages: pd.DataFrame) -> None:
    path = csv(tmp_path, pd.concat([messages, messages.head(10)]))
    whole, without = load(Csv(path)), load(Csv(path), duplicates="drop")
    assert sum(whole.split[part] for part in ("train", "valid", "test")) == 50
    assert sum(without.split[part] for part in ("train", "valid", "test")) == 40
    assert any("10 rows repeat an earlier input" in note.text for note in whole.notes)
    assert any("10 of 50 rows repeat" in note.text for note in without.notes)
    assert load(Csv(path), drop_duplicates=True).fingerprint == without.fingerprint, "the former name of drop"


def test_rows_with_equal_features_and_different_labels_are_no_duplicates(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [i // 2 for i in range(40)], "label": ["a", "b"] * 20})
    task = load(Csv(csv(tmp_path, frame)), duplicates="drop")
    assert len(task.development.examples) + len(task.test) == 40


def test_given_test_rows_are_the_test(tmp_path: Path, messages: pd.DataFrame) -> None:
    train, test = csv(tmp_path, messages), csv(tmp_path, messages.head(8), "test.csv")
    task = load(Csv(train, test))
    assert task.split["kind"] == "given"
    assert sorted(task.test.ids) == list(range(40, 48))
    assert len(task.development.examples) == 40, "no row is lost unseen"
    assert any("all 8 test inputs also stand in training" in note.text for note in task.notes)
    apart = load(Csv(train, test), duplicates="group")
    assert len(apart.development.examples) == 32
    assert any("8 development rows also occur in the given test rows" in note.text for note in apart.notes)


def test_given_test_rows_must_have_the_same_columns(tmp_path: Path, messages: pd.DataFrame) -> None:
    train = csv(tmp_path, messages)
    short = csv(tmp_path, messages.drop(columns="length").rename(columns={"text": "txt"}), "test.csv")
    assert 'test rows of my.csv have no column "text". Did you mean "txt"?' in message(Csv(train, short))


def test_types_are_found_over_training_and_test_rows_together(tmp_path: Path, messages: pd.DataFrame) -> None:
    given = messages.assign(zip=["1011", "2022"] * 20, member=["True", "False"] * 20)
    other = given.assign(zip="AB1", member=["True", None] * 20)
    task = load(Csv(csv(tmp_path, given), csv(tmp_path, other, "other.csv")))
    assert task.schema.columns["zip"] == "categorical"
    assert set(task.development.examples.X["zip"]) == {"1011", "2022"}
    given.assign(zip=[1011, 2022] * 20).to_parquet(tmp_path / "a.parquet")
    other.to_parquet(tmp_path / "b.parquet")
    typed = load(Parquet(str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")))
    assert set(typed.development.examples.X["zip"]) == {"1011", "2022"}
    assert any("zip: numbers and texts together" in note.text for note in typed.notes)


def test_scikit_learn_data_survives_the_way_through_parquet(tmp_path: Path) -> None:
    frame = load_breast_cancer(as_frame=True).frame
    frame.to_parquet(tmp_path / "cancer.parquet")
    task = load(Parquet(str(tmp_path / "cancer.parquet")), target="target")
    assert len(task.schema.of_kind("numeric")) == 30
    for part in (task.development.examples, task.test):
        np.testing.assert_array_equal(part.X.to_numpy(), frame.iloc[part.ids, :-1].to_numpy())


# Wrong requests. Each message names the config key, what is wrong, and a way out.


def test_a_missing_target_column_names_the_nearest(tmp_path: Path, messages: pd.DataFrame) -> None:
    assert message(Csv(csv(tmp_path, messages)), target="labl") == (
        'data.target: there is no column "labl" in my.csv. Columns: text, length, label. Did you mean "label"?'
    )


@pytest.mark.parametrize("role", ["id", "group", "time", "text", "slices", "ignore"])
def test_a_missing_role_column_is_named(tmp_path: Path, messages: pd.DataFrame, role: str) -> None:
    name: object = ["lenght"] if role in ("text", "slices", "ignore") else "lenght"
    said = message(Csv(csv(tmp_path, messages)), **{role: name})
    assert said.startswith(f'data.{role}: there is no column "lenght" in my.csv.')
    assert said.endswith('Did you mean "length"?')


def test_a_target_with_one_class_is_refused(tmp_path: Path, messages: pd.DataFrame) -> None:
    said = message(Csv(csv(tmp_path, messages.assign(label="ham"))))
    assert said.startswith('data.target: "label" has one class only in my.csv, "ham".')


def test_a_class_with_a_single_row_is_named(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages.loc[5, "label"] = "offer"
    path = csv(tmp_path, messages)
    for kind in ("stratified", "random"):
        for seed in range(3):
            with pytest.raises(DataError, match=r'data\.target: class "offer" has 1 '):
                load(Csv(path), seed=seed, split=SplitSettings(kind=kind))


def test_a_class_too_small_for_three_parts_is_named(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages.loc[[5, 6], "label"] = "offer"
    said = message(Csv(csv(tmp_path, messages)))
    assert 'class "offer" has 2 distinct rows; a stratified split into 3 parts needs 3' in said


def test_missing_targets_are_counted_and_located(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages.loc[[3, 17], "label"] = None
    said = message(Csv(csv(tmp_path, messages)))
    assert 'data.target: "label" is missing in 2 of 40 rows of my.csv (rows 3, 17, counting from 0)' in said


def test_columns_without_a_value_are_left_out_and_named(tmp_path: Path, messages: pd.DataFrame) -> None:
    task = load(Csv(csv(tmp_path, messages.assign(empty=None))))
    assert "empty" not in task.schema.columns
    assert any(note.text == "empty: empty, left out." for note in task.notes)
    assert "empty" not in load(Csv(csv(tmp_path, messages.assign(empty=None))), ignore=["empty"]).schema.columns


def test_duplicate_ids_are_refused(tmp_path: Path, messages: pd.DataFrame) -> None:
    said = message(Csv(csv(tmp_path, messages.assign(key=[7, 7, *range(100, 138)]))), id="key")
    assert said.startswith('data.id: "key" of my.csv is not unique: 7 occurs more than once (1 repeated rows)')


def test_missing_ids_are_refused(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages["key"] = [None, *range(39)]
    assert message(Csv(csv(tmp_path, messages)), id="key").startswith('data.id: "key" is missing in 1 of 40 rows')


def test_infinite_values_are_counted_by_column(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages["length"] = messages["length"].astype(float)
    messages.loc[[1, 2], "length"] = np.inf
    said = message(Csv(csv(tmp_path, messages)))
    assert said.startswith('data: my.csv holds infinite values in "length" (2).')
    frame = pd.DataFrame({"x": range(40), "y": [np.inf, *np.linspace(0, 1, 39)]})
    assert 'data.target: "y" holds 1 infinite values' in message(Csv(csv(tmp_path, frame)), target="y")


def test_a_split_that_leaves_nothing_says_so(tmp_path: Path) -> None:
    path = csv(tmp_path, pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]}))
    said = message(Csv(path), target="y")
    assert said.startswith("data.split: of 2 rows nothing is left to validate on (test=0.2, valid=0.2).")


def test_a_positive_class_that_is_not_there_is_refused(tmp_path: Path, messages: pd.DataFrame) -> None:
    said = message(Csv(csv(tmp_path, messages)), ConfigError, positive="spamm")
    assert said == 'data.positive: there is no class "spamm". Classes: ham, spam. Did you mean "spam"?'


@pytest.mark.parametrize(
    ("labels", "declared", "meant"),
    [(("no", "yes"), "False", "no"), (("off", "on"), "True", "on"), (("False", "True"), "true", "True")],
)
def test_a_bare_boolean_is_the_class_that_it_was_in_the_file(
    tmp_path: Path, messages: pd.DataFrame, labels: tuple[str, str], declared: str, meant: str
) -> None:
    spelled = messages.assign(label=messages["label"].map(dict(zip(("ham", "spam"), labels, strict=True))))
    assert load(Csv(csv(tmp_path, spelled)), positive=declared).schema.positive == meant


@pytest.mark.parametrize("cells", [["0.0", "1.0"], ["0", "1"]])
def test_a_positive_class_may_be_written_as_in_the_file(tmp_path: Path, cells: list[str]) -> None:
    file = tmp_path / "my.csv"
    file.write_text("x,y\n" + "".join(f"{i * 0.5},{cells[i % 2]}\n" for i in range(40)), encoding="utf-8")
    for positive in ("1", "1.0"):
        task = data.load(Csv(str(file)), DataSettings(name="mine", target="y", positive=positive))
        assert task.schema.positive == "1"


def test_a_positive_class_needs_two_classes(tmp_path: Path, messages: pd.DataFrame) -> None:
    messages.loc[:9, "label"] = "offer"
    assert "there are 3" in message(Csv(csv(tmp_path, messages)), ConfigError, positive="spam")
    said = message(Csv(csv(tmp_path, messages)), ConfigError, target="length", positive="1")
    assert said.startswith('data.positive: "length" is read as values')


def test_regression_needs_numbers(tmp_path: Path, messages: pd.DataFrame) -> None:
    said = message(Csv(csv(tmp_path, messages)), kind="regression")
    assert said.startswith('data.target: "label" holds strings in my.csv, such as "spam".')


def test_numbers_that_are_declared_text_are_text(tmp_path: Path, messages: pd.DataFrame) -> None:
    task = load(Csv(csv(tmp_path, messages)), text=["length"])
    assert task.schema.columns["length"] == "text"
    assert set(task.test.X["length"]) <= {str(i) for i in range(40)}


def test_time_must_be_numbers_or_iso_dates(tmp_path: Path, messages: pd.DataFrame) -> None:
    said = message(Csv(csv(tmp_path, messages.assign(day="31.5.2024"))), time="day")
    assert said.startswith('data.time: "day" of my.csv holds "31.5.2024".')


def test_lists_in_a_column_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"x": [1], "label": "a"}\n{"x": [2], "label": "b"}\n')
    assert 'column "x" of a.jsonl holds a list' in message(JsonLines(str(file)))


def test_something_must_be_left_as_a_feature(tmp_path: Path, messages: pd.DataFrame) -> None:
    said = message(Csv(csv(tmp_path, messages)), ignore=["text", "length"])
    assert said.startswith("data: my.csv has no feature")


@pytest.mark.parametrize(("kind", "needs"), [("group", "data.group"), ("time", "data.time"), ("given", "test_path")])
def test_a_split_says_what_it_needs(tmp_path: Path, messages: pd.DataFrame, kind: str, needs: str) -> None:
    said = message(Csv(csv(tmp_path, messages)), ConfigError, split=SplitSettings(kind=kind))
    assert said.startswith("data.split.kind: ") and needs in said


def test_wrong_settings_are_refused_before_any_data() -> None:
    with pytest.raises(ConfigError, match=r'data.split.kind: "groups" is unknown. .* Did you mean "group"?'):
        SplitSettings(kind="groups")
    with pytest.raises(ConfigError, match=r"data.split.test: 1.5 is not a share"):
        SplitSettings(test=1.5)
    with pytest.raises(ConfigError, match=r'data.kind: "classify" is unknown'):
        DataSettings(name="a", target="y", kind="classify")
    with pytest.raises(ConfigError, match=r'data.text: "y" is the target already'):
        DataSettings(name="a", target="y", text=["y"])


def test_a_column_may_say_which_part_each_row_goes_to(tmp_path: Path, messages: pd.DataFrame) -> None:
    parts = ["train" if i < 20 else "valid" if i < 30 else "test" for i in range(40)]
    path = csv(tmp_path, messages.assign(part=parts))
    task = load(Csv(path), split=SplitSettings(column="part"))
    assert (task.split["train"], task.split["valid"], task.split["test"]) == (20, 10, 10)
    assert "part" not in task.schema.columns
    assert sorted(task.test.X["length"]) == list(range(30, 40))


def test_validation_rows_are_split_off_where_the_column_names_none(tmp_path: Path, messages: pd.DataFrame) -> None:
    path = csv(tmp_path, messages.assign(part=["train"] * 30 + ["test"] * 10))
    task = load(Csv(path), split=SplitSettings(column="part"))
    assert (task.split["train"], task.split["valid"], task.split["test"]) == (23, 7, 10)


def test_a_part_that_is_none_is_named(tmp_path: Path, messages: pd.DataFrame) -> None:
    path = csv(tmp_path, messages.assign(part=["train"] * 30 + ["tset"] * 10))
    told = message(Csv(path), split=SplitSettings(column="part"))
    assert told == (
        'data.split.column: "part" of my.csv holds "tset". Allowed: train, valid, validation, dev, test. '
        'Did you mean "test"?'
    )


def test_rows_of_a_group_are_one_unit_of_resampling(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"x": range(200), "patient": [f"p{i // 4}" for i in range(200)], "label": ["ab"[i % 2] for i in range(200)]}
    )
    source = Csv(csv(tmp_path, frame))
    task = load(source, group="patient")
    assert task.test.units is not None
    patients = [i // 4 for i in task.test.ids]
    assert pd.Series(task.test.units).groupby(patients).nunique().max() == 1
    assert len(set(task.test.units.tolist())) == len(set(patients))
    assert load(source, ignore=["patient"]).test.units is None, "rows are units where nothing is declared"


def test_time_of_a_few_years_orders_the_parts_and_leaves_test_rows_single(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"year": np.repeat([2020, 2021, 2022, 2023], 50), "x": rng.random(200)})
    frame["label"] = np.where(frame["x"] + 0.1 * rng.random(200) > 0.5, "yes", "no")
    task = load(Csv(csv(tmp_path, frame)), time="year", target="label", split=SplitSettings(kind="time"))
    assert task.test.units is None
    (note,) = [note for note in task.notes if note.key == "data.time"]
    assert "50 test rows share one value of the time" in note.text
