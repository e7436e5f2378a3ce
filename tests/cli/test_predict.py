"""``bakeoff predict`` and ``Run.predict``: the fitted model on rows that nobody labelled."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.cli import predict as verb
from bakeoff.errors import ConfigError, DataError
from command_line import CommandLine


@pytest.fixture
def customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A labelled table with ids that begin with zeros and numbers with thousands separators."""
    monkeypatch.chdir(tmp_path)
    rows = range(120)
    frame = pd.DataFrame(
        {
            "id": [f"{i:04d}" for i in rows],
            "amount": [f"{1000 + i * 37 % 4000:,}" for i in rows],
            "plan": [["basic", "plus", "NA"][i % 3] for i in rows],
            "y": ["yes" if i * 37 % 4000 > 1500 else "no" for i in rows],
        }
    )
    frame.to_csv(tmp_path / "customers.csv", index=False)
    return tmp_path


def test_new_rows_of_a_file_are_predicted_by_the_winner(bakeoff: CommandLine, customers: Path) -> None:
    quick = ("tracker=none", "data=customers.csv", "data.target=y", "data.id=id", "data.positive=yes")
    quick += ("decision.resamples=500", "metrics.latency_rows=5")
    done = bakeoff("-m", "model=constant,linear", *quick)
    assert done.returncode == 0, done.stderr
    new = pd.DataFrame(
        {
            "id": ["0900", "0901", "0902"],
            "amount": ["4,900", "lots", "1,100"],
            "plan": ["plus", "NA", "gold"],
            "extra": 1,
        }
    )
    new.assign(extra=1).to_csv(customers / "new.csv", index=False)
    done = bakeoff("predict", "outputs/customers", "data.path=new.csv", "--out", "predicted.parquet")
    assert done.returncode == 0, done.stderr
    for words in (
        "Every row: extra: not a column of the task.",
        'Row 0901: amount: "lots" is no number, read as missing.',
        'Row 0902: plan: "gold" was never seen in training.',
        "predicted 3 rows. Predictions: predicted.parquet",
    ):
        assert words in done.stdout
    frame = pd.read_parquet(customers / "predicted.parquet")
    assert frame["id"].tolist() == ["0900", "0901", "0902"]
    assert set(frame["output"]) <= {"yes", "no"} and set(frame["status"]) == {"ok"}
    assert (frame["confidence"] == frame[["proba:no", "proba:yes"]].max(axis=1)).all()
    done = bakeoff("predict", "outputs/customers/linear", "data=new.csv", "problems=refuse")
    assert done.returncode == 2 and "row 1: amount: " in done.stderr and "Traceback" not in done.stderr
    assert not (customers / "predictions.parquet").exists()


def test_python_predicts_what_the_run_recorded(customers: Path) -> None:
    run = python.run("tracker=none", "data.id=id", "data=customers.csv", model="linear", target="y")
    frame = pd.read_csv(customers / "customers.csv", dtype=str, keep_default_na=False)
    again = run.predict(frame).set_index("id")
    recorded = run.predictions.set_index("id")
    assert (again.loc[recorded.index, "output"] == recorded["output"]).all()
    one = run.predict(json.dumps({"amount": 4900, "plan": "plus"}))
    assert one["output"].tolist() == ["yes"] and one["messages"].tolist() == [[]]
    with pytest.raises(DataError, match="amount: no such column"):
        run.predict({"plan": "plus"}, problems="refuse")
    with pytest.raises(DataError, match='there is no column "name"'):
        run.predict(frame, id="name")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "predict: name a folder"),
        (["outputs/a"], "predict: name the new rows"),
        (["outputs/a", "data.path=a.doc"], "ends in none of"),
        (["outputs/a", "data.path=a.csv", "--out", "a.doc"], "--out: "),
        (["outputs/a", "data.path=a.csv", "model=linear"], "predict: model is not taken"),
    ],
)
def test_a_wrong_request_is_refused(arguments: list[str], part: str) -> None:
    with pytest.raises(ConfigError) as raised:
        verb.predict(arguments)
    assert part in str(raised.value)


def test_cells_that_a_spreadsheet_would_evaluate_are_quoted_in_csv_alone(bakeoff: CommandLine, tmp_path: Path) -> None:
    formula = "=cmd|' /C calc'!A0"
    rows = [{"id": f"@{i}", "x": i % 2, "y": [formula, "+ok"][i % 2]} for i in range(60)]
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    done = bakeoff("model=linear", "data=rows.csv", "data.target=y", "data.id=id", "tracker=none", "name=f")
    assert done.returncode == 0, done.stderr
    for out in ("p.csv", "p.jsonl"):
        done = bakeoff("predict", "outputs/f", "data=rows.csv", "--out", out)
        assert done.returncode == 0, done.stderr
        assert ("begin with '" in done.stdout) == (out == "p.csv")
    quoted = pd.read_csv(tmp_path / "p.csv", dtype=str, keep_default_na=False)
    plain = pd.read_json(tmp_path / "p.jsonl", lines=True)
    assert set(quoted["output"]) == {f"'{formula}", "'+ok"} and set(plain["output"]) == {formula, "+ok"}
    assert quoted["id"][3] == "'@3" and plain["id"][3] == "@3"
    cells = [cell for line in quoted.to_numpy() for cell in line] + list(quoted.columns)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "-="))]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("-1", "-1"),
        ("+49", "+49"),
        ("-1.5e-3", "-1.5e-3"),
        ("-", "'-"),
        ("-1+2", "'-1+2"),
        ("\t=1", "'\t=1"),
        ("a", "a"),
    ],
)
def test_numbers_are_no_formulas(text: str, cell: str) -> None:
    assert record.csv_cell(text) == cell
