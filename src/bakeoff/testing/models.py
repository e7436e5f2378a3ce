"""The contract of a model."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.columns import kinds as column_kinds
from bakeoff.config import components, wiring
from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, Report, no_report
from bakeoff.models.forecast import lags
from bakeoff.models.tabular.estimator import adapt
from bakeoff.task import HISTORY, Corpus, Predictions, Schema
from bakeoff.tasks import kinds
from bakeoff.testing.contract import Contract, composed, documented
from bakeoff.testing.tasks import TASKS, Toy

PICKLES = (".pkl", ".pickle", ".joblib")
CARD = ("family", "licence", "source", "hosting", "data_leaves_network")


class Pruned(Exception):
    """Exception that the pruning hook of the contract tests raises to end a fit."""


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
            ``QUESTIONS``, ``TEXTS`` and ``SERIES`` are there too. Those that the model refuses are passed over; it must
            serve one.
        overrides: of the config, as on the command line.
        corpus: the documents, where answers are looked for in any; those of ``QUESTIONS`` are ``tasks.corpus()``.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(f"model={option}")
    with contract.holds("it composes"):
        content = composed(f"model={option}", "data=csv", "embedder=hashing", *overrides)
        node = wiring.assembled_from(content, "model").to_config()
    with contract.holds("its classes are allowed, and take these arguments"):
        components.check_component(node, "model", slot="model")
    with contract.holds("it is a dataclass of its parameters, and a subclass of bakeoff.models.Model"):
        _is_dataclass_of_parameters(adapt(components.instantiate(dict(node), "model", "model")))
    with contract.holds("class and config say what they are"):
        documented(node, "model", CARD)
    served = []
    for name, make in (TASKS if tasks is None else tasks).items():
        toy = make()
        with contract.holds(f"{name}: it serves the task, or refuses it with a ConfigError"):
            try:
                _made(node, toy[0]).check(toy[0])
                served.append(name)
            except ConfigError:
                continue
        _check_on(contract, name, node, toy, corpus)
    assert served, f"{contract.of}: it serves none of the tasks {', '.join(tasks or TASKS)}. Give tasks of its kind."
    return contract.held


def _is_dataclass_of_parameters(model: Model) -> None:
    cls = type(model)
    assert "__dataclass_fields__" in vars(cls), f"{cls.__name__} is no dataclass: decorate it with @dataclass(eq=False)"
    parameters = {f.name for f in fields(cls) if f.init}  # type: ignore[arg-type]
    arguments = set(inspect.signature(cls).parameters)
    assert parameters == arguments, (
        f"the constructor takes {', '.join(arguments)}, and the fields are {', '.join(parameters)}"
    )


def _made(node: Mapping[str, Any], schema: Schema) -> Model:
    return lags.adapted(adapt(components.instantiate(dict(node), "model", "model")), schema)


def _fitted(node: Mapping[str, Any], toy: Toy, corpus: Corpus | None, report: Report = no_report) -> Model:
    """The model, fitted to four fifths of the rows. Raises ``AssertionError`` when it changes them."""
    schema, rows = toy
    model = _made(node, schema)
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
            _made(node, schema).predict(rows.X)
        except RuntimeError:
            pass
        else:
            raise AssertionError("it answered")
    with contract.holds(f"{name}: an unfitted model travels to a worker"):
        pickle.loads(pickle.dumps(_made(node, schema)))
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
    if schema.series is None:  # the columns of one are in the order of time, and none of its moments is missing
        with contract.holds(f"{name}: the order of columns does not matter"):
            assert_same(model.predict(rows.X[rows.X.columns[::-1]]), together)
        with contract.holds(f"{name}: missing values are no obstacle"):
            X = _with_gaps(rows.X, schema)
            answers = model.predict(X)
            assert_sound(answers, schema, len(X))
            assert_same(answers.take(np.array([0])), together.take(np.array([0])))
    if schema.of_kind("categorical"):
        with contract.holds(f"{name}: categories never seen are no obstacle"):
            unseen = dict.fromkeys(schema.of_kind("categorical"), "never seen")
            assert_sound(model.predict(rows.X.head(4).assign(**unseen)), schema, 4)
    if schema.kind in ("classification", "regression") and schema.of_kind("text"):
        with contract.holds(f"{name}: a text without words is no obstacle"):
            assert_sound(model.predict(rows.X.head(4).assign(**dict.fromkeys(schema.of_kind("text"), "?"))), schema, 4)
    if len(schema.classes) > 2:
        with contract.holds(f"{name}: a class that training lacks keeps its column"):
            with_label, labels = kinds.get(schema.kind).labels(rows.y)
            others = rows.take(np.setdiff1d(np.arange(len(rows)), with_label[labels == schema.classes[1]]))
            assert_sound(_fitted(node, (schema, others), corpus).predict(rows.X), schema, len(rows))
    with contract.holds(f"{name}: to warm up changes no predictions"):
        model.warm_up(rows.X.iloc[:2])
        assert_same(model.predict(rows.X), together)
    with contract.holds(f"{name}: its report can be written as JSON"):
        assert_reportable(model.report())
    with contract.holds(f"{name}: what is optional has a value of its type"):
        _check_options(model)
        requests = model.estimate_requests(rows, rows.X, Context(schema, seed=3, threads=1, corpus=corpus))
        assert isinstance(requests, list), f"estimate_requests gives {type(requests).__name__}, not a list"
    with tempfile.TemporaryDirectory() as folder, contract.holds(f"{name}: a saved model predicts the same"):
        persistence.save(model, Path(folder))
        loaded = persistence.load(Path(folder))
        assert type(loaded) is type(model), f"it was read back as {type(loaded).__name__}"
        assert_same(loaded.predict(rows.X), together)
        assert_same_parameters(model, loaded)
        pickles = [file.name for file in Path(folder).rglob("*") if file.suffix in PICKLES]
        assert not pickles, f"{', '.join(pickles)} would execute code when it is read"
    if steps:
        with contract.holds(f"{name}: a search can end a fit"):
            _pruned(node, toy, corpus)


def _with_gaps(X: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The first rows: one as it is, one that misses all, and one for each column that misses it alone."""
    columns = {column: kind for column, kind in schema.columns.items() if column != HISTORY}
    X = X.iloc[: len(columns) + 2].copy()
    for row, (column, kind) in enumerate(columns.items(), 2):
        is_there = ~np.isin(np.arange(len(X)), (1, row))
        missing = column_kinds.get(kind).missing
        X[column] = X[column].where(is_there) if missing is None else X[column].where(is_there, missing)
    return X


def _no_rows(model: Model, toy: Toy) -> None:
    try:
        with warnings.catch_warnings(action="ignore"):  # the mean of an empty slice is harmless here
            answered = model.predict(toy[1].X.iloc[:0])
    except Exception:  # raising is correct as well
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


def _check_options(model: Model) -> None:
    for name in ("uses_validation", "supports_lag_features"):
        value = getattr(model, name)
        assert isinstance(value, bool), f"{name} is {value!r}, not true or false"
    size = model.predict_batch_size
    assert size is None or size >= 1, f"predict_batch_size is {size!r}, not a number of rows, nor None"


def assert_reportable(report: ModelReport) -> None:
    """Raise ``AssertionError`` where a report cannot be recorded: details and curves as JSON, notes as sentences."""
    json.dumps([dict(report.details), [dict(row) for row in report.curves]])
    assert all(isinstance(note, str) for note in report.notes), "a note is no string"


def assert_same_parameters(a: Model, b: Model) -> None:
    """Raise ``AssertionError`` where a parameter of two models of one class differs."""
    for f in fields(a):  # type: ignore[arg-type]
        of_a, of_b = getattr(a, f.name), getattr(b, f.name)
        if f.init:
            assert repr(of_a) == repr(of_b), f"{f.name} was {of_a!r}, and is read back as {of_b!r}"


def assert_sound(predictions: Predictions, schema: Schema, n: int) -> None:
    """Raise ``AssertionError`` if predictions for n rows do not fit the task."""
    kind, output = kinds.get(schema.kind), predictions.output
    try:
        kind.check_predictions(predictions, schema, n)
    except ValueError as error:
        raise AssertionError(str(error)) from None
    if kind.is_numeric:
        assert output.dtype == np.float64, f"values are {output.dtype}, not float64"
    odd = sorted({str(label) for label in kind.labels(output)[1]} - set(schema.classes))
    assert not odd, f"{', '.join(odd)} is no class"


def assert_same(a: Predictions, b: Predictions) -> None:
    """Raise ``AssertionError`` if predictions, or their details, differ by more than rounding."""
    if a.output.dtype == np.float64:
        np.testing.assert_allclose(a.output, b.output, rtol=1e-6)
    else:
        assert a.output.tolist() == b.output.tolist(), "the answers differ"
    for name in ("stage", "retrieved", "cited", "evidence", "proba", "confidence"):
        of_a, of_b = getattr(a, name), getattr(b, name)
        assert (of_a is None) == (of_b is None), f"once there is {name}, and once there is none"
        if of_a is None:
            continue
        if of_a.dtype == np.float64:
            np.testing.assert_allclose(of_a, of_b, atol=1e-6, err_msg=f"of {name}")
        else:
            assert of_a.tolist() == of_b.tolist(), f"{name} of the answers differs"
