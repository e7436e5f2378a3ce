"""Jobs through a Hydra launcher: first the workers of searches that have several, then the variants themselves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from bakeoff.errors import BakeoffError, ConfigError
from bakeoff.request import Request

log = logging.getLogger(__name__)
ROUNDS = 3
SEQUENTIAL = "BasicLauncher"


@dataclass(frozen=True)
class Job:
    """One variant, as Hydra will be asked for it."""

    overrides: tuple[str, ...]
    request: Request


def run(launcher: Launcher, jobs: Sequence[Job]) -> Sequence[JobReturn]:
    """Run the jobs, and raise what one of them raised: only wrong requests get here, the rest is in the records."""
    shared = [job for job in jobs if job.request.is_tuned and job.request.search.workers > 1]
    if shared:
        if type(launcher).__name__ == SEQUENTIAL:
            raise ConfigError(
                "search.workers: more than one needs a launcher that runs jobs side by side. "
                "Add hydra/launcher=joblib on one machine, ray or submitit_slurm on several."
            )
        _search(launcher, shared)
    return _launched(launcher, [job.overrides for job in jobs], first=0)


def _search(launcher: Launcher, jobs: Sequence[Job]) -> None:
    """Let workers do the trials of every search. When some of them are killed, others finish what they left."""
    for round_ in range(ROUNDS):
        if round_:
            for job in jobs:
                _prepare(job.request)
        try:
            _launched(launcher, [o for job in jobs for o in _of_workers(job)], first=len(jobs))
            return
        except BakeoffError:
            raise
        except Exception as error:
            log.warning("a worker was lost (%s: %s)", type(error).__name__, error)
            if round_ == ROUNDS - 1:
                raise


def _prepare(request: Request) -> None:
    from bakeoff import runner

    runner.searching(request, runner.load_task(request), compose=lambda choices: {}).prepare()


def _of_workers(job: Job) -> list[tuple[str, ...]]:
    """The overrides of a job's workers. Each has a folder of its own in the run folder."""
    variant = job.request.variant
    return [
        (*job.overrides, f"search.worker={i}", f"hydra.sweep.subdir='{variant}/workers/{i}'")
        for i in range(job.request.search.workers)
    ]


def _launched(launcher: Launcher, overrides: Sequence[tuple[str, ...]], first: int) -> Sequence[JobReturn]:
    returned = launcher.launch(overrides, initial_job_idx=first)
    for job in returned:
        if job.status is JobStatus.FAILED:
            raise job._return_value  # the public property would print a line of its own first
    return returned
