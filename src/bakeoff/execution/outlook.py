"""Notes of a plan: what is known of a bake-off before it runs, a sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from bakeoff import record
from bakeoff.config.component import walk
from bakeoff.errors import DataError
from bakeoff.execution import prechecks
from bakeoff.execution.launch import Job
from bakeoff.request.spec import Request
from bakeoff.task import Task


def notes(jobs: Sequence[Job], waiting: Sequence[Job]) -> list[str]:
    """Describe columns, sealed rows, seeds, detectable gains and downloads.

    Args:
        jobs: all variants of the bake-off.
        waiting: those that would run.

    Raises:
        ConfigError: no verdict on a file may rest on what ``decision`` declares.
    """
    return [*_columns_read(jobs), *_sealed(jobs), *_seeds(jobs, waiting), *_power(jobs), *_downloads(waiting)]


def llm_use(request: Request) -> list[str]:
    """Describe the LLM requests of a variant, a sentence each; for one without any, nothing is imported or read."""
    if "llm" not in request.parts and not any("llm" in part.arguments for _, part in walk(request.metrics.graders)):
        return []
    from bakeoff.execution import plan

    return [f"{who}: asks the LLM {what}" for who, what in plan.project(request).items()]


def _columns_read(jobs: Sequence[Job]) -> list[str]:
    """Describe how the columns of each user file are read; sample data sets are left out.

    Raises:
        ConfigError: no verdict on such a file may rest on what ``decision`` declares.
    """
    from bakeoff.execution import runner

    requests = {job.request.data_key: job.request for job in jobs if "path" in job.request.source.arguments}
    if not requests:
        return []
    from bakeoff.data import overview

    lines = []
    for request in requests.values():
        task = runner.load_task(request)
        prechecks.check_decision(request, task)
        lines.append(f"{request.data.name}: columns read as {overview.reading_of(task.schema)}.")
        lines += [f"{request.data.name}: {note}" for note in task.notes]
        if not (request.bakeoff / record.COMPARISON).is_file():
            lines += [f"{request.data.name}: {line}" for line in _assumed_power(request, task, jobs)]
    return lines


def _assumed_power(request: Request, task: Task, jobs: Sequence[Job]) -> list[str]:
    """Describe which gains the test rows can show before anything has run: an assumption, and said to be one."""
    from bakeoff.compare import decision, power

    rows = min(len(task.test), request.test_rows or len(task.test))
    units = rows if task.test.units is None else min(rows, len(set(task.test.units.tolist())))
    metric = decision.deciding_metric(request.decision.metric, task.schema)
    known = task.development.train.y
    positives = 1.0 if task.schema.positive is None else float((known == task.schema.positive).mean())
    challengers = len({job.request.variant for job in jobs if job.request.bakeoff == request.bakeoff}) - 1
    line = power.assume(
        metric,
        task.schema,
        rows,
        units,
        positives,
        challengers,
        request.decision.confidence,
        request.decision.smallest_difference,
    )
    return [line] if line else []


def _sealed(jobs: Sequence[Job]) -> list[str]:
    """Describe the sealed rows of each data set, and what opening them would ask of language models."""
    from bakeoff.execution import plan, runner

    sealing = [job.request for job in jobs if job.request.data.split.sealed]
    lines = []
    for request in {request.data_key: request for request in sealing}.values():
        rows = runner.load_task(request).split
        lines.append(
            f"{request.data.name}: {rows['test']:,} test rows, and {rows['sealed']:,} that stay sealed until "
            f"bakeoff confirm {request.bakeoff} opens them, once, for the winner and the incumbent."
        )
    for request in sealing:
        asks = [f"{who}: would ask the LLM {what}" for who, what in plan.project(request, sealed=True).items()]
        lines += [f"bakeoff confirm, if {request.variant} is one of the two, {line}." for line in asks]
    return lines


def _seeds(jobs: Sequence[Job], waiting: Sequence[Job]) -> list[str]:
    """One sentence on what further seeds cost; empty where there are none."""
    more = [job for job in jobs if "seed=" in job.request.variant and job.request.seeds > 1]
    if not more:
        return []
    new = sum(job in waiting for job in more)
    return [
        f"Of these, {new} would run for another seed alone (seeds={more[0].request.seeds}), each as long as the first."
    ]


def _power(jobs: Sequence[Job]) -> list[str]:
    """Describe which gains the test rows can show, from an earlier comparison of the same bake-off, if there is one."""
    folders = [f for f in dict.fromkeys(job.request.bakeoff for job in jobs) if (f / record.COMPARISON).is_file()]
    if not folders:
        return []
    from bakeoff.compare import folders as bakeoffs
    from bakeoff.compare import power  # slow to import, and not needed before the first comparison

    lines = []
    for folder in folders:
        try:
            earlier = bakeoffs.read(folder)
        except DataError:  # a damaged file is made again by the next comparison
            continue
        lines += [f"{folder.name}: {line}" for line in power.describe(earlier)] if earlier is not None else []
    return lines


def _downloads(jobs: Sequence[Job]) -> list[str]:
    """One sentence on the pinned files that these variants use and that are not in the cache; empty without any."""
    from bakeoff import assets

    absent = assets.missing(name for job in jobs for name in assets.named(job.request.to_config()))
    return [f"Would be downloaded first: {'; '.join(absent)}."] if absent else []
