"""Speed-up in trials per second of two local workers over one, with one thread each.

The objective is CPU-bound: a random forest on the diabetes data. Both sides run in turn through the command line; a
rate is the number of trials of a study over the time from the start of its first to the end of its last, which
excludes the start-up of the command but includes any delay between the workers. The speed-up of two bare processes over
one on the same fits is shown for reference: on cores that others use it is below 2 for any program. The best of several
rounds counts.

    python benchmarks/search_workers.py [--rounds 2] [--trials 30]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import _quick
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

LEAST = 1.8
FOREST = """
    _target_: bakeoff.models.Estimator
    regressor:
      _target_: sklearn.ensemble.RandomForestRegressor
      n_estimators: 400
    search_space:  # narrow: every trial costs about the same
      regressor.max_features: interval(0.60, 0.65)
"""
BARE = """
import time
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
X, y = load_diabetes(return_X_y=True)
RandomForestRegressor(10).fit(X, y)
start, fits = time.perf_counter(), 0
while time.perf_counter() - start < 4:
    RandomForestRegressor(400, max_features=0.62, n_jobs=1).fit(X[:300], y[:300])
    fits += 1
print(fits / (time.perf_counter() - start))
"""


def bare_fits_per_second(processes: int) -> float:
    """Total fits per second of several processes running at once."""
    started = [
        subprocess.Popen([sys.executable, "-c", BARE], stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in started)


def trials_per_second(folder: Path, workers: int, trials: int, round_: int) -> float:
    name = f"round{round_}-workers{workers}"
    side_by_side = ["hydra/launcher=joblib"] if workers > 1 else []
    subprocess.run(
        [
            str(Path(sys.executable).parent / "bakeoff"), "--config-dir", "conf", "model=forest", "data=diabetes",
            "search=random", f"search.trials={trials}", f"search.workers={workers}", "search.threads=1",
            f"name={name}", *side_by_side,
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    journal = folder / "outputs" / name / "forest" / "study.journal"
    study = optuna.load_study(study_name=f"{name}/forest", storage=JournalStorage(JournalFileBackend(str(journal))))
    done = [t for t in study.get_trials(deepcopy=False) if t.datetime_start and t.datetime_complete]
    assert len(done) == trials
    begun, ended = min(t.datetime_start for t in done), max(t.datetime_complete for t in done)  # type: ignore[type-var]
    return trials / (ended - begun).total_seconds()  # type: ignore[operator]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--trials", type=int, default=30)
    arguments = _quick.parse(parser, rounds=1, trials=3)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        print(f"{cores} core: nothing to measure")
        return
    ours, bare = {1: 0.0, 2: 0.0}, {1: 0.0, 2: 0.0}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "conf/model").mkdir(parents=True)
        (folder / "conf/model/forest.yaml").write_text(textwrap.dedent(FOREST))
        for round_ in range(arguments.rounds):
            for n in (1, 2):
                bare[n] = max(bare[n], bare_fits_per_second(n))
                ours[n] = max(ours[n], trials_per_second(folder, n, arguments.trials, round_))
    ratio = ours[2] / ours[1]
    print(f"{cores} cores, one thread each:")
    print(f"bare processes: one {bare[1]:.2f} fits a second, two {bare[2]:.2f}: {bare[2] / bare[1]:.2f} times")
    print(f"bakeoff: one worker {ours[1]:.2f} trials a second, two {ours[2]:.2f}:", end=" ")
    print(f"{ratio:.2f} times (at least {LEAST}): {'PASS' if ratio >= LEAST else 'MISS'}")


if __name__ == "__main__":
    main()
