"""Intervals of values stay within what the metric can be."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bakeoff import metrics
from bakeoff.compare.scores import of_table
from bakeoff.task import Gold, Predictions, PredictionTable, Schema


def test_interval_of_a_share_does_not_exceed_one() -> None:
    n = 40
    outputs = np.array(["the answer"] * (n - 1) + ["the answer of another"], dtype=object)
    target = np.array([Gold(("the answer",))] * n, dtype=object)
    table = PredictionTable(
        Schema("qa", "", {}),
        np.arange(n),
        target,
        Predictions(outputs),
        np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
    )
    value = metrics.get("token_f1").value(table)
    score = of_table(table, {"token_f1": value}, 1000, 0.95).scores["token_f1"]
    assert score.low is not None
    assert score.high is not None
    assert score.low < value < score.high == 1.0


def test_every_share_of_our_own_has_a_greatest_value() -> None:
    open_ended = {name for name in metrics.own() if metrics.get(name).greatest is None}
    maximised = {name for name in metrics.own() if metrics.get(name).direction == "maximize"}
    assert open_ended & maximised == {"value_per_1k", "net_value_per_1k"}
