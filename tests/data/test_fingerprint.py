"""Digest of test rows, by which looks at them are counted: what makes other test rows, and what does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data import fingerprint
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv, JsonLines, Parquet

N = 60


def rows(first: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=N).round(4)
    return pd.DataFrame({"key": np.arange(first, first + N), "x": x, "y": (x > 0).astype(int)})


TRAIN, TEST = rows(0, 0), rows(1_000, 1)


def digest(folder: Path, test: pd.DataFrame, train: pd.DataFrame = TRAIN, key: str | None = "key") -> str:
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    task = data.load(
        Csv(str(folder / "train.csv"), str(folder / "test.csv")), DataSettings(name="rows", target="y", id=key)
    )
    return fingerprint.of_test(task.schema, task.test)


@pytest.mark.parametrize(
    "same",
    [
        TEST.sample(frac=1, random_state=0),
        TEST[["y", "x", "key"]],
        TEST.astype({"y": float}),
        TEST.assign(z=TEST["x"] ** 2),
    ],
    ids=["order of rows", "order of columns", "1 and 1.0", "another feature"],
)
def test_same_test_rows_in_another_form_are_no_others(tmp_path: Path, same: pd.DataFrame) -> None:
    assert digest(tmp_path, same) == digest(tmp_path, TEST)


def test_same_test_rows_in_another_format_are_no_others(tmp_path: Path) -> None:
    known = digest(tmp_path, TEST)
    for name, frame in (("train", TRAIN), ("test", TEST)):
        frame.to_parquet(tmp_path / f"{name}.parquet")
        frame.to_json(tmp_path / f"{name}.jsonl", orient="records", lines=True)
    for kind, end in ((Parquet, "parquet"), (JsonLines, "jsonl")):
        source = kind(str(tmp_path / f"train.{end}"), str(tmp_path / f"test.{end}"))
        task = data.load(source, DataSettings(name="rows", target="y", id="key"))
        assert fingerprint.of_test(task.schema, task.test) == known, end


def test_file_of_test_rows_without_ids_is_the_same_beside_more_training_rows(tmp_path: Path) -> None:
    more = pd.concat([TRAIN, rows(500, 2)])
    assert digest(tmp_path, TEST, more, None) == digest(tmp_path, TEST, TRAIN, None)


def test_one_row_more_or_another_truth_makes_other_test_rows(tmp_path: Path) -> None:
    known = digest(tmp_path, TEST)
    assert digest(tmp_path, TEST[:-1]) != known
    assert digest(tmp_path, TEST.assign(y=[1 - TEST["y"][0], *TEST["y"][1:]])) != known
