"""What `bakeoff new` writes works as written, and the how-to's own model reaches the leaderboard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from pathlib import Path

import pytest
from installing import declare

from bakeoff import scaffold, testing
from bakeoff.catalog import extension_points
from bakeoff.errors import ConfigError
from command_line import INSTALLED

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "plugins.md"
MOST_LINES, MOST_SECONDS = 30, 600


def declare_as_pip_would(plugin: Path) -> Path:
    """The folder to put on the path so that a plugin counts as installed."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    declare(plugin / "src", project["name"], project["entry-points"], project["version"])
    return plugin / "src"


def run(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    asked = [str(part) for part in command]
    return subprocess.run(asked, cwd=cwd, env=os.environ | env, capture_output=True, text=True)


def blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", HOW_TO.read_text(), re.DOTALL)


def test_the_tests_of_every_new_plugin_pass_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in scaffold.KINDS:
        scaffold.new(["plugin", f"new_{kind}", "--kind", kind])
    paths = os.pathsep.join(str(declare_as_pip_would(plugin)) for plugin in sorted(tmp_path.iterdir()))
    files = [str(path) for path in sorted(tmp_path.glob("*/tests/test_*.py"))]
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, cwd=tmp_path, PYTHONPATH=paths)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{2 * len(scaffold.KINDS)} passed" in done.stdout


def test_a_new_plugin_has_nothing_that_the_linter_minds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in scaffold.KINDS:
        scaffold.new(["plugin", f"new_{kind}", f"--kind={kind}"])
    for check in (("check", "--select=E,F,W,I,UP,B", "--line-length=120"), ("format", "--check", "--line-length=120")):
        done = run(Path(sys.executable).parent / "ruff", *check, ".", cwd=tmp_path)
        assert done.returncode == 0, done.stdout


def test_a_new_experiment_runs(tmp_path: Path) -> None:
    asked = run(INSTALLED, "new", "experiment", "mine", cwd=tmp_path)
    assert "bakeoff --config-dir conf experiment=mine" in asked.stdout, asked.stderr
    done = run(INSTALLED, "plan", "--config-dir", "conf", "experiment=mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 variants would run" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "write bakeoff new plugin NAME"),
        (["plugni", "x"], 'Did you mean "plugin"'),
        (["plugin", "Acme!"], '"Acme!" cannot be the name'),
        (["plugin", "acme", "--kind", "metrik"], 'Did you mean "metric"'),
        (["plugin", "acme", "--sort"], 'there is no flag "--sort"'),
        (["plugin", "there"], "there is bakeoff-there already"),
    ],
)
def test_a_wrong_request_says_what_is_allowed(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bakeoff-there").mkdir()
    with pytest.raises(ConfigError, match=re.escape(told)):
        scaffold.new(arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["bakeoff-there"]


def test_an_author_writes_no_more_than_thirty_lines() -> None:
    written = re.findall(r"<<'\w+'\n(.*?)\n(?:PY|YAML)\n", "\n".join(blocks()), re.DOTALL)
    lines = [line for text in written for line in text.splitlines() if line.strip()]
    assert 10 < len(lines) <= MOST_LINES


def test_the_table_of_extension_points_is_current_and_has_every_config_group() -> None:
    written = HOW_TO.read_text()
    assert extension_points.written_into(written) == written, (
        "run: python -m bakeoff.catalog.extension_points docs/plugins.md"
    )
    groups = {folder.name for folder in (ROOT / "conf").iterdir() if folder.is_dir() and folder.name != "hydra"}
    missing = sorted(group for group in groups if f"`conf/{group}/`" not in written)
    assert not missing, f"bakeoff.catalog.extension_points knows no place for the config groups {missing}"
    for point in extension_points.POINTS:
        assert point.summary, f"{point.contract} says nothing of itself"
        assert not point.check or hasattr(testing, point.check)


def test_the_how_to_leads_to_a_row_in_the_leaderboard(tmp_path: Path) -> None:
    env = {"PATH": f"{INSTALLED.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": "bakeoff-acme/src"}
    first, *others = blocks()
    assert "bakeoff new plugin acme" in first
    done = run("bash", "-euo", "pipefail", "-c", first, cwd=tmp_path, **env)
    assert done.returncode == 0, done.stderr
    declare_as_pip_would(tmp_path / "bakeoff-acme")
    without_pip = "\n".join(line for line in "\n".join(others).splitlines() if not line.startswith("pip "))
    asked = "model=acme,linear data=sms_spam incumbent=linear"
    assert asked in without_pip
    quickly = without_pip.replace(asked, "model=acme,constant data=breast_cancer decision.resamples=500")
    done = run("bash", "-euo", "pipefail", "-c", quickly, cwd=tmp_path, **env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"^acme +classical", done.stdout, re.MULTILINE)
    assert "Verdict:" in done.stdout


@pytest.mark.slow
def test_the_how_to_in_a_new_environment_takes_less_than_ten_minutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Installed with pip; bakeoff itself is there from its wheel, and nothing is fetched."""
    wheels = tmp_path / "dist"
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT, cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=True, symlinks=True)
    # A folder named in a .pth file comes last, and .pth files in it (such as an editable install's) are not read.
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (wheel,) = wheels.glob("*.whl")
    env = {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}
    installed = run("pip", "install", "--no-deps", "--no-index", "--force-reinstall", wheel, cwd=tmp_path, **env)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    start = time.perf_counter()
    # Not editable: for that, hatchling's builds want a package that only an isolated build fetches.
    here = "pip install --no-deps --no-index --no-build-isolation"
    offline = "\n".join(blocks()).replace("pip install --editable ", f"{here} ./")
    done = run("bash", "-euo", "pipefail", "-c", offline, cwd=tmp_path, **env)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"^acme +classical", done.stdout, re.MULTILINE)
    assert seconds < MOST_SECONDS
    with capsys.disabled():
        print(f"\nfrom `bakeoff new plugin` to the verdict: {seconds:.0f} s")
