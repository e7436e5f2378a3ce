"""Cost models: price each prediction in US dollars, for a rule and a language model alike.

The price of a run is not part of its record: it is computed from the recorded usage and seconds whenever it is shown,
so a change of prices needs no new run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
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
class Expense:
    """Cost of each of n predictions by what it is paid for, in US dollars; arrays of shape (n,).

    Attributes:
        machine: seconds of prediction.
        learning: a share of search and fit, and of the requests of both.
        requests: tokens.
        people: decisions of people.
    """

    machine: NDArray[np.float64]
    learning: NDArray[np.float64]
    requests: NDArray[np.float64]
    people: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """All together; NaN where a part is unknown."""
        return self.machine + self.learning + self.requests + self.people


@dataclass(frozen=True)
class TimeAndRequests:
    """Seconds at the price of the machine, requests at the price of their tokens, and a share of search and fit.

    The machine is paid while it waits for a remote language model.
    Where each prediction was timed, the total time is shared among them in proportion.

    Args:
        usd_per_hour: of the machine, in US dollars.
        answers_per_fit: number of predictions over which the cost of a fit is spread; None: not counted.
        utilisation: share of the paid time in which the machine predicts: at 0.25, each second is paid four times.
        prices_of: ISO date of the token prices, of recorded runs; None: those that held when the requests were made.
    """

    usd_per_hour: float = 0.10
    answers_per_fit: float | None = 100_000
    utilisation: float = 1.0
    prices_of: str | None = None

    def __post_init__(self) -> None:
        """Validate the parameters."""
        if not (math.isfinite(self.usd_per_hour) and self.usd_per_hour >= 0):
            raise ValueError(f"usd_per_hour: {self.usd_per_hour} is no price. Give 0 or more.")
        if self.answers_per_fit is not None and not self.answers_per_fit > 0:
            raise ValueError(f"answers_per_fit: {self.answers_per_fit} is not above 0. Give null to leave fits out.")
        if not 0 < self.utilisation <= 1:
            raise ValueError(f"utilisation: {self.utilisation} is no share of time. Give more than 0 and at most 1.")
        if self.prices_of is not None:
            read_date(self.prices_of)

    def dollars(self, table: PredictionTable, run_seconds: RunSeconds) -> NDArray[np.float64]:
        """Price each prediction; NaN where the price of a request is unknown."""
        return self.expense(table, run_seconds).total

    def expense(self, table: PredictionTable, run_seconds: RunSeconds) -> Expense:
        """Price each prediction, by what is paid for."""
        import numpy as np

        n, per_second = len(table), self.usd_per_hour / 3600
        learning = 0.0
        if self.answers_per_fit is not None:  # fits run when they are wanted, and leave no machine idle
            learning = (run_seconds.fit * per_second + run_seconds.search_usd) / self.answers_per_fit
        people = table.predictions.human_usd
        return Expense(
            machine_seconds(table, run_seconds.per_prediction) * per_second / self.utilisation,
            np.full(n, learning),
            np.asarray(table.predictions.usage.cost_usd, dtype=np.float64),
            np.zeros(n) if people is None else np.asarray(people, dtype=np.float64),
        )


def read_date(text: str) -> date:
    """A date such as 2026-06-01, not in the future. Raises ``ValueError``."""
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f'prices_of: "{text}" is no date. Write it as 2026-06-01.') from None
    if day > datetime.now(UTC).date():
        raise ValueError(f"prices_of: {day} is in the future, and prices of then are unknown.")
    return day


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


LABELLING = "labelling"
"""Key of what the labels of a distilled model took, among the details of its run."""
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
        details: of the run; those of a solution say what its parts paid for requests to learn from, those of a
            distilled model what its labels cost.
    """
    searching = float(search["seconds"]) if search else 0.0
    paid = float(search.get("spent_usd") or 0.0) if search else 0.0
    parts: Mapping[str, Mapping[str, Any]] = (details or {}).get(PARTS) or {}
    labelling: Mapping[str, Any] = (details or {}).get(LABELLING) or {}
    learned = [*(part.get("learning_usd", 0.0) for part in parts.values()), labelling.get("usd", 0.0)]
    paid += sum(math.nan if usd is None else float(usd) for usd in learned)  # a price that is not known is null
    return RunSeconds(searching + fit_seconds(seconds, details), 1 / rows_per_s, paid)


def fit_seconds(seconds: Mapping[str, float], details: Mapping[str, Any] | None = None) -> float:
    """Seconds of a fit, with those of a solution's parts, and those that replayed labels took when they were asked for.

    Args:
        seconds: step → seconds spent on it.
        details: of the run; those of a distilled model say how long its replayed labels had taken.
    """
    labelling: Mapping[str, Any] = (details or {}).get(LABELLING) or {}
    replayed = float(labelling.get("replayed_seconds") or 0.0)
    return seconds.get("fit", 0.0) + seconds.get(PARTS_SECONDS, 0.0) + replayed


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
