"""Figures are what was written: every damage to a recorded file is told, and none changes a verdict unseen."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bakeoff import record, results
from bakeoff.compare import folders
from bakeoff.compare.comparison import Comparison
from bakeoff.compare.ledger import FOLDER_VARIABLE
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import DataError
from command_line import BAKEOFF, CommandLine

SETTINGS = DecisionSettings(resamples=200)
DERIVED = ("comparison.json", "leaderboard.csv", "linear/bootstrap.parquet")
"""Files that are computed again from the others."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bake-off of two tuned variants."""
    folder = tmp_path_factory.mktemp("integrity")
    arguments = ["-m", "model=constant,linear", "data=breast_cancer", "search=random", "search.trials=2", "name=x"]
    command = [str(BAKEOFF), *arguments, "decision.resamples=200"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "outputs" / "ledger"))
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        compared(folder / "outputs" / "x")
    return folder / "outputs" / "x"


@pytest.fixture
def folder(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be damaged, with the ledger of looks that the original has."""
    shutil.copytree(written, tmp_path / "x")
    monkeypatch.setenv(FOLDER_VARIABLE, str(written.parent / "ledger"))
    return tmp_path / "x"


def compared(folder: Path) -> Comparison:
    return folders.compare_folder(folder, SETTINGS, "constant")[0]


def recorded_files(folder: Path) -> list[str]:
    names = [*record.read_run(folder / "linear").files, record.RESULT]
    return [*(f"linear/{name}" for name in names), "inputs.parquet", "comparison.json", "leaderboard.csv"]


def is_told(folder: Path, name: str, verdict: tuple[str | None, str]) -> bool:
    """Whether a comparison names the damaged file, and has no other verdict."""
    try:
        after = compared(folder)
    except DataError as error:
        assert name not in DERIVED, error
        return all(name in line for line in str(error).splitlines())
    assert (after.winner, after.reason) == verdict
    return any(name in note for note in after.notes)


def flipped(content: bytes, generator: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
    return bytes(damaged)


def test_any_damage_to_any_recorded_file_is_told(folder: Path) -> None:
    sound = compared(folder)
    verdict = (sound.winner, sound.reason)
    assert sound.winner == "linear"
    assert not [note for note in sound.notes if "damaged" in note or "unverified" in note]
    files = recorded_files(folder)
    assert {"linear/predictions.parquet", "linear/model/estimator.skops", "linear/config.yaml"} <= set(files)
    generator = random.Random(0)
    for name in files:
        content = (folder / name).read_bytes()
        damages = [flipped(content, generator) for _ in range(5)]
        damages += [content[: len(content) // 2], content[:-1], b"", content + b"\n"]
        for damage in damages:
            (folder / name).write_bytes(damage)
            assert is_told(folder, name, verdict), (name, damage[:80])
            (folder / name).write_bytes(content)
    assert compared(folder).verdict == sound.verdict


def test_every_single_byte_of_a_record_is_guarded(folder: Path) -> None:
    content = (folder / "linear" / record.RESULT).read_bytes()
    for position in range(0, len(content), 7):
        damage = bytearray(content)
        damage[position] ^= 1
        (folder / "linear" / record.RESULT).write_bytes(bytes(damage))
        with pytest.raises(DataError, match=r"result\.json: .*damaged"):
            record.read_run(folder / "linear")


def test_a_recorded_file_that_is_gone_or_new_is_told(folder: Path) -> None:
    for name in ("linear/predictions.parquet", "linear/model/state.json", "linear/config.yaml"):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"{Path(name).name}: it is gone"):
            compared(folder)
        (folder / name).write_bytes(content)
    (folder / "linear" / "model" / "corpus.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"corpus\.parquet: it was added after the run"):
        _ = results.Run(folder / "linear").model


@pytest.mark.parametrize(
    "name", ["predictions.parquet", "result.json", "config.yaml", "learnt.npy", "model/state.json"]
)
def test_swapped_files_of_two_runs_are_told(folder: Path, name: str) -> None:
    one, other = folder / "linear" / name, folder / "constant" / name
    contents = one.read_bytes(), other.read_bytes()
    if contents[0] == contents[1]:
        pytest.skip("equal in both runs")
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    with pytest.raises(DataError, match=r"linear/|constant/"):
        compared(folder)


def test_a_copy_of_a_run_within_its_bake_off_is_told(folder: Path) -> None:
    shutil.copytree(folder / "linear", folder / "better")
    with pytest.raises(DataError, match="better: it holds a copy of the run of linear"):
        compared(folder)


def edit(file: Path, change: Callable[[dict[str, object]], object]) -> None:
    content = json.loads(file.read_text("utf-8"))
    change(content)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def test_records_edited_by_hand_are_told(folder: Path) -> None:
    sound = compared(folder)
    edits: list[tuple[str, Callable[[dict[str, object]], object]]] = [
        ("linear/result.json", lambda c: c.update(status="failed")),
        ("linear/result.json", lambda c: c.update(variant="constant")),
        ("linear/result.json", lambda c: c.pop("sha256")),
        ("linear/result.json", lambda c: c.pop("files")),
        ("linear/result.json", lambda c: c.update(files={})),
        ("comparison.json", lambda c: c.update(winner="constant", reason="because")),
        ("comparison.json", lambda c: c.pop("sha256")),
        ("comparison.json", lambda c: c.update(of="another")),
    ]
    for name, change in edits:
        content = (folder / name).read_bytes()
        edit(folder / name, change)
        assert is_told(folder, name, (sound.winner, sound.reason)), name
        (folder / name).write_bytes(content)


def test_a_record_without_any_digest_is_read_and_said_to_be_unverified(folder: Path) -> None:
    sound = compared(folder)
    edit(folder / "linear" / "result.json", lambda c: (c.pop("sha256"), c.pop("files")))
    after = compared(folder)
    assert after.winner == sound.winner
    assert any("linear: recorded by an earlier version" in note and "unverified" in note for note in after.notes)


def test_deeply_nested_and_foreign_json_is_told(folder: Path) -> None:
    for text in ("[" * 100_000, "{}", "[]", "null", '{"metrics": 3}'):
        (folder / "linear" / "result.json").write_text(text)
        with pytest.raises(DataError, match=r"linear/result\.json"):
            compared(folder)


def test_damage_is_one_line_on_the_command_line(folder: Path, bakeoff: CommandLine) -> None:
    content = bytearray((folder / "linear" / "predictions.parquet").read_bytes())
    content[100] ^= 4
    (folder / "linear" / "predictions.parquet").write_bytes(bytes(content))
    done = bakeoff("compare", str(folder), cwd=folder.parent)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "linear/predictions.parquet: it is damaged or was edited" in line
    assert f"delete {folder}/linear/result.json and repeat the command" in line
