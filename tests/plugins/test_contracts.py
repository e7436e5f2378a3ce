"""The checks for plugin authors: a sound plugin passes them, and each finds what it is there to find."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from installing import declare, install_counting, write

from bakeoff import plugins
from bakeoff.task import Predictions, PredictionTable, Schema
from bakeoff.testing import check_data, check_llm, check_metric, check_model, check_plugin, check_retriever
from bakeoff.testing.models import assert_same
from bakeoff.testing.tasks import Toy, examples, iris

MODEL = '''
import json
import numpy as np
from dataclasses import dataclass
from bakeoff.models.base import Model, require_kind
from bakeoff.task import Predictions


@dataclass(eq=False)
class Mean(Model):
    """Answers the mean of the target, {parameter}."""

    parameter: int = 1

    def check(self, schema):
        require_kind(self, schema, "{kind}")

    def fit(self, train, valid, context):
        self.mean_ = float({learnt})
        {fit}

    def predict(self, X):
        if not hasattr(self, "mean_"):
            raise {unfitted}
        return Predictions({answer})

    def save(self, folder):
        (folder / "{file}").write_text(json.dumps({saved}))

    @classmethod
    def load(cls, folder):
        model = cls()
        model.mean_ = json.loads((folder / "{file}").read_text())
        return model
'''
SOUND = {
    "kind": "regression", "learnt": "np.mean(train.y)",
    "parameter": "parameter times", "fit": "context.report(0, 1.0)", "unfitted": "RuntimeError('before fit')",
    "answer": "np.full(len(X), self.mean_)", "file": "mean.json", "saved": "self.mean_",
}  # fmt: skip
CONF = """# The mean.
_target_: bakeoff_acme.models.Mean
card: {family: rules, licence: MIT, source: open, hosting: local, data_leaves_network: false}
"""


def install(site: Path, conf: str = CONF, **other: str) -> None:
    source = MODEL
    for key, text in {**SOUND, **other}.items():
        source = source.replace(f"{{{key}}}", text)
    write(site / "bakeoff_acme", {"__init__.py": "", "models.py": source, "conf/model/acme.yaml": conf})
    declare(site, "bakeoff-acme", {"bakeoff.plugins": {"acme": "bakeoff_acme"}})
    importlib.invalidate_caches()
    plugins.forget()


@pytest.fixture
def counting(site: Path) -> Iterator[Path]:
    install_counting(site)
    importlib.invalidate_caches()
    plugins.forget()
    yield site


def fruit() -> Toy:
    X = pd.DataFrame({"text": [f"basket {i}: " + "apple " * (i % 3) for i in range(20)]})
    y = np.array([{"apple": i % 3} for i in range(20)], dtype=object)
    return Schema("counting", "counts", {"text": "text"}), examples(X, y)


def test_a_sound_plugin_with_a_kind_of_task_of_its_own_passes(counting: Path) -> None:
    held = check_plugin("counting")
    assert "model/counter composes, and its classes take these arguments" in held
    assert "metric count_error says what it is" in held
    assert "fruit: a saved model predicts the same" in check_model("counter", tasks={"fruit": fruit})
    assert "the same config gives the same task" in check_data("fruit", ["data.rows=40"])
    schema, rows = fruit()
    output = np.array([json.dumps({"apple": 1})] * len(rows), dtype=object)
    seconds, nothing = np.full(len(rows), np.nan), pd.DataFrame(index=range(len(rows)))
    table = PredictionTable(schema, rows.ids, rows.y, Predictions(output), seconds, nothing)
    assert "counting: all rows once is the value" in check_metric("count_error", [table])


def test_a_sound_model_passes_and_its_pruning_hook_is_tried(site: Path) -> None:
    install(site)
    assert "diabetes: a search can end a fit" in check_model("acme")


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ({"parameter": "nothing"}, "the docstring of Mean does not say what parameter is"),
        ({"fit": "open('left', 'w').close()"}, "it wrote into the working directory"),
        ({"fit": "train.X.iloc[:, 0] = 0.0"}, "the rows are not what they were"),
        ({"unfitted": "ValueError('what?')"}, "to predict before fit is a RuntimeError: ValueError: what?"),
        ({"answer": "np.full(len(X) + 1, self.mean_)"}, "predict answered with shape (201,) for 200 rows"),
        ({"answer": "np.full(len(X), self.mean_ / len(X))"}, "a single row gets the answer that it gets among others"),
        ({"answer": "np.random.default_rng().normal(size=len(X))"}, "a single row gets the answer"),
        ({"saved": "self.mean_ + 1"}, "a saved model predicts the same"),
        ({"file": "mean.pkl"}, "mean.pkl would execute code"),
        ({"answer": "X.iloc[:, 0].to_numpy() * self.mean_"}, "the order of columns does not matter"),
        ({"answer": "X['bmi'].to_numpy(dtype=float)"}, "missing values are no obstacle"),
        ({"answer": "np.full(len(X), self.mean_ + X.isna().any(axis=None))"}, "missing values are no obstacle"),
        ({"fit": "\n        try: context.report(0, 1.0)\n        except Exception: pass"}, "does not come through"),
        ({"conf": CONF.replace("MIT", "''")}, "model.card has no licence"),
        ({"conf": CONF + "depth: 3\n"}, 'Mean takes no "depth"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_model_is_named(site: Path, fault: dict[str, str], found: str) -> None:
    install(site, **fault)
    with pytest.raises(AssertionError) as raised:
        check_model("acme")
    assert str(raised.value).startswith("model=acme: ")
    assert found in str(raised.value)


def test_a_class_that_a_model_forgets_is_found(site: Path) -> None:
    answer = "np.full(len(X), '0', dtype=object), np.full((len(X), int(self.mean_)), 1 / self.mean_)"
    install(site, kind="classification", learnt="len(set(train.y))", answer=answer)
    with pytest.raises(
        AssertionError, match=r"a class that training lacks keeps its column: predict gave proba of shape \(150, 2"
    ):
        check_model("acme", {"iris": iris})


def test_equal_answers_with_other_documents_are_not_the_same() -> None:
    output, found = np.array(["ice"], dtype=object), np.empty(2, dtype=object)
    found[:] = [("glacier",), ("volcano",)]
    one, other = (Predictions(output, retrieved=found[i : i + 1]) for i in range(2))
    assert_same(one, one)
    with pytest.raises(AssertionError, match="retrieved of the answers differs"):
        assert_same(one, other)


def test_what_is_wrong_with_a_plugin_is_named(site: Path) -> None:
    with pytest.raises(AssertionError, match=r"there is no such plugin\. Installed: "):
        check_plugin("acme")
    install(site, conf=CONF.replace("# The mean.\n", ""))
    with pytest.raises(AssertionError, match=r"model/acme says what it is: acme\.yaml has no comment"):
        check_plugin("acme")


def test_a_metric_whose_resamples_are_of_something_else_is_found(site: Path) -> None:
    source = '''
from bakeoff.metrics import is_regression, mean_of, metric

@metric("acme_bias", "minimize", applies=is_regression, resample=mean_of(lambda t: t.predictions.output))
def bias(table):
    """Mean error."""
    return float((table.predictions.output - table.target).mean())
'''
    write(site / "bakeoff_acme", {"__init__.py": "", "judging.py": source})
    of_metrics = {"acme_bias": "bakeoff_acme.judging:bias"}
    declare(site, "bakeoff-acme", {"bakeoff.plugins": {"acme": "bakeoff_acme"}, "bakeoff.metrics": of_metrics})
    importlib.invalidate_caches()
    plugins.forget()
    with pytest.raises(AssertionError, match="metric acme_bias: regression: all rows once is the value"):
        check_metric("acme_bias")


def test_a_retriever_that_finds_what_is_worst_first_is_found(site: Path) -> None:
    source = '''
from dataclasses import dataclass, replace
from bakeoff.retrieval.retrievers import BM25


class Backwards:
    """BM25, the other way round; top_k as there."""

    def __init__(self, top_k: int = 5) -> None:
        self.top_k, self.inner = top_k, BM25(top_k=top_k)

    def passages(self, corpus):
        return self.inner.passages(corpus)

    def index(self, corpus, threads=1):
        inner = self.inner.index(corpus, threads)
        class Index:
            details = inner.details
            def search(self, queries, k, where=None):
                return [hits[::-1] for hits in inner.search(queries, k, where)]
        return Index()
'''
    conf = "# Backwards.\n_target_: bakeoff_acme.finding.Backwards\n"
    write(site / "bakeoff_acme", {"__init__.py": "", "finding.py": source, "conf/retriever/backwards.yaml": conf})
    declare(site, "bakeoff-acme", {"bakeoff.plugins": {"acme": "bakeoff_acme"}})
    importlib.invalidate_caches()
    plugins.forget()
    with pytest.raises(AssertionError, match="retriever=backwards: a document is found by its own words, best first"):
        check_retriever("backwards")


@pytest.mark.slow
def test_the_local_language_model_holds_to_the_contract() -> None:
    from bakeoff.config import components
    from bakeoff.testing.contract import composed

    held = check_llm(components.instantiate(composed("model=llm", "data=csv", "llm=smollm2")["llm"], "llm"))
    assert "log-probabilities of the first token" in held
