"""What answers cost, for a rule and for a language model alike: one currency, dollars for 1,000 answers.

The price of a run is not part of its record: it is made from what was recorded each time it is asked for, so that
another price needs no other run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
class Spent:
    """What a run took besides its requests.

    Attributes:
        learning: seconds of search and fit; 0 where the model was fitted before.
        answering: seconds that an answer took when all were asked for together.
    """

    learning: float
    answering: float


class CostModel(Protocol):
    """Says what each answer costs. Parameters go to the constructor and nowhere else."""

    def dollars(self, table: PredictionTable, spent: Spent) -> NDArray[np.float64]:
        """Of each answer, shape (n,); NaN where it is not known.

        Args:
            table: all n answers of a run.
            spent: what the run took.
        """


@dataclass(frozen=True)
class TimeAndRequests:
    """Seconds at the price of the machine, requests at the price of their tokens, and a share of search and fit.

    The seconds are those of the machine that asks: one that waits for a language model elsewhere is paid meanwhile.
    Where each answer was timed, the time of all is shared among them in proportion.

    Args:
        usd_per_hour: of the machine, in US dollars.
        answers_per_fit: how many answers a fit is good for, by which it is paid; None: it is paid for already.
    """

    usd_per_hour: float = 0.10
    answers_per_fit: float | None = 100_000

    def __post_init__(self) -> None:
        """Check what can be checked."""
        if not (math.isfinite(self.usd_per_hour) and self.usd_per_hour >= 0):
            raise ValueError(f"usd_per_hour: {self.usd_per_hour} is no price. Give 0 or more.")
        if self.answers_per_fit is not None and not self.answers_per_fit > 0:
            raise ValueError(f"answers_per_fit: {self.answers_per_fit} is not above 0. Give null to leave fits out.")

    def dollars(self, table: PredictionTable, spent: Spent) -> NDArray[np.float64]:
        """As the class says. NaN where the price of a request is not known."""
        import numpy as np

        shares = np.ones(len(table))
        if len(table) and np.isfinite(table.seconds).all() and table.seconds.sum() > 0:
            shares = table.seconds / table.seconds.mean()
        seconds = shares * spent.answering
        if self.answers_per_fit is not None:
            seconds = seconds + spent.learning / self.answers_per_fit
        return np.asarray(seconds * self.usd_per_hour / 3600 + table.predictions.usage.cost_usd)


def spent(seconds: Mapping[str, float], search: Mapping[str, Any] | None, rows_per_s: float) -> Spent:
    """What a run took, from the seconds of its steps, all trials of its search, and its answers in a second."""
    searching = float(search["seconds"]) if search else 0.0
    return Spent(searching + seconds.get("fit", 0.0), 1 / rows_per_s)


def priced(table: PredictionTable, node: Component | Mapping[str, Any] | None, took: Spent) -> PredictionTable:
    """The table of a whole run with what each answer costs.

    Args:
        table: all answers of the run.
        node: the cost model, or its config; None: nothing is priced, and no cost is told.
        took: what the run took.

    Raises:
        ConfigError: the cost model cannot be made, it fails, or gives other than a number for each answer.
    """
    if node is None:
        return table
    import numpy as np

    model: CostModel = components.instantiate(node, "cost")
    try:
        dollars = np.asarray(model.dollars(table, took), dtype=np.float64)
    except Exception as error:  # it may be a stranger's code: it may raise anything
        raise ConfigError(f"cost: {type(model).__name__} fails: {type(error).__name__}: {error}") from error
    if dollars.shape != (len(table),):
        raise ConfigError(f"cost: {type(model).__name__} gave shape {dollars.shape} for {len(table)} answers.")
    return replace(table, cost=dollars)
