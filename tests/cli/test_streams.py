"""Foreign text on the screen moves no cursor, sets no title, and has an end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bakeoff.cli.streams import LONGEST_LINE, VisibleStream
from bakeoff.report import markdown, terminal
from bakeoff.report.blocks import Text
from bakeoff.report.plain import visible
from command_line import CommandLine

FOREIGN = "a\x1b[31mRED\x1b]0;TITLE\x07\x1b[2J\x9b31m\u202e\r\x08b"
CONTROLS = set("\x1b\x07\x9b\u202e\r\x08")


def test_stream_shows_the_codes_of_control_characters() -> None:
    behind = io.StringIO()
    print(f"{FOREIGN}\n\tnext: ✓ é 日本", file=VisibleStream(behind, None))
    assert not CONTROLS & set(behind.getvalue())
    assert "\\u001b[31mRED" in behind.getvalue()
    assert behind.getvalue().endswith("\n\tnext: ✓ é 日本\n")


def test_stream_of_errors_cuts_long_lines_and_says_so() -> None:
    behind = io.StringIO()
    print("x" * 200_000 + "\nnext", file=VisibleStream(behind, LONGEST_LINE))
    assert behind.getvalue() == "x" * LONGEST_LINE + " … (196,001 more characters)\nnext\n"


def test_console_keeps_its_own_colours_and_shows_those_of_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    terminal.console().print(FOREIGN, style="red")
    written = capsys.readouterr().out
    assert written.startswith("\x1b[31ma\\u001b[31mRED")
    assert written.count("\x1b") == 2
    for foreign in (
        FOREIGN,
        terminal.Line(FOREIGN),
        terminal.Line.assemble(FOREIGN),
        terminal.Line.assemble((FOREIGN, "")),
    ):
        terminal.console().print(foreign)
        assert visible(FOREIGN) in capsys.readouterr().out, "no character vanishes"


def test_config_with_control_characters_is_named(bakeoff: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "conf/model/foreign.yaml").write_text("# a\x1b]0;T\x07 model\n_target_: bakeoff.models.Constant\n")
    done = bakeoff("--config-dir", str(tmp_path / "conf"), "list", "model")
    assert done.returncode == 2
    assert "conf/model/foreign.yaml: it is not valid YAML: " in done.stderr
    assert not CONTROLS & set(done.stdout + done.stderr)


def test_markdown_shows_the_codes_of_control_characters() -> None:
    assert not CONTROLS & set(markdown.block(Text((FOREIGN,))))


def test_error_about_a_foreign_table_writes_no_control_characters(bakeoff: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("te\x1b]0;T\x07xt,la\x1b[7mbel\n1,x\n" + "1,x\n2,y\n" * 40)
    done = bakeoff("model=constant", "data=csv", f"data.path={tmp_path}/t.csv", "data.target=nosuch", "tracker=none")
    assert done.returncode == 2
    assert not CONTROLS & set(done.stdout + done.stderr)
    assert "la\\u001b[7mbel" in done.stderr
