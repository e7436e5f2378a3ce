"""Checks of a request that need neither data nor imports of its components."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from bakeoff import metrics, secrets
from bakeoff.config import cards, component, components, consent, search_space, wiring
from bakeoff.config.component import Component
from bakeoff.config.search_space import Dimension
from bakeoff.config.settings import SearchSettings, check_seed, plain, references
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.request.spec import BUDGET, ROLES, Request

REPORTS = ("html", "none")
MOST_SEEDS = 100
SPLITTER = "data.split.splitter"


def read(cfg: DictConfig, folder: Path) -> Request:
    """Read a composed config (without Hydra's own part) as a request for the run folder, and check it.

    Raises:
        ConfigError: with all faults, one a line.
    """
    return check(composed(cfg, folder))


def check(request: Request) -> Request:
    """Check every component and setting of a request, composed just now or recorded, perhaps by somebody else.

    Returns:
        The request.

    Raises:
        ConfigError: with all faults, one a line.
    """
    faults: list[str] = []
    for check_one in (
        _check_data,
        _check_model,
        _check_metrics,
        _check_decision,
        _check_search,
        _check_tracker,
        _check_cost,
        _check_business,
    ):
        try:
            check_one(request)
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    return request


def composed(cfg: DictConfig, folder: Path) -> Request:
    """The request of a composed config; its references to environment variables are resolved, and remembered."""
    content = plain(cfg)
    found = references(cfg, content)  # before other secrets are learnt: what may stand as a reference does
    secrets.learn(content)
    digests = {name: digest for reference in found for name, digest in reference.digests.items()}
    return replace(settled(content, folder), references=found, referenced=digests or None)


def settled(content: dict[str, Any], folder: Path) -> Request:
    """The request of a resolved config: graders get the parts they take, and parts that nothing takes are left out."""
    request = Request.from_config(content, folder)
    graders = wiring.assembled(request.metrics.graders, request.parts)
    parts = wiring.used_parts(request.model, request.parts)
    return replace(request, metrics=replace(request.metrics, graders=graders), parts=parts)


def _check_data(request: Request) -> None:
    components.check_component(request.source, "data", also=ROLES, slot="data")
    if request.data.split.splitter is not None:
        components.check_component(request.data.split.splitter, SPLITTER, slot=SPLITTER)
    if request.data.metric:
        metrics.asked(request.data.metric, "data.metric")


def _check_model(request: Request) -> None:
    for group, part in request.components.items():
        components.check_component(part, group, parts=request.parts, slot=group)
    for where, part in component.walk(request.components):
        cards.Card.from_config(part.card, f"{where}.card")
    check_seed(request.seed, "seed")
    if not 1 <= request.seeds <= MOST_SEEDS:
        raise ConfigError(f"seeds: {request.seeds} is no number of fits. Give 1 to {MOST_SEEDS}; the usual one is 5.")
    if request.test_rows is not None and request.test_rows < 1:
        raise ConfigError(f"test_rows: {request.test_rows} is less than 1.")
    if request.report not in REPORTS:
        near = did_you_mean(request.report, REPORTS)
        raise ConfigError(f"report: there is no report {request.report!r}. Allowed: {', '.join(REPORTS)}.{near}")


def _check_metrics(request: Request) -> None:
    for name in request.metrics.names or ():
        metrics.asked(name, "metrics.names")
    for name, grader in (request.metrics.graders or {}).items():
        components.check_component(grader, f"metrics.graders.{name}", slot="metrics.graders")


def _check_decision(request: Request) -> None:
    if request.decision.metric:
        metrics.asked(request.decision.metric, "decision.metric")
    if request.decision.rule is not None:
        components.check_component(request.decision.rule, "decision.rule", slot="decision.rule")


def _check_search(request: Request) -> None:
    settings = request.search
    if settings.sampler is None:
        return
    consent.check_storage(settings.storage, request.bakeoff)
    components.check_component(settings.sampler, "search.sampler", slot="search.sampler")
    if settings.pruner is None:
        raise ConfigError("search.pruner: a search needs one. To prune nothing: search/pruner=none")
    components.check_component(settings.pruner, "search.pruner", slot="search.pruner")
    if _is_sampler(settings, "GPSampler") and find_spec("torch") is None:
        raise ConfigError('search.sampler: GPSampler needs torch. Install it: pip install "bakeoff[gp]"')
    for name in settings.objectives or ():
        if name not in metrics.MEASUREMENTS:
            metrics.asked(name, "search.objectives")
    _check_budget(settings)
    _check_racing(request)
    for dimension in request.dimensions():
        _check_dimension(dimension, request)


def _check_tracker(request: Request) -> None:
    if request.tracker:
        components.check_component(request.tracker, "tracker", slot="tracker")
        components.instantiate(request.tracker, "tracker", "tracker")


def _check_cost(request: Request) -> None:
    if request.cost:
        components.check_component(request.cost, "cost", slot="cost")
        if request.cost.arguments.get("prices_of") is not None:
            raise ConfigError(
                "cost.prices_of: a run pays the prices of today. Those of another day are for finished runs: "
                f"bakeoff compare {request.bakeoff} cost.prices_of={request.cost.arguments['prices_of']}"
            )
        model = components.instantiate(request.cost, "cost", "cost")
        if not callable(getattr(model, "dollars", None)):
            raise ConfigError(f'cost: {type(model).__name__} has no method "dollars". See bakeoff.cost.CostModel.')


def _check_business(request: Request) -> None:
    if request.business:
        components.check_component(request.business, "business", slot="business")
        components.instantiate(request.business, "business", "business")


def _check_budget(settings: SearchSettings) -> None:
    budgets = {key: getattr(settings, key) for key in BUDGET}
    for key, budget in budgets.items():
        if budget is not None and budget <= 0:
            raise ConfigError(f"search.{key}: {budget} is no budget. Give more than 0.")
    is_raced = settings.racing is not None and any(getattr(settings.total, key) for key in BUDGET)
    if not any(budgets.values()) and not is_raced and not _is_sampler(settings, "BruteForceSampler"):
        raise ConfigError("search: it would never end. Give search.trials, search.seconds or search.dollars.")
    for key in ("workers", "threads", "validation.rows"):
        count = attrgetter(key)(settings)
        if count is not None and count < 1:
            raise ConfigError(f"search.{key}: {count} is less than 1.")


def _check_racing(request: Request) -> None:
    """Refuse a race without rounds or without a budget to race for, and a race among seeds of one variant."""
    settings = request.search
    if settings.racing is None:
        return
    if settings.racing < 2:
        raise ConfigError(
            f"search.racing: a race has 2 rounds or more, and {settings.racing} is given. The usual is 3."
        )
    totals = {key: getattr(settings.total, key) for key in BUDGET}
    for key, total in totals.items():
        if total is not None and total <= 0:
            raise ConfigError(f"search.total.{key}: {total} is no budget. Give more than 0.")
    if not any(totals.values()):
        raise ConfigError("search.racing: there is no budget to race for. Add search.total.seconds=60.")
    of_model = (request.model.search_budget or {}).get("trials")
    is_own = settings.lasted is None and of_model is None  # neither given by the race nor declared by the model
    if is_own and settings.trials is not None and settings.trials < (settings.total.trials or math.inf):
        raise ConfigError(
            f"search.trials: {settings.trials} for each variant would end its search before the race has spent "
            "search.total. Add search.trials=null."
        )
    if request.seeds > 1:
        raise ConfigError(
            "search.racing: seeds of one variant must be searched alike, and a race gives them unequal budgets. "
            "Leave out search.racing, or seeds."
        )


def _check_dimension(dimension: Dimension, request: Request) -> None:
    """Refuse values that the component cannot take, and more values than can all be tried."""
    if _is_sampler(request.search, "BruteForceSampler") and search_space.is_continuous(dimension):
        raise ConfigError(
            f"{dimension.key}: {dimension.sweep} has no end of values, and search=grid tries them all. "
            f"Give some, {dimension.key}=a,b,c or range(start, end, step), or choose search=tpe."
        )
    group = dimension.key.partition(".")[0]
    if search_space.is_group(dimension.key):
        return
    for value in search_space.examples(dimension):
        changed = request.updated({dimension.key: value})
        components.check_component(changed.components[group], group, parts=changed.parts, slot=group)


def _is_sampler(settings: SearchSettings, name: str) -> bool:
    return isinstance(settings.sampler, Component) and settings.sampler.target.endswith(name)
