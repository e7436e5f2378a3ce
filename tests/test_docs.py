"""What the documents tell a reader to type works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from bakeoff.cli.commands import NAMES, find, split
from command_line import BAKEOFF, INSTALLED, CommandLine

ROOT = Path(__file__).parents[1]
HOW_TOS = sorted(path for path in (ROOT / "docs").glob("*.md") if path.stem not in ("distributed", "plugins"))

PLANNED = {
    "deep", "forecast", "labels-and-texts", "llm", "money", "own-data", "own-model", "predict", "reproduce",
    "retrieval", "search", "solutions",
}  # fmt: skip
"""How-tos whose bake-offs are planned here. That they run, tests of e2e and of these parts show on fewer rows."""
PLANNING = """
bakeoff() {
    case "$1" in
        plan) ;;
        compare|predict|refresh|rerun) return ;;  # of runs, which there are not
        *) set -- plan "$@" ;;
    esac
    command bakeoff "$@"
}
"""


def commands(document: Path) -> str:
    return "\n".join(re.findall(r"```bash\n(.*?)```", document.read_text(), re.DOTALL))


def run(script: str, folder: Path) -> str:
    """Run commands of bash, all of which must succeed, and return what they print."""
    path = os.pathsep.join([str(BAKEOFF.parent), str(INSTALLED.parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail"], input=script, cwd=folder, env=os.environ | {"PATH": path},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def first_command(document: Path) -> str:
    return commands(document).partition("\n")[0]


# Those that begin with the same bake-off share its folder: the second keeps the runs of the first.
TOGETHER = [
    list(documents)
    for first, documents in groupby(sorted(HOW_TOS, key=first_command), key=first_command)
    if first.startswith("bakeoff")
]
ALONE = [[document] for document in HOW_TOS if commands(document) and not first_command(document).startswith("bakeoff")]


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param(group, marks=[pytest.mark.slow] if PLANNED & {document.stem for document in group} else [])
        for group in TOGETHER + ALONE
    ],
    ids=lambda group: ",".join(document.stem for document in group),
)
def test_every_command_of_a_how_to_runs(documents: list[Path], tmp_path: Path) -> None:
    for document in documents:
        turned_on = "unset WANDB_MODE\n" if document.stem == "tracking" else ""  # off for tests of anything else
        assert "Verdict:" in run(turned_on + commands(document), tmp_path)


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_every_command_of_a_how_to_is_a_valid_request(name: str, tmp_path: Path) -> None:
    assert "would run" in run(PLANNING + commands(ROOT / "docs" / f"{name}.md"), tmp_path)


def test_every_command_line_of_the_readme_is_a_valid_request(tmp_path: Path, bakeoff_here: CommandLine) -> None:
    block = re.search(r"```\n(bakeoff model=catboost.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    (tmp_path / "my.csv").write_text("label,x\n" + "a,1\nb,2\n" * 30)
    for line in block[1].splitlines():
        command = re.split(r" {3,}", line)[0].removeprefix("bakeoff ")
        verb, _ = split(command.split())
        if (verb and not find(verb).takes_overrides) or "--cfg" in command:
            continue
        done = bakeoff_here("plan", *shlex.split(command.removeprefix("plan ")))
        assert done.returncode == 0, (command, done.stderr)
        assert "would run" in done.stdout


def test_the_readme_shows_every_verb_and_no_other() -> None:
    shown = set(re.findall(r"^bakeoff ([a-z]+)(?= |$)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert shown == set(NAMES)


def test_links_between_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(((?!http)[^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), (document.name, target)


def test_every_file_that_the_architecture_names_is_there() -> None:
    named = re.findall(r"`([\w/]+(?:\.py|/))`", (ROOT / "docs" / "architecture.md").read_text())
    assert len(named) > 20
    for name in named:
        places = [ROOT / "src" / "bakeoff" / name, ROOT / "src" / name, ROOT / name]
        assert any(place.exists() for place in places) or name.startswith("outputs/"), name
