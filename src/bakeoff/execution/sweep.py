"""Sweep: turn command-line overrides into variants, run them, and compare the results."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from bakeoff import record
from bakeoff.config import trust
from bakeoff.config.component import write
from bakeoff.errors import ConfigError, VariantsFailed
from bakeoff.execution import composition, finished, launch, outlook, parts, prechecks, race
from bakeoff.execution.launch import Job
from bakeoff.execution.overrides import expand
from bakeoff.record import locks
from bakeoff.request.spec import Request
from bakeoff.tracking import beside

# Top-level keys of a request. For another Hydra application that uses this sweeper, jobs are run and nothing else.
OF_BAKEOFF = {"data", "model", "decision"}

log = logging.getLogger(__name__)


def run(
    master: DictConfig,
    loader: ConfigLoader,
    launcher: Launcher,
    params: Mapping[str, str],
    arguments: Sequence[str],
    variants: Mapping[str, Sequence[str]] | None = None,
    plan: bool = False,
    show: bool = True,
    most: int | None = None,
) -> Sequence[Any]:
    """Check every variant, run those without a result, and compare all variants in the folder.

    Args:
        master: the composed config, Hydra's own part included.
        loader: composes the variants.
        launcher: runs them.
        params: sweeps that an experiment declares, key → values.
        arguments: overrides.
        variants: variants that an experiment declares, name → overrides.
        plan: print what would run, and run nothing.
        show: print the comparison.
        most: how many variants there may be.

    Returns:
        The run folders of all variants asked for; nothing when it is a plan. What the launcher returned, when another
        Hydra application chose this sweeper.

    Raises:
        ConfigError, DataError, AssetError: the request is wrong; nothing has run.
        VariantsFailed: some variant failed; the others were compared.
    """
    if not set(master) >= OF_BAKEOFF:
        combinations = [tuple(o.input_line or "" for o in c) for c in expand(params, arguments)]
        folder = Path(str(master.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(master, folder / "multirun.yaml")
        return [launcher.launch(combinations, initial_job_idx=0)]
    for fault in trust.refused_references([dict(params), dict(variants or {})]):
        raise ConfigError(f"hydra.sweeper: {fault}. Give it on the command line. See docs/safety.md.")
    with _no_collection():
        jobs = composition.jobs(master, loader, params, arguments, variants or {})
    announce = _say if show else log.info
    prechecks.check_incumbents(jobs)
    if most is not None and len(jobs) > most:
        raise ConfigError(
            f"These are {len(jobs)} variants: {', '.join(j.request.variant for j in jobs)}. Ask for {most}."
        )
    for job in jobs:
        if fixed := job.request.search.fixed:
            announce(f"{job.request.variant}: {', '.join(fixed)} stays as given, out of the search.")
    race.check(jobs)
    waiting = _waiting(jobs, announce)
    if plan:
        from bakeoff.report import plan as plans

        prechecks.check_models(waiting)
        llm_use = {job.request.variant: outlook.llm_use(job.request) for job in waiting}
        requests, of_waiting = [job.request for job in jobs], [job.request for job in waiting]
        plans.show(requests, of_waiting, llm_use, outlook.notes(jobs, waiting))
        return []
    launch.require_workers(launcher, waiting)
    prechecks.check_folders(waiting)
    folders = [job.request.folder for job in jobs]
    with locks.held([job.request.folder for job in waiting], wait=_say_beside) as is_waited_for:
        # Another process may have finished some since they were looked at, whether it was waited for or not.
        waiting = _waiting(waiting, announce if is_waited_for else log.info)
        prechecks.check_tasks(waiting)
        gc.freeze()  # data and libraries are loaded, and stay
        try:
            parts.launch_in_order(launcher, race.run(launcher, jobs, waiting, announce))
        finally:
            _remove_if_empty(Path(str(master.hydra.sweep.dir)))
            failed = _compare(jobs, len(jobs) - len(waiting), show)
    if failed:
        raise VariantsFailed(_in_words(failed), folders)
    return folders


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's garbage collector off: among configs that are being composed it finds next to nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _say(line: str) -> None:
    print(line, flush=True)


def _say_beside(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _waiting(jobs: Sequence[Job], announce: Callable[[str], None]) -> list[Job]:
    """Jobs whose folder holds no finished run of the same request on the same data."""
    faults: list[str] = []
    reasons: dict[Path, str | None] = {}
    for job in sorted(jobs, key=lambda job: job.request.data_key):  # each task is read once
        try:
            reasons[job.request.folder] = finished.reason_to_run(job.request)
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    for job in parts.ordered(jobs):
        if reasons[job.request.folder] is None:
            reasons[job.request.folder] = parts.reason_to_run(job, jobs, reasons)
    waiting = [job for job in jobs if reasons[job.request.folder] is not None]
    for job in waiting:
        if reason := reasons[job.request.folder]:
            announce(reason)
    finished.refuse_other_data([job.request for job in waiting])
    return waiting


def _in_words(failed: Sequence[record.Run]) -> str:
    """Name the variants that failed, and those that the same command goes on with."""
    by_status: dict[str, list[str]] = {}
    for run in failed:
        by_status.setdefault(run.status, []).append(run.variant)
    sentences = []
    if names := by_status.pop("interrupted", []):
        sentences.append(f"{', '.join(names)}: unfinished; the same command goes on with what is missing.")
    if names := [name for of_status in by_status.values() for name in of_status]:
        sentences.insert(0, f"{', '.join(names)} failed; each says why in its {record.LOG}.")
    return " ".join(sentences)


def _compare(jobs: Sequence[Job], n_reused: int, show: bool) -> list[record.Run]:
    """Compare the runs in each bake-off folder, and return those that failed or are unfinished."""
    from bakeoff.compare import folders
    from bakeoff.compare.money import Money
    from bakeoff.report import pages, summary, terminal

    failed: list[record.Run] = []
    for folder, request in {job.request.bakeoff: job.request for job in jobs}.items():
        money = Money(write(request.cost), write(request.business))
        if not any(folder.glob(f"*/{record.CONFIG}")):
            continue
        compared, runs = folders.compare_folder(folder, request.decision, request.incumbent, money)
        page = pages.write(pages.build(compared, runs, folder), folder) if _writes_page(request) else None
        if show:
            terminal.show(summary.build(compared, runs, folder, n_reused, page))
        mine = {job.request.variant for job in jobs if job.request.bakeoff == folder}
        failed += [run for run in runs if run.error is not None and run.variant in mine]
    beside.after_comparison([job.request for job in jobs])
    return failed


def _writes_page(request: Request) -> bool:
    return request.report == "html" and record.is_writable(request.bakeoff)


def _remove_if_empty(folder: Path) -> None:
    """Remove the default folder if empty, since Hydra creates it even if every job writes elsewhere."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
