"""Token prices of another day: what recorded requests would have cost then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import cost, record
from bakeoff.errors import DataError
from bakeoff.llm import prices
from bakeoff.record import Run
from bakeoff.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable

SAME = 0.02
"""Greatest relative difference between the recorded price of requests and that of the table on their own day."""


def at(run: Run, table: PredictionTable, day: date, notes: list[str]) -> PredictionTable:
    """The predictions with their requests at the token prices of another day; unknown prices are NaN.

    Args:
        run: the run.
        table: all of its predictions, as recorded.
        day: of the prices.
        notes: a sentence is added on prices that are unknown, or that the price table states for any day.
    """
    predictions = table.predictions
    if not _has_price(predictions.usage):
        return table
    try:
        usage = (
            _of_parts(run, table, day, notes)
            if run.details.get(cost.PARTS)
            else _of_run(run, predictions.usage, day, notes)
        )
    except (DataError, LookupError) as error:
        reason = error.args[0] if error.args else type(error).__name__
        notes.append(f"{run.variant}: the price of its requests on {day} is unknown: {reason}.")
        usage = replace(predictions.usage, cost_usd=np.where(predictions.usage.calls > 0, math.nan, 0.0))
    return replace(table, predictions=replace(predictions, usage=usage))


def _has_price(usage: Usage) -> bool:
    """Return whether requests were made that were not free of charge."""
    return bool(((usage.calls > 0) & (usage.cost_usd != 0)).any())


def _of_parts(run: Run, table: PredictionTable, day: date, notes: list[str]) -> Usage:
    """Usage of a solution: rows that a stage asked about are priced as in the run of that part, at any depth."""
    parts: Mapping[str, Mapping[str, Any]] = run.details[cost.PARTS]
    usage = table.predictions.usage
    traced = [(trace.name, trace.rows, trace.usage) for trace in table.predictions.trace if "/" not in trace.name]
    if len(parts) == 1 and not any(_part_of(name, parts) for name, _, _ in traced):  # what it asks, its only part asks
        traced = [(next(iter(parts)), np.arange(len(usage)), usage)]
    dollars = np.zeros(len(usage))
    recorded = np.zeros(len(usage))
    for name, rows, of_stage in traced:
        recorded[rows] += of_stage.cost_usd
        if not _has_price(of_stage):
            dollars[rows] += of_stage.cost_usd
            continue
        part = _part_of(name, parts)
        if part is None:
            raise DataError(f"the variant of its stage {name} is not recorded")
        folder = run.folder.parent / str(parts[part]["variant"])
        dollars[rows] += _of_part(folder, table.ids[rows], of_stage, day, notes)
    if not traced or not np.allclose(recorded, usage.cost_usd, rtol=SAME, equal_nan=True):
        raise DataError("its stages do not add up to what was paid")
    return replace(usage, cost_usd=dollars)


def _part_of(stage: str, parts: Mapping[str, Any]) -> str | None:
    """The part that a stage of a trace asked: for ``a+b`` it was b, which must agree with a."""
    return next((name for name in (stage, stage.rpartition("+")[2]) if name in parts), None)


def _of_part(folder: Path, ids: NDArray[Any], recorded: Usage, day: date, notes: list[str]) -> NDArray[np.float64]:
    """Price of the requests that a part made for some rows, by the run of that part, shape (n,).

    Raises:
        DataError: the price is unknown, or the part has run again since.
    """
    part = record.read_run(folder)
    own = record.read_predictions(part)
    position = {str(identity): i for i, identity in enumerate(own.ids)}
    rows = np.array([position.get(str(identity), -1) for identity in ids], dtype=np.intp)
    if (rows < 0).any() or not np.allclose(own.predictions.usage.cost_usd[rows], recorded.cost_usd, equal_nan=True):
        raise DataError(f"its part {part.variant} has run again since")
    solved = _of_parts(part, own, day, notes) if part.details.get(cost.PARTS) else None
    usage = _of_run(part, own.predictions.usage, day, notes) if solved is None else solved
    return usage.cost_usd[rows]


def _of_run(run: Run, usage: Usage, day: date, notes: list[str]) -> Usage:
    """Usage at the prices of a day, of requests to the one model that a run asked."""
    llm: Mapping[str, Any] = run.details.get("llm") or {}
    served = llm.get("models") or []
    if not llm.get("asked_for") or not llm.get("server") or len(served) > 1:
        raise DataError("it is not recorded which model was asked" if len(served) < 2 else "it asked several models")
    config = record.read_fitted(run.folder) or {}
    if (config.get("llm") or {}).get("price") is not None:
        raise DataError("it was given by hand (llm.price), without a date")
    names = [str(llm["asked_for"]), *map(str, served)]
    own_day = datetime.fromisoformat(run.started).astimezone(UTC).date()
    then = _dollars(usage, names, str(llm["server"]), own_day)
    paid = float(usage.cost_usd.sum())
    if not math.isclose(float(then.sum()), paid, rel_tol=SAME):
        raise DataError(
            f"the price table says {then.sum():.4g} US dollars for {own_day}, and {paid:.4g} are recorded: "
            "tokens of other models, or at a discount, are among them"
        )
    if not any(prices.has_history(name, str(llm["server"])) for name in names):
        notes.append(f"{run.variant}: the price table knows one price of {names[0]} and no date for it.")
    return replace(usage, cost_usd=_dollars(usage, names, str(llm["server"]), day))


def _dollars(usage: Usage, names: list[str], server: str, day: date) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Price of the requests of each row, shape (n,), each request of a row taken for its mean."""
    known: dict[tuple[float, float], float] = {}
    dollars = np.zeros(len(usage))
    for i in np.flatnonzero(usage.calls > 0):
        calls = usage.calls[i]
        tokens = (usage.input_tokens[i] / calls, usage.output_tokens[i] / calls)
        if tokens not in known:
            if math.isnan(sum(tokens)):
                raise DataError("the tokens of some requests are unknown")
            each = [prices.price_on(day, name, server, *tokens) for name in names]
            known[tokens] = next((one for one in each if not math.isnan(one)), math.nan)
        dollars[i] = known[tokens] * calls
    if np.isnan(dollars).any():
        raise DataError(f"the price table has no price of {names[0]} for {day}")
    return dollars
