"""Scikit-learn estimators for a task: chosen by its kind, checked, configured, fitted, and saved without pickle."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import lazy
from bakeoff.errors import ConfigError
from bakeoff.models import classes, multilabel
from bakeoff.models.base import Context
from bakeoff.models.tabular import archive, skops_io
from bakeoff.task import Predictions, Schema
from bakeoff.tasks import kinds

ROLES = ("classifier", "regressor")  # parameters of models that take an estimator


def chosen(classifier: Any, regressor: Any, schema: Schema, where: str | None = None) -> tuple[Any, str]:
    """The unfitted estimator for this kind of task, and its config key.

    Args:
        classifier: for classification; None for none.
        regressor: for regression; None for none.
        schema: of the task.
        where: config key of the estimator; None: ``model.classifier`` or ``model.regressor``.

    Raises:
        ConfigError: there is none, or it is of the other kind.
    """
    from sklearn.base import is_classifier, is_regressor

    role, other = role_for(schema), kinds.get(schema.kind).unused_head
    estimator, where = classifier if role == "classifier" else regressor, where or f"model.{role}"
    if estimator is None:
        raise ConfigError(
            f"{where}: {schema.target} asks for {schema.kind}, and there is only a {other} here. "
            f"Add a {role}, or choose another model."
        )
    if isinstance(estimator, type) or not (is_classifier if role == "classifier" else is_regressor)(estimator):
        raise ConfigError(f"{where}: {named(estimator)} is not a scikit-learn {role}.")
    return estimator, where


def role_for(schema: Schema) -> str:
    """Name of the parameter that holds the estimator for this task kind: one of ``ROLES``."""
    return kinds.get(schema.kind).head or "regressor"


def copied(estimator: Any, schema: Schema) -> Any:
    """An unfitted copy of an estimator; for any number of labels, one copy a label."""
    from sklearn.base import clone
    from sklearn.multiclass import OneVsRestClassifier

    copy = clone(estimator)
    return OneVsRestClassifier(copy) if schema.kind == "multilabel" else copy


def fit(estimator: Any, matrix: Any, y: NDArray[Any]) -> None:
    """Fit a copy to the output of ``target``. A label that no or every training row has is predicted constantly."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Label (not )?\\S+ is present in all training examples", UserWarning)
        estimator.fit(matrix, y)


def check(estimator: Any, where: str) -> None:
    """Let scikit-learn check the parameters of an estimator, and of those within it, by its own rules."""
    parts = {"": estimator, **estimator.get_params(deep=True)}
    for name, part in parts.items():
        if isinstance(part, type) or not hasattr(part, "_validate_params"):
            continue
        try:
            part._validate_params()
        except (TypeError, ValueError) as error:
            parameter = re.search(r"'(\w+)' parameter", str(error))
            path = [where, *name.split("__"), parameter[1] if parameter else ""]
            raise ConfigError(f"{'.'.join(p for p in path if p)}: {error}") from None


def settle(estimator: Any, context: Context) -> None:
    """Give the estimator the seed and the threads of the run, where the config leaves them open."""
    parameters = estimator.get_params(deep=True)
    settled = {name: context.seed for name in parameters if name.split("__")[-1] == "random_state"}
    # LogisticRegression still has the parameter, but warns about it since scikit-learn 1.8.
    if "n_jobs" in parameters and not any(cls.__name__ == "LogisticRegression" for cls in type(estimator).__mro__):
        settled["n_jobs"] = context.threads
    estimator.set_params(**{name: value for name, value in settled.items() if parameters[name] is None})


def target(y: NDArray[Any], schema: Schema) -> NDArray[Any]:
    """Targets for an estimator: positions of the labels among the classes, their matrix, or the values."""
    if schema.kind == "multilabel":
        return multilabel.indicators(y, schema.classes)
    return classes.codes(y, schema.classes) if schema.kind == "classification" else y


def answer(estimator: Any, matrix: Any, schema: Schema) -> Predictions:
    """Predictions of a fitted estimator for n rows, with probabilities where it has them."""
    if schema.kind == "regression":
        return Predictions(np.asarray(estimator.predict(matrix), dtype=np.float64).ravel())
    if schema.kind == "multilabel":
        if not hasattr(estimator, "predict_proba"):
            return Predictions(multilabel.outputs(np.asarray(estimator.predict(matrix)) == 1, schema.classes))
        return multilabel.from_proba(np.asarray(estimator.predict_proba(matrix), dtype=np.float64), schema.classes)
    labels = np.array(schema.classes, dtype=object)
    if not hasattr(estimator, "predict_proba"):
        return Predictions(labels[estimator.predict(matrix)])
    proba = np.zeros((matrix.shape[0], len(labels)))
    proba[:, estimator.classes_] = estimator.predict_proba(matrix)
    total = proba.sum(axis=1, keepdims=True)
    proba /= np.where(total > 0, total, 1)  # of an estimator that computes in 32 bits the sum is 1 only nearly
    if _has_threshold(estimator):
        return Predictions(labels[estimator.predict(matrix)], proba)
    return Predictions(classes.most_probable(proba, schema.classes), proba)


def unfitted(model: object) -> dict[str, Any]:
    """The estimators among the parameters of a model, by name."""
    return {role: getattr(model, role) for role in ROLES if hasattr(model, role)}


def dump(fitted: dict[str, Any], file: Path) -> None:
    """Write fitted objects in skops' format, which executes nothing when it is read."""
    skops_io.module().dump(fitted, file)


def load(file: Path) -> dict[str, Any]:
    """Read back what ``dump`` wrote. Raises ``DataError`` when the file names a type that bakeoff does not write."""
    return archive.read(file)


def named(component: object) -> str:
    """The class of a component, or the component where it is one, as a dotted path."""
    cls = component if isinstance(component, type) else type(component)
    return lazy.public_name(cls)


def _has_threshold(estimator: Any) -> bool:
    """Check whether it predicts by a threshold of its own, not by the largest probability."""
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

    return isinstance(estimator, FixedThresholdClassifier | TunedThresholdClassifierCV)
