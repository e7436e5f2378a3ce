"""``bakeoff confirm``: sealed rows are opened once, for two variants, and the result stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as package
from bakeoff import record
from bakeoff.compare import folders
from bakeoff.errors import ConfigError, DataError
from bakeoff.execution import runner
from bakeoff.execution.confirm import confirm
from bakeoff.report import board
from bakeoff.request.spec import Request
from command_line import CommandLine

FEW = ("decision.resamples=500", "metrics.latency_rows=5")


def write_rows(path: Path, n: int = 900, seed: int = 0) -> Path:
    """Two classes that a number tells apart most of the time."""
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    label = np.where(x + 0.7 * random.normal(size=n) > 0, "yes", "no")
    pd.DataFrame({"x": x.round(6), "z": random.normal(size=n).round(6), "label": label}).to_csv(path, index=False)
    return path


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bake-off of a constant and a linear model, 60 of whose 180 test rows are sealed."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.csv")
    package.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=label", "data.split.sealed=0.3333", "name=mine",
        "model=constant,linear", "incumbent=constant", "decision.metric=accuracy", "report=none", *FEW,
    )  # fmt: skip
    return Path("outputs/mine")


def test_confirm_as_a_user_types_it(bakeoff: CommandLine, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv")
    request = (
        "-m", "data=csv", "data.path=rows.csv", "data.target=label", "data.split.sealed=0.3333",
        "model=constant,linear", "name=mine", "decision.metric=accuracy", *FEW,
    )  # fmt: skip
    plan = bakeoff("plan", *request).stdout
    assert "120 test rows, and 60 that stay sealed until bakeoff confirm outputs/mine opens them" in plan
    ran = bakeoff(*request).stdout
    assert "60 of 180 test rows are sealed" in ran
    first = bakeoff("confirm", "outputs/mine")
    assert first.returncode == 0, first.stderr
    assert "rows, 60 test rows" in first.stdout
    assert "Verdict: SHIP linear" in first.stdout
    again = bakeoff("confirm", "outputs/mine")
    assert again.returncode == 2
    assert "were opened before, for linear against constant: ship linear" in again.stderr
    assert "Confirmed on 60 sealed rows: SHIP linear" in bakeoff("compare", "outputs/mine").stdout
    assert "Confirmed on 60 sealed rows" in (tmp_path / "outputs/mine/report.html").read_text("utf-8")


def test_sealed_rows_are_in_no_file_before_they_are_opened(sealed: Path) -> None:
    task = record.read_run(sealed / "linear").task
    assert task is not None
    assert task["split"]["test"] == 120
    assert task["split"]["sealed"] == 60
    predicted = set(record.read_predictions(record.read_run(sealed / "linear")).ids.astype(str))
    inputs = record.read_inputs(sealed)
    assert inputs is not None
    assert len(predicted) == 120
    assert set(inputs.index.astype(str)) == predicted
    confirm(sealed)
    opened = set(record.read_predictions(record.read_run(sealed / "confirmation/linear")).ids.astype(str))
    assert len(opened) == 60
    assert not opened & predicted


def test_confirmed_models_are_those_that_were_fitted(sealed: Path) -> None:
    compared = confirm(sealed)
    assert (compared.verdict, compared.winner, compared.test_rows) == ("ship", "linear", 60)
    assert compared.looks.number == 1
    weights = [folder / "linear" / "model" for folder in (sealed, sealed / "confirmation")]
    files = [sorted(file.name for file in folder.iterdir()) for folder in weights]
    assert files[0] == files[1]
    assert all((weights[0] / name).read_bytes() == (weights[1] / name).read_bytes() for name in files[0])
    entries, damaged = board.read(sealed.parent)
    assert (len(entries), damaged) == (1, [])
    (table,) = board.verdicts(entries, damaged).blocks
    assert "ship linear" in str(table)


def test_second_opening_under_another_name_is_refused(sealed: Path) -> None:
    shutil.copytree(sealed, sealed.with_name("copy"))
    confirm(sealed)
    with pytest.raises(
        ConfigError, match=r"these sealed rows were opened before, in .*outputs/mine/confirmation on .* for linear"
    ):
        confirm(sealed.with_name("copy"))
    shutil.rmtree(sealed / "confirmation")
    with pytest.raises(ConfigError, match="were opened before"):
        confirm(sealed)


def test_attempt_that_broke_off_goes_on_for_the_same_variants_alone(sealed: Path) -> None:
    shutil.move(sealed / "linear/model", sealed / "model")
    with pytest.raises(DataError):
        confirm(sealed)
    assert not (sealed / "confirmation/comparison.json").exists()
    shutil.move(sealed / "model", sealed / "linear/model")
    assert confirm(sealed).winner == "linear"


def test_changed_data_are_refused(sealed: Path) -> None:
    write_rows(Path("rows.csv"), seed=1)
    with pytest.raises(DataError, match="the data have changed since"):
        confirm(sealed)
    assert not (sealed / "confirmation/linear/result.json").exists()


def test_changed_sealed_rows_alone_are_refused(sealed: Path) -> None:
    config = record.read_config(sealed / "linear")
    assert config is not None
    rows = runner.load_task(Request.from_config(config, sealed / "linear")).sealed
    assert rows is not None
    frame = pd.read_csv("rows.csv")
    frame.loc[rows.ids.astype(int), "label"] = frame.loc[rows.ids.astype(int), "label"].to_numpy()[::-1]
    frame.to_csv("rows.csv", index=False)
    with pytest.raises(DataError, match=r"changed since|are not those that were sealed"):
        confirm(sealed)


def test_wrong_requests_say_what_is_allowed(sealed: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'no challenger "liner" with results.*Did you mean "linear"'):
        confirm(sealed, "liner")
    with pytest.raises(ConfigError, match=r"is the folder of a run\. Name that of its bake-off"):
        confirm(sealed / "linear")
    package.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=label", "name=open", "model=constant,linear", "report=none"
    )
    with pytest.raises(ConfigError, match=r"no test rows of outputs/open are sealed.*data\.split\.sealed=0\.2"):
        confirm(Path("outputs/open"))


def test_kept_incumbent_has_no_winner_to_confirm(sealed: Path) -> None:
    file = sealed / "comparison.json"
    compared = folders.read(sealed)
    assert compared is not None
    package.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=label", "data.split.sealed=0.3333", "name=mine",
        "model=constant,linear", "incumbent=linear", "decision.metric=accuracy", "report=none",
    )  # fmt: skip
    assert json.loads(file.read_text("utf-8"))["verdict"] == "keep"
    with pytest.raises(ConfigError, match="to keep linear: there is no winner to confirm"):
        confirm(sealed)
    assert confirm(sealed, "constant").verdict == "keep"


def test_sample_that_allows_no_verdict_leaves_the_rows_sealed(sealed: Path) -> None:
    with pytest.raises(ConfigError, match=r"would predict 10 sealed rows.*stay sealed\. 60 are sealed: add test_rows"):
        confirm(sealed, test_rows=10)
    assert not (sealed / "confirmation/linear").exists()
    assert confirm(sealed, test_rows=40).test_rows == 40


def seal(bakeoff: CommandLine, folder: Path, models: str) -> None:
    """A bake-off of these models with sealed rows, typed, in outputs/mine."""
    write_rows(folder / "rows.csv")
    bakeoff(
        "-m", "data=csv", "data.path=rows.csv", "data.target=label", "data.split.sealed=0.3333", "name=mine",
        f"model={models}", "decision.metric=accuracy", *FEW,
    )  # fmt: skip


def test_goal_given_to_compare_alone_is_repeated_beside_the_best(bakeoff: CommandLine, tmp_path: Path) -> None:
    seal(bakeoff, tmp_path, "nearest_neighbors,linear,constant")
    goal = ("decision.goal=cheapest_good_enough", "decision.smallest_difference=0.6")
    assert "constant is the cheapest variant" in bakeoff("compare", "outputs/mine", *goal).stdout
    confirmed = bakeoff("confirm", "outputs/mine").stdout
    assert "opened for constant, linear and nearest_neighbors alone" in confirmed
    assert "constant is the cheapest variant shown to be within 0.6 of the best" in confirmed


def test_checks_of_training_do_not_apply_to_fitted_models(bakeoff: CommandLine, tmp_path: Path) -> None:
    seal(bakeoff, tmp_path, "linear,catboost")
    assert "catboost: one seed" in (tmp_path / "outputs/mine/comparison.json").read_text("utf-8")
    confirmed = bakeoff("confirm", "outputs/mine")
    assert confirmed.returncode == 0, confirmed.stderr
    assert "one seed" not in confirmed.stdout and "No simple baseline" not in confirmed.stdout


def test_a_bake_off_named_confirmation_keeps_its_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.csv", 300)
    package.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=label", "name=confirmation", "model=linear,nearest_neighbors",
        "decision.metric=accuracy", "report=none", *FEW,
    )  # fmt: skip
    assert "No simple baseline" in Path("outputs/confirmation/comparison.json").read_text("utf-8")


def test_challenger_over_the_capacity_leaves_the_rows_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.csv")
    package.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=label", "data.positive=yes", "data.split.sealed=0.3333",
        "name=mine", "model=constant,linear", "incumbent=constant", "decision.metric=accuracy", "report=none",
        "business=right_wrong_abstain", "business.capacity=5%", *FEW,
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"more than the 5\.00% of business\.capacity=5%\. The sealed rows stay"):
        confirm(Path("outputs/mine"), "linear")
    assert not Path("outputs/mine/confirmation/linear").exists()
