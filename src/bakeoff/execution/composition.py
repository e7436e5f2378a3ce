"""Composition of variants: from overrides to checked jobs, all faults of all variants reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from bakeoff import plugins
from bakeoff.config import search_space, wiring
from bakeoff.config.component import read
from bakeoff.config.parsed_once import parse_once
from bakeoff.errors import ConfigError
from bakeoff.execution import parts
from bakeoff.execution.launch import Job
from bakeoff.execution.overrides import as_texts, expand, gives, parsed, variant_name
from bakeoff.request import spec, validation
from bakeoff.request.spec import Request

LONGEST_PATH = 200  # bytes of a folder's name; most file systems take 255
SEEDLESS = ("rules", "retrieval", "llm", "rag", "decision")
"""Families whose predictions do not depend on the seed: another one would cost a run, and say the same."""


def jobs(
    master: DictConfig,
    loader: ConfigLoader,
    params: Mapping[str, str],
    arguments: Sequence[str],
    variants: Mapping[str, Sequence[str]],
) -> list[Job]:
    """Compose and check the requested variants.

    Args:
        master: the composed config, Hydra's own part included.
        loader: composes the variants.
        params: sweeps that an experiment declares, key → values.
        arguments: overrides.
        variants: variants that an experiment declares, name → overrides.

    Raises:
        ConfigError: the faults of all variants, a line each.
    """
    checked: list[Job] = []
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
    # Each further seed is searched as well; of families without a random choice, its share stays unspent.
    seeds = int(OmegaConf.select(master, "seeds") or 1)
    shares = _shares(master, len(combinations) * seeds) if is_tuned else ()
    swept = parts.SweptModels(loader, [overrides for _, overrides in combinations])

    def composed(declared: str, overrides: Sequence[Override]) -> tuple[Job, bool]:
        """A job, and whether some of its overrides make no difference to it."""
        return _composed(master, loader, declared, variants.get(declared, ()), swept.taken(overrides), shares)

    for declared, overrides in combinations:
        try:
            job, is_partly_used = composed(declared, overrides)
            # Values of a part that a variant does not take make no other variant.
            is_repeated = is_partly_used or len(swept.taken(overrides)) < len(overrides)
            if not (is_repeated and any(_are_alike(job, other) for other in checked)):
                checked.append(job)
                others = [parsed([f"seed={seed}"]) for seed in _other_seeds(job.request)]
                checked += [composed(declared, (*_without_seed(overrides), *seed))[0] for seed in others]
        except ConfigError as error:
            faults += str(error).splitlines()
    if not faults:
        options = loader.get_group_options("model")
        checked = parts.with_parts(checked, options, lambda lines: composed("", as_texts(parsed(lines)))[0])
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    folders = [job.request.folder for job in checked]
    twice = sorted({str(f) for f in folders if folders.count(f) > 1})
    if twice:
        raise ConfigError(
            f"Two variants have the same name, and so the same folder: {', '.join(twice)}. Ask for each once. "
            "Of several data sets each needs a name= of its own; a value that holds commas needs quotes within quotes: "
            "key='\"a, b\"'."
        )
    return checked


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
    telling_lines = tuple(o.input_line or "" for o in telling)
    job = Job(lines, validation.read(composed, folder), declared or str(choices.get("model")), telling_lines)
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
    """Overrides that give each variant an equal share of the total budget, if there is one that is not raced for."""
    shares: list[str] = []
    if master.search.racing is not None:
        return shares
    for key in spec.BUDGET:
        total, own = master.search.total[key], master.search[key]
        if total is not None:
            share = int(total // variants) if key == "trials" else total / variants
            if share == 0:
                raise ConfigError(f"search.total.{key}: {total} is too little for {variants} variants.")
            shares.append(f"search.{key}={share if own is None else min(own, share)}")
    return shares
