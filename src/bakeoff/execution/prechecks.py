"""Checks of all jobs before any of them runs: a wrong request ends before work starts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence

from bakeoff import advice, business, record
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.execution.launch import Job
from bakeoff.request.spec import Request
from bakeoff.task import Task


def check_incumbents(jobs: Sequence[Job]) -> None:
    """Raise ``ConfigError`` if an incumbent is neither asked for nor recorded."""
    for job in jobs:
        incumbent = job.request.incumbent
        if incumbent is None:
            continue
        there = [other.request.variant for other in jobs if other.request.bakeoff == job.request.bakeoff]
        there += [path.parent.name for path in sorted(job.request.bakeoff.glob(f"*/{record.RESULT}"))]
        if incumbent not in there:
            raise ConfigError(
                f'incumbent: "{incumbent}" is neither asked for nor in {job.request.bakeoff}. '
                f"Variants: {', '.join(dict.fromkeys(there))}.{did_you_mean(incumbent, there)}"
            )


def check_folders(jobs: Sequence[Job]) -> None:
    """Raise ``ConfigError`` if the folder of a bake-off cannot be written."""
    for folder in dict.fromkeys(job.request.bakeoff for job in jobs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):  # without a name, as other processes try the same
                pass
        except OSError as error:
            raise ConfigError(
                f"{folder}: runs cannot be written there: {error.strerror or error}. "
                "Run elsewhere, or give hydra.sweep.dir=…"
            ) from None


def check_tasks(jobs: Sequence[Job]) -> None:
    """Load each task once, and check that the metric and every model can serve it, before any fit."""
    if not jobs:
        return
    from bakeoff import search
    from bakeoff.execution import runner

    faults: dict[str, list[str]] = {}
    for job in sorted(jobs, key=lambda job: job.request.data_key):
        try:
            task = _served_task(job.request)
            for grader in runner.make_graders(job.request, task.schema).values():
                grader.check()
            if job.request.is_tuned:
                if not job.request.resume or _is_of_other_data(job.request, task):
                    search.forget(job.request)
                # The first to open a study: it refuses one of another request.
                if job.is_shared and job.parts:
                    raise ConfigError("search.workers: trials of a solution take milliseconds. Give it 1.")
                if not job.parts:  # those that a solution is tuned on are yet to run
                    runner.searching(job.request, task, _no_other(job.request)).prepare()
        except ConfigError as error:
            faults.setdefault(str(error), []).append(job.request.variant)
    if faults:
        raise _refusal(faults, jobs)


def check_models(jobs: Sequence[Job]) -> None:
    """Check for a plan that every model can serve its task, as ``check_tasks`` does before a run.

    What is shipped fits together, and its data are not read: only variants on files, or with a value given by hand.
    """
    faults: dict[str, list[str]] = {}
    given = [job for job in jobs if "path" in job.request.source.arguments or any(map(_is_value, job.overrides))]
    for job in sorted(given, key=lambda job: job.request.data_key):
        try:
            _served_task(job.request)
        except ConfigError as error:
            faults.setdefault(str(error), []).append(job.request.variant)
    if faults:
        raise _refusal(faults, jobs)


def _served_task(request: Request) -> Task:
    """Load the task. Raises ``ConfigError`` where the decision, the business model or the model cannot serve it."""
    from bakeoff.execution import runner

    task = runner.load_task(request)
    check_decision(request, task)
    business.build_valuer(request.business, task.schema)
    runner.make_model(request, task.schema)
    return task


def _refusal(faults: Mapping[str, Sequence[str]], jobs: Sequence[Job]) -> ConfigError:
    """One error of all faults; among several variants, a fault of a model says whose it is, as of an added part."""
    return ConfigError(
        "\n".join(
            f"{advice.listed(names)}: {fault}" if len(jobs) > 1 and fault.startswith("model") else fault
            for fault, names in faults.items()
        )
    )


def check_decision(request: Request, task: Task) -> None:
    """Raise ``ConfigError`` if no verdict on this task may rest on the declared metric or minimum difference."""
    from bakeoff.compare import decision, vetoes
    from bakeoff.grading import labels

    vetoes.check(request.decision.require)
    if request.decision.labels is not None:
        labels.existing(request.decision.labels)
        labels.scale(request.decision.labels_scale)
    decision.deciding_metric(request.decision.metric, task.schema)
    if request.decision.smallest_difference is not None:
        decision.smallest_difference(request.decision.smallest_difference, incumbent_value=1)


def _is_value(override: str) -> bool:
    """Return whether an override sets a key within a component, such as ``model.depth=6``."""
    return "." in override.partition("=")[0]


def _no_other(request: Request) -> Callable[[Mapping[str, str]], Request]:
    """Return the request unchanged: for a search that is prepared here and run elsewhere."""
    return lambda choices: request


def _is_of_other_data(request: Request, task: Task) -> bool:
    """Return whether the folder holds a finished run on other data, whose trials are obsolete."""
    if not (request.folder / record.RESULT).is_file():
        return False
    run = record.read_run(request.folder)
    return run.status == "ok" and run.fingerprint != task.fingerprint
