"""Search: tune each variant in its own study, on development rows only, with the same budget as the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from bakeoff import environment
from bakeoff.compare import decision
from bakeoff.config import component, components
from bakeoff.config.component import Component
from bakeoff.metrics.bounds import read_bounds
from bakeoff.models.base import Model
from bakeoff.request.spec import Request
from bakeoff.search import evaluation, study, tuning
from bakeoff.search.tuning import Best, Compose, Search, SearchFailed
from bakeoff.task import Development

__all__ = ["Best", "Compose", "Search", "SearchFailed", "build_search", "forget"]


def build_search(
    request: Request,
    development: Development,
    fingerprint: str,
    build: Callable[[Request], Model],
    compose: Compose,
    announce: Callable[[str], None] = lambda doing: None,
) -> Search:
    """Build the search of a request.

    Args:
        request: with a sampler.
        development: the rows the search may use; the test rows are not reachable from here.
        fingerprint: of the task.
        build: makes the unfitted model of a request.
        compose: composes the request anew for other choices of config groups.
        announce: called with a line of progress after each trial.

    Raises:
        ConfigError: the objectives, the constraints or the space cannot serve this task.
    """
    settings = request.search
    schema = development.schema
    deciding = decision.deciding_metric(request.decision.metric, schema).name
    objectives = [evaluation.objective(name) for name in settings.objectives or [deciding]]
    bounds = {c.metric: c.violation for c in read_bounds(settings.constraints, "search.constraints")}
    judged = evaluation.Evaluation(
        schema=schema,
        folds=evaluation.folds(development, settings.validation, request.seed),
        objectives=objectives,
        decision_metric=deciding,
        bounds=bounds,
        build=build,
        seed=request.seed,
        threads=settings.threads or max(1, environment.cores() // settings.workers),
        corpus=development.corpus,
        max_unanswered=request.decision.max_unanswered,
    )
    return Search(
        request=request,
        evaluation=judged,
        settings=settings,
        name=study_name(request),
        digest=tuning.digest(request.identity, fingerprint),
        compose=compose,
        announce=announce,
        sampler=lambda seed: _of_optuna(component.updated(settings.sampler, ["seed"], seed), "search.sampler"),
        pruner=_of_optuna(settings.pruner, "search.pruner"),
    )


def _of_optuna(chosen: Component, where: str) -> Any:
    """Build a sampler or pruner, without Optuna's warning about experimental ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return components.instantiate(chosen, where, where)


def forget(request: Request) -> None:
    """Delete the study of a request, with all its trials."""
    study.delete_study(request.folder, study_name(request), request.search.storage)


def study_name(request: Request) -> str:
    """Build a study name that is unique in a database shared by many bake-offs."""
    return f"{request.name}/{request.variant}"
