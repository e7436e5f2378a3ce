"""Cost models: price each prediction in US dollars, for a rule and a language model alike.

The price of a run is not part of its record: it is computed from the recorded usage and seconds whenever it is shown,
so a change of prices needs no new run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from bakeoff.config import components
from bakeoff.config.component import Component
from bakeoff.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable


@dataclass(frozen=True)
class RunSeconds:
    """Seconds that a run took, and that its cost model prices.

    Attributes:
        fit: seconds of search and fit, of a solution those of its parts too; 0 if the model was fitted before.
        per_prediction: seconds per prediction when all rows are predicted together.
        search_usd: price of the requests of the search, and of those that the parts of a solution learned from, in US
            dollars.
    """

    fit: float
    per_prediction: float
    search_usd: float = 0.0


class CostModel(Protocol):
    """Prices each prediction. Parameters go to the constructor and nowhere else."""

    def dollars(self, table: PredictionTable, run_seconds: RunSeconds) -> NDArray[np.float64]:
        """Price each prediction in US dollars, shape (n,); NaN where unknown.

        Args:
            table: all n predictions of a run.
            run_seconds: seconds that the run took.
        """


@dataclass(frozen=True)
class TimeAndRequests:
    """Seconds at the price of the machine, requests at the price of their tokens, and a share of search and fit.

    The machine is paid while it waits for a remote language model.
    Where each prediction was timed, the total time is shared among them in proportion.

    Args:
        usd_per_hour: of the machine, in US dollars.
        answers_per_fit: number of predictions over which the cost of a fit is spread; None: not counted.
    """

    usd_per_hour: float = 0.10
    answers_per_fit: float | None = 100_000

    def __post_init__(self) -> None:
        """Validate the parameters."""
        if not (math.isfinite(self.usd_per_hour) and self.usd_per_hour >= 0):
            raise ValueError(f"usd_per_hour: {self.usd_per_hour} is no price. Give 0 or more.")
        if self.answers_per_fit is not None and not self.answers_per_fit > 0:
            raise ValueError(f"answers_per_fit: {self.answers_per_fit} is not above 0. Give null to leave fits out.")

    def dollars(self, table: PredictionTable, run_seconds: RunSeconds) -> NDArray[np.float64]:
        """Price each prediction; NaN where the price of a request is unknown."""
        import numpy as np

        seconds = machine_seconds(table, run_seconds.per_prediction)
        if self.answers_per_fit is not None:
            seconds = seconds + run_seconds.fit / self.answers_per_fit
        dollars = seconds * self.usd_per_hour / 3600 + table.predictions.usage.cost_usd
        if self.answers_per_fit is not None:
            dollars = dollars + run_seconds.search_usd / self.answers_per_fit
        people = table.predictions.human_usd
        return np.asarray(dollars if people is None else dollars + people)


def machine_seconds(table: PredictionTable, per_prediction: float) -> NDArray[np.float64]:
    """Machine time of each prediction when all rows are predicted together, shape (n,).

    Args:
        table: n predictions.
        per_prediction: mean seconds per prediction, shared in proportion to the seconds of each where all were timed;
            not used where the predictions know better, as those of a solution do.
    """
    import numpy as np

    known = table.predictions.machine_seconds
    if known is not None:
        return known
    if len(table) and np.isfinite(table.seconds).all() and table.seconds.sum() > 0:
        return np.asarray(table.seconds / table.seconds.mean() * per_prediction)
    return np.full(len(table), per_prediction)


PARTS = "parts"
"""Key of the parts of a solution, among the details of its run."""
PARTS_SECONDS = "parts"
"""Key of the seconds that the parts of a solution took to learn, among the steps of its run."""


def run_seconds(
    seconds: Mapping[str, float],
    search: Mapping[str, Any] | None,
    rows_per_s: float,
    details: Mapping[str, Any] | None = None,
) -> RunSeconds:
    """Seconds and dollars of a run: its steps, the trials of its search, its parts, and its predictions per second.

    Args:
        seconds: step → seconds spent on it.
        search: summary of the search; None without one.
        rows_per_s: predictions per second.
        details: of the run; those of a solution say what its parts paid for requests to learn from.
    """
    searching = float(search["seconds"]) if search else 0.0
    paid = float(search.get("spent_usd") or 0.0) if search else 0.0
    parts: Mapping[str, Mapping[str, Any]] = (details or {}).get(PARTS) or {}
    learned = [part.get("learning_usd", 0.0) for part in parts.values()]
    paid += sum(math.nan if usd is None else float(usd) for usd in learned)  # a price that is not known is null
    return RunSeconds(searching + seconds.get("fit", 0.0) + seconds.get(PARTS_SECONDS, 0.0), 1 / rows_per_s, paid)


def priced(
    table: PredictionTable, node: Component | Mapping[str, Any] | None, run_seconds: RunSeconds
) -> PredictionTable:
    """Add the cost of each prediction to the table of a run.

    Args:
        table: all predictions of the run.
        node: the cost model, or its config; None: nothing is priced, and no cost is reported.
        run_seconds: seconds that the run took.

    Raises:
        ConfigError: the cost model cannot be built, it fails, or does not return one number per prediction.
    """
    return build_pricer(node, run_seconds)(table)


def build_pricer(
    node: Component | Mapping[str, Any] | None, run_seconds: RunSeconds
) -> Callable[[PredictionTable], PredictionTable]:
    """Build a function that adds costs to tables as ``priced`` does, for many tables of one run."""
    if node is None:
        return lambda table: table
    import numpy as np

    model: CostModel = components.instantiate(node, "cost", "cost")

    def price(table: PredictionTable) -> PredictionTable:
        try:
            dollars = np.asarray(model.dollars(table, run_seconds), dtype=np.float64)
        except Exception as error:  # possibly third-party code: it may raise anything
            raise ConfigError(f"cost: {type(model).__name__} fails: {type(error).__name__}: {error}") from error
        if dollars.shape != (len(table),):
            raise ConfigError(f"cost: {type(model).__name__} gave shape {dollars.shape} for {len(table)} answers.")
        return replace(table, cost=dollars)

    return price
