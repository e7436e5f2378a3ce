"""Token prices of another day: known, unknown, of solutions, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import record
from bakeoff.compare import dated_prices
from bakeoff.config import component
from bakeoff.record import Run
from bakeoff.task import Predictions, PredictionTable, Schema, StageTrace, Usage

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
        ({"parts": {"llm": {"variant": "llm"}, "rules": {"variant": "rules"}}}, THEN, "its stages do not add up"),
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


def usage_of(dollars: list[float]) -> Usage:
    return table(dollars).predictions.usage


def recorded(folder: Path, dollars: list[float], trace: tuple[StageTrace, ...] = (), **details: Any) -> Run:
    """A finished run with requests of these prices."""
    record.begin(folder, {"model": {}})
    rows = table(dollars)
    asked = np.array(dollars) > 0
    usage = replace(rows.predictions.usage, calls=2.0 * asked)
    record.write_predictions(folder, replace(rows, predictions=replace(rows.predictions, usage=usage, trace=trace)))
    task = {"schema": component.write(SCHEMA)}
    started = "2025-07-01T10:00:00+00:00"
    return record.finish(record.Run(folder, folder.name, "llm", "ok", started, task=task, details=details))


def stage(name: str, rows: list[int], dollars: list[float]) -> StageTrace:
    n = len(rows)
    return StageTrace(name, np.array(rows), np.ones(n, dtype=bool), np.zeros(n), usage_of(dollars))


def parts(**variants: str) -> dict[str, dict[str, str]]:
    return {name: {"variant": variant} for name, variant in variants.items()}


@pytest.fixture
def nested(tmp_path: Path) -> Run:
    """A cascade whose second stage, which sees two of four rows, is an ensemble of a cascade that asks an LLM."""
    recorded(tmp_path / "rules", [0.0] * 4)
    recorded(tmp_path / "llm", [THEN] * 4, llm=LLM)
    inner = stage("rules", [0, 1, 2, 3], [0.0] * 4), stage("llm", [0, 3], [THEN] * 2)
    recorded(tmp_path / "inner", [THEN, 0.0, 0.0, THEN], inner, parts=parts(rules="rules", llm="llm"))
    together = (stage("inner", [0, 1, 2, 3], [THEN, 0.0, 0.0, THEN]), stage("rules", [0, 1, 2, 3], [0.0] * 4))
    recorded(tmp_path / "together", [THEN, 0.0, 0.0, THEN], together, parts=parts(inner="inner", rules="rules"))
    outer = (stage("rules", [0, 1, 2, 3], [0.0] * 4), stage("more", [2, 3], [0.0, THEN]))
    return recorded(tmp_path / "outer", [0.0, 0.0, 0.0, THEN], outer, parts=parts(rules="rules", more="together"))


def dated(run: Run, notes: list[str]) -> list[float]:
    return list(dated_prices.at(run, record.read_predictions(run), DEAR, notes).predictions.usage.cost_usd)


def test_requests_of_nested_solutions_are_priced_as_of_another_day(nested: Run) -> None:
    notes: list[str] = []
    assert dated(nested, notes) == pytest.approx([0.0, 0.0, 0.0, 5 * THEN])
    assert notes == []


def test_requests_of_a_solution_without_stages_are_those_of_its_only_part(nested: Run, tmp_path: Path) -> None:
    notes: list[str] = []
    sure = recorded(tmp_path / "sure", [THEN, 0.0, 0.0, THEN], parts=parts(inner="inner"))
    assert dated(sure, notes) == pytest.approx([5 * THEN, 0.0, 0.0, 5 * THEN])
    assert notes == []


def test_requests_of_a_part_that_ran_again_since_have_no_known_price(nested: Run, tmp_path: Path) -> None:
    recorded(tmp_path / "together", [2 * THEN] * 4, llm=LLM)
    notes: list[str] = []
    assert np.isnan(dated(nested, notes)[3])
    assert notes == [f"outer: the price of its requests on {DEAR} is unknown: its part together has run again since."]
