"""The long report of bake-offs on disk: chapters of every task kind, old folders, damaged files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import numbers, record, unfinished
from bakeoff.report import markdown, page, pages
from bakeoff.report.blocks import Table, Text
from bakeoff.report.chapters import effort, material
from bakeoff.report.chapters.labels import GRID, _curves
from bakeoff.report.document import Document
from bakeoff.report.figures import Parallel
from command_line import CommandLine

FIXTURES = Path(__file__).parents[1] / "fixtures" / "runs_0_1"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURES, tmp_path / "outputs")
    return tmp_path / "outputs"


def document(folder: Path) -> Document:
    bake = python.load(folder)
    assert isinstance(bake, python.Bakeoff)
    return pages.build(bake.comparison, [run.record for run in bake.values()], folder)


def titles(content: Document) -> list[str]:
    return [chapter.title for chapter in content.chapters]


def texts(content: Document) -> str:
    return "\n".join(line for c in content.chapters for b in c.blocks if isinstance(b, Text) for line in b.lines)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("table", {"In brief", "Leaderboard", "Differences", "Errors", "Rows side by side", "Data", "Method checks"}),
        ("questions", {"Leaderboard", "Slices", "Errors", "Rows side by side"}),
        ("forecast", {"Leaderboard", "Errors", "How it was made"}),
    ],
)
def test_bake_off_of_every_kind_has_its_chapters(outputs: Path, name: str, expected: set[str]) -> None:
    content = document(outputs / name)
    assert expected <= set(titles(content))
    assert "could not be drawn" not in texts(content)
    assert page.render(content).count("<section") == len(content.chapters)


def test_verdict_and_reason_of_the_page_are_those_of_the_comparison(outputs: Path) -> None:
    content = document(outputs / "table")
    comparison = json.loads((outputs / "table" / record.COMPARISON).read_text("utf-8"))
    assert content.reason == comparison["reason"]
    assert (comparison["winner"] or "") in content.verdict


def test_brief_says_what_to_do_and_what_would_change_it(outputs: Path) -> None:
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    comparison, runs = bake.comparison, [run.record for run in bake.values()]
    other = next(v.name for v in comparison.variants if v.name != comparison.incumbent)
    gap = next(d for d in comparison.differences if (d.variant, d.metric) == (other, comparison.metric))
    for verdict, winner, margin, words in (
        (
            "ship",
            other,
            gap.low - 0.1,
            [f"Replace {comparison.incumbent} with {other}.", f"at least {numbers.threshold(gap.low)}"],
        ),
        (
            "keep",
            comparison.incumbent,
            gap.high + 0.1,
            [f"Stay with {comparison.incumbent}", f"gains {numbers.threshold(gap.high)}"],
        ),
        ("inconclusive", None, 0.01, ["Do not decide yet", "More test rows narrow this."]),
    ):
        decided = replace(comparison, verdict=verdict, winner=winner, smallest_difference=margin)  # type: ignore[arg-type]
        content = pages.build(decided, runs, outputs / "table")
        lines, table = content.chapters[0].blocks
        assert isinstance(lines, Text) and isinstance(table, Table)
        assert all(word in " ".join(lines.lines) for word in words), (verdict, lines)
        assert [column.title for column in table.columns][1:] == [f"{comparison.incumbent} (incumbent)", other]


def test_trials_of_a_search_are_lines_over_their_parameters() -> None:
    columns = {"number": range(4), "state": ["COMPLETE"] * 3 + ["FAIL"], "f1": [0.5, 0.9, 0.7, None]}
    trials = pd.DataFrame({**columns, "param:model.depth": list("4689"), "param:model.kind": ["a", "b", "a", "b"]})
    (figure,) = effort._trials("catboost", trials, "f1", "maximize")
    assert isinstance(figure, Parallel)
    assert figure.axes == ("depth", "kind", "f1")
    assert figure.rows == ((6.0, "b", 0.9), (8.0, "a", 0.7), (4.0, "a", 0.5))


def test_rows_side_by_side_hold_what_each_variant_said(outputs: Path) -> None:
    rows = next(c for c in document(outputs / "table").chapters if c.title == "Rows side by side")
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    checked = 0
    for block in rows.blocks:
        assert isinstance(block, Table)
        for row in block.rows:
            values = dict(zip((column.name for column in block.columns), row, strict=True))
            for variant, run in bake.items():
                frame = run.predictions.astype({"id": str}).set_index("id")
                if f"out:{variant}" in values:
                    output, truth = frame.loc[values["id"], ["output", "target"]]
                    assert values[f"out:{variant}"] == f"{'✓' if output == truth else '✗'} {output}"
                    assert values["target"] == truth
                    checked += 1
    assert checked > 10


def test_damaged_file_of_one_variant_leaves_the_rest_of_the_report(outputs: Path) -> None:
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    comparison, runs = bake.comparison, [run.record for run in bake.values()]
    (outputs / "table" / "linear" / record.PREDICTIONS).unlink()
    content = pages.build(comparison, runs, outputs / "table")
    assert "Leaderboard" in titles(content)
    assert "linear" in page.render(content)


def test_failed_variant_is_in_the_report_with_its_error(outputs: Path) -> None:
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    comparison = bake.comparison
    broken = replace(comparison.variants[-1], status="failed", error="CUDA out of memory", metrics={})
    comparison = replace(comparison, variants=(*comparison.variants[:-1], broken))
    content = pages.build(comparison, [run.record for run in bake.values()], outputs / "table")
    assert "CUDA out of memory" in texts(content)


def test_roc_curve_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import roc_curve

    random = np.random.default_rng(0)
    truth = random.random(400) < 0.3
    score = np.round(truth * 0.3 + random.random(400), 1)  # with many ties
    recall, _ = _curves(score, truth)
    false, true, _ = roc_curve(truth, score)
    assert np.interp(GRID, false, true) == pytest.approx(recall, abs=1e-9)


def test_large_bake_off_stays_below_a_megabyte(tmp_path: Path, outputs: Path) -> None:
    n, names = 5_000, [f"variant-{i}" for i in range(10)]
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    first = next(iter(bake.values()))
    table = record.read_predictions(first.record)
    rows = np.resize(np.arange(len(table)), n)
    folder = tmp_path / "large"
    big = replace(table.take(rows), ids=np.array([f"row {i}" for i in range(n)], dtype=object))
    runs = []
    for name in names:
        run = replace(first.record, variant=name, folder=folder / name)
        run.folder.mkdir(parents=True)
        record.write_predictions(run.folder, big)
        runs.append(record.finish(run))
    pd.DataFrame({"id": big.ids, "text": ["a long text that goes on and on " * 30] * n}).to_parquet(
        folder / record.INPUTS
    )
    variants = tuple(replace(bake.comparison.variants[0], name=name) for name in names)
    comparison = replace(bake.comparison, variants=variants, incumbent=names[0], winner=names[1], differences=())
    content = pages.build(comparison, runs, folder)
    assert len(page.render(content).encode()) < 1_000_000
    assert "could not be drawn" not in texts(content)


def test_report_verb_writes_prints_and_refuses(outputs: Path, bakeoff: CommandLine) -> None:
    folder = str(outputs / "table")
    done = bakeoff("report", folder, "--figures", str(outputs / "figures"))
    assert done.returncode == 0, done.stderr
    assert (outputs / "table" / pages.REPORT).read_text("utf-8").startswith("<!doctype html>")
    assert list((outputs / "figures").glob("*.svg"))
    leaderboard = bakeoff("report", folder, "--format", "csv").stdout
    assert leaderboard == (outputs / "table" / record.LEADERBOARD).read_text("utf-8"), "formulas in it are quoted"


def test_markdown_folds_all_but_verdict_leaderboard_and_checks(outputs: Path) -> None:
    text = markdown.document(document(outputs / "table"))
    assert text.startswith("## table: ")
    before = text.partition("<details>")[0]
    assert "Leaderboard" in before
    assert "### Method checks" in text
    assert text.count("<details>") == text.count("</details>")


def test_very_many_rows_are_sampled_alike_and_it_is_said(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "MOST_ROWS", 60)
    content = document(outputs / "table")
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    shown = material.Material(bake.comparison, [run.record for run in bake.values()], outputs / "table")
    ids = [set(table.ids) for table in shown.tables.values()]
    assert 30 < len(ids[0]) < 90 and all(each == ids[0] for each in ids)
    said = f"Of a random sample of {len(ids[0])} of {bake.comparison.test_rows} test rows"
    for chapter in content.chapters:
        if chapter.title in ("Errors", "Probabilities and confidence", "Rows side by side", "Latency and time"):
            first = chapter.blocks[0]
            assert isinstance(first, Text) and first.lines[0].startswith(said)


def test_left_over_of_a_killed_command_is_removed_with_the_next_report(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    name = unfinished.prefix(pages.REPORT).replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    left = tmp_path / f"{name}abc123.part"
    left.write_text("half")
    pages.write(Document("x", "keep", "neutral", "because", (), ()), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [pages.REPORT]
