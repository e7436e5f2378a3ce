"""Token prices of another day: known, unknown, of solutions, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare import dated_prices
from bakeoff.record import Run
from bakeoff.task import Predictions, PredictionTable, Schema, Usage

SCHEMA = Schema("regression", "y", {"x": "numeric"})
DEAR, CHEAP = date(2025, 1, 1), date(2025, 7, 1)  # o3: 10 and 40 dollars per million tokens, then 2 and 8
LLM = {"asked_for": "o3", "server": "https://api.openai.com/v1", "models": ["o3-2025-04-16"]}


def table(dollars: list[float]) -> PredictionTable:
    n = len(dollars)
    usage = Usage.from_columns(
        n, calls=np.full(n, 2.0), input_tokens=np.full(n, 2000.0), output_tokens=np.full(n, 200.0), cost_usd=dollars
    )
    nothing = np.zeros(n)
    return PredictionTable(
        SCHEMA, np.arange(n), nothing, Predictions(nothing, usage=usage), nothing, pd.DataFrame(index=range(n))
    )


def run(**details: Any) -> Run:
    return Run(Path("outputs/none/llm"), "llm", "llm", "ok", "2025-07-01T10:00:00+00:00", details=details)


THEN = 2000 * 2e-6 + 200 * 8e-6


def priced(at: date, notes: list[str], dollars: float = THEN, **details: Any) -> list[float]:
    done = dated_prices.at(run(**{"llm": LLM, **details}), table([dollars, dollars]), at, notes)
    return list(done.predictions.usage.cost_usd)


def test_requests_are_priced_as_of_another_day() -> None:
    notes: list[str] = []
    assert priced(CHEAP, notes) == pytest.approx([THEN] * 2)
    assert priced(DEAR, notes) == pytest.approx([5 * THEN] * 2)
    assert notes == []


def test_requests_that_were_free_stay_free() -> None:
    assert priced(DEAR, [], dollars=0.0, llm={}) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("details", "dollars", "reason"),
    [
        ({"llm": {**LLM, "asked_for": "gpt-none", "models": []}}, THEN, "no price of gpt-none"),
        ({"llm": {**LLM, "models": ["o3", "gpt-4o"]}}, THEN, "it asked several models"),
        ({"llm": {}}, THEN, "it is not recorded which model was asked"),
        ({}, 0.5 * THEN, "tokens of other models, or at a discount"),
        ({"parts": {"llm": {"variant": "llm"}}}, THEN, "its stages do not add up"),
    ],
)
def test_price_that_cannot_be_known_is_said_and_not_guessed(
    details: dict[str, Any], dollars: float, reason: str
) -> None:
    notes: list[str] = []
    assert np.isnan(priced(DEAR, notes, dollars, **details)).all()
    assert len(notes) == 1 and reason in notes[0]


def test_price_without_a_date_in_the_table_is_said() -> None:
    notes: list[str] = []
    llm = {**LLM, "asked_for": "gpt-4o-mini", "models": []}
    usd = 2000 * 0.15e-6 + 200 * 0.6e-6
    assert priced(DEAR, notes, usd, llm=llm) == pytest.approx([usd] * 2)
    assert notes == ["llm: the price table knows one price of gpt-4o-mini and no date for it."]


def test_rows_without_requests_cost_nothing() -> None:
    rows = table([THEN, 0.0])
    usage = replace(rows.predictions.usage, calls=np.array([2.0, 0.0]))
    done = dated_prices.at(run(llm=LLM), replace(rows, predictions=replace(rows.predictions, usage=usage)), DEAR, [])
    assert list(done.predictions.usage.cost_usd) == pytest.approx([5 * THEN, 0.0])
