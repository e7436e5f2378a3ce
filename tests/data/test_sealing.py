"""Sealing of test rows: which ones, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff import data
from bakeoff.data.settings import DataSettings, ForecastSettings, SplitSettings
from bakeoff.data.sources import Csv
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import NoteRank, Task


def load(
    folder: Path, frame: pd.DataFrame, split: SplitSettings, test: pd.DataFrame | None = None, **roles: object
) -> Task:
    frame.to_csv(folder / "rows.csv", index=False)
    if test is not None:
        test.to_csv(folder / "test.csv", index=False)
    source = Csv(str(folder / "rows.csv"), None if test is None else str(folder / "test.csv"))
    return data.load(source, DataSettings(name="rows", target="label", split=split, id="id", **roles))  # type: ignore[arg-type]


def rows(n: int, seed: int = 0, groups: int = 12) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "x": random.normal(size=n).round(6),
            "who": random.integers(groups, size=n),
            "at": random.integers(40, size=n),
            "label": np.where(random.random(n) < 0.3, "yes", "no"),
        }
    )


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["stratified", "random", "group", "time"]),
    share=st.floats(0.2, 0.7),
    seed=st.integers(0, 50),
)
def test_sealing_parts_the_test_rows_and_leaves_the_rest_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, kind: str, share: float, seed: int
) -> None:
    folder, frame = tmp_path_factory.mktemp("rows"), rows(300, seed)
    roles = {"group": {"group": "who", "ignore": ["at"]}, "time": {"time": "at", "ignore": ["who"]}}.get(
        kind, {"ignore": ["who", "at"]}
    )
    whole = load(folder, frame, SplitSettings(kind=kind, test=0.4, seed=seed), **roles)
    parted = load(folder, frame, SplitSettings(kind=kind, test=0.4, seed=seed, sealed=share), **roles)
    assert parted.sealed is not None
    assert whole.sealed is None
    assert parted.development.examples.ids.tolist() == whole.development.examples.ids.tolist()
    assert sorted([*parted.test.ids, *parted.sealed.ids]) == sorted(whole.test.ids)
    assert parted.split["test"] + parted.split["sealed"] == whole.split["test"]
    at = frame.set_index("id")
    if kind == "group":
        assert not set(at.loc[parted.test.ids, "who"]) & set(at.loc[parted.sealed.ids, "who"])
    if kind == "time":
        assert at.loc[parted.test.ids, "at"].max() < at.loc[parted.sealed.ids, "at"].min()
    if kind in ("stratified", "random"):
        assert abs(len(parted.sealed) - share * len(whole.test)) <= 2
    again = load(folder, frame, SplitSettings(kind=kind, test=0.4, seed=seed, sealed=share), **roles)
    assert again.sealed is not None
    assert again.sealed.ids.tolist() == parted.sealed.ids.tolist()


def test_given_test_rows_are_sealed_in_part(tmp_path: Path) -> None:
    frame = rows(300)
    task = load(tmp_path, frame[:200], SplitSettings(sealed=0.25), frame[200:], ignore=["who", "at"])
    assert task.sealed is not None
    assert (len(task.test), len(task.sealed)) == (75, 25)
    assert task.notes[0].text == (
        "25 of 100 test rows are sealed: nothing predicts them until bakeoff confirm opens them."
    )
    assert (task.notes[0].rank, task.notes[0].key) == (NoteRank.ROWS, "data.split.sealed")


def test_series_seals_its_last_moments(tmp_path: Path) -> None:
    frame = pd.DataFrame({"at": pd.date_range("2024-01-01", periods=400, freq="D"), "y": np.arange(400) % 7 + 0.5})
    frame.to_csv(tmp_path / "series.csv", index=False)

    def series(sealed: float) -> Task:
        split = SplitSettings(test=0.4, sealed=sealed)
        roles = DataSettings(
            name="s", target="y", kind="forecast", time="at", split=split, forecast=ForecastSettings(horizon=7)
        )
        return data.load(Csv(str(tmp_path / "series.csv")), roles)

    whole, parted = series(0), series(0.3)
    assert parted.sealed is not None
    assert [*parted.test.ids, *parted.sealed.ids] == list(whole.test.ids)
    assert parted.development.n_train == whole.development.n_train


def test_share_that_seals_nothing_or_everything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.split\.sealed: 1\.5 is not a share"):
        SplitSettings(sealed=1.5)
    frame = rows(200, groups=3)
    with pytest.raises(DataError, match=r"data\.split\.sealed: 0\.1 of \d+ test rows leaves"):
        load(tmp_path, frame, SplitSettings(kind="group", sealed=0.1), group="who", ignore=["at"])
