"""Launch variants as jobs of a Hydra launcher, preceded by the workers of parallel searches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from bakeoff import environment
from bakeoff.errors import BakeoffError, ConfigError, VariantsFailed
from bakeoff.request.spec import Request

if TYPE_CHECKING:
    from bakeoff.search import Search

log = logging.getLogger(__name__)
FRUITLESS_ROUNDS = 3  # in which workers were lost and no trial came to its end: then a search is given up
LOOK_SECONDS = 1
SEQUENTIAL, JOBLIB, RAY, SLURM = "BasicLauncher", "JoblibLauncher", "RayLauncher", "SlurmLauncher"


@dataclass(frozen=True)
class Job:
    """One variant as a Hydra job.

    Attributes:
        overrides: that compose it.
        request: the variant.
        called: its name in an experiment, or else its option of ``model``.
        told: the overrides that tell it from other variants.
        parts: names of the variants that a solution is made of; they run before it.
    """

    overrides: tuple[str, ...]
    request: Request
    called: str = ""
    told: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def is_shared(self) -> bool:
        """True if several workers share its search."""
        return self.request.is_tuned and self.request.search.workers > 1


def run(launcher: Launcher, jobs: Sequence[Job]) -> Sequence[JobReturn]:
    """Run the jobs. Re-raises the error of a wrong request; other failures are recorded in run folders.

    Where workers share a machine the variants go one after another: no study takes the cores of another, and no model
    is fitted and timed beside others. On Slurm each job has cores of its own, so all are queued at once.
    """
    kind = type(launcher).__name__
    if kind == RAY:
        jobs = [_of_ray(launcher, job) for job in jobs]
    if not any(job.is_shared for job in jobs):
        return _launched(launcher, [job.overrides for job in jobs])
    require_workers(launcher, jobs)
    returned: list[JobReturn] = []
    failures = []
    for batch in [jobs] if kind == SLURM else [[job] for job in jobs]:
        try:
            _search(launcher, [job for job in batch if job.is_shared])
            returned += _launched(launcher, [job.overrides for job in batch])
        except VariantsFailed as failure:
            failures.append(str(failure))
    if failures:
        raise VariantsFailed("\n".join(failures))
    return returned


def require_workers(launcher: Launcher, jobs: Sequence[Job]) -> None:
    """Raise ``ConfigError`` if searches have several workers, and the launcher runs one job after the other."""
    if type(launcher).__name__ == SEQUENTIAL and any(job.is_shared for job in jobs):
        raise ConfigError(
            "search.workers: more than one needs a launcher that runs jobs side by side. "
            "Add hydra/launcher=joblib on one machine, ray or submitit_slurm on several."
        )


def _of_ray(launcher: Launcher, job: Job) -> Job:
    """Adapt a job to Ray: run on the configured cluster, with output paths on this machine."""
    init = launcher.ray_cfg.init  # type: ignore[attr-defined]
    if init.get("address") is not None:
        init.setdefault("object_store_memory", None)  # the plugin's default is refused by a cluster that exists
    here = str(job.request.bakeoff.absolute()).replace("'", r"\'")
    return replace(job, overrides=(*job.overrides, f"hydra.sweep.dir='{here}'"))


def _search(launcher: Launcher, jobs: Sequence[Job]) -> None:
    """Run the trials of every search on workers; if some are killed, others finish their trials."""
    if not jobs:
        return
    if type(launcher).__name__ == JOBLIB:
        # Its own default is a process for each core; it runs no other jobs meanwhile.
        launcher.joblib["n_jobs"] = max(job.request.search.workers for job in jobs)  # type: ignore[attr-defined]
    overrides = [worker for job in jobs for worker in _of_workers(job, _threads(launcher, job.request))]
    begun, ended = _counts(jobs)
    fruitless = 0
    while True:
        try:
            with _watched(jobs):
                returned = launcher.launch(overrides, initial_job_idx=0)
            break
        except Exception as error:
            before, (begun, ended_now) = begun, _counts(jobs, wait=True)
            if begun == before:
                raise ConfigError(
                    f"hydra/launcher: no worker came to work. {type(error).__name__}: {str(error).strip()}"
                ) from error
            fruitless = fruitless + 1 if ended_now == ended else 0
            ended = ended_now
            if fruitless == FRUITLESS_ROUNDS:
                raise VariantsFailed(
                    f"{', '.join(job.request.variant for job in jobs)}: the workers of the search were killed "
                    f"{FRUITLESS_ROUNDS} times with no trial done in between ({type(error).__name__}); "
                    "the same command goes on where it stopped."
                ) from error
            message = str(error).partition("\n")[0]
            log.warning("workers were lost (%s: %s); others go on", type(error).__name__, message)
    _raise_first(returned)


def explore(launcher: Launcher, jobs: Sequence[Job]) -> None:
    """Run the trials of searches within their budgets, and nothing else; several variants at once on Slurm alone."""
    kind = type(launcher).__name__
    if kind == RAY:
        jobs = [_of_ray(launcher, job) for job in jobs]
    for batch in [jobs] if kind == SLURM else [[job] for job in jobs]:
        _search(launcher, [job for job in batch if job.is_shared])
        alone = [
            worker for job in batch if not job.is_shared for worker in _of_workers(job, _threads(launcher, job.request))
        ]
        if alone:
            _launched(launcher, alone)


def standing(request: Request) -> tuple[float, str]:
    """Best value of a search within its budget, larger is better, and in words; minus infinity where there is none."""
    return _searching(request).standing()


def _counts(jobs: Sequence[Job], wait: bool = False) -> tuple[int, int]:
    """Queue the missing trials of all searches, and count those started and ended."""
    counts = [_searching(job.request).prepare(wait) for job in jobs]
    return sum(begun for begun, _ in counts), sum(ended for _, ended in counts)


def _searching(request: Request) -> Search:
    from bakeoff.execution import runner

    return runner.searching(request, runner.load_task(request), compose=lambda choices: request)


@contextmanager
def _watched(jobs: Sequence[Job]) -> Iterator[None]:
    """Show the progress of searches whose workers run elsewhere, if the terminal is interactive."""
    from bakeoff.report import terminal
    from bakeoff.search import study

    if not terminal.console(stderr=True).is_terminal:
        yield
        return
    searches = [_searching(job.request).watched() for job in jobs]

    def watch(ended: threading.Event) -> None:
        with terminal.progress(", ".join(job.request.variant for job in jobs)) as announce:
            announce("starting workers")
            while not ended.wait(LOOK_SECONDS):
                announce("; ".join(tell() for tell in searches))

    with study.beside(watch):
        yield


def _of_workers(job: Job, threads: int) -> list[tuple[str, ...]]:
    """Build the overrides of a job's workers. Each has its own folder in the run folder."""
    variant = job.request.variant
    return [
        (
            *job.overrides,
            f"search.worker={i}",
            f"search.threads={threads}",
            f"hydra.sweep.subdir='{variant}/workers/{i}'",
        )
        for i in range(job.request.search.workers)
    ]


def _threads(launcher: Launcher, request: Request) -> int:
    """Threads per worker, such that all workers together do not exceed the available cores."""
    per_worker: Any = None
    if type(launcher).__name__ == RAY:
        per_worker = launcher.ray_cfg.remote.get("num_cpus", 1)  # type: ignore[attr-defined]
    elif type(launcher).__name__ == SLURM:
        per_worker = launcher.params["cpus_per_task"] or 1  # type: ignore[attr-defined]
    else:
        per_worker = environment.cores() // request.search.workers
    return request.search.threads or max(1, int(per_worker))


def _launched(launcher: Launcher, overrides: Sequence[tuple[str, ...]]) -> Sequence[JobReturn]:
    try:
        returned = launcher.launch(overrides, initial_job_idx=0)
    except Exception as error:
        if type(launcher).__name__ == SEQUENTIAL or isinstance(error, BakeoffError):
            raise
        raise VariantsFailed(f"hydra/launcher: {type(error).__name__}: {str(error).strip()}") from error
    _raise_first(returned)
    return returned


def _raise_first(returned: Sequence[JobReturn]) -> None:
    for job in returned:
        if job.status is JobStatus.FAILED:
            raise job._return_value  # the public property would print a line of its own first
