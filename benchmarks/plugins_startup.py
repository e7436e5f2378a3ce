"""Startup cost of installed but unused plugins: `bakeoff --help` and `bakeoff plan`, with and without them.

Both sides are started in turn, and the result is the median difference in processor time: other load on the machine
affects it less than wall-clock time.

python benchmarks/plugins_startup.py [--plugins 50] [--times 25]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import _quick

from bakeoff.extend import API_VERSION

BAKEOFF = str(Path(sys.executable).parent / "bakeoff")
# Of `--help`, what is measured is noise: it looks for no plugin.
ASKED = ((["--help"], 3), (["plan", "model=constant", "data=diabetes"], 20))
MODEL = "# A model.\n_target_: {name}.models.Model\ncard: {{family: rules, licence: MIT}}\n"


def install(folder: Path, count: int) -> None:
    """Install that many packages, each with a model, a metric, a section and a verb, none of which can be imported."""
    for i in range(count):
        name = f"bakeoff_many_{i}"
        files = {
            f"{name}/__init__.py": "raise RuntimeError('nobody asked for this plugin')\n",
            f"{name}/conf/model/many_{i}.yaml": MODEL.format(name=name),
            f"{name}-0.1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: bakeoff-many-{i}\nVersion: 0.1\n\n",
            f"{name}-0.1.dist-info/entry_points.txt": (
                f"[bakeoff.plugins]\nmany_{i} = {name}\n[bakeoff.api]\nmany_{i} = {API_VERSION}\n"
                f"[bakeoff.metrics]\nmetric_{i} = {name}.metrics:metric_{i}\n"
                f"[bakeoff.sections]\nsection_{i} = {name}.report:section_{i}\n"
                f"[bakeoff.verbs]\nverb_{i} = {name}.verbs:verb_{i}\n"
            ),
        }
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)


def seconds(arguments: list[str], path: Path, cwd: Path) -> float:
    env = os.environ | {"PYTHONPATH": str(path)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([BAKEOFF, *arguments], cwd=cwd, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--plugins", type=int, default=50)
    ask.add_argument("--times", type=int, default=25)
    given = _quick.parse(ask, plugins=3, times=1)

    with tempfile.TemporaryDirectory() as folder:
        none, many, cwd = (Path(folder, name) for name in ("none", "many", "work"))
        for path in (none, many, cwd):
            path.mkdir()
        install(many, given.plugins)
        print(f"{'command':14}{'without':>10}{f'with {given.plugins}':>10}{'more':>9}{'at most':>11}")
        for arguments, most in ASKED:
            took: dict[Path, list[float]] = {none: [], many: []}
            for _ in range(given.times):
                for path, of_path in took.items():
                    of_path.append(seconds(arguments, path, cwd) * 1000)
            without, with_them = statistics.median(took[none]), statistics.median(took[many])
            more = statistics.median(b - a for a, b in zip(took[none], took[many], strict=True))
            verdict = "PASS" if more <= most else "MISS"
            shown = f"bakeoff {arguments[0]}"
            print(f"{shown:14}{without:7.0f} ms{with_them:7.0f} ms{more:6.1f} ms{most:8} ms  {verdict}", flush=True)


if __name__ == "__main__":
    main()
