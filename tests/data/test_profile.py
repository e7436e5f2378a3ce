import numpy as np
import pandas as pd

from bakeoff.data import profile
from bakeoff.task import Examples, Predictions, Schema

SCHEMA = Schema(
    "classification", "y", {"size": "numeric", "colour": "categorical", "day": "date", "said": "text"}, ("a", "b"), "a"
)
X = pd.DataFrame(
    {
        "size": [0.0, 1.0, 2.0, 3.0, np.nan],
        "colour": ["red", "red", "blue", None, "red"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]),
        "said": ["", "four", "eight ch", "four", None],
    }
)
ROWS = Examples(X, np.array(["a", "b", "a", "b", "a"], object), np.arange(5), pd.DataFrame(index=range(5)))


def test_profile_of_columns_has_counts_quantiles_and_categories_by_type() -> None:
    found = profile.profile_columns(ROWS, SCHEMA)
    assert found["size"]["rows"] == 5 and found["size"]["missing"] == 1
    assert found["size"]["mean"] == 1.5
    assert found["size"]["quantiles"]["0.5"] == 1.5 and found["size"]["quantiles"]["1.0"] == 3.0
    assert found["colour"]["categories"] == {"red": 3, "blue": 1} and found["colour"]["missing"] == 1
    assert found["day"]["quantiles"]["0.5"] == "2024-01-03T00:00:00"
    assert found["said"]["characters"]["1.0"] == 8 and found["said"]["distinct"] == 3
    assert "categories" not in found["said"]


def test_profile_without_values_names_no_category() -> None:
    found = profile.profile_columns(ROWS, SCHEMA, with_values=False)
    assert found["colour"]["distinct"] == 2
    assert "red" not in str(found)


def test_rare_categories_are_counted_together() -> None:
    many = pd.DataFrame({"code": [f"c{i}" for i in range(profile.MOST_CATEGORIES + 7)]})
    rows = Examples(many, np.zeros(len(many)), np.arange(len(many)), pd.DataFrame(index=many.index))
    code = profile.profile_columns(rows, Schema("regression", "y", {"code": "categorical"}))["code"]
    assert len(code["categories"]) == profile.MOST_CATEGORIES and code["other_categories"] == 7


def test_column_without_a_value_has_counts_only() -> None:
    empty = Examples(X.assign(size=np.nan), ROWS.y, ROWS.ids, ROWS.slices)
    assert profile.profile_columns(empty, SCHEMA)["size"] == {"type": "numeric", "rows": 5, "missing": 5}


def test_profile_of_predictions_has_outputs_and_the_confidence_in_the_most_probable_class() -> None:
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    found = profile.profile_predictions(Predictions(np.array(["a", "b"], object), proba))
    assert found["output"]["categories"] == {"a": 1, "b": 1}
    assert found["confidence"]["quantiles"]["0.0"] == 0.8
    numbers = profile.profile_predictions(Predictions(np.array([[1.0, 5.0], [3.0, 7.0]])))
    assert numbers["output"]["mean"] == 2.0 and "confidence" not in numbers
