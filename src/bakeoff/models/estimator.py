"""Any scikit-learn estimator as a model, behind an encoding that suits the columns."""

from __future__ import annotations

import pydoc
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError
from bakeoff.models import classes, state, threads
from bakeoff.models.base import Context, Model, require_kind
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.features import Encoding

FILE = "estimator.skops"
TRUSTED = ("sklearn.", "skrub.", "numpy.", "scipy.", "pandas.", "bakeoff.")
MODEL = ("uses_validation", "check", "fit", "predict", "save", "load")


@dataclass(frozen=True)
class Encoded:
    """A fitted encoder, the encoded training rows, and in a search what it encoded after that."""

    encoder: Any
    matrix: Any
    known: dict[str, Any] | None


class EstimatorModel:
    """A scikit-learn estimator behind an encoding of numbers, dates, categories and text.

    Args:
        classifier: answers classification tasks; None when it is not meant for any.
        regressor: answers regression tasks; None when it is not meant for any.
        scale: bring numbers to mean 0 and deviation 1. Trees do not need it.
        text: ``tfidf``: sparse terms; ``lsa``: a few dense dimensions of spelling; ``auto``: terms where the estimator
            takes sparse input.
        ngrams: longest sequence of words that is a term of ``tfidf``.
        dimensions: of each text under ``lsa``, and of each category with more than ``max_categories`` values.
        max_categories: most values of a category; with more it is encoded by its spelling.
    """

    uses_validation = False
    _known: dict[str, Any] | None = None  # in a search: the rows that were encoded first, and the encoded rows
    _bare = False  # the config names the estimator itself: it has no key of its own in messages

    def __init__(
        self,
        classifier: object = None,
        regressor: object = None,
        scale: bool = True,
        text: Literal["auto", "tfidf", "lsa"] = "auto",
        ngrams: int = 2,
        dimensions: int = 30,
        max_categories: int = 40,
    ) -> None:
        self.classifier = classifier
        self.regressor = regressor
        self.scale = scale
        self.text = text
        self.ngrams = ngrams
        self.dimensions = dimensions
        self.max_categories = max_categories

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when no estimator is declared for the task, or a parameter is not valid."""
        require_kind(self, schema, "classification", "regression")
        estimator, where = self._estimator(schema)
        _check_parameters(estimator, where)
        self._check_text(schema, estimator)
        for name in ("ngrams", "dimensions", "max_categories"):
            if getattr(self, name) < 1:
                raise ConfigError(f"model.{name}: {getattr(self, name)} is less than 1.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn the encoding and fit a copy of the estimator on it."""
        from sklearn.base import clone

        schema = context.schema
        estimator = clone(self._estimator(schema)[0])
        _settle(estimator, context)
        y = classes.codes(train.y, schema.classes) if schema.kind == "classification" else train.y
        with threads.working(estimator, context.threads):
            encoded = self._encoded(train.X, y, estimator, context)
            estimator.fit(encoded.matrix, y)
        self.schema_, self.encoder_, self.estimator_, self.threads_ = (
            schema,
            encoded.encoder,
            estimator,
            context.threads,
        )
        self._known = encoded.known

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n rows, with probabilities where the estimator has them. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "estimator_"):
            raise RuntimeError("EstimatorModel: predict was called before fit.")
        with threads.working(self.estimator_, 1 if len(X) <= threads.FEW_ROWS else self.threads_):
            return self._answer(self._matrix(X))

    def _matrix(self, X: pd.DataFrame) -> Any:
        """The encoded rows; in a search, the validation rows are encoded once."""
        if self._known is None:
            return self.encoder_.transform(X)
        known, matrix = self._known.get("rows", (None, None))
        if known is X:
            return matrix
        matrix = self.encoder_.transform(X)
        self._known.setdefault("rows", (X, matrix))
        return matrix

    def _answer(self, matrix: Any) -> Predictions:
        schema, estimator = self.schema_, self.estimator_
        if schema.kind == "regression":
            return Predictions(np.asarray(estimator.predict(matrix), dtype=np.float64).ravel())
        labels = np.array(schema.classes, dtype=object)
        if not hasattr(estimator, "predict_proba"):
            return Predictions(labels[estimator.predict(matrix)])
        proba = np.zeros((matrix.shape[0], len(labels)))
        proba[:, estimator.classes_] = estimator.predict_proba(matrix)
        if _has_threshold(estimator):
            return Predictions(labels[estimator.predict(matrix)], proba)
        return Predictions(classes.most_probable(proba, schema.classes), proba)

    def save(self, folder: Path) -> None:
        """Write encoder and estimator in skops' format, which executes nothing when it is read."""
        import skops.io

        settings = {
            "scale": self.scale,
            "text": self.text,
            "ngrams": self.ngrams,
            "dimensions": self.dimensions,
            "max_categories": self.max_categories,
        }
        state.write(folder, self.schema_, settings=settings, threads=self.threads_)
        skops.io.dump({"encoder": self.encoder_, "estimator": self.estimator_}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when it names anything but trusted classes."""
        import skops.io

        schema, learnt = state.read(folder)
        types = skops.io.get_untrusted_types(file=folder / FILE)
        foreign = [name for name in types if not _is_trusted(name)]
        if foreign:
            raise DataError(
                f"{folder / FILE}: holds {', '.join(foreign)}. Only classes of these libraries are read: "
                f"{', '.join(name.rstrip('.') for name in TRUSTED)}."
            )
        loaded = skops.io.load(folder / FILE, trusted=types)
        role = "classifier" if schema.kind == "classification" else "regressor"
        model = cls(**{role: loaded["estimator"]}, **learnt["settings"])
        model.schema_, model.threads_ = schema, learnt["threads"]
        model.encoder_, model.estimator_ = loaded["encoder"], loaded["estimator"]
        return model

    def _check_text(self, schema: Schema, estimator: Any) -> None:
        from sklearn.utils import get_tags

        if self.text == "tfidf" and schema.of_kind("text") and not get_tags(estimator).input_tags.sparse:
            raise ConfigError(
                f"model.text: {_named(estimator)} takes no sparse input, which tfidf is. Use lsa or auto."
            )

    def _encoded(self, X: pd.DataFrame, y: NDArray[Any], estimator: Any, context: Context) -> Encoded:
        """The fitted encoder and the encoded rows; in a search once for all trials that encode alike."""
        from sklearn.utils import get_tags

        encoding = self._encoding()
        if context.memo is None:  # nobody will ask again, and the matrix is the estimator's to overwrite
            encoder = encoding.build(X, context.schema, estimator, context.seed)
            return Encoded(encoder, encoder.fit_transform(X, y), None)
        if not context.schema.of_kind("text"):
            encoding = replace(encoding, ngrams=1)
        accepts = get_tags(estimator).input_tags
        key = (encoding, accepts.sparse, accepts.allow_nan, accepts.positive_only)
        if key not in context.memo:
            encoder = encoding.build(X, context.schema, estimator, context.seed)
            context.memo[key] = Encoded(encoder, encoder.fit_transform(X, y), {})
        kept: Encoded = context.memo[key]
        return Encoded(kept.encoder, kept.matrix.copy(), kept.known)

    def _encoding(self) -> Encoding:
        from bakeoff.models.features import Encoding

        return Encoding(self.scale, self.text, self.ngrams, self.dimensions, self.max_categories)

    def _estimator(self, schema: Schema) -> tuple[Any, str]:
        """The unfitted estimator for this kind of task, and its config key."""
        from sklearn.base import is_classifier, is_regressor

        role, other = ("classifier", "regressor") if schema.kind == "classification" else ("regressor", "classifier")
        estimator, where = getattr(self, role), "model" if self._bare else f"model.{role}"
        if estimator is None:
            raise ConfigError(
                f"{where}: {schema.target} asks for {schema.kind}, and there is only a {other} here. "
                f"Add a {role}, or choose another model."
            )
        if isinstance(estimator, type) or not (is_classifier if role == "classifier" else is_regressor)(estimator):
            raise ConfigError(f"{where}: {_named(estimator)} is not a scikit-learn {role}.")
        return estimator, where


def adapt(component: object) -> Model:
    """The component itself when it is a model; a scikit-learn estimator as one.

    Raises:
        ConfigError: it is neither.
    """
    if all(hasattr(component, name) for name in MODEL):
        return cast(Model, component)
    from sklearn.base import is_classifier, is_regressor

    wrapped = None
    if not isinstance(component, type) and hasattr(component, "get_params"):
        if is_classifier(component):
            wrapped = EstimatorModel(classifier=component)
        elif is_regressor(component):
            wrapped = EstimatorModel(regressor=component)
    if wrapped is None:
        raise ConfigError(
            f"model._target_: {_named(component)} is neither a model (a class with {', '.join(MODEL)}) "
            "nor a scikit-learn classifier or regressor."
        )
    wrapped._bare = True
    return wrapped


def _check_parameters(estimator: Any, where: str) -> None:
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


def _settle(estimator: Any, context: Context) -> None:
    """Give the estimator the seed and the threads of the run, where the config leaves them open."""
    parameters = estimator.get_params(deep=True)
    chosen = {name: context.seed for name in parameters if name.split("__")[-1] == "random_state"}
    # LogisticRegression still has the parameter, but warns about it since scikit-learn 1.8.
    if "n_jobs" in parameters and type(estimator).__name__ != "LogisticRegression":
        chosen["n_jobs"] = context.threads
    estimator.set_params(**{name: value for name, value in chosen.items() if parameters[name] is None})


def _has_threshold(estimator: Any) -> bool:
    """Whether it answers by a threshold of its own, and not by the largest probability."""
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

    return isinstance(estimator, FixedThresholdClassifier | TunedThresholdClassifierCV)


def _is_trusted(name: str) -> bool:
    """Whether it is a class of a trusted library; a function such as ``pandas.read_pickle`` could run any code."""
    return name.startswith(TRUSTED) and isinstance(pydoc.locate(name), type)


def _named(component: object) -> str:
    cls = component if isinstance(component, type) else type(component)
    return f"{cls.__module__}.{cls.__qualname__}"
