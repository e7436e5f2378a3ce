"""Several workers on one search: on one machine, on a database server, on a Ray cluster, through submitit."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pty
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import psutil
import pytest
import yaml
from servers import Cluster, postgres_server, restartable_postgres, two_ray_nodes

from bakeoff.search import study as studies
from command_line import INSTALLED

FAST = ["metrics.latency_rows=2", "metrics.latency_seconds=0.1", "decision.resamples=200"]


def forest(folder: Path, trees: int) -> list[str]:
    """A model that takes its time: about a second of one core for 400 trees. Its parameters never come out equal."""
    config = {
        "_target_": "bakeoff.models.Estimator",
        "regressor": {"_target_": "sklearn.ensemble.RandomForestRegressor", "n_estimators": trees},
        "search_space": {
            "regressor.max_features": "interval(0.3, 1.0)",
            "regressor.max_samples": "interval(0.5, 1.0)",
        },
    }
    path = folder / "conf/model/forest.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(config))
    return ["--config-dir", "conf", "model=forest", "data=diabetes", "search=tpe", "name=w", *FAST]


class Bakeoff:
    """A running bake-off of one variant, seen from outside."""

    def __init__(self, folder: Path, arguments: list[str], storage: str | None = None, stderr: Any = None) -> None:
        self.run_folder = folder / "outputs/w/forest"
        self.storage = storage
        self.log = folder / "output.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(INSTALLED), *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT if stderr is None else stderr, env=os.environ | {"TERM": "xterm"},
            )  # fmt: skip

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """As the storage has them now."""
        journal = self.run_folder / studies.JOURNAL
        if self.storage is None:
            if not journal.exists() or not journal.stat().st_size:
                return []
            from optuna.storages.journal import JournalFileBackend

            storage: Any = optuna.storages.JournalStorage(JournalFileBackend(str(journal)))
        else:
            storage = optuna.storages.RDBStorage(self.storage.replace("postgresql", "postgresql+psycopg"))
        try:
            return optuna.load_study(study_name="w/forest", storage=storage).get_trials(deepcopy=False)
        except KeyError:
            return []

    def running(self) -> dict[int, optuna.trial.FrozenTrial]:
        """Process → the trial that it is in the middle of, parameters drawn."""
        return {
            int(t.user_attrs[studies.WORKER].rpartition("-")[2]): t
            for t in self.trials()
            if t.state.name == "RUNNING" and studies.WORKER in t.user_attrs and len(t.params) == 2
        }

    def finished(self) -> dict[int, tuple[dict[str, Any], float]]:
        """Number → parameters and value."""
        return {t.number: (t.params, t.values[0]) for t in self.trials() if t.state.name == "COMPLETE"}

    def ended(self) -> int:
        return len(self.finished())

    def wait_until(self, holds: Callable[[], Any], seconds: float = 120) -> Any:
        end = time.monotonic() + seconds
        while not (found := holds()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)
        return found

    def wait(self, seconds: float = 240) -> pd.DataFrame:
        """Its trials, when it has ended well."""
        assert self.process.wait(seconds) == 0, self.log.read_text()
        assert json.loads((self.run_folder / "result.json").read_text())["status"] == "ok"
        return pd.read_parquet(self.run_folder / "trials.parquet")


@pytest.fixture
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def ray_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    # Said for nodes and command alike: otherwise nodes ask for a token as soon as the user's home has one.
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    with two_ray_nodes() as cluster:
        yield cluster


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Bakeoff]]:
    """Start a bake-off that is gone, with all its workers, when the test is over."""
    started = []

    def begin(arguments: list[str], storage: str | None = None, stderr: Any = None) -> Bakeoff:
        started.append(Bakeoff(tmp_path, arguments, storage, stderr))
        return started[-1]

    yield begin
    for bakeoff in started:
        if bakeoff.process.poll() is None:
            for process in [*psutil.Process(bakeoff.process.pid).children(recursive=True), bakeoff.process]:
                process.kill()
            bakeoff.process.wait()


def check(trials: pd.DataFrame, asked: int) -> None:
    """Exactly the trials asked for have ended, none with the parameters of another."""
    counted = trials[trials["state"].isin(["COMPLETE", "PRUNED"]) | trials["error"].notna()]
    assert len(counted) == asked
    assert not trials["state"].isin(["RUNNING", "WAITING"]).any()
    parameters = [c for c in trials.columns if c.startswith("param:")]
    assert not counted.duplicated(parameters).any()


def check_retried(trials: pd.DataFrame, lost: optuna.trial.FrozenTrial) -> None:
    """The trial counts as lost, and was tried once more with the same parameters, to its end."""
    assert trials.set_index("number").loc[lost.number, "state"] == "FAIL"
    again = trials[trials["retry_of"] == lost.number]
    assert list(again["state"]) == ["COMPLETE"]
    for key, value in lost.params.items():
        assert float(again[f"param:{key}"].iloc[0]) == value


def check_kept(trials: pd.DataFrame, finished: dict[int, tuple[dict[str, Any], float]]) -> None:
    """Trials that had finished before the accident are there as they were."""
    assert finished
    now = trials.set_index("number")
    for number, (parameters, value) in finished.items():
        assert now.loc[number, "state"] == "COMPLETE"
        assert now.loc[number, "rmse"] == value
        for key, chosen in parameters.items():
            assert float(now.loc[number, f"param:{key}"]) == chosen


@pytest.mark.slow  # as the next test, with more of them
def test_four_workers_share_the_trials_of_a_journal(start: Callable[..., Bakeoff], tmp_path: Path) -> None:
    arguments = ["hydra/launcher=joblib", "search.workers=4", "search.trials=13"]
    trials = start([*forest(tmp_path, trees=150), *arguments]).wait()
    check(trials, asked=13)
    assert (trials["state"] == "COMPLETE").all()
    assert trials["worker"].nunique() >= 3, "one may come when all is done"
    assert all(socket.gethostname() in name for name in trials["worker"])


def test_workers_search_over_config_groups_one_variant_after_another_while_somebody_watches(
    start: Callable[..., Bakeoff], tmp_path: Path
) -> None:
    """A worker composes the config of another model by itself; variants are fitted and timed one at a time."""
    screen, terminal = pty.openpty()
    seen = bytearray()
    arguments = [
        "hydra/launcher=joblib", "search.workers=2", "search.trials=6", "model=forest,nearest_neighbors",
        'search.space={model: "choice(forest, nearest_neighbors)"}',
    ]  # fmt: skip
    bakeoff = start([*forest(tmp_path, trees=300), *arguments], stderr=terminal)
    os.close(terminal)
    with contextlib.suppress(OSError):  # the end of a terminal is an error
        while chunk := os.read(screen, 4096):
            seen += chunk
    trials = bakeoff.wait()
    assert list(trials["state"]) == ["COMPLETE"] * 6
    assert set(trials["param:model"]) == {"forest", "nearest_neighbors"}
    of_forest = trials["param:model"] == "forest"
    assert (trials["param:model.regressor.max_features"].notna() == of_forest).all()
    assert (trials["param:model.regressor.n_neighbors"].notna() == ~of_forest).all()
    assert trials["worker"].notna().all()
    first, second = (
        json.loads((bakeoff.run_folder.parent / variant / "result.json").read_text())
        for variant in ("forest", "nearest_neighbors")
    )
    ended = pd.Timestamp(first["started"]) + pd.Timedelta(
        seconds=sum(first["seconds"].values()) - first["seconds"]["data"]
    )
    assert pd.Timestamp(second["started"]) > ended
    assert re.search(rb"forest: trial [1-6]/6, best rmse [\d.]+, \d+ s left", seen)


def test_more_than_one_worker_needs_a_launcher(bakeoff: Any) -> None:
    done = bakeoff("model=linear", "data=diabetes", "search=tpe", "search.workers=2")
    assert done.returncode == 2
    assert "hydra/launcher=joblib" in done.stderr


@pytest.mark.slow
def test_a_killed_local_worker_costs_no_trial(start: Callable[..., Bakeoff], tmp_path: Path) -> None:
    bakeoff = start([*forest(tmp_path, 800), "hydra/launcher=joblib", "search.workers=3", "search.trials=9"])
    bakeoff.wait_until(lambda: bakeoff.ended() >= 2)
    pid, lost = next(iter(bakeoff.wait_until(bakeoff.running).items()))
    os.kill(pid, signal.SIGKILL)
    trials = bakeoff.wait()
    check(trials, asked=9)
    check_retried(trials, lost)
    assert "others go on" in bakeoff.log.read_text()


@pytest.mark.slow
def test_a_process_that_died_while_it_wrote_the_journal_holds_up_the_others_for_half_a_minute(
    start: Callable[..., Bakeoff], tmp_path: Path
) -> None:
    """Optuna's lock of a journal is a link to it, which nobody removes when its maker is killed."""
    journal = tmp_path / "outputs/w/forest" / studies.JOURNAL
    journal.parent.mkdir(parents=True)
    journal.touch()
    journal.with_name(journal.name + ".lock").symlink_to(journal)
    trials = start([*forest(tmp_path, 5), "hydra/launcher=joblib", "search.workers=2", "search.trials=4"]).wait(100)
    check(trials, asked=4)


@pytest.mark.slow
def test_workers_end_with_the_command_that_is_killed(start: Callable[..., Bakeoff], tmp_path: Path) -> None:
    arguments = ["hydra/launcher=joblib", "search.workers=2", "search.trials=40"]
    bakeoff = start([*forest(tmp_path, 400), *arguments])
    bakeoff.wait_until(lambda: bakeoff.ended() >= 1 and len(bakeoff.running()) == 2)
    family = psutil.Process(bakeoff.process.pid).children(recursive=True)
    bakeoff.process.kill()
    bakeoff.process.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    for process in alive:
        process.kill()
    assert not [process for process in alive if "resource_tracker" not in " ".join(process.cmdline())]


@pytest.mark.slow
def test_workers_that_are_killed_again_and_again_end_the_search_with_a_word(
    start: Callable[..., Bakeoff], tmp_path: Path
) -> None:
    bakeoff = start([*forest(tmp_path, 4000), "hydra/launcher=joblib", "search.workers=2", "search.trials=4"])
    end = time.monotonic() + 120
    while bakeoff.process.poll() is None and time.monotonic() < end:
        for pid in bakeoff.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
    assert bakeoff.process.wait(10) == 1
    assert "forest: the workers of the search were killed 3 times" in bakeoff.log.read_text()
    assert "Traceback" not in bakeoff.log.read_text()


@pytest.mark.slow
def test_a_killed_worker_on_a_database_costs_no_trial(
    start: Callable[..., Bakeoff], postgres: str, tmp_path: Path
) -> None:
    pytest.importorskip("submitit", reason="the slurm extra is not installed")
    # Not joblib: it ends the other workers when one is killed, and here they are to go on.
    arguments = ["hydra/launcher=submitit_local", "search.workers=3", "search.trials=9", f"search.storage={postgres}"]
    bakeoff = start([*forest(tmp_path, 600), *arguments], postgres)
    bakeoff.wait_until(lambda: bakeoff.ended() >= 2)
    pid, lost = next(iter(bakeoff.wait_until(bakeoff.running).items()))
    finished = bakeoff.finished()
    os.kill(pid, signal.SIGKILL)
    trials = bakeoff.wait()
    check(trials, asked=9)
    check_kept(trials, finished)
    check_retried(trials, lost)
    assert trials["worker"].nunique() == 3
    assert (trials["state"] == "FAIL").sum() == 1, "the other workers lost nothing"
    assert not (bakeoff.run_folder / studies.JOURNAL).exists()


@pytest.mark.slow
def test_a_worker_that_stood_still_leaves_its_trial_to_the_retry(
    start: Callable[..., Bakeoff], postgres: str, tmp_path: Path
) -> None:
    arguments = ["hydra/launcher=joblib", "search.workers=2", "search.trials=5", f"search.storage={postgres}"]
    bakeoff = start([*forest(tmp_path, 800), *arguments], postgres)
    bakeoff.wait_until(lambda: bakeoff.ended() >= 1)
    pid, lost = next(iter(bakeoff.wait_until(bakeoff.running).items()))
    os.kill(pid, signal.SIGSTOP)
    bakeoff.wait_until(lambda: bakeoff.ended() == 5)
    os.kill(pid, signal.SIGCONT)
    trials = bakeoff.wait()
    check(trials, asked=5)
    check_retried(trials, lost)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "by"),
    [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGQUIT)],
    ids=["1-restarted", "2-restarted", "2-crashed"],
)
def test_a_database_restarted_in_mid_search_costs_no_trial(
    start: Callable[..., Bakeoff], tmp_path: Path, workers: int, by: signal.Signals
) -> None:
    """Shut down, or in the way of a crash, after which the server recovers from its log."""
    with restartable_postgres() as (url, restart):
        many = ["hydra/launcher=joblib", f"search.workers={workers}"] if workers > 1 else []
        bakeoff = start([*forest(tmp_path, 300), *many, "search.trials=10", f"search.storage={url}"], url)
        bakeoff.wait_until(lambda: bakeoff.ended() >= 2)
        finished = bakeoff.finished()
        restart(by, 5)
        trials = bakeoff.wait()
        check(trials, asked=10)
        check_kept(trials, finished)


@pytest.mark.slow
def test_a_ray_cluster_that_loses_a_node_costs_no_trial(
    start: Callable[..., Bakeoff], ray_cluster: Cluster, tmp_path: Path
) -> None:
    pytest.importorskip("hydra_plugins.hydra_ray_launcher", reason="the ray extra is not installed")
    arguments = [
        "hydra/launcher=ray", f"hydra.launcher.ray.init.address={ray_cluster.address}",
        "+hydra.launcher.ray.remote.num_cpus=1", "search.workers=2", "search.trials=12",
    ]  # fmt: skip
    bakeoff = start([*forest(tmp_path, 800), *arguments])
    nodes: dict[int, int | None] = {}

    def done_by(trials: Iterable[tuple[str, str]]) -> set[int | None]:
        return {nodes.get(int(worker.rpartition("-")[2])) for state, worker in trials if state == "COMPLETE"}

    def both_have_done_trials() -> bool:
        nodes.update({pid: ray_cluster.node_of(pid) for pid in bakeoff.running() if pid not in nodes})
        now = [(t.state.name, t.user_attrs[studies.WORKER]) for t in bakeoff.trials() if studies.WORKER in t.user_attrs]
        return done_by(now) == {0, 1}

    bakeoff.wait_until(both_have_done_trials)
    lost = bakeoff.wait_until(lambda: [t for pid, t in bakeoff.running().items() if nodes.get(pid) == 1])[0]
    finished = bakeoff.finished()
    ray_cluster.lose(1)
    trials = bakeoff.wait()
    check(trials, asked=12)
    check_kept(trials, finished)
    check_retried(trials, lost)
    assert done_by(zip(trials["state"], trials["worker"], strict=True)) >= {0, 1}


@pytest.mark.slow
def test_a_search_goes_on_without_the_ray_cluster_that_is_lost(
    start: Callable[..., Bakeoff], ray_cluster: Cluster, tmp_path: Path
) -> None:
    """The head node dies, and with it the cluster: the command ends, and the next one has all finished trials."""
    pytest.importorskip("hydra_plugins.hydra_ray_launcher", reason="the ray extra is not installed")
    model = forest(tmp_path, 400)
    cluster = ["hydra/launcher=ray", f"hydra.launcher.ray.init.address={ray_cluster.address}"]
    bakeoff = start([*model, *cluster, "search.workers=2", "search.trials=12"])
    bakeoff.wait_until(lambda: bakeoff.ended() >= 3)
    finished = bakeoff.finished()
    ray_cluster.lose(0)
    ray_cluster.lose(1)
    assert bakeoff.process.wait(180) != 0
    said = bakeoff.log.read_text()
    assert "Traceback" not in said and "Failed to connect to GCS" in said
    trials = start([*model, "search.trials=12"]).wait()
    check(trials, asked=12)
    check_kept(trials, finished)


@pytest.mark.slow
def test_submitit_workers_share_the_trials_and_outlive_one_of_them(
    start: Callable[..., Bakeoff], tmp_path: Path
) -> None:
    pytest.importorskip("submitit", reason="the slurm extra is not installed")
    bakeoff = start([*forest(tmp_path, 600), "hydra/launcher=submitit_local", "search.workers=2", "search.trials=8"])
    bakeoff.wait_until(lambda: bakeoff.ended() >= 2)
    workers = {t.user_attrs[studies.WORKER] for t in bakeoff.trials() if studies.WORKER in t.user_attrs}
    assert len(workers) == 2
    pid, lost = next(iter(bakeoff.wait_until(bakeoff.running).items()))
    finished = bakeoff.finished()
    os.kill(pid, signal.SIGKILL)
    trials = bakeoff.wait()
    check(trials, asked=8)
    check_kept(trials, finished)
    check_retried(trials, lost)
    assert (trials["state"] == "FAIL").sum() == 1, "the other worker lost nothing"
    assert set(trials["worker"]) == workers, "and did the rest"


@pytest.mark.parametrize(
    ("override", "extra"),
    [
        ("hydra/launcher=ray", "bakeoff[ray]"),
        ("hydra/launcher=submitit_slurm", "bakeoff[slurm]"),
        ("search.storage=postgresql://me:secret@127.0.0.1/none", "bakeoff[postgres]"),
    ],
)
def test_a_missing_extra_is_named(bakeoff: Any, tmp_path: Path, override: str, extra: str) -> None:
    """In an environment without the extras, however many are installed here."""
    sweeper = importlib.util.find_spec("hydra_plugins.bakeoff_sweeper")
    assert sweeper is not None and sweeper.origin is not None
    plugins = tmp_path / "hydra_plugins"
    plugins.mkdir()
    shutil.copy(sweeper.origin, plugins)
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\n"
        "sys.modules['hydra_plugins'] = types.ModuleType('hydra_plugins')\n"
        f"sys.modules['hydra_plugins'].__path__ = [{str(plugins)!r}]\n"
        "sys.modules['psycopg'] = None\n"
    )
    done = bakeoff("model=linear", "data=diabetes", "search=tpe", override, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.strip().endswith(f'pip install "{extra}"'), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr
