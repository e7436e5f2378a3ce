"""A bare Yes, No, on or off in rules: matched with the data's own text, or refused with the quoted form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from bakeoff.errors import ConfigError
from bakeoff.models.base import Context
from bakeoff.models.rules.rules import Rules
from bakeoff.task import Examples, Schema

SCHEMA = Schema("classification", "churn", {"partner": "categorical", "plan": "categorical"}, ("No", "Yes"), "Yes")
X = pd.DataFrame({"partner": ["Yes", "No", "No", "Yes"], "plan": ["month", "month", "year", "on"]})
LABELS = np.array(["No", "Yes", "No", "No"], dtype=object)


def fit(rules: str, X: pd.DataFrame = X, schema: Schema = SCHEMA, default: Any = None) -> Rules:
    model = Rules(yaml.safe_load(rules), default)
    model.check(schema)
    model.fit(Examples(X, LABELS, np.arange(len(X)), X.iloc[:, :0]), None, Context(schema, 0, 1))
    return model


def outputs(model: Rules) -> list[str]:
    return list(model.predict(X).output)


def test_a_bare_no_is_the_no_of_the_column_and_of_the_classes() -> None:
    bare = fit("[{where: {partner: No, plan: month}, output: Yes}]", default=False)
    quoted = fit('[{where: {partner: "No", plan: month}, output: "Yes"}]', default="No")
    assert outputs(bare) == outputs(quoted) == ["No", "Yes", "No", "No"]


def test_a_bare_word_in_a_list_of_values_is_matched_too() -> None:
    assert outputs(fit("[{where: {plan: [on, year]}, output: Yes}]", default="No")) == ["No", "No", "Yes", "Yes"]


def test_a_bare_word_that_can_be_several_texts_is_refused_with_the_quoted_form() -> None:
    several = X.assign(partner=["no", "off", "no", "x"])
    with pytest.raises(ConfigError, match=r'the column holds no, off\. Write the one that is meant in quotes: "no"'):
        fit('[{where: {partner: No}, output: "Yes"}]', several)
    schema = Schema("classification", "churn", SCHEMA.columns, ("no", "off"), "no")
    with pytest.raises(ConfigError, match=r'model\.rules\[0\]\.output: several classes .*write "no", in quotes'):
        fit("[{where: {plan: month}, output: off}]", schema=schema)


def test_a_bare_word_among_keywords_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'keywords: YAML reads a bare yes, .* write "yes", in quotes'):
        fit('[{keywords: [yes, free], column: plan, output: "Yes"}]')


def test_a_rule_that_covers_no_training_row_is_noted_with_what_the_column_holds() -> None:
    rules = '[{name: a, where: {plan: week}, output: "Yes"}, {name: b, where: {partner: "No"}, output: "Yes"},'
    model = fit(f'{rules} {{name: c, where: {{plan: year}}, output: "No"}}]')
    assert list(model.report().notes) == [
        'Rule "a" covers no training row. plan is never "week"; it holds "month", "on", "year".',
        'Rule "c" covers no training row. Earlier rules cover the 1 rows for which it holds.',
    ]
