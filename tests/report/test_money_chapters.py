"""Chapters on money: the curve of value by threshold, the value of a month and break-even, where there is something."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.report import pages
from bakeoff.report.chapters import money
from bakeoff.report.chapters.material import Material
from bakeoff.report.figures import Chart

QUICK = ("decision.resamples=200", "metrics.latency_rows=20", "tracker=none", "report=none")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("money"))
        bake = python.bakeoff(
            *QUICK, "data=churn", "business=churn", "business.per_month=20000", "decision=value_first",
            models=["rules", "linear"],
        )  # fmt: skip
    return Material(bake.comparison, [run.record for run in bake.values()], bake.folder)


def test_value_by_threshold_equals_that_of_the_predictions_at_one_half(material: Material) -> None:
    figure, text = money.thresholds(material)
    assert isinstance(figure, Chart) and set(figure.series) == {"linear", "rules"}
    table = record.read_predictions(next(run for run in material.runs if run.variant == "linear"))
    assert table.predictions.proba is not None
    inputs = record.read_inputs(material.folder)
    assert inputs is not None
    charges = inputs.loc[[str(i) for i in table.ids], "monthly_charges"].to_numpy(dtype=float)
    at = dict(zip(figure.x, figure.series["linear"], strict=True))
    for threshold in (0.25, 0.5, 1.0):
        flagged = table.predictions.proba[:, 1] >= threshold
        value = np.where(table.target == "Yes", 3.5, -0.5) * charges * flagged
        assert at[threshold] == pytest.approx(1000 * value.mean())
    recorded = material.comparison.variants
    value_of = next(v for v in recorded if v.name == "linear").metrics["value_per_1k"].value
    assert at[0.5] == pytest.approx(value_of)
    assert re.search(r"linear: [\d,]+ at one half; on these test rows the most, [\d,]+, at 0\.\d+\.", str(text))


def test_report_of_a_bakeoff_with_values_has_chapters_on_money(material: Material) -> None:
    document = pages.build(material.comparison, material.runs, Path(material.folder))
    titles = [chapter.title for chapter in document.chapters]
    assert {"Value of a month", "Threshold against value", "Break-even"} <= set(titles)
    assert not any("could not be drawn" in str(chapter.blocks) for chapter in document.chapters)
