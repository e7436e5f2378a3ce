"""Every model that serves one label a row serves any number of them, held to the contract of models."""

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError
from bakeoff.models import multilabel
from bakeoff.models.prompted.labels import Spoken
from bakeoff.models.rules.rules import Rules
from bakeoff.task import Schema
from bakeoff.testing import check_model
from bakeoff.testing.tasks import errands, examples

RULES = (
    "model.rules=[{name: shop, keywords: [buy, milk], output: buy}, {keywords: [call], output: [call]}, "
    "{name: all, keywords: [rest], output: [clean, call]}]"
)


@pytest.mark.parametrize(
    ("option", "overrides"),
    [
        ("constant", ()),
        ("linear", ()),
        ("catboost", ("model.iterations=20",)),
        ("rules", (RULES,)),
        ("embedding", ()),
        ("svm", ()),
    ],
)
def test_model_holds_to_the_contract_on_several_labels(option: str, overrides: tuple[str, ...]) -> None:
    assert check_model(option, {"errands": errands}, overrides)


def test_indicators_and_outputs_are_each_other_s_inverse() -> None:
    schema, rows = errands()
    matrix = multilabel.indicators(rows.y, schema.classes)
    assert matrix.sum() == sum(len(labels) for labels in rows.y)
    assert multilabel.outputs(matrix == 1, schema.classes).tolist() == rows.y.tolist()


def test_linear_learns_which_labels_a_text_has(context) -> None:
    from sklearn.linear_model import LogisticRegression

    from bakeoff.models.tabular.estimator import Estimator

    schema, rows = errands()
    model = Estimator(classifier=LogisticRegression(C=100))
    model.fit(rows.take(slice(0, 48)), None, context(schema))
    predictions = model.predict(rows.X.iloc[48:])
    assert predictions.output.tolist() == rows.y[48:].tolist()
    assert predictions.proba is not None and predictions.proba.shape == (16, 3)


def test_rules_every_rule_that_holds_adds_its_labels(context) -> None:
    schema = Schema("multilabel", "y", {"text": "text"}, ("a", "b", "c"))
    X = pd.DataFrame({"text": ["one", "two", "one two", "none of it", "one"]})
    y = np.empty(5, dtype=object)
    y[:] = [("a",), ("b", "c"), ("a", "b", "c"), (), ("b",)]
    model = Rules(
        [{"name": "1", "keywords": ["one"], "output": "a"}, {"name": "2", "keywords": ["two"], "output": ["c", "b"]}]
    )
    model.check(schema)
    model.fit(examples(X, y), None, context(schema))
    predictions = model.predict(X)
    assert predictions.output.tolist() == [("a",), ("b", "c"), ("a", "b", "c"), (), ("a",)]
    assert predictions.stage is not None and predictions.stage.tolist() == ["1", "2", "1, 2", "default", "1"]
    assert predictions.proba is not None
    # Laplace: rule 1 is right for 2 of 3 rows, rule 2 for 2 of 2; no rule adds "a" to two rows, which lack it.
    np.testing.assert_allclose(predictions.proba[2], [3 / 5, 3 / 4, 3 / 4])
    assert predictions.proba[3, 0] == pytest.approx(1 / 4)


def test_rules_unknown_labels_are_refused_with_the_nearest() -> None:
    schema = Schema("multilabel", "y", {"text": "text"}, ("bread", "milk"))
    with pytest.raises(ConfigError, match=r'model\.rules\[0\]\.output: there is no class "mlik".*Did you mean "milk"'):
        Rules([{"keywords": ["x"], "output": ["bread", "mlik"]}]).check(schema)


SPOKEN = Spoken.from_classes(("NUM", "NUM:date", "buy"), {"buy": "Shopping"}, codes=False)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('{"labels": ["NUM", "NUM:date"]}', ("NUM", "NUM:date")),
        ('Sure! ```json\n["num:date", "NUM"]\n```', ("NUM", "NUM:date")),
        ('{"tags": ["shopping", "something else"]}', ("buy",)),
        ("Tags: NUM, NUM:date", ("NUM", "NUM:date")),
        ("- NUM:date\n- Shopping.", ("NUM:date", "buy")),
        ('{"labels": []}', ()),
        ("none", ()),
        ("", None),
        ("I cannot say that.", None),
        ('{"labels": ["NUM", "NUM:da', None),
    ],
)
def test_labels_are_read_from_whatever_form_a_reply_has(text: str, labels: tuple[str, ...] | None) -> None:
    assert SPOKEN.labels(text) == labels


def test_llm_a_real_model_lists_labels(context, llm, prompt, tmp_path) -> None:
    from bakeoff.models.prompted.llm import PromptedLLM
    from bakeoff.tasks import kinds

    schema, rows = errands()
    model = PromptedLLM(llm(), prompt("classify_many"), method="logprobs", shots=3)
    model.check(schema)
    model.fit(rows, None, context(schema))
    predictions = model.predict(rows.X.head(4))
    kinds.get("multilabel").check_predictions(predictions, schema, 4)
    assert {label for labels in predictions.output for label in labels} <= set(schema.classes)
    assert predictions.stage is not None and "llm" in predictions.stage
    model.save(tmp_path)
    assert PromptedLLM.load(tmp_path).predict(rows.X.head(4)).output.tolist() == predictions.output.tolist()
