"""Targets that may stand for missing values are read as what they are, with a note."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv
from bakeoff.data.target import stand_in_notes


def notes(folder: Path, target: list[object]) -> str:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=len(target)), "y": target})
    frame.to_csv(folder / "my.csv", index=False)
    task = data.load(Csv(str(folder / "my.csv")), DataSettings(name="my", target="y"))
    return " ".join(note.text for note in task.notes)


def test_a_class_that_may_mark_missing_labels_is_noted(tmp_path: Path) -> None:
    text = notes(tmp_path, ["yes", "no"] * 40 + ["n/a"] * 8)
    assert 'Taken for classes, though they may mark missing labels: "n/a" (8 rows).' in text
    assert "Taken for classes" not in notes(tmp_path, ["yes", "no"] * 40)


def test_a_number_that_may_stand_for_a_missing_target_is_noted(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=80).round(4).tolist()
    assert "5 of 85 targets are -999, far from all others" in notes(tmp_path, [*values, *[-999] * 5])
    assert "far from all others" not in notes(tmp_path, values)


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, 3.0, 9999.0], [-1.0, -1.0, 0.0, 1.0, 2.0], [5.0, 6.0, 7.0, 5000.0, 5000.0]]
)
def test_a_single_near_or_plain_number_stands_for_nothing(values: list[float]) -> None:
    assert stand_in_notes(np.array(values)) == []
