"""Cost per trial of bakeoff's search vs bare Optuna and hydra-optuna-sweeper, on the same trivial objective.

Both sides of every ratio are measured in this one run, in alternation, and the best of several rounds counts.
hydra-optuna-sweeper 1.3.0 pins Optuna 2, so it is installed into a separate virtual environment in a cache folder.

    python benchmarks/search_overhead.py [--without-sweeper]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import _quick
import optuna
from hydra import compose, initialize_config_dir
from omegaconf import open_dict
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from bakeoff.assets import cache_folder
from bakeoff.config.settings import plain, register
from bakeoff.config.shipped import conf_dir
from bakeoff.request import validation
from bakeoff.request.spec import Request
from bakeoff.search.evaluation import Evaluation, Objective
from bakeoff.search.tuning import Search
from bakeoff.task import Schema

SPACE = {
    "model.depth": "range(4, 10)",
    "model.learning_rate": "tag(log, interval(0.01, 0.3))",
    "model.l2_leaf_reg": "interval(0.5, 30)",
}


@dataclass(frozen=True)
class Trivial(Evaluation):
    """A trivially cheap objective: the mean of the parameters."""

    def value(self, request: Request, trial: Any) -> tuple[list[float], dict[str, float]]:
        model = request.model.arguments
        return [model["depth"] + model["learning_rate"] + model["l2_leaf_reg"]], {}


def composed(trials: int) -> Request:
    """A realistic config of five groups, composed as in a run."""
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["model=catboost", "data=churn", "search=tpe", f"search.trials={trials}", "variant=x"])
    with open_dict(cfg):
        cfg.search.space = SPACE
    return validation.settled(plain(cfg), Path("unused"))


def framework(request: Request, sampler: Callable[[int], Any], in_memory: bool) -> float:
    schema = Schema("classification", "y", {"x": "numeric"}, ("a", "b"), "a")
    evaluation = Trivial(schema, [], [Objective("f1", "maximize")], "f1", {}, lambda request: None, 0, 1)  # type: ignore[arg-type,return-value]
    with tempfile.TemporaryDirectory() as folder:
        search = Search(
            replace(request, folder=Path(folder)), evaluation, request.search, "study", "digest",
            lambda choices: request, lambda doing: None, sampler, optuna.pruners.NopPruner(),
        )  # fmt: skip
        if in_memory:
            study = optuna.create_study(direction="maximize", sampler=sampler(0))
            search.open = lambda: study  # type: ignore[method-assign]
            study._thread_local.in_optimize_loop = True
        start = time.process_time()
        search.run()
        return (time.process_time() - start) / (request.search.trials or 1)


def bare(sampler: Callable[[int], Any], in_memory: bool, trials: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        storage = None if in_memory else JournalStorage(JournalFileBackend(f"{folder}/study.journal"))
        study = optuna.create_study(direction="maximize", sampler=sampler(0), storage=storage)
        start = time.process_time()
        for _ in range(trials):
            trial = study.ask()
            depth = trial.suggest_int("depth", 4, 9)
            rate = trial.suggest_float("learning_rate", 0.01, 0.3, log=True)
            leaf = trial.suggest_float("l2_leaf_reg", 0.5, 30)
            study.tell(trial, depth + rate + leaf)
        return (time.process_time() - start) / trials


def sweeper() -> float:
    """Seconds per trial of hydra-optuna-sweeper; the difference of two run lengths cancels the start-up time."""
    python = sweeper_environment()
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app.py"
        app.write_text(textwrap.dedent("""
            import hydra
            @hydra.main(version_base="1.3", config_path=None, config_name="config")
            def app(cfg):
                return cfg.model.depth + cfg.model.learning_rate + cfg.model.l2_leaf_reg
            from hydra.core.config_store import ConfigStore
            store = ConfigStore.instance()
            for group in ("data", "metrics", "decision", "tracker"):
                store.store(group=group, name="default", node={"a": 1, "b": {"c": 2}})
            store.store(group="model", name="default", node={"depth": 6, "learning_rate": 0.1, "l2_leaf_reg": 3.0})
            groups = ("data", "metrics", "decision", "tracker", "model")
            store.store(name="config", node={"defaults": [{g: "default"} for g in groups]})
            app()
        """))  # fmt: skip
        took = {}
        for trials in (10, 60):
            start = time.perf_counter()
            subprocess.run(
                [
                    python, app, "-m", "hydra/sweeper=optuna", "hydra.sweeper.direction=maximize",
                    f"hydra.sweeper.n_trials={trials}", "hydra.sweeper.n_jobs=1", "model.depth=range(4,10)",
                    "model.learning_rate=tag(log, interval(0.01, 0.3))", "model.l2_leaf_reg=interval(0.5, 30)",
                ],
                cwd=folder, check=True, capture_output=True,
            )  # fmt: skip
            took[trials] = time.perf_counter() - start
        return (took[60] - took[10]) / 50


def sweeper_environment() -> Path:
    folder = cache_folder() / "benchmarks" / "hydra-optuna-sweeper-1.3.0"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "hydra-optuna-sweeper==1.3.0",
            "hydra-core==1.3.8",
            "setuptools<81",
        ]
        subprocess.run(install, check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--without-sweeper", action="store_true", help="do not install and measure hydra-optuna-sweeper"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=200)
    options = _quick.parse(parser, without_sweeper=True, rounds=1, trials=10)
    without_sweeper = options.without_sweeper
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    request = composed(options.trials)
    took: dict[str, float] = {}
    for name, sampler in (
        ("random", lambda seed: optuna.samplers.RandomSampler(seed=seed)),
        ("TPE", lambda seed: optuna.samplers.TPESampler(seed=seed)),
    ):
        for where, is_in_memory, most in (("in memory", True, 1.5), ("journal", False, 3.0)):
            rounds = [
                (bare(sampler, is_in_memory, options.trials), framework(request, sampler, is_in_memory))
                for _ in range(options.rounds)
            ]
            alone, ours = (1000 * min(times) for times in zip(*rounds, strict=True))
            verdict = "PASS" if ours - alone <= most else "MISS"
            print(f"{name}, {where}: bare Optuna {alone:.2f} ms a trial, bakeoff {ours:.2f},", end=" ")
            print(f"{ours - alone:+.2f} (at most {most}): {verdict}")
            took[where] = ours
    if not without_sweeper:
        theirs = 1000 * sweeper()
        verdict = "PASS" if theirs / took["in memory"] >= 20 else "MISS"
        print(f"hydra-optuna-sweeper 1.3.0, TPE, in memory: {theirs:.0f} ms a trial,")
        print(f"  {theirs / took['in memory']:.0f} times bakeoff's in memory (at least 20): {verdict}")
        print(f"  {theirs / took['journal']:.0f} times bakeoff's with a journal on disk, which it cannot keep")


if __name__ == "__main__":
    main()
