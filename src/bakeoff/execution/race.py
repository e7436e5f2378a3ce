"""Race: searches share one budget in rounds, and after each round the worse half of the variants gets no more.

Successive halving (Jamieson & Talwalkar 2016) over variants in place of settings. Each round has an equal part of the
budget, which those that are left share equally. Who is left is decided by the best value on validation rows. It follows
from the recorded trials alone, so that a race that was interrupted goes on as it would have.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hydra.plugins.launcher import Launcher

from bakeoff import record
from bakeoff.advice import listed
from bakeoff.errors import ConfigError, Unavailable
from bakeoff.execution import launch
from bakeoff.execution.launch import Job
from bakeoff.request.spec import BUDGET, Request

log = logging.getLogger(__name__)


def run(launcher: Launcher, jobs: Sequence[Job], waiting: Sequence[Job], announce: Callable[[str], None]) -> list[Job]:
    """Race the searches of variants; those of finished variants are judged by what they recorded.

    Args:
        launcher: runs the trials.
        jobs: all variants.
        waiting: those without a result.
        announce: told who is left after each round.

    Returns:
        The waiting jobs, each with the budget that the race gave it.
    """
    given: dict[Path, Job] = {}
    for folder in dict.fromkeys(job.request.bakeoff for job in waiting):
        tuned = [job for job in jobs if job.request.bakeoff == folder and _races(job.request)]
        if tuned:
            raced = _raced(launcher, tuned, {job.request.folder for job in waiting}, announce)
            given |= {job.request.folder: job for job in raced}
    return [given.get(job.request.folder, job) for job in waiting]


def check(jobs: Sequence[Job]) -> None:
    """Check that races can keep to their budgets, before any work.

    Raises:
        ConfigError: the trials are too few for all rounds, variants differ in their seed alone, or some would join a
            race that others have run.
    """
    for folder in dict.fromkeys(job.request.bakeoff for job in jobs):
        requests = [job.request for job in jobs if job.request.bakeoff == folder and _races(job.request)]
        if requests:
            _check(requests)


def _check(requests: Sequence[Request]) -> None:
    settings, recipes = requests[0].search, [_recipe(request) for request in requests]
    if any(recipes.count(recipe) > 1 for recipe in recipes):
        raise ConfigError(
            "search.racing: seeds of one variant must be searched alike, and a race gives them unequal budgets. "
            "Leave out search.racing, or give one seed."
        )
    least, trials = (settings.racing or 1) * len(requests), settings.total.trials
    if trials is not None and trials < least:
        raise ConfigError(
            f"search.total.trials: {trials} is too little for {len(requests)} variants that race in {settings.racing} "
            f"rounds. Give at least {least}."
        )
    raced = [request.variant for request in requests if request.resume and _has_raced(request)]
    new = [request.variant for request in requests if not request.folder.is_dir()]
    if raced and new:
        raise ConfigError(
            f"search.racing: {listed(raced)} raced before, without {listed(new)}, and spent the budget. All variants "
            "of a race share it from the start: add resume=false to race them all anew, or name=… for a race apart."
        )


def _recipe(request: Request) -> str:
    """Identity of a request without its seed."""
    return json.dumps(request.identity | {"seed": None}, sort_keys=True, default=str)


def _has_raced(request: Request) -> bool:
    if not (request.folder / record.RESULT).is_file():
        return False
    search = record.read_run(request.folder).search
    return search is not None and search.get("racing") is not None


def _races(request: Request) -> bool:
    return request.is_tuned and request.search.racing is not None


def _raced(launcher: Launcher, tuned: Sequence[Job], waiting: set[Path], announce: Callable[[str], None]) -> list[Job]:
    """The jobs with their budgets. A solution waits for its parts: it takes an equal share, and does not race."""
    rounds = tuned[0].request.search.racing or 1
    solutions = [job for job in tuned if job.parts]
    left = [job for job in tuned if not job.parts]
    pot = len(left) / len(tuned)
    shares = dict.fromkeys((job.request.folder for job in left), 0.0)
    given = {job.request.folder: _with_budget(job, 1 / len(tuned), rounds) for job in solutions}
    for number_of_round in range(1, rounds + 1):
        for job in left:
            shares[job.request.folder] += pot / rounds / len(left)
            given[job.request.folder] = _with_budget(job, shares[job.request.folder], number_of_round)
        for job in left:
            if job.request.folder in waiting:
                _explore(launcher, given[job.request.folder])
        if number_of_round < rounds and len(left) > 1:
            left = _half(left, given, f"Round {number_of_round} of {rounds}", announce)
    return list(given.values())


def _explore(launcher: Launcher, job: Job) -> None:
    """Run trials of one variant. A server that cannot be reached fails its run, not the race."""
    try:
        launch.explore(launcher, [job])
    except Unavailable as error:
        log.warning("%s: %s", job.request.variant, error)


def _half(left: Sequence[Job], given: dict[Path, Job], when: str, announce: Callable[[str], None]) -> list[Job]:
    """The better half of the variants, rounded up; of equal ones the first."""
    standings = {job.request.folder: launch.standing(given[job.request.folder].request) for job in left}
    best = sorted(left, key=lambda job: -standings[job.request.folder][0])
    better = best[: math.ceil(len(left) / 2)]
    scores = ", ".join(f"{job.request.variant} {standings[job.request.folder][1]}" for job in best)
    out = ", ".join(job.request.variant for job in best[len(better) :])
    announce(f"{when} on validation rows: {scores}. No more search for {out}.")
    return [job for job in left if job in better]


def _with_budget(job: Job, share: float, lasted: int) -> Job:
    """The job with a share of the total budget, and the rounds that it took part in."""
    settings = job.request.search
    budgets: dict[str, float] = {}
    for key in BUDGET:
        total, own = getattr(settings.total, key), getattr(settings, key)
        if total is not None:
            part = int(total * share + 1e-9) if key == "trials" else total * share
            budgets[key] = part if own is None else min(own, part)
    lines = [f"search.{key}={value}" for key, value in budgets.items()]
    search = replace(settings, **budgets, lasted=lasted)  # type: ignore[arg-type]
    return replace(
        job,
        overrides=(*job.overrides, *lines, f"++search.lasted={lasted}"),
        request=replace(job.request, search=search),
    )
