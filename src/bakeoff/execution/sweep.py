"""Sweep: turn command-line overrides into variants, run them, and compare the results."""

from __future__ import annotations

import gc
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf, open_dict

from bakeoff import business, plugins, record
from bakeoff.config import search_space, trust, wiring
from bakeoff.config.component import read, walk, write
from bakeoff.config.parsed_once import parse_once
from bakeoff.errors import ConfigError, DataError, VariantsFailed, did_you_mean
from bakeoff.execution import finished, parts
from bakeoff.execution.launch import Job
from bakeoff.execution.overrides import as_texts, expand, gives, parsed, variant_name
from bakeoff.record import locks
from bakeoff.request import spec, validation
from bakeoff.request.spec import Request
from bakeoff.task import Task
from bakeoff.tracking import beside

# Top-level keys of a request. For another Hydra application that uses this sweeper, jobs are run and nothing else.
OF_BAKEOFF = {"data", "model", "decision"}
LONGEST_PATH = 200  # bytes of a folder's name; most file systems take 255
SEEDLESS = ("rules", "retrieval", "llm", "rag", "decision")
"""Families whose predictions do not depend on the seed: another one would cost a run, and say the same."""

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
        jobs = _jobs(master, loader, params, arguments, variants or {})
    announce = _say if show else log.info
    _check_incumbents(jobs)
    if most is not None and len(jobs) > most:
        raise ConfigError(
            f"These are {len(jobs)} variants: {', '.join(j.request.variant for j in jobs)}. Ask for {most}."
        )
    for job in jobs:
        if fixed := job.request.search.fixed:
            announce(f"{job.request.variant}: {', '.join(fixed)} stays as given, out of the search.")
    waiting = _waiting(jobs, announce)
    if plan:
        from bakeoff.report import plan as plans

        llm_use = {job.request.variant: _llm_use(job.request) for job in waiting}
        notes = [*_columns_read(jobs), *_sealed(jobs), *_seeds(jobs, waiting), *_power(jobs), *_downloads(waiting)]
        plans.show([job.request for job in jobs], [job.request for job in waiting], llm_use, notes)
        return []
    _check_folders(waiting)
    folders = [job.request.folder for job in jobs]
    with locks.held([job.request.folder for job in waiting], wait=_say_beside) as is_waited_for:
        # Another process may have finished some since they were looked at, whether it was waited for or not.
        waiting = _waiting(waiting, announce if is_waited_for else log.info)
        _check_tasks(waiting)
        gc.freeze()  # data and libraries are loaded, and stay
        try:
            parts.launch_in_order(launcher, waiting)
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


def _jobs(
    master: DictConfig,
    loader: ConfigLoader,
    params: Mapping[str, str],
    arguments: Sequence[str],
    variants: Mapping[str, Sequence[str]],
) -> list[Job]:
    """Compose and check the requested variants; all faults are reported together."""
    jobs: list[Job] = []
    faults: list[str] = []
    is_tuned = OmegaConf.select(master, "search.sampler") is not None

    def is_searched(key: str) -> bool:
        group = key.lstrip("+").partition("@")[0]  # as of model@model.parts.first
        return is_tuned and key != "seed" and not loader.get_group_options(group)

    parse_once(loader)
    combinations = [
        (declared, overrides)
        for declared in _declared(variants, arguments)
        for overrides in map(as_texts, expand(params, [*variants.get(declared, ()), *arguments], is_searched))
    ]
    shares = _shares(master, len(combinations)) if is_tuned else ()
    swept = parts.SweptModels(loader, [overrides for _, overrides in combinations])

    def composed(declared: str, overrides: Sequence[Override]) -> tuple[Job, bool]:
        """A job, and whether some of its overrides make no difference to it."""
        return _composed(master, loader, declared, variants.get(declared, ()), swept.taken(overrides), shares)

    for declared, overrides in combinations:
        try:
            job, is_partly_told = composed(declared, overrides)
            # Values of a part that a variant does not take make no other variant.
            is_repeated = is_partly_told or len(swept.taken(overrides)) < len(overrides)
            if not (is_repeated and any(_are_alike(job, other) for other in jobs)):
                jobs.append(job)
                others = [parsed([f"seed={seed}"]) for seed in _other_seeds(job.request)]
                jobs += [composed(declared, (*_without_seed(overrides), *seed))[0] for seed in others]
        except ConfigError as error:
            faults += str(error).splitlines()
    if not faults:
        options = loader.get_group_options("model")
        jobs = parts.with_parts(jobs, options, lambda lines: composed("", as_texts(parsed(lines)))[0])
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    folders = [job.request.folder for job in jobs]
    twice = sorted({str(f) for f in folders if folders.count(f) > 1})
    if twice:
        raise ConfigError(
            f"Two variants have the same name, and so the same folder: {', '.join(twice)}. Ask for each once. "
            "Of several data sets each needs a name= of its own; a value that holds commas needs quotes within quotes: "
            "key='\"a, b\"'."
        )
    return jobs


def _other_seeds(request: Request) -> range:
    """Further seeds with which a variant is fitted; none for one that has no random choice."""
    is_the_same = str(request.card.get("family")) in SEEDLESS
    return range(request.seed + 1, request.seed + (1 if is_the_same else request.seeds))


def _without_seed(overrides: Sequence[Override]) -> tuple[Override, ...]:
    return tuple(override for override in overrides if override.key_or_group != "seed")


def _composed(
    master: DictConfig,
    loader: ConfigLoader,
    declared: str,
    of_declared: Sequence[str],
    overrides: Sequence[Override],
    shares: Sequence[str],
) -> tuple[Job, bool]:
    """Compose and check one variant; also return whether some of its overrides make no difference to it.

    Args:
        master: the composed config, Hydra's own part included.
        loader: composes the variant.
        declared: name of the variant in an experiment; empty for none.
        of_declared: its overrides there.
        overrides: all of its overrides.
        shares: overrides that give it a share of a total budget.
    """
    lines = (*(o.input_line or "" for o in overrides), *shares)
    composed = loader.load_sweep_config(master, list(lines))
    content = _containers(composed)
    unused = set(wiring.GROUPS) - set(wiring.used(read(content.get("model")), wiring.parts(content)))
    prompt = _prompt_of_kind(composed, overrides)
    if prompt and "prompt" not in unused:
        lines = (*lines, f"prompt={prompt}")
        composed = loader.load_sweep_config(master, list(lines))
    telling = [o for o in overrides if o.input_line not in of_declared and o.key_or_group.split(".")[0] not in unused]
    choices = composed.hydra.runtime.choices
    name = variant_name(telling, declared or str(master.hydra.runtime.choices.get("model")))
    lines = (*lines, f"variant='{name}'")
    with open_dict(composed):
        composed.variant = name
    chosen = {k: v for k, v in choices.items() if k.partition("/")[0] not in unused}
    plugins.refuse_shadowed([(s.provider, s.path) for s in loader.get_search_path().get_path()], chosen)
    folder = Path(str(OmegaConf.select(composed, "hydra.sweep.dir"))) / str(composed.variant)
    if not str(composed.name) or ".." in Path(str(composed.name)).parts or Path(str(composed.name)).is_absolute():
        raise ConfigError(f'name: "{composed.name}" is not the name of a folder in outputs.')
    for key in ("name", "variant"):
        if any(len(part.encode()) > LONGEST_PATH for part in Path(str(composed[key])).parts):
            raise ConfigError(f"{key}: it has more than {LONGEST_PATH} bytes: too long for the name of a folder.")
    with open_dict(composed):
        del composed["hydra"]
    told = tuple(o.input_line or "" for o in telling)
    job = Job(lines, validation.read(composed, folder), declared or str(choices.get("model")), told)
    return _with_fixed(job, overrides), len(telling) < len(overrides)


def _prompt_of_kind(composed: DictConfig, overrides: Sequence[Override]) -> str | None:
    """The prompt for the declared kind of task, unless one was chosen or belongs to the model."""
    is_chosen = any(override.key_or_group == "prompt" for override in overrides)
    if is_chosen or composed.hydra.runtime.choices.get("prompt") != wiring.PROMPT:
        return None
    return wiring.PROMPTS.get(str(OmegaConf.select(composed, "data.kind")))


def _with_fixed(job: Job, overrides: Sequence[Override]) -> Job:
    """Remove from the job's search the dimensions whose value is fixed by an override.

    Raises:
        ConfigError: ``search.space`` names such a dimension: it cannot be both.
    """
    request = job.request
    if request.search.sampler is None:
        return job
    declared = request.search.space or {}
    explicit = [override for override in overrides if not override.is_sweep_override()]
    fixed = [d.key for d in request.dimensions() if any(gives(override, d.key) for override in explicit)]
    both = [key for key in fixed if key in declared and not search_space.is_group(key)]
    if both:
        raise ConfigError(
            f"search.space: {', '.join(both)} is given a value and searched at once. Remove it from one of them."
        )
    fixed = [key for key in fixed if key not in declared]
    if not fixed:
        return job
    override = f"++search.fixed=[{','.join(fixed)}]"
    fewer = replace(request, search=replace(request.search, fixed=fixed))
    return replace(job, overrides=(*job.overrides, override), request=fewer)


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
        _check_decision(request, task)
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
    line = power.assume(metric, task.schema, rows, units, positives, challengers)
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


def _llm_use(request: Request) -> list[str]:
    """Describe the LLM requests of a variant, a sentence each; for one without any, nothing is imported or read."""
    if "llm" not in request.parts and not any("llm" in part.arguments for _, part in walk(request.metrics.graders)):
        return []
    from bakeoff.execution import plan

    return [f"{who}: asks the LLM {what}" for who, what in plan.project(request).items()]


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


def _are_alike(job: Job, other: Job) -> bool:
    return job.request.folder == other.request.folder and job.request == other.request


def _declared(variants: Mapping[str, Sequence[str]], arguments: Sequence[str]) -> list[str]:
    """Names of the variants an experiment declares; none if the command line chooses models itself."""
    chooses = any(a.lstrip("+").partition("=")[0] in ("model", "variant") for a in arguments)
    return [""] if chooses or not variants else list(variants)


def _containers(composed: DictConfig) -> dict[str, Any]:
    content = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(content, dict)
    return {str(k): v for k, v in content.items()}


def _shares(master: DictConfig, variants: int) -> list[str]:
    """Overrides that give each variant an equal share of the total budget, if there is one."""
    shares = []
    for key in spec.BUDGET:
        total, own = master.search.total[key], master.search[key]
        if total is not None:
            share = int(total // variants) if key == "trials" else total / variants
            if share == 0:
                raise ConfigError(f"search.total.{key}: {total} is too little for {variants} variants.")
            shares.append(f"search.{key}={share if own is None else min(own, share)}")
    return shares


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


def _check_incumbents(jobs: Sequence[Job]) -> None:
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


def _check_folders(jobs: Sequence[Job]) -> None:
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


def _check_tasks(jobs: Sequence[Job]) -> None:
    """Load each task once, and check that the metric and every model can serve it, before any fit."""
    if not jobs:
        return
    from bakeoff import search
    from bakeoff.execution import runner

    faults = []
    for job in sorted(jobs, key=lambda job: job.request.data_key):
        try:
            task = runner.load_task(job.request)
            _check_decision(job.request, task)
            business.build_valuer(job.request.business, task.schema)
            runner.make_model(job.request, task.schema)
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
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))


def _check_decision(request: Request, task: Task) -> None:
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


def _no_other(request: Request) -> Callable[[Mapping[str, str]], Request]:
    """Return the request unchanged: for a search that is prepared here and run elsewhere."""
    return lambda choices: request


def _is_of_other_data(request: Request, task: Task) -> bool:
    """Return whether the folder holds a finished run on other data, whose trials are obsolete."""
    if not (request.folder / record.RESULT).is_file():
        return False
    run = record.read_run(request.folder)
    return run.status == "ok" and run.fingerprint != task.fingerprint


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
