"""Rules: order, parts, conditions, confidence, and what a wrong declaration is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError
from bakeoff.models.base import Context
from bakeoff.models.rules.rules import Rules
from bakeoff.task import Examples, Predictions, Schema

MESSAGES = [
    "Win a FREE prize now",
    "are you free tonight",
    "freedom is what we want",
    "call 0900 123456",
    "see you, love",
    "I won the match",
]
LABELS = ["spam", "ham", "ham", "spam", "ham", "ham"]
TEXT = Schema("classification", "label", {"text": "text"}, ("ham", "spam"), "spam")
PEOPLE = Schema(
    "classification",
    "leaves",
    {"tenure": "numeric", "contract": "categorical", "joined": "date"},
    ("no", "yes"),
    "yes",
)
CUSTOMERS = pd.DataFrame(
    {
        "tenure": [1.0, 12.0, 24.0, np.nan],
        "contract": ["Month-to-month", "Two year", None, "Month-to-month"],
        "joined": pd.to_datetime(["2020-01-01", "2021-06-01", None, "2022-01-01"]),
    }
)


def fit(rules: list[dict[str, Any]], X: pd.DataFrame, y: Any, schema: Schema, default: Any = None) -> Rules:
    model = Rules(rules, default)
    model.check(schema)
    model.fit(Examples(X, np.array(y), np.arange(len(X)), X.iloc[:, :0]), None, Context(schema, 0, 1))
    return model


def on_text(rules: list[dict[str, Any]], default: Any = None) -> Predictions:
    X = pd.DataFrame({"text": MESSAGES})
    return fit(rules, X, np.array(LABELS, dtype=object), TEXT, default).predict(X)


def stages(predictions: Predictions) -> list[str]:
    assert predictions.stage is not None
    return list(predictions.stage)


def holds(where: Any) -> list[bool]:
    rule = {"name": "r", "where": where, "output": "yes"}
    y = np.array(["no"] * 4, dtype=object)
    return [stage == "r" for stage in stages(fit([rule], CUSTOMERS, y, PEOPLE).predict(CUSTOMERS))]


def fault(rules: Any, schema: Schema = TEXT, default: Any = None) -> str:
    with pytest.raises(ConfigError) as caught:
        Rules(rules, default).check(schema)
    return str(caught.value)


def test_the_first_rule_that_holds_answers() -> None:
    answers = on_text(
        [
            {"name": "free", "keywords": ["free"], "output": "ham"},
            {"name": "prize", "keywords": ["prize", "won"], "output": "spam"},
        ]
    )
    assert stages(answers) == ["free", "free", "default", "default", "default", "prize"]
    assert list(answers.output) == ["ham", "ham", "ham", "ham", "ham", "spam"]


def test_keywords_are_whole_words_in_any_case() -> None:
    assert stages(on_text([{"name": "f", "keywords": ["free"], "output": "spam"}]))[:3] == ["f", "f", "default"]


def test_keywords_may_begin_with_a_sign() -> None:
    X = pd.DataFrame({"text": ["only £5", "only 5", "a£5"]})
    model = fit([{"name": "r", "keywords": ["£5"], "output": "spam"}], X, np.array(["ham"] * 3, dtype=object), TEXT)
    assert stages(model.predict(X)) == ["r", "default", "default"]


def test_a_regex_is_found_anywhere() -> None:
    assert stages(on_text([{"name": "n", "regex": r"\b09\d\d\b", "output": "spam"}]))[3] == "n"


def test_all_the_parts_of_a_rule_must_hold() -> None:
    rule = {"name": "both", "keywords": ["free", "won"], "regex": "prize", "output": "spam"}
    assert stages(on_text([rule])).count("both") == 1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"tenure": "<= 12"}, [True, True, False, False]),
        ({"tenure": "> 3.5"}, [False, True, True, False]),
        ({"tenure": "== 12.0"}, [False, True, False, False]),
        ({"tenure": 12}, [False, True, False, False]),
        ({"tenure": "!= 12"}, [True, False, True, False]),
        ({"tenure": [1, 24]}, [True, False, True, False]),
        ({"tenure": "missing"}, [False, False, False, True]),
        ({"tenure": "!= missing"}, [True, True, True, False]),
        ({"contract": "Month-to-month"}, [True, False, False, True]),
        ({"contract": "!= Two year"}, [True, False, False, True]),
        ({"contract": ["Two year", "One year"]}, [False, True, False, False]),
        ({"contract": "missing"}, [False, False, True, False]),
        ({"joined": ">= 2021-01-01"}, [False, True, False, True]),
        ({"joined": "missing"}, [False, False, True, False]),
        ({"contract": "Month-to-month", "tenure": "< 12"}, [True, False, False, False]),
    ],
)
def test_conditions(where: Any, expected: list[bool]) -> None:
    assert holds(where) == expected


def test_categories_that_are_numbers_in_the_frame_compare_as_written() -> None:
    schema = Schema("classification", "y", {"senior": "categorical"}, ("no", "yes"))
    X = pd.DataFrame({"senior": [1, 0]})
    model = fit(
        [{"name": "r", "where": {"senior": 1}, "output": "yes"}], X, np.array(["yes", "no"], dtype=object), schema
    )
    assert stages(model.predict(X)) == ["r", "default"]
    assert stages(model.predict(pd.DataFrame({"senior": [1.0, None]}))) == ["r", "default"]


def test_a_condition_is_never_run_as_code(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    attack = f"== __import__('pathlib').Path({str(touched)!r}).touch()"
    assert holds({"contract": attack}) == [False] * 4
    assert "is not a number" in fault([{"where": {"tenure": attack}, "output": "yes"}], PEOPLE)
    assert not touched.exists()


def test_confidence_is_learnt_as_smoothed_precision_where_the_rule_answers() -> None:
    answers = on_text([{"name": "free", "keywords": ["free"], "output": "spam"}])
    assert answers.proba is not None
    np.testing.assert_allclose(answers.proba[0], [1 / 2, 1 / 2])  # right in 1 of 2: (1 + 1) / (2 + 2)
    np.testing.assert_allclose(answers.proba[2], [4 / 6, 2 / 6])  # ham in 3 of 4: (3 + 1) / (4 + 2)


def test_declared_confidence_is_kept_and_the_rest_goes_by_the_priors() -> None:
    schema = Schema("classification", "y", {"text": "text"}, ("a", "b", "c"))
    X = pd.DataFrame({"text": ["x", "y", "y", "y", "z", "z"]})
    rule = {"name": "r", "keywords": ["x"], "output": "a", "confidence": 0.9}
    answers = fit([rule], X, np.array(["a", "b", "b", "b", "c", "c"], dtype=object), schema).predict(X)
    assert answers.proba is not None
    np.testing.assert_allclose(answers.proba[0], [0.9, 0.06, 0.04])


def test_the_default_is_the_most_frequent_class_that_no_rule_covers() -> None:
    answers = on_text([{"name": "ham", "keywords": ["you", "we", "match"], "output": "ham"}])
    assert list(answers.output) == ["spam", "ham", "ham", "spam", "ham", "ham"]


def test_the_default_may_be_declared() -> None:
    assert on_text([{"keywords": ["free"], "output": "ham"}], default="spam").output[4] == "spam"


def test_rules_for_values_answer_values_and_the_mean_of_what_is_left() -> None:
    schema = Schema("regression", "price", {"area": "numeric"})
    X = pd.DataFrame({"area": [10.0, 20.0, 200.0, 40.0]})
    model = fit([{"name": "large", "where": {"area": "> 100"}, "output": 900}], X, [1.0, 2.0, 800.0, 3.0], schema)
    answers = model.predict(X)
    assert answers.output.tolist() == [2.0, 2.0, 900.0, 2.0]
    assert answers.proba is None


def test_without_text_keywords_look_at_categories() -> None:
    y = np.array(["no"] * 4, dtype=object)
    model = fit([{"name": "r", "keywords": ["month"], "output": "yes"}], CUSTOMERS, y, PEOPLE)
    assert stages(model.predict(CUSTOMERS)) == ["r", "default", "default", "r"]


@pytest.mark.parametrize(
    ("rules", "schema", "told"),
    [
        ([], TEXT, ["model.rules: there are no rules", "keywords", "rules@model="]),
        ([{"keywords": ["x"], "output": "spma"}], TEXT, ["model.rules[0].output", '"spma"', 'Did you mean "spam"?']),
        ([{"keywords": ["x"], "output": True}], TEXT, ["model.rules[0].output", "YAML"]),
        ([{"keywords": ["x"]}], TEXT, ["model.rules[0].output"]),
        ([{"keyword": ["x"], "output": "spam"}], TEXT, ["model.rules[0]", 'Did you mean "keywords"?']),
        ([{"keywords": "x", "output": "spam"}], TEXT, ["model.rules[0].keywords", "list of words"]),
        ([{"regex": "(", "output": "spam"}], TEXT, ["model.rules[0].regex", "regular expression"]),
        ([{"output": "spam"}], TEXT, ["model.rules[0]", "model.default"]),
        ([{"where": {"tenur": 1}, "output": "yes"}], PEOPLE, ["model.rules[0].where", 'Did you mean "tenure"?']),
        ([{"where": {"tenure": "<= x"}, "output": "yes"}], PEOPLE, ["model.rules[0].where.tenure", '"x"', "number"]),
        ([{"where": {"contract": "< b"}, "output": "yes"}], PEOPLE, ["model.rules[0].where.contract", "== < b"]),
        ([{"where": {"joined": "> soon"}, "output": "yes"}], PEOPLE, ["where.joined", "ISO date"]),
        ([{"where": "tenure > 3", "output": "yes"}], PEOPLE, ["model.rules[0].where", "condition"]),
        ([{"keywords": ["x"], "column": "tenure", "output": "yes"}], PEOPLE, ["model.rules[0].column", "numeric"]),
        ([{"keywords": ["x"], "output": "spam", "confidence": 2}], TEXT, ["model.rules[0].confidence", "0 to 1"]),
        (
            [{"name": "a", "keywords": ["x"], "output": "spam"}] * 2,
            TEXT,
            ["model.rules[1].name", '"a" is taken'],
        ),
        (["free"], TEXT, ["model.rules[0]", "no rule"]),
    ],
)
def test_a_wrong_rule_is_told_where_and_what(rules: Any, schema: Schema, told: list[str]) -> None:
    message = fault(rules, schema)
    for part in told:
        assert part in message


def test_a_default_that_is_no_class_is_told() -> None:
    assert "model.default" in fault([{"keywords": ["x"], "output": "spam"}], default="spma")
