"""A race of searches for one budget: who gets how much, and that it can be interrupted and repeated."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.command_line import BAKEOFF

from bakeoff import load
from bakeoff.report.blocks import Table
from bakeoff.report.chapters import effort
from bakeoff.report.chapters.material import Material

RACE = (
    "-m", "model=linear,nearest_neighbors,constant_like,hist_gradient_boosting", "data=diabetes", "search=random",
    "search.total.trials=24", "search.trials=null", "search.racing=2", "tracker=none", "report=none", "name=race",
)  # fmt: skip


def bakeoff(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BAKEOFF, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def searches(folder: Path) -> dict[str, dict[str, Any]]:
    results = {path.parent.name: path for path in folder.glob("outputs/race/*/result.json")}
    return {name: json.loads(path.read_text("utf-8"))["search"] for name, path in results.items()}


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A finished race in which one of four variants is hopeless."""
    folder = tmp_path_factory.mktemp("race")
    options = folder / "conf" / "model"
    options.mkdir(parents=True)
    shipped = Path(__file__).parents[2] / "conf" / "model" / "linear.yaml"
    hopeless = shipped.read_text("utf-8").replace("interval(0.01, 1000)", "interval(1e8, 1e9)")
    (options / "constant_like.yaml").write_text(hopeless, "utf-8")
    done = bakeoff(folder, *RACE, "--config-dir", "conf")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_worse_half_leaves_its_budget_to_the_others(raced: tuple[Path, str]) -> None:
    folder, printed = raced
    found = searches(folder)
    assert found["constant_like"]["racing"]["lasted"] == 1
    assert sorted(search["racing"]["lasted"] for search in found.values()) == [1, 1, 2, 2]
    # 24 trials: 12 in each of two rounds, of which four variants share the first, and two the second.
    assert {s["racing"]["lasted"]: s["trials"] for s in found.values()} == {1: 3, 2: 9}
    assert sum(search["trials"] for search in found.values()) == 24
    assert "Round 1 of 2 on validation rows: " in printed
    assert "No more search for " in printed and "constant_like" in printed.partition("No more search for ")[2]


def test_report_of_a_race_says_who_was_given_what_and_who_went_on(raced: tuple[Path, str]) -> None:
    folder = raced[0] / "outputs" / "race"
    bake = load(folder)
    (table,) = effort.race(Material(bake.comparison, [run.record for run in bake.values()], folder))
    assert isinstance(table, Table)
    assert table.title == "Race for one budget, in 2 rounds"
    assert [column.title for column in table.columns][:3] == ["variant", "trials given", "trials run"]
    assert [(row[1], row[2], row[-1]) for row in table.rows] == [(9, 9, "in all 2 rounds")] * 2 + [
        (3, 3, "no more after round 1")
    ] * 2
    assert "constant_like" in [row[0] for row in table.rows[2:]]


def test_a_race_is_one_budget_and_so_no_fault_of_method(raced: tuple[Path, str]) -> None:
    assert "not tuned with the same budget" not in raced[1]


def test_the_same_race_again_keeps_all_and_a_longer_one_goes_on(raced: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "again"
    shutil.copytree(raced[0], folder)
    again = bakeoff(folder, *RACE, "--config-dir", "conf")
    assert "4 finished runs were kept" in again.stdout and "Round" not in again.stdout
    longer = bakeoff(folder, *RACE, "search.total.trials=32", "--config-dir", "conf")
    assert longer.returncode == 0, longer.stderr
    assert sum(search["trials"] for search in searches(folder).values()) == 32
    assert longer.stdout.count("Round 1 of 2") == 1


def test_an_interrupted_race_goes_on_as_if_it_had_not_been(raced: tuple[Path, str], tmp_path: Path) -> None:
    """Studies without results: the rounds are judged again, by the recorded trials alone, and none is repeated."""
    folder = tmp_path / "resumed"
    shutil.copytree(raced[0], folder)
    before = searches(folder)
    for result in folder.glob("outputs/race/*/result.json"):
        result.unlink()
    resumed = bakeoff(folder, *RACE, "--config-dir", "conf")
    assert resumed.returncode == 0, resumed.stderr
    after = searches(folder)
    assert {n: (s["trials"], s["best"], s["racing"]) for n, s in after.items()} == {
        n: (s["trials"], s["best"], s["racing"]) for n, s in before.items()
    }


def test_a_variant_cannot_join_a_race_whose_budget_is_spent(raced: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "joined"
    shutil.copytree(raced[0], folder)
    models, *rest = RACE[1:]
    for verb in (("-m",), ("plan", "-m")):
        joined = bakeoff(folder, *verb, f"{models},catboost", *rest, "--config-dir", "conf")
        assert joined.returncode == 2
        assert "raced before, without catboost, and spent the budget" in joined.stderr
    assert searches(folder).keys() == searches(raced[0]).keys()


def test_standings_have_the_name_and_the_sign_of_their_metric(tmp_path: Path) -> None:
    """Of pure noise r2 is below 0."""
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=200) for name in "abcy"}
    pd.DataFrame(columns).to_csv(tmp_path / "noise.csv", index=False)
    done = bakeoff(
        tmp_path, "-m", "model=linear,nearest_neighbors", "data=csv", "data.path=noise.csv", "data.target=y",
        "decision.metric=r2", "search=random", "search.trials=null", "search.total.trials=8", "search.racing=2",
        "tracker=none", "report=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "nearest_neighbors r2 -0." in done.stdout.partition("No more search")[0]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("search.racing=1",), "search.racing: a race has 2 rounds or more, and 1 is given"),
        (("search.total.trials=null", "search.trials=5"), "search.racing: there is no budget to race for"),
        (("seeds=2",), "search.racing: seeds of one variant must be searched alike"),
        (("seed=1,2",), "search.racing: seeds of one variant must be searched alike"),
        (("search.total.trials=5",), "5 is too little for 3 variants that race in 2 rounds. Give at least 6."),
        (("search.total.trials=null", "search.total.seconds=9", "search.trials=30"), "Add search.trials=null."),
        (("search.total.trials=90", "search.trials=30"), "search.trials: 30 for each variant would end its search"),
        (("search.total.seconds=-1",), "search.total.seconds: -1.0 is no budget"),
        (("search.workers=2",), "search.workers: more than one needs a launcher that runs jobs side by side"),
    ],
)
def test_a_wrong_race_is_refused_before_work(tmp_path: Path, overrides: tuple[str, ...], message: str) -> None:
    given = [
        argument for argument in RACE if argument.partition("=")[0] not in {o.partition("=")[0] for o in overrides}
    ]
    done = bakeoff(tmp_path, *[a.replace(",constant_like", "") for a in given], *overrides)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "outputs").exists()
