"""A file of data by its name."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bakeoff.cli import shorthand
from bakeoff.errors import ConfigError
from command_line import CommandLine


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("my.csv", ["data=csv", "data.path=my.csv", "data.name=my"]),
        ("in/my.tsv.gz", ["data=csv", "data.path=in/my.tsv.gz", "data.name=my"]),
        ("my.parquet", ["data=parquet", "data.path=my.parquet", "data.name=my"]),
        ("my.jsonl", ["data=jsonl", "data.path=my.jsonl", "data.name=my"]),
        ("my.feather", ["data=feather", "data.path=my.feather", "data.name=my"]),
        ("my.xlsx", ["data=excel", "data.path=my.xlsx", "data.name=my"]),
        ("'my data (1).csv'", ["data=csv", 'data.path="my data (1).csv"', "data.name=my_data_1"]),
    ],
)
def test_a_file_name_is_written_out(typed: str, written: list[str]) -> None:
    assert shorthand.expanded([f"data={typed}", "model=linear"]) == [*written[:2], "model=linear", written[2]]


def test_what_is_no_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for overrides in (["data=churn"], ["data=churn,trec"], ["data.split.seed=1"], ["data=mine/option"]):
        assert shorthand.expanded(overrides) == overrides
    (tmp_path / "numbers").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r'data: "numbers" ends in none of \.csv'):
        shorthand.expanded(["data=numbers"])


def test_a_name_that_is_given_is_kept() -> None:
    assert shorthand.expanded(["data=my.csv", "name=x"]) == ["data=csv", "data.path=my.csv", "name=x", "data.name=my"]
    assert shorthand.expanded(["data=my.csv", "data.name=x"]) == ["data=csv", "data.path=my.csv", "data.name=x"]
    assert shorthand.expanded(["data=csv", "data.path=my.csv"])[-1] == "data.name=my"
    with pytest.raises(ConfigError, match="these are 2 files"):
        shorthand.expanded(["data=a.csv,b.csv"])


def test_a_file_is_bake_off_enough(bakeoff: CommandLine, tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 7};{i * 0.5:.2f};{'spam' if i % 3 else 'ham'}".replace(".", ",") for i in range(80))
    (tmp_path / "my mails.csv").write_text(f"a;b;y\n{rows}\n", encoding="utf-16")
    done = bakeoff("model=constant", "data=my mails.csv", "data.target=y", "tracker=none")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outputs" / "my_mails" / "constant" / "result.json").is_file()


def test_a_file_without_a_target_is_looked_at_and_the_next_command_works(bakeoff: CommandLine, tmp_path: Path) -> None:
    rows = "\n".join(f'{i},"{i * 1000:,}",{"NA" if i % 2 else "EU"},{"yes" if i % 3 else "no"}' for i in range(60))
    (tmp_path / "my mails.csv").write_text(f",amount,region,left\n{rows}\n")
    done = bakeoff("data=my mails.csv")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    for words in (
        "data.target: say which column is to be predicted.",
        "my mails.csv: 60 rows.",
        "Unnamed: 0  left out",
        "amount      number    60",
        "region      category  2",
        "Likely targets: left (2 classes), region (2 classes), amount (a number).",
        'amount: read as numbers, "," between thousands',
    ):
        assert words in done.stderr, done.stderr
    following = done.stderr.split("Next: bakeoff ")[1].strip()
    planned = bakeoff("plan", *shlex.split(following))
    assert planned.returncode == 0, planned.stderr
    assert "my_mails: columns read as number: amount; category: region." in planned.stdout
    assert "3 of 3 variants would run." in planned.stdout
    refused = bakeoff("plan", *shlex.split(following), "decision.metric=rmse")
    assert refused.returncode == 2
    assert "decision.metric: rmse is not defined for this task." in refused.stderr


def test_key_with_two_values_is_said() -> None:
    assert shorthand.repeated(["model=linear", "seed=1", "+seed=2", "x.y=1", "x.y=1"]) == [
        "seed is given twice: 2 counts, 1 does not."
    ]


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ('model.rules=[{where: {x: "> 1", x: "< 2"}, output: a}]', "x"),
        ('decision.require={f1: ">= 0.5", "f1": "<= 0.9"}', "f1"),
        ("data.columns={a: number, b: {c: 1}, a: text}", "a"),
        ('model.rules=[{where: {x: "> 1"}, output: a}, {where: {x: "< 2", y: "a, x: b"}, output: a}]', None),
        ("data.columns={x: date:%d.%m.%Y, y: date:%d}", None),
        ("data.columns={'a, b': id, \"it's\": id, b: id}", None),
        ("search.space={a: 'choice({x:1},{x:2})', b: range(1,3)}", None),
        ("name=a:b,a:b", None),
    ],
)
def test_key_that_stands_twice_in_a_mapping_is_refused(override: str, key: str | None) -> None:
    if key is None:
        shorthand.refuse_repeated_keys([override])
    else:
        with pytest.raises(ConfigError, match=f'"{key}" stands twice in one mapping'):
            shorthand.refuse_repeated_keys(["model=linear", override])
