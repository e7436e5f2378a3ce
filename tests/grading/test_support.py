import numpy as np
import pandas as pd

from bakeoff.grading.support import InputSupport
from bakeoff.task import Gold, Predictions, PredictionTable, Schema


def test_input_support_copied_words_count_and_invented_ones_do_not() -> None:
    X = pd.DataFrame({"text": ["The river flows to the sea.", "The river flows to the sea.", "x"]})
    outputs = np.array(["The river flows.", "The river sings.", " "], dtype=object)
    targets = np.empty(3, dtype=object)
    targets[:] = [Gold()] * 3
    schema = Schema("generation", "", {"text": "text"})
    table = PredictionTable(schema, np.arange(3), targets, Predictions(outputs), np.full(3, np.nan), X.iloc[:, :0])
    assert InputSupport().grade(X, table).tolist() == [1.0, 0.5, 0.0]
