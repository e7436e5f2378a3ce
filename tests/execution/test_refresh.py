"""The regular update: a model refitted on new data, and compared with itself as it was, on rows that neither knows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.cli.refresh import refresh as refresh_verb
from bakeoff.cli.rerun import rerun as rerun_verb
from bakeoff.data import delimited
from bakeoff.errors import ConfigError, DataError
from bakeoff.execution import refresh
from command_line import CommandLine
from recorded_runs import rewrite

CONF = Path(__file__).parents[2] / "conf"
QUICK = ("decision.resamples=200", "metrics.latency_rows=2", "tracker=none")


def customers(n: int, seed: int, drift: float = 0.0) -> pd.DataFrame:
    """Who leaves depends on age; after the drift, on the fee."""
    random = np.random.default_rng(seed)
    age, fee = random.normal(size=n), random.normal(size=n)
    score = (1 - drift) * age + drift * 3 * fee + random.normal(scale=0.3, size=n)
    return pd.DataFrame(
        {
            "age": age,
            "fee": fee,
            "plan": random.choice(["basic", "plus"], n),
            "leaves": np.where(score > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.fixture(scope="module")
def production(folder: Path) -> Path:
    """A bake-off that linear won."""
    customers(300, seed=0).to_csv(folder / "old.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        bake = python.bakeoff(
            "data=csv", "data.path=old.csv", "data.target=leaves", "model.classifier.C=2.5", *QUICK,
            models=["linear"], incumbent=None, name="churn",
        )  # fmt: skip
        bake = python.bakeoff(
            "data=csv", "data.path=old.csv", "data.target=leaves", *QUICK, "incumbent=constant",
            models=["constant"], name="churn",
        )  # fmt: skip
    assert bake.verdict.winner == "linear-classifier.C=2.5"
    return folder / "outputs/churn"


def refreshed(of: Path, frame: pd.DataFrame, name: str, *overrides: str) -> refresh.Refresh:
    path = of.parents[1] / f"{name}.csv"
    frame.to_csv(path, index=False)
    return refresh.refresh(of, [f"data.path={path}", f"name={name}", *overrides], CONF)


def test_a_model_that_the_world_has_left_behind_is_replaced(production: Path) -> None:
    done = refreshed(production, customers(400, seed=1, drift=1.0), "drifted")
    assert done.of.name == "linear-classifier.C=2.5", "the winner of the bake-off"
    assert done.comparison.verdict == "ship"
    assert done.comparison.winner == "refreshed"
    assert done.comparison.incumbent == "incumbent"
    assert done.comparison.test_rows == 81
    new = record.read_run(done.folder / "refreshed")
    assert new.parameters["classifier"]["C"] == 2.5, "with the parameters that were recorded"
    # The incumbent is the model that was kept, not one that was fitted again.
    old = python.load(done.folder / "incumbent")
    assert isinstance(old, python.Run)
    kept = python.Run(done.of)
    test = pd.read_csv(production.parents[1] / "drifted.csv").loc[old.predictions["id"].astype(int)]
    assert list(kept.model.predict(test).output) == list(old.predictions["output"])
    assert "fit" not in old.record.seconds


def test_a_model_that_still_holds_is_kept(production: Path) -> None:
    assert refreshed(production, customers(400, seed=2), "steady").comparison.verdict != "ship"


def test_rows_that_the_old_model_learnt_from_do_not_judge_it(production: Path) -> None:
    old = pd.read_csv(production.parents[1] / "old.csv")
    done = refreshed(production, pd.concat([old, customers(200, seed=3)]), "grown")
    learnt = record.read_learnt(done.of)
    assert learnt is not None
    [note] = [n for n in done.comparison.notes if "learnt from" in n]
    left_out = int(note.split()[1])
    assert done.comparison.test_rows == 101 - left_out
    asked = pd.read_parquet(done.folder / "refreshed/predictions.parquet")["id"].astype(int)
    developed = set(old.drop(index=python.Run(done.of).predictions["id"].astype(int)).index)
    assert developed.isdisjoint(asked), "equal to no row that it was developed on"
    assert left_out > 0


def test_a_record_that_does_not_say_what_was_learnt_is_made_up_for_by_the_old_data(production: Path) -> None:
    old = pd.read_csv(production.parents[1] / "old.csv")
    run = production / "linear-classifier.C=2.5"
    kept, content = (run / record.LEARNT).read_bytes(), json.loads((run / record.RESULT).read_bytes())
    (run / record.LEARNT).unlink()
    rewrite(run, content)
    try:
        grown = pd.concat([old, customers(200, seed=3)])
        assert any("were left out" in note for note in refreshed(production, grown, "reread").comparison.notes)
        (production.parents[1] / "old.csv").rename(production.parents[1] / "moved.csv")
        done = refreshed(production, grown, "unknown")
        assert any("It is not recorded which rows" in note for note in done.comparison.notes)
    finally:
        (production.parents[1] / "moved.csv").rename(production.parents[1] / "old.csv")
        (run / record.LEARNT).write_bytes(kept)
        rewrite(run, content)


def test_data_that_the_old_model_knows_entirely_cannot_judge_it(production: Path) -> None:
    run = python.Run(production / "linear-classifier.C=2.5")
    old = pd.read_csv(production.parents[1] / "old.csv")
    developed = old.drop(index=run.predictions["id"].astype(int))
    with pytest.raises(DataError, match="learnt from every one of the"):
        refreshed(production, developed, "known")
    assert not (production.parent / "known").exists()


def test_profiles_that_repeat_do_not_tell_which_rows_were_learned_from(folder: Path) -> None:
    def profiles(seed: int) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {"cabin": random.choice(["1st", "2nd", "crew"], 900), "sex": random.choice(["f", "m"], 900)}
        )
        return frame.assign(y=np.where(random.random(900) < 0.2 + 0.6 * (frame["sex"] == "f"), "yes", "no"))

    profiles(0).to_csv(folder / "people.csv", index=False)
    python.bakeoff(
        "data=csv", "data.path=people.csv", "data.target=y", *QUICK, models=["linear", "constant"], name="people",
        incumbent="constant",
    )  # fmt: skip
    done = refreshed(folder / "outputs/people", profiles(1), "next")
    rows = done.comparison.test_rows
    assert rows >= 100, "none is left out"
    assert any(
        f"{rows} of {rows} test rows have inputs of rows that linear learned" in n for n in done.comparison.notes
    )


def test_a_label_that_the_old_model_never_saw_counts_as_wrong(production: Path) -> None:
    frame = customers(300, seed=4)
    frame.loc[frame["fee"] > 1.2, "leaves"] = "paused"
    done = refreshed(production, frame, "labels")
    assert done.comparison.metric == "f1_macro"
    assert any('labelled "paused", which' in note for note in done.comparison.notes)
    old = pd.read_parquet(done.folder / "incumbent/predictions.parquet")
    unseen = old["target"] == "paused"
    assert unseen.any()
    assert "paused" not in set(old["output"])
    assert (old["proba:paused"] == 0).all()
    np.testing.assert_allclose(old.filter(like="proba:").sum(axis=1), 1)


def test_a_label_that_has_vanished_is_a_wrong_answer_of_the_old_model(folder: Path) -> None:
    frame = customers(300, seed=5)
    frame.loc[frame["fee"] > 0.5, "leaves"] = "paused"
    frame.to_csv("three.csv", index=False)
    run = python.run("data=csv", "data.path=three.csv", "data.target=leaves", *QUICK, model="linear", name="three")
    done = refreshed(folder / run.folder, customers(300, seed=6), "two")
    old = pd.read_parquet(done.folder / "incumbent/predictions.parquet")
    assert "proba:paused" not in old
    assert "paused" in set(old["output"]), "it is what the model says"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.rename(columns={"fee": "price"}), "missing: fee. new: price. Leave them out: data.ignore=.price."),
        (
            lambda f: f.assign(age=["old" if a > 0 else "young" for a in f["age"]]),
            '"age" was read as numbers before, and holds "old"|"age" was read as numbers before, and holds "young"',
        ),
        (lambda f: f.drop(columns="leaves"), 'there is no column "leaves"'),
    ],
)
def test_columns_that_changed_are_told(production: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=said):
        refreshed(production, change(customers(100, seed=7)), "changed")


@pytest.fixture(scope="module")
def european(folder: Path) -> Path:
    """A bake-off on a file with decimal commas, points between thousands, dates, and a mark of missing values."""
    european_rows(300, seed=0).to_csv(folder / "european.csv", sep=";", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        python.bakeoff(
            "data=csv", "data.path=european.csv", "data.target=leaves", *QUICK, models=["linear", "constant"],
            incumbent="constant", name="european",
        )  # fmt: skip
    return folder / "outputs/european/linear"


def european_rows(n: int, seed: int) -> pd.DataFrame:
    rows = customers(n, seed)
    fee = [f"{1000 + 10 * value:,.2f}".translate(str.maketrans(",.", ".,")) for value in rows["fee"]]
    age = [f"{value:.3f}".replace(".", ",") for value in rows["age"]]
    day = pd.date_range("2024-01-01", periods=n).strftime("%Y-%m-%d")
    return rows.assign(fee=fee, age=["-" if i % 50 == 7 else text for i, text in enumerate(age)], day=day)


def test_refresh_reads_numbers_as_the_old_rows_were_read(european: Path) -> None:
    new = european_rows(200, seed=1)
    # Seen alone, each of these is a decimal point, and 1.004 is 1,004 in the file that the model learned from.
    new["fee"] = [f"1.{int(value.split(',')[0].replace('.', '')) - 1000 + 100:03d}" for value in new["fee"]]
    new["age"] = new["age"].str.partition(",")[0]
    done = refreshed(european, new, "grouped")
    run = python.Run(done.folder / "refreshed")
    assert record.schema_of(run.record).readings["fee"].thousands == "."
    inputs = pd.read_parquet(done.folder / "inputs.parquet")
    assert inputs["fee"].between(1000, 1200).all()
    assert any("fee" in note.text and "as before" in note.text for note in record.data_notes(run.record))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("age", "0.5", '"age" was read as numbers .*"," before decimals.* before, and holds "0.5" .* rows: row 3'),
        ("age", "?", "data.missing="),
        ("day", "03/04/2024", 'was read as dates .ISO8601. before, and holds "03/04/2024"'),
        ("day", "2024-02-31", "was read as dates"),
    ],
)
def test_refresh_refuses_what_does_not_fit_the_old_reading(european: Path, column: str, value: str, said: str) -> None:
    new = european_rows(200, seed=1)
    new.loc[3, column] = value
    with pytest.raises(DataError, match=said):
        refreshed(european, new, "unfit")


def test_refresh_follows_the_format_that_is_declared_for_the_new_file(european: Path) -> None:
    new = customers(200, seed=1).assign(fee=lambda rows: (1000 + 10 * rows["fee"]).round(2), day="31/05/2024")
    done = refreshed(european, new, "declared", "data.decimal=.", "data.columns={day: 'date:%d/%m/%Y'}")
    run = python.Run(done.folder / "refreshed")
    assert record.schema_of(run.record).columns["day"] == "date"
    assert record.schema_of(run.record).readings["age"].decimal == "."


def test_refresh_that_cannot_read_the_new_file_reads_it_once(production: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    whole = delimited.read

    def counted(path: Path, *arguments: object) -> object:
        reads.append(path)
        return whole(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(delimited, "read", counted)
    with pytest.raises(DataError, match="missing: fee"):
        refreshed(production, customers(100, seed=7).drop(columns=["fee"]).assign(leaves="yes"), "once")
    assert len([path for path in reads if path.name == "once.csv"]) == 1


def test_a_refresh_can_be_refreshed_and_its_runs_are_not_repeated_by_themselves(
    production: Path,
) -> None:
    first = refreshed(production, customers(400, seed=1, drift=1.0), "first")
    second = refreshed(first.folder, customers(400, seed=8, drift=1.0), "second")
    assert second.of.name == "refreshed"
    with pytest.raises(ConfigError, match="bakeoff refresh made this run"):
        rerun_verb([str(first.folder / "refreshed")])


def test_another_source_keeps_the_roles_of_columns(production: Path, folder: Path) -> None:
    customers(200, seed=9).to_parquet(folder / "new.parquet")
    done = refresh.refresh(production, ["data=parquet", "data.path=new.parquet", "name=parquet"], CONF)
    data = (record.read_config(done.folder / "refreshed") or {})["data"]
    assert data["_target_"] == "bakeoff.data.Parquet"
    assert data["target"] == "leaves"
    assert "separator" not in data


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "name the new data"),
        (["data.pth=x.csv"], 'Did you mean "path"'),
        (["model.depth=3"], "model.depth=3 is not taken"),
        (["data=cvs"], 'Did you mean "csv"'),
        (["data.path=old.csv", "name=churn"], "is there already"),
        (["data.path=old.csv", "name=../up"], "is not the name of a folder"),
        (["data.path=nowhere.csv"], "there is no file"),
    ],
)
def test_a_wrong_request_to_refresh_is_refused(production: Path, overrides: list[str], said: str) -> None:
    with pytest.raises((ConfigError, DataError), match=said):
        refresh.refresh(production, overrides, CONF)


def test_it_ends_in_a_verdict_each_time(production: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = production.parents[1] / "cli.csv"
    customers(300, seed=10, drift=1.0).to_csv(path, index=False)
    refresh_verb([str(production), f"data.path={path}"])
    assert "Verdict: SHIP refreshed" in capsys.readouterr().out
    assert (production.parent / "churn-refresh/comparison.json").is_file()
    refresh_verb([str(production), f"data.path={path}"])
    assert (production.parent / "churn-refresh-2").is_dir()


def test_the_command_line_refuses_what_is_wrong(bakeoff: CommandLine) -> None:
    done = bakeoff("refresh")
    assert done.returncode == 2
    assert "refresh: name a folder" in done.stderr
