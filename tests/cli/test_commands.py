"""One table of verbs: what it says holds for help, dispatch and completion, for bakeoff's verbs and for a plugin's."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from bakeoff import plugins
from bakeoff.cli import commands, main
from bakeoff.errors import ConfigError


@pytest.fixture(autouse=True)
def environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command sets variables for its own process; here, they must not outlive the test."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setenv("BAKEOFF_COMMAND", "")


@pytest.fixture
def plugin_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A verb that a plugin on the path brings: it prints its arguments and ends with code 3."""
    (tmp_path / "bakeoff_parrot").mkdir()
    (tmp_path / "bakeoff_parrot" / "__init__.py").write_text(
        "def repeat(arguments):\n    print(*arguments)\n    return 3\n"
    )
    info = tmp_path / "bakeoff_parrot-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bakeoff-parrot\nVersion: 0.1\n\n")
    points = "[bakeoff.plugins]\nparrot = bakeoff_parrot\n\n[bakeoff.verbs]\nparrot = bakeoff_parrot:repeat\n"
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.forget()
    yield "parrot"
    monkeypatch.undo()
    plugins.forget()


@pytest.mark.parametrize("command", commands.COMMANDS, ids=lambda command: command.name)
def test_every_verb_has_a_function_of_its_arguments_and_a_line_of_help(command: commands.Command) -> None:
    function = command.load()
    assert len(inspect.signature(function).parameters) == 1
    assert inspect.getdoc(function)
    assert command.summary and "\n" not in command.summary and not command.summary.endswith(".")


def test_help_shows_every_verb_with_usage_and_summary_within_120_columns(plugin_verb: str) -> None:
    text = commands.help_text()
    for command in (*commands.COMMANDS, *commands.load_plugin_commands()):
        assert re.search(rf"^  bakeoff {command.name}\b", text, re.MULTILINE), command.name
        assert command.summary in " ".join(text.split())
    assert "from plugin parrot (bakeoff-parrot 0.1)" in text
    table = text.partition("Config groups")[0]
    assert max(map(len, table.splitlines())) <= 120


def test_only_the_first_word_is_a_verb() -> None:
    assert commands.split(["new", "plugin", "list"]) == ("new", ["plugin", "list"])
    assert commands.split(["--config-dir", "conf", "list", "model"]) == ("list", ["--config-dir", "conf", "model"])
    assert commands.split(["-cd=conf", "list"]) == ("list", ["-cd=conf"])
    assert commands.split(["model=linear", "list"]) == (None, ["model=linear", "list"])
    assert commands.split(["-m", "model=linear"]) == (None, ["-m", "model=linear"])
    assert commands.split([]) == (None, [])


def test_a_plugin_may_be_named_after_a_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main.main(["new", "plugin", "list"])
    assert ended.value.code == main.OK
    assert (tmp_path / "bakeoff-list" / "pyproject.toml").is_file()
    assert "Wrote bakeoff-list" in capsys.readouterr().out


def test_an_unknown_verb_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'"compair" is neither a verb nor an override.*Did you mean "compare"\?'):
        commands.find("compair")


def test_a_verb_of_a_plugin_is_one_more_row(plugin_verb: str, capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit) as ended:
        main.main([plugin_verb, "pretty", "boy"])
    assert (ended.value.code, capsys.readouterr().out) == (3, "pretty boy\n")
    assert commands.completions("bakeoff par") == ["parrot"]


def test_a_verb_explains_itself(capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit) as ended:
        main.main(["sync", "--help"])
    assert ended.value.code == main.OK
    assert capsys.readouterr().out == "bakeoff sync NAME\n\nUpload the offline W&B runs of a bake-off.\n"


def test_the_first_word_completes_to_verbs_and_later_ones_do_not() -> None:
    assert commands.completions("bakeoff re") == ["report", "reread", "rerun", "refresh"]
    assert set(commands.completions("bakeoff ") or ()) >= set(commands.NAMES)
    assert commands.completions("bakeoff compare ") is None
    assert commands.completions("bakeoff model=linear da") is None
