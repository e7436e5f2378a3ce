"""The built wheel, installed where there is no source checkout, does what the checkout does."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    done = run(*build, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("bakeoff-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that holds the wheel, and sees what else is installed in this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    # A folder named in a .pth file comes last, and .pth files in it (such as an editable install's) are not read.
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_configs_and_the_sweeper_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"bakeoff/conf/config.yaml", "bakeoff/py.typed", "hydra_plugins/bakeoff_sweeper.py"} <= names
    shipped = {str(file.relative_to(ROOT)) for file in (ROOT / "conf").rglob("*.yaml")}
    assert {f"bakeoff/{name}" for name in shipped} <= names
    sources = {str(file.relative_to(ROOT / "src")) for file in (ROOT / "src").rglob("*.py")}
    assert sources <= names
    assert {f"bakeoff/data/python_docs/{name}" for name in ("questions.jsonl", "judged.jsonl")} <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bakeoff", "hydra_plugins"}
    assert not [name for name in names if "__pycache__" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_wheel_runs_anywhere(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import bakeoff; print(bakeoff.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent), where.stdout + where.stderr
    done = run(installed / "bakeoff", "model=constant", "data=diabetes", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: NOT ENOUGH EVIDENCE" in done.stdout
    assert (tmp_path / "outputs" / "diabetes" / "comparison.json").is_file()


def test_the_installed_wheel_finds_its_configs_in_itself(installed: Path, tmp_path: Path) -> None:
    assert (
        "model: abstaining, calibrated, cascade, catboost, central, constant"
        in run(installed / "bakeoff", "--help", cwd=tmp_path).stdout
    )
    told = run(installed / "bakeoff", "doctor", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert str(installed.parent) in told.stdout
