"""Projection of a variant's LLM requests and their cost, before any is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bakeoff import environment
from bakeoff.config import components
from bakeoff.config.settings import SearchSettings
from bakeoff.execution import answers, runner
from bakeoff.grading.base import GradesByLLM
from bakeoff.llm import tokens
from bakeoff.llm.base import RequestEstimate
from bakeoff.models.base import Context, Model
from bakeoff.models.tabular.estimator import adapt
from bakeoff.request.spec import Request
from bakeoff.search.evaluation import folds
from bakeoff.task import Examples, Task


@dataclass(frozen=True)
class Projection:
    """Projected LLM requests, an upper bound: cached responses are replayed instead.

    Attributes:
        calls: for the test rows, and for all trials of a search that sets their number.
        input_tokens: estimated from the prompts' length.
        output_tokens: the most that the answers may take.
        cost_usd: of these tokens; NaN where the price is not known.
        trials: of the search; None where it is limited by other things, and the figures are of one trial.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    trials: int | None = 0

    def __str__(self) -> str:
        """For a person."""
        price = "free of charge" if self.cost_usd == 0 else f"at most about ${self.cost_usd:,.2f}"
        price = "unknown price, set llm.price" if math.isnan(self.cost_usd) else price
        each = ", for the test rows and one trial" if self.trials is None else ""
        return (
            f"up to {self.calls:,} calls, about {self.input_tokens:,} tokens in, at most {self.output_tokens:,} out, "
            f"{price}{each}"
        )


def project(request: Request, sealed: bool = False) -> dict[str, Projection]:
    """Project the LLM requests of a variant: of ``model`` and of each grader by name. Empty if there are none.

    Args:
        request: the variant.
        sealed: project those of ``bakeoff confirm``, which predicts the sealed rows and fits nothing.

    It reads the data where there is something to ask, and asks, embeds and indexes nothing.

    Raises:
        ConfigError, DataError, AssetError: the request cannot be served.
    """
    graders = {name for name, node in (request.metrics.graders or {}).items() if "llm" in node.arguments}
    if "llm" not in request.parts and not graders:
        return {}
    task = runner.load_task(request)
    if sealed:
        if task.sealed is None:
            return {}
        task = replace(task, test=task.sealed)
        request = replace(request, search=SearchSettings(), record_validation=False)
    test, _ = answers.asked(task, request.test_rows)
    projections = {}
    model = adapt(components.instantiate(request.assembled_model, "model", "model"))
    if (projected := _of_model(model, test, task, request)).calls:
        projections["model"] = projected
    for name, grader in runner.make_graders(request, task.schema).items():
        if isinstance(grader, GradesByLLM):
            projections[name] = _projection([RequestEstimate(grader.llm, grader.estimate_requests(test.X, test.y))])
    return projections


def _of_model(model: Model, test: Examples, task: Task, request: Request) -> Projection:
    development = task.development
    context = Context(task.schema, request.seed, environment.cores(), corpus=development.corpus)
    estimates = model.estimate_requests(development.examples, test.X, context)
    if request.record_validation and len(development.valid):
        rows = development.valid.X.iloc[: request.test_rows]
        estimates = [*estimates, *model.estimate_requests(development.train, rows, context)]
    if not request.is_tuned:
        return _projection(estimates)
    one = [
        estimate
        for fold in folds(development, request.search.validation, request.seed)
        for estimate in model.estimate_requests(fold.train, fold.valid.X, context)
    ]
    trials = request.search.trials
    return _projection(estimates + one * (trials or 1), trials)


def _projection(estimates: Sequence[RequestEstimate], trials: int | None = 0) -> Projection:
    calls, input_tokens, output_tokens, cost_usd = 0, 0, 0, 0.0
    for estimate in estimates:
        prompts = sum(map(tokens.of_request, estimate.requests))
        answers = sum(request.max_tokens for request in estimate.requests)
        calls, input_tokens, output_tokens = (
            calls + len(estimate.requests),
            input_tokens + prompts,
            output_tokens + answers,
        )
        cost_usd += estimate.llm.cost(prompts, answers)
    return Projection(calls, input_tokens, output_tokens, cost_usd, trials)
