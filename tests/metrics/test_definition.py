import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from bakeoff import metrics
from bakeoff.errors import ConfigError
from bakeoff.metrics import metric
from bakeoff.task import Predictions, PredictionTable, Schema


@metric("within_10_percent", "maximize", applies=lambda schema: schema.target == "price of this test")
def within_10_percent(table):
    return float((abs(table.predictions.output - table.target) <= 0.1 * abs(table.target)).mean())


def prices() -> PredictionTable:
    target, answers = np.array([10.0, 20.0, 30.0, 40.0]), np.array([10.5, 20.0, 40.0, 44.0])
    schema = Schema("regression", "price of this test", {})
    return PredictionTable(
        schema, np.arange(4), target, Predictions(answers), np.full(4, np.nan), pd.DataFrame(index=range(4))
    )


def test_a_metric_of_a_plugin_is_scored_with_the_others():
    assert metrics.score(prices())["within_10_percent"] == 0.75


def test_a_metric_of_a_plugin_can_be_resampled():
    counts = np.array([[1, 1, 1, 1], [0, 0, 4, 0]], dtype=np.float32)
    assert metrics.get("within_10_percent").resample(prices(), counts).tolist() == [0.75, 0.0]


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match='a metric "accuracy" already'):
        metric("accuracy", "maximize")(within_10_percent.value)


def test_a_wrong_name_is_answered_with_the_nearest_one():
    with pytest.raises(ConfigError, match=r'there is no metric "rsme".*Did you mean "rmse"\?'):
        metrics.score(prices(), ["rsme"])


def test_names_are_known_without_loading_heavy_libraries():
    code = (
        "import sys, bakeoff.metrics as m; m.get('roc_auc'); print({'sklearn', 'pandas', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
