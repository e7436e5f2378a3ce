"""What a variant will ask of its LLM, and what that will cost: before it asks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff import config, environment, parts, runner
from bakeoff.llm.base import Ask
from bakeoff.models.base import AsksLLM, Context
from bakeoff.request import Request
from bakeoff.search.evaluation import folds

CHARACTERS_PER_TOKEN = 4
"""Of English, roughly, whatever the tokenizer (OpenAI, "What are tokens and how to count them?")."""


@dataclass(frozen=True)
class Projection:
    """Requests to an LLM; answers that are replayed from the cache make them fewer.

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
        price = "unknown price, set llm.price" if math.isnan(self.cost_usd) else f"at most about ${self.cost_usd:,.2f}"
        each = ", for the test rows and one trial" if self.trials is None else ""
        return (
            f"up to {self.calls:,} calls, about {self.input_tokens:,} tokens in, at most {self.output_tokens:,} out, "
            f"{price}{each}"
        )


def of(request: Request) -> Projection | None:
    """The projection for a variant, None where it asks no LLM. Reads the data; asks, embeds and indexes nothing.

    Raises:
        ConfigError, DataError, AssetError: the request cannot be served.
    """
    if "llm" not in request.parts:
        return None
    model = config.instantiate(parts.assembled(request.content["model"], request.content), "model")
    if not isinstance(model, AsksLLM):
        return None
    task = runner.load_task(request)
    development = task.development
    context = Context(task.schema, request.seed, environment.cores(), corpus=development.corpus)
    test, _ = runner.asked(task, request.content.get("test_rows"))
    asks = model.planned(development.examples, test.X, context)
    trials: int | None = 0
    if request.is_tuned:
        trials = request.search.trials
        one = [
            ask
            for fold in folds(development, request.search.validation, request.seed)
            for ask in model.planned(fold.train, fold.valid.X, context)
        ]
        asks = asks + one * (trials or 1)
    read, written = _tokens(asks)
    return Projection(len(asks), read, written, model.llm.cost(read, written), trials)


def _tokens(asks: Sequence[Ask]) -> tuple[int, int]:
    """Tokens in, about, and out, at most."""
    read = sum(len(message.content) for ask in asks for message in ask.messages) // CHARACTERS_PER_TOKEN
    return read, sum(ask.max_tokens for ask in asks)
