"""What a person reads: calm, aligned, and without control characters where nobody would see them as colour."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bakeoff.compare.checks import Checked
from bakeoff.compare.comparison import Comparison, Difference, Variant
from bakeoff.record import Run, Score
from bakeoff.report import summary, terminal
from bakeoff.task import DataNote, NoteRank

CONTROL = {chr(code) for code in range(32)} - {"\n"}
METRICS = {
    "f1": Score(0.9523, 0.9104, 0.9788),
    "precision": Score(0.98),
    "recall": Score(0.91),
    "latency_p50_ms": Score(0.6194),
    "latency_p95_ms": Score(1234.5),
    "fit_seconds": Score(0.0),
}


def variant(name: str, value: float = 0.9523, **changed: object) -> Variant:
    scores = METRICS | {"f1": Score(value, value - 0.04, value + 0.03)}
    return replace(Variant(name, "classical", "ok", scores), **changed)  # type: ignore[arg-type]


def compared(*variants: Variant, **changed: object) -> Comparison:
    made = Comparison(
        task="mails",
        metric="f1",
        direction="maximize",
        smallest_difference=0.01,
        confidence=0.95,
        joint_confidence=0.975,
        test_rows=12345,
        incumbent="rules",
        verdict="ship",
        winner="linear",
        reason="linear has f1 0.952 [0.910, 0.979].",
        variants=variants,
        differences=(Difference("linear", "f1", 0.1123, 0.0504, 0.1721, 12345),),
        notes=("A note.",),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def run(*notes: DataNote) -> Run:
    schema = {"kind": "classification", "target": "y", "columns": {}, "classes": ["ham", "spam"], "positive": "spam"}
    task = {"name": "mails", "schema": schema, "notes": [asdict(note) for note in notes]}
    return Run(Path("outputs/x/linear"), "linear", "classical", "ok", "", task)


BOTH = (variant("linear"), variant("rules", 0.84))


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def show(comparison: Comparison, folder: str = "outputs/x", kept: int = 0) -> str:
        terminal.show(summary.build(comparison, [run()], Path(folder), kept))
        out, err = capsys.readouterr()
        assert err == ""
        assert not CONTROL & set(out)
        return out

    return show


def row(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))


def test_a_pipe_gets_the_leaderboard_the_verdict_and_the_folder(shown) -> None:  # type: ignore[no-untyped-def]
    text = shown(compared(*BOTH))
    assert "mails, 12,345 test rows" in text
    assert "Verdict: SHIP linear – linear has f1 0.952 [0.910, 0.979].\nA note.\n" in text
    assert text.endswith("Results: outputs/x\n")
    assert re.search(r"0\.952 \[0\.912, 0\.982\] +\+0\.11 \[\+0\.05, \+0\.17\]", row(text, "linear "))
    assert re.search(r"0\.840 \[0\.800, 0\.870\] +incumbent ", row(text, "rules "))
    assert row(text, "linear").split()[-3:] == ["0.619", "1,234", "0"]


def test_columns_are_aligned(shown) -> None:  # type: ignore[no-untyped-def]
    text = shown(compared(*BOTH, variant("a_name_of_middling_length", 0.5)))
    header, *rows = (row(text, name) for name in ("variant", "linear", "rules", "a_name"))
    for column in ("family", "f1 of spam [95% interval]"):
        start = header.index(column)
        assert all(line[start - 1] == " " and line[start] != " " for line in rows), column
    for column in ("p50 ms", "p95 ms", "fit s"):
        end = header.index(column) + len(column)
        assert all(line[end - 1] != " " for line in rows), "numbers end where their header ends"


@pytest.mark.parametrize("length", [40, 109])
def test_long_names_are_shown_whole_in_a_pipe(shown, length: int) -> None:  # type: ignore[no-untyped-def]
    long = "linear-" + "x" * (length - 7)
    text = shown(compared(variant(long), variant("rules", 0.84), winner=long,
                          differences=(Difference(long, "f1", 0.1123, 0.0504, 0.1721, 12345),)))  # fmt: skip
    assert "…" not in text
    assert "0.952 [0.912, 0.982]" in row(text, long) and "+0.11 [+0.05, +0.17]" in row(text, long)
    assert "p95 ms  fit s" in row(text, "variant")
    assert f"Verdict: SHIP {long} – " in text


def test_brackets_in_names_are_no_markup(shown) -> None:  # type: ignore[no-untyped-def]
    text = shown(compared(*BOTH, variant("[red]/x[/red]", status="failed", metrics={}, error="[bold]no[/bold]"),
                          notes=("see [link]",), reason="[dim]so[/dim]"), folder="outputs/[b]x")  # fmt: skip
    for words in ("[red]/x[/red] failed: [bold]no[/bold]", "see [link]", "[dim]so[/dim]", "outputs/[b]x"):
        assert words in text


def test_what_is_not_known_is_a_dash_and_never_nan(shown) -> None:  # type: ignore[no-untyped-def]
    nan = float("nan")
    odd = variant("odd", metrics={"f1": Score(nan, nan, nan), "precision": Score(None), "fit_seconds": Score(1.0)})
    text = shown(compared(*BOTH, odd, differences=(Difference("odd", "f1", nan, nan, nan, 0),)))
    assert "nan" not in text
    assert row(text, "odd").split()[2] == "–"


def test_a_variant_that_failed_says_why(shown) -> None:  # type: ignore[no-untyped-def]
    text = shown(
        compared(
            *BOTH,
            variant("deep", status="failed", metrics={}, error="MemoryError: no"),
            variant("late", status="interrupted", metrics={}),
        )
    )
    assert "deep failed: MemoryError: no\n" in text
    assert "late interrupted: it has no result yet\n" in text
    assert row(text, "deep ").split() == ["deep", "classical", "failed", "–", "–", "–", "–", "–"]


def test_runs_none_of_which_has_results_can_be_shown(shown) -> None:  # type: ignore[no-untyped-def]
    nan = float("nan")
    text = shown(compared(variant("a", status="failed", metrics={}), verdict="inconclusive", winner=None, metric="",
                          smallest_difference=nan, test_rows=0, differences=(), reason="nothing."))  # fmt: skip
    assert "Verdict: NOT ENOUGH EVIDENCE – nothing." in text


@pytest.mark.parametrize(("kept", "words"), [(1, "1 finished run was kept"), (3, "3 finished runs were kept")])
def test_kept_runs_are_told(shown, kept: int, words: str) -> None:  # type: ignore[no-untyped-def]
    assert words in shown(compared(*BOTH), kept=kept)
    assert "kept" not in shown(compared(*BOTH))


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.91, 0.99, "0.952 [0.910, 0.990]"),
        (0.2, 0.99, "0.95 [0.20, 0.99]"),
        (0.952, 0.9525, "0.9523 [0.9520, 0.9525]"),
        (0.9523, 0.9523, "0.952 [0.952, 0.952]"),
    ],
)
def test_digits_are_those_that_the_interval_supports(shown, low: float, high: float, told: str) -> None:  # type: ignore[no-untyped-def]
    one = variant("linear", metrics={"f1": Score(0.9523, low, high)})
    assert told in row(shown(compared(one, differences=())), "linear ")


def test_large_values_are_read_with_thousands(shown) -> None:  # type: ignore[no-untyped-def]
    one = variant("linear", metrics={"rmse": Score(26543.21, 24000.0, 29000.0)})
    assert "26,543 [24,000, 29,000]" in shown(compared(one, metric="rmse", differences=()))


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_screen(comparison: Comparison, monkeypatch: pytest.MonkeyPatch, width: int, **env: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(width), **env}.items():
        monkeypatch.setenv(name, value)
    with contextlib.redirect_stdout(Screen()) as screen:
        terminal.show(summary.build(comparison, [run()], Path("outputs/x")))
    return screen.getvalue()


def test_a_terminal_gets_colour_which_can_be_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = on_a_screen(compared(*BOTH), monkeypatch, 120)
    assert "\x1b[1;32mVerdict: SHIP linear" in coloured
    plain = on_a_screen(compared(*BOTH), monkeypatch, 120, NO_COLOR="1")
    assert "[1;32m" not in plain
    assert "Verdict: SHIP linear" in plain


def test_a_narrow_terminal_leaves_out_the_least_important_columns_and_names_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = on_a_screen(compared(*BOTH, reason="because " * 40), monkeypatch, 80, TERM="dumb")
    assert "…" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    header = row(text, "variant")
    assert header.split("  ")[0] == "variant"
    assert "f1 of spam [95% interval]" in header and "vs rules [95% joint]" in header
    assert "0.952 [0.912, 0.982]" in row(text, "linear ") and "+0.11 [+0.05, +0.17]" in row(text, "linear ")
    assert "Not shown at 80 columns: family," in text


@pytest.mark.parametrize("width", [40, 60, 72, 100])
def test_no_heading_breaks_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    text = on_a_screen(compared(*BOTH), monkeypatch, width, TERM="dumb")
    assert all(len(line) <= width for line in text.splitlines())
    assert "f1 of spam [95% interval]" in text and "vs rules [95% joint]" in text


def test_each_variant_is_a_block_where_the_table_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = on_a_screen(compared(*BOTH), monkeypatch, 50, TERM="dumb")
    assert (
        "linear\n  family: classical\n  f1 of spam [95% interval]: 0.952 [0.912, 0.982]\n"
        "  vs rules [95% joint]: +0.11 [+0.05, +0.17]\n  precision: 0.980\n"
    ) in text


def test_a_terminal_without_unicode_gets_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    with contextlib.redirect_stdout(stream):
        terminal.show(summary.build(compared(*BOTH, notes=("Größe → x",)), [run()], Path("outputs/x")))
    text = raw.getvalue().decode("ascii")
    assert "Verdict: SHIP linear - linear has f1" in text
    assert "Gr\\xf6\\xdfe -> x" in text


def test_what_happened_to_the_data_stands_above_the_leaderboard_in_five_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes = [
        DataNote("Task kind: classification.", "data.kind"),
        DataNote("Nothing happened.", "", NoteRank.FACTS),
        DataNote("12 rows were dropped.", "data.duplicates", NoteRank.ROWS),
        DataNote("zip is read as text.", "data.columns", NoteRank.VALUES),
    ]
    terminal.show(summary.build(compared(*BOTH), [run(*notes), run(*notes)], Path("outputs/x")))
    text = capsys.readouterr().out
    assert (
        "Data\n  12 rows were dropped. (data.duplicates)\n  zip is read as text. (data.columns)\n"
        "  Task kind: classification. (data.kind)\n\nmails, 12,345 test rows\n"
    ) in text
    assert "Nothing happened" not in text
    many = [DataNote(f"Note {i}.", "data.x") for i in range(9)]
    terminal.show(summary.build(compared(*BOTH), [run(*many)], Path("outputs/x")))
    text = capsys.readouterr().out
    assert "  Note 3. (data.x)\n  and 5 more in outputs/x/linear/result.json\n\nmails" in text
    assert "Note 4" not in text


def test_method_checks_say_how_many_passed_and_what_the_others_found(shown) -> None:  # type: ignore[no-untyped-def]
    passed, found = Checked("a", "A?"), Checked("b", "B?", ("Only 3 rows.", "And odd ones."))
    assert "Method checks: 1 passed.\n" in shown(compared(*BOTH, checks=(passed,)))
    text = shown(compared(*BOTH, checks=(passed, found)))
    assert "Method checks: 1 of 2 passed.\nCaution: Only 3 rows.\nCaution: And odd ones.\n" in text


def test_runs_that_end_are_told_on_stderr_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    ended = replace(run(), seconds={"fit": 1.0, "predict": 0.26})
    terminal.show_run(ended)
    terminal.show_run(replace(ended, status="failed", error={"message": "ValueError: [b]no " + "x" * 200}))
    terminal.show_run(replace(ended, status="interrupted"))
    out, err = capsys.readouterr()
    assert out == ""
    assert not CONTROL & set(err)
    assert err.startswith("✓ linear: done in 1.3 s\n✗ linear: failed after 1.3 s: ValueError: [b]no xxx")
    assert err.endswith("✗ linear: interrupted after 1.3 s: interrupted\n")


def test_nothing_moves_in_a_pipe_while_a_variant_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress("linear") as announce:
        announce("fitting")
    assert capsys.readouterr() == ("", "")
