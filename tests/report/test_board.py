"""The board: bake-offs with their verdicts, and the runs of one task over time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bakeoff import record
from bakeoff.errors import ConfigError, DataError
from bakeoff.report import board
from bakeoff.report.blocks import Table, Text
from bakeoff.report.document import Report
from command_line import CommandLine

FIXTURES = Path(__file__).parents[1] / "fixtures" / "runs_0_1"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES, tmp_path / "outputs")
    shutil.copytree(FIXTURES / "table", tmp_path / "outputs" / "older" / "table-again")
    return tmp_path / "outputs"


def rows(report: Report) -> list[list[str]]:
    table = report.blocks[0]
    assert isinstance(table, Table)
    return table.texts()


def test_every_bake_off_is_listed_also_in_deeper_folders(outputs: Path) -> None:
    entries, damaged = board.read(outputs)
    assert not damaged
    listed = [row[0] for row in rows(board.verdicts(entries, damaged))]
    assert sorted(listed) == ["forecast", "questions", "table", "table-again"]


def test_runs_of_one_task_are_listed_by_their_start(outputs: Path) -> None:
    entries, _ = board.read(outputs)
    found = rows(board.over_time(entries, entries[-1].fingerprints[0][:10], None))
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    assert {row[1] for row in found} == {"table", "table-again"} or len(found) > 1


def test_runs_of_other_rows_are_not_compared(outputs: Path) -> None:
    name = next(entry.task for entry in board.read(outputs)[0] if entry.folder.name == "table-again")
    for file in (outputs / "older" / "table-again").glob(f"*/{record.RESULT}"):
        file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"fingerprint": "f" * 64}), "utf-8")
    with pytest.raises(ConfigError, match=r"2 different sets of rows.*--task ffffffffffff \(as in table-again\)"):
        board.over_time(board.read(outputs)[0], name, None)


def test_unknown_names_and_empty_folders_are_refused(outputs: Path, tmp_path: Path) -> None:
    entries, _ = board.read(outputs)
    with pytest.raises(ConfigError, match="no finished run is of 'tabel'"):
        board.over_time(entries, "tabel", None)
    with pytest.raises(ConfigError, match="--metric: no run has a metric 'f11'"):
        board.over_time(entries, entries[0].fingerprints[0], "f11")
    with pytest.raises(DataError, match="no such folder"):
        board.read(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no bake-offs"):
        board.read(tmp_path / "empty")


def test_damaged_bake_off_is_said_and_the_others_are_listed(outputs: Path) -> None:
    next((outputs / "table").glob(f"*/{record.RESULT}")).write_text("{", "utf-8")
    entries, damaged = board.read(outputs)
    report = board.verdicts(entries, damaged)
    assert len(entries) == 3
    assert isinstance(report.blocks[-1], Text)
    assert "cannot be read" in report.blocks[-1].lines[0]


def test_board_verb_lists(outputs: Path, bakeoff: CommandLine) -> None:
    done = bakeoff("board", str(outputs))
    assert done.returncode == 0, done.stderr
    assert "table-again" in done.stdout
    assert "none by this version" in done.stdout  # the comparison of version 0.1 is read as there being none
    assert bakeoff("compare", str(outputs / "table")).returncode == 0
    assert "keep  " in bakeoff("board", str(outputs)).stdout
