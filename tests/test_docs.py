"""What the documents tell a reader to type works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from bakeoff.cli.commands import NAMES, find, split
from command_line import BAKEOFF, INSTALLED

ROOT = Path(__file__).parents[1]
HOW_TOS = sorted(path for path in (ROOT / "docs").glob("*.md") if path.stem not in ("distributed", "plugins"))


def commands(document: Path) -> str:
    return "\n".join(re.findall(r"```bash\n(.*?)```", document.read_text(), re.DOTALL))


@pytest.mark.parametrize("document", [path for path in HOW_TOS if commands(path)], ids=lambda path: path.stem)
def test_every_command_of_a_how_to_runs(document: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(BAKEOFF.parent), str(INSTALLED.parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path}
    if document.stem == "tracking":
        env.pop("WANDB_MODE")  # turned off for all tests that are not about it
    done = subprocess.run(
        ["bash", "-euo", "pipefail"], input=commands(document), cwd=tmp_path, env=env,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Verdict:" in done.stdout


def test_every_command_line_of_the_readme_is_a_valid_request(tmp_path: Path) -> None:
    block = re.search(r"```\n(bakeoff model=catboost.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    (tmp_path / "my.csv").write_text("label,x\n" + "a,1\nb,2\n" * 30)
    for line in block[1].splitlines():
        command = re.split(r" {3,}", line)[0].removeprefix("bakeoff ")
        verb, _ = split(command.split())
        if (verb and not find(verb).takes_overrides) or "--cfg" in command:
            continue
        done = subprocess.run(
            ["bash", "-c", f'"{BAKEOFF}" plan {command.removeprefix("plan ")}'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
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
