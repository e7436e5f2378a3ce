"""The contract of a model."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff import config, kinds, parts
from bakeoff.errors import ConfigError
from bakeoff.models.base import Context, Model, Report, no_report
from bakeoff.models.estimator import adapt
from bakeoff.task import Corpus, Predictions, Schema
from bakeoff.testing.contract import Contract, composed, documented
from bakeoff.testing.tasks import TASKS, Toy

PICKLES = (".pkl", ".pickle", ".joblib")
CARD = ("family", "licence", "source", "hosting", "data_leaves_network")


class Pruned(Exception):
    """What the pruning hook raises here to end a fit."""


def check_model(
    option: str,
    tasks: Mapping[str, Callable[[], Toy]] | None = None,
    overrides: Sequence[str] = (),
    corpus: Corpus | None = None,
) -> list[str]:
    """Check a model of the group ``model`` on small tasks.

    Args:
        option: its name.
        tasks: name → a function that gives schema and examples; the tables of ``bakeoff.testing.tasks`` when None.
            Those that the model refuses are passed over; it must serve one of them.
        overrides: of the config, as on the command line.
        corpus: the documents, where answers are looked for in any.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(f"model={option}")
    with contract.holds("it composes"):
        content = composed(f"model={option}", "data=csv", "embedder=hashing", *overrides)
        node: dict[str, Any] = parts.assembled(content["model"], content)
    with contract.holds("its classes are allowed, and take these arguments"):
        config.check_component(node, "model")
    with contract.holds("class and config say what they are"):
        documented(node, "model", CARD)
    served = []
    for name, make in (TASKS if tasks is None else tasks).items():
        toy = make()
        with contract.holds(f"{name}: it serves the task, or refuses it with a ConfigError"):
            try:
                _made(node).check(toy[0])
                served.append(name)
            except ConfigError:
                continue
        _check_on(contract, name, node, toy, corpus)
    assert served, f"{contract.of}: it serves none of the tasks {', '.join(tasks or TASKS)}. Give tasks of its kind."
    return contract.held


def _made(node: Mapping[str, Any]) -> Model:
    return adapt(config.instantiate(dict(node), "model"))


def _fitted(node: Mapping[str, Any], toy: Toy, corpus: Corpus | None, report: Report = no_report) -> Model:
    """The model, fitted to four fifths of the rows. Raises ``AssertionError`` when it changes them."""
    schema, rows = toy
    model = _made(node)
    order = np.random.default_rng(1).permutation(len(rows))
    cut = len(rows) // 5
    train, valid = rows.take(order[cut:]), rows.take(order[:cut]) if model.uses_validation else None
    before = train.X.copy(deep=True)
    model.fit(train, valid, Context(schema, seed=3, threads=1, report=report, corpus=corpus))
    assert before.equals(train.X), "the rows are not what they were"
    return model


def _check_on(contract: Contract, name: str, node: Mapping[str, Any], toy: Toy, corpus: Corpus | None) -> None:
    schema, rows = toy
    steps: list[float] = []
    with contract.holds(f"{name}: to predict before fit is a RuntimeError"):
        try:
            _made(node).predict(rows.X)
        except RuntimeError:
            pass
        else:
            raise AssertionError("it answered")
    with contract.holds(f"{name}: an unfitted model travels to a worker"):
        pickle.loads(pickle.dumps(_made(node)))
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, contract.holds(f"{name}: fit writes nothing, and changes no rows"):
        os.chdir(folder)
        try:
            model = _fitted(node, toy, corpus, report=lambda step, loss: steps.append(loss))
        finally:
            os.chdir(here)
        assert not list(Path(folder).iterdir()), "it wrote into the working directory"
    with contract.holds(f"{name}: predict changes no rows"):
        before = rows.X.copy(deep=True)
        together = model.predict(rows.X)
        assert before.equals(rows.X), "they are not what they were"
    with contract.holds(f"{name}: answers have the shape of the question"):
        assert_sound(together, schema, len(rows))
    with contract.holds(f"{name}: a single row gets the answer that it gets among others"):
        alone = model.predict(rows.X.iloc[5:6])
        assert_sound(alone, schema, 1)
        assert_same(alone, together.take(np.array([5])))
    with contract.holds(f"{name}: no rows get no answers"):
        _no_rows(model, toy)
    with contract.holds(f"{name}: the same seed gives the same answers"):
        assert_same(_fitted(node, toy, corpus).predict(rows.X), together)
    with contract.holds(f"{name}: the order of columns does not matter"):
        assert_same(model.predict(rows.X[rows.X.columns[::-1]]), together)
    with contract.holds(f"{name}: missing values are no obstacle"):
        X = rows.X.head(3).copy()
        for column, kind in schema.columns.items():
            X[column] = X[column].astype(object) if kind == "categorical" else X[column]
            X.loc[X.index, column] = "" if kind == "text" else None
        assert_sound(model.predict(X), schema, 3)
    if schema.of_kind("categorical"):
        with contract.holds(f"{name}: categories never seen are no obstacle"):
            unseen = dict.fromkeys(schema.of_kind("categorical"), "never seen")
            assert_sound(model.predict(rows.X.head(4).assign(**unseen)), schema, 4)
    with tempfile.TemporaryDirectory() as folder, contract.holds(f"{name}: a saved model predicts the same"):
        model.save(Path(folder))
        assert_same(type(model).load(Path(folder)).predict(rows.X), together)
        pickles = [file.name for file in Path(folder).rglob("*") if file.suffix in PICKLES]
        assert not pickles, f"{', '.join(pickles)} would execute code when it is read"
    if steps:
        with contract.holds(f"{name}: a search can end a fit"):
            _pruned(node, toy, corpus)


def _no_rows(model: Model, toy: Toy) -> None:
    try:
        answered = model.predict(toy[1].X.iloc[:0])
    except Exception:  # to refuse is right as well
        return
    assert len(answered.output) == 0, f"it gave {len(answered.output)} answers"


def _pruned(node: Mapping[str, Any], toy: Toy, corpus: Corpus | None) -> None:
    def stop(step: int, loss: float) -> None:
        raise Pruned

    try:
        _fitted(node, toy, corpus, report=stop)
    except Pruned:
        return
    raise AssertionError("what the hook of the context raises does not come through")


def assert_sound(predictions: Predictions, schema: Schema, n: int) -> None:
    """Raise ``AssertionError`` where answers to n rows do not fit the task."""
    assert len(predictions.output) == n, f"{len(predictions.output)} answers to {n} rows"
    if schema.kind == "regression":
        assert predictions.output.dtype == np.float64, f"values are {predictions.output.dtype}, not float64"
        assert np.isfinite(predictions.output).all(), "a value is not finite"
    elif schema.classes:
        odd = set(predictions.output) - set(schema.classes)
        assert not odd, f"{', '.join(map(str, odd))} is no class"
    else:
        kinds.get(schema.kind)
    if predictions.proba is not None:
        assert predictions.proba.shape == (n, len(schema.classes)), f"proba has shape {predictions.proba.shape}"
        assert predictions.proba.min(initial=0) >= 0, "a probability is below 0"
        np.testing.assert_allclose(predictions.proba.sum(axis=1), 1, atol=1e-6)


def assert_same(a: Predictions, b: Predictions) -> None:
    """Raise ``AssertionError`` where answers differ by more than rounding."""
    if a.output.dtype == np.float64:
        np.testing.assert_allclose(a.output, b.output, rtol=1e-6)
    else:
        assert a.output.tolist() == b.output.tolist(), "the answers differ"
    assert (a.proba is None) == (b.proba is None), "once there are probabilities, and once there are none"
    if a.proba is not None and b.proba is not None:
        np.testing.assert_allclose(a.proba, b.proba, atol=1e-6)
