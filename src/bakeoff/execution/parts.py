"""Parts of solutions in a sweep: found among the variants or added to them, and run before what is made of them."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from bakeoff import advice, record
from bakeoff.advice import hydra_value
from bakeoff.errors import ConfigError, VariantsFailed, did_you_mean
from bakeoff.execution import launch, solving
from bakeoff.execution.finished import ONLY_VALIDATION
from bakeoff.execution.launch import Job
from bakeoff.request import spec
from bakeoff.solutions.base import HUMAN

PARTS = "parts"
"""Key of an option of ``model`` that is a solution."""
MODEL = "model"
OF_SOLUTIONS = frozenset({PARTS, "teacher", "base"})
"""Keys by which an option of ``model`` is a model made of models."""


class SweptModels:
    """The options of ``model`` in a sweep: an override such as ``model.stages`` is meant for the solutions among them.

    Args:
        loader: of the configs.
        combinations: overrides of every variant.
    """

    def __init__(self, loader: ConfigLoader, combinations: Sequence[Sequence[Override]]) -> None:
        self._loader = loader
        options = {_option(overrides) for overrides in combinations}
        self._keys = {option: self._keys_of(option) for option in options if option} if len(options) > 1 else {}
        self._of_solutions = {key for keys in self._keys.values() if OF_SOLUTIONS & keys for key in keys}
        self._of_any = {key for keys in self._keys.values() for key in keys}

    def _keys_of(self, option: str) -> frozenset[str]:
        result = self._loader.repository.load_config(f"{MODEL}/{option}")  # type: ignore[attr-defined]
        config = result.config if result is not None else None
        return frozenset(map(str, config)) if isinstance(config, DictConfig) else frozenset()

    def taken(self, overrides: Sequence[Override]) -> tuple[Override, ...]:
        """The overrides without those of a solution's keys for another model, and of another model's for a solution.

        A key that no model of the sweep has stays: it is misspelt, which a check of the variant says.
        """
        keys = self._keys.get(_option(overrides))
        if keys is None:
            return tuple(overrides)
        foreign = (self._of_any if OF_SOLUTIONS & keys else self._of_solutions) - keys
        return tuple(override for override in overrides if _model_key(override) not in foreign)


def _option(overrides: Sequence[Override]) -> str:
    chosen = [
        o.get_value_element_as_str().strip("'\"") for o in overrides if o.key_or_group == MODEL and o.package is None
    ]
    return chosen[-1] if chosen else ""


def _model_key(override: Override) -> str:
    """The key of the model that an override sets to a value or an option or, by ``search.space``, searches."""
    key, value = override.package or override.key_or_group, override.value()
    if key == "search.space" and isinstance(value, Mapping) and len(value) == 1:
        key = str(next(iter(value)))
    group, _, rest = key.partition(".")
    return rest.split(".")[0] if group == MODEL else ""


def with_parts(jobs: Sequence[Job], options: Sequence[str], compose: Callable[[Sequence[str]], Job]) -> list[Job]:
    """The jobs with those of the parts that are not among them, each solution with the names of its parts.

    A part is the variant of that name, or else the variant of that option of ``model`` that is told from others as the
    solution is (by ``seed=1``, say), or else such a variant is added. Parts from which a solution learns predict their
    validation rows.

    Args:
        jobs: the requested variants.
        options: of the group ``model``.
        compose: composes a variant from its overrides.

    Raises:
        ConfigError: a part is neither a variant nor an option, or several variants; or a solution is part of itself.
    """
    found = list(jobs)
    faults: list[str] = []
    position = 0
    while position < len(found):  # parts that are added may be solutions themselves
        job = found[position]
        position += 1
        try:
            found = _with_parts_of(job, found, options, compose)
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    ordered(found)
    return found


def _with_parts_of(
    job: Job, jobs: list[Job], options: Sequence[str], compose: Callable[[Sequence[str]], Job]
) -> list[Job]:
    possible = solving.structures(job.request)
    if not possible:
        return jobs
    if any(solution.asks_people for solution in possible):
        _refuse_variant_named_human(job, jobs)
    named: dict[str, str] = {}
    found = list(jobs)
    needs_validation = any(solution.learns for solution in possible) or job.request.is_tuned
    for name, wanted in {n: variant for solution in possible for n, variant in solution.variants.items()}.items():
        if wanted != Path(wanted).name:
            raise ConfigError(f'model.parts.{name}: "{wanted}" is not the name of a variant.')
        part = _among(wanted, job, found)
        if part is None and not _is_kept(wanted, job, needs_validation=needs_validation):
            if wanted not in options:
                raise _unknown(wanted, job, found, options)
            part = compose(_lines_of_part(wanted, job))
            _refuse_twin_of_kept_solution(wanted, part, job)
            twin = next((other for other in found if other.request.folder == part.request.folder), None)
            if twin is job:
                raise ConfigError(f"{job.request.variant}: a solution cannot be part of itself.")
            if twin is None:
                found.append(part)
            else:
                part = twin
        named[name] = wanted if part is None else part.request.variant
        if part is not None and needs_validation and not part.request.record_validation:
            found[found.index(part)] = replace(
                part,
                overrides=(*part.overrides, "record_validation=true"),
                request=replace(part.request, record_validation=True),
            )
    renamed = {name: variant for name, variant in named.items() if variant != name}
    known = dict(job.request.model.arguments.get(PARTS) or {})
    if any(known.get(name) != variant for name, variant in renamed.items()):
        line = "++model.parts={" + ",".join(f"{k}:{hydra_value(str(v))}" for k, v in renamed.items()) + "}"
        arguments = {**job.request.model.arguments, PARTS: {**known, **renamed}}
        model = replace(job.request.model, arguments=arguments)
        updated = replace(job, overrides=(*job.overrides, line), request=replace(job.request, model=model))
    else:
        updated = job
    found[found.index(job)] = replace(updated, parts=tuple(named.values()))
    return found


def _refuse_variant_named_human(job: Job, jobs: Sequence[Job]) -> None:
    """Raise ``ConfigError`` where the last stage of a cascade may be meant as a person or as a variant."""
    folder = job.request.bakeoff
    is_variant = any(other.request.variant == HUMAN and other.request.bakeoff == folder for other in jobs)
    if is_variant or (folder / HUMAN / record.RESULT).is_file():
        raise ConfigError(
            f'{job.request.variant}: its stage "{HUMAN}" is a person, and a variant of this bake-off has that name. '
            "Give the variant another name."
        )


def _refuse_twin_of_kept_solution(name: str, part: Job, job: Job) -> None:
    """Raise ``ConfigError`` where a part would be added as its option declares it beside a kept one made otherwise."""
    if not solving.structures(part.request):
        return
    pattern = f"{glob.escape(name)}-*/{record.RESULT}"
    variants = sorted(path.parent.name for path in job.request.bakeoff.glob(pattern))
    if variants and not (job.request.bakeoff / name / record.RESULT).is_file():
        raise ConfigError(
            f"{job.request.variant}: its part {name} would be a new variant, as the option of model declares it, and "
            f"this bake-off holds {', '.join(variants)}. Name the one that is meant: "
            f"{advice.override(f'++model.parts.{name}', variants[0])}"
        )


def _among(name: str, job: Job, jobs: Sequence[Job]) -> Job | None:
    """The job that is meant by the name of a part. Raises ``ConfigError`` where several are."""
    beside = [other for other in jobs if other.request.bakeoff == job.request.bakeoff and other is not job]
    exact = [other for other in beside if other.request.variant == name]
    if exact:
        return exact[0]
    shared = _distinguishing(job)
    alike = [other for other in beside if other.called == name and shared <= set(other.overrides)]
    if len(alike) > 1:
        names = ", ".join(other.request.variant for other in alike)
        raise ConfigError(
            f"{job.request.variant}: {name} can be any of the variants {names}. Name the one that is meant, or give "
            f"model.parts.{name}=…"
        )
    return alike[0] if alike else None


def _is_kept(name: str, job: Job, needs_validation: bool) -> bool:
    """Return whether an earlier command left a finished run of that name that serves as it is."""
    if _distinguishing(job):
        return False  # a variant of its own, such as seed=1, is meant
    folder = job.request.bakeoff / name
    if not (folder / record.RESULT).is_file() or record.read_run(folder).status != "ok":
        return False
    return not needs_validation or (folder / record.VALIDATION).is_file()


def _distinguishing(job: Job) -> set[str]:
    """Overrides that distinguish a solution from others by more than its own keys, such as ``seed=1``."""
    keys = {line: line.lstrip("+~").partition("=")[0].split(".")[0].split("/")[0] for line in job.told}
    return {line for line, key in keys.items() if spec.is_named(key) and key not in (MODEL, "variant")}


def _lines_of_part(option: str, job: Job) -> list[str]:
    """Overrides of a part that is added: those of the solution, but for its model; what is finished is kept."""
    own = ("variant", MODEL, "search.fixed", "resume")
    lines = [
        line for line in job.overrides
        if not (key := line.lstrip("+~").partition("=")[0]).startswith(f"{MODEL}.") and key not in own
        and not (key == "search.space" and f"{MODEL}." in line)
    ]  # fmt: skip
    return [f"{MODEL}={option}", *lines]


def _unknown(name: str, job: Job, jobs: Sequence[Job], options: Sequence[str]) -> ConfigError:
    beside = [other.request.variant for other in jobs if other is not job]
    there = sorted(path.parent.name for path in job.request.bakeoff.glob(f"*/{record.RESULT}"))
    variants = list(dict.fromkeys([*beside, *there]))
    hint = did_you_mean(name, [*variants, *options])
    if name in there:
        return ConfigError(
            f"{job.request.variant}: {name} has no predictions of validation rows to learn from, and is no option of "
            "model. Run it again in the same command, with record_validation=true."
        )
    return ConfigError(
        f'{job.request.variant}: its part "{name}" is neither a variant of this bake-off '
        f"({', '.join(variants) or 'none'}) nor an option of model.{hint}"
    )


def ordered(jobs: Sequence[Job]) -> list[Job]:
    """The jobs such that parts come before what is made of them. Raises ``ConfigError`` where that cannot be."""
    return [job for level in _levels(jobs) for job in level]


def _levels(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs in batches: those of a batch are made of none but earlier ones."""
    waiting, levels = list(jobs), []
    while waiting:
        unfinished = {(job.request.bakeoff, job.request.variant) for job in waiting}
        level = [job for job in waiting if not any((job.request.bakeoff, part) in unfinished for part in job.parts)]
        if not level:
            names = ", ".join(job.request.variant for job in waiting)
            raise ConfigError(f"model.parts: {names} are made of each other. A solution cannot be part of itself.")
        levels.append(level)
        waiting = [job for job in waiting if job not in level]
    return levels


def launch_in_order(launcher: Launcher, jobs: Sequence[Job]) -> None:
    """Launch the jobs, parts before what is made of them; a launch that fails does not keep the others from running.

    Raises:
        VariantsFailed: the launcher lost some jobs.
    """
    failures = []
    for level in _levels(jobs):
        try:
            launch.run(launcher, level)
        except VariantsFailed as failure:
            failures.append(str(failure))
    if failures:
        raise VariantsFailed("\n".join(failures))


def reason_to_run(job: Job, jobs: Sequence[Job], reasons: Mapping[Path, Any]) -> str | None:
    """Reason why a finished solution is made anew: one of its parts runs, or has run since; None: it is kept.

    Args:
        job: whose run is finished.
        jobs: all jobs.
        reasons: run folder → why a variant runs; None for one that is kept.
    """
    if not job.parts:
        return None
    for part in job.parts:
        reason = reasons.get(job.request.bakeoff / part)
        if reason is not None and ONLY_VALIDATION not in reason:
            return f"{job.request.variant}: its part {part} runs, so it is made anew."
    known = record.read_run(job.request.folder).details.get(PARTS) or {}
    started = {str(part.get("variant")): part.get("started") for part in known.values()}
    for part in job.parts:
        folder = job.request.bakeoff / part
        if (folder / record.RESULT).is_file() and record.read_run(folder).started != started.get(part):
            return f"{job.request.variant}: its part {part} ran again since, so it is made anew."
    return None
