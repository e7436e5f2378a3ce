"""Any scikit-learn estimator as a model, behind an encoding that suits the columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import NDArray

from bakeoff.errors import ConfigError
from bakeoff.models import persistence, threads
from bakeoff.models.base import Context, Model, require_fitted, require_kind
from bakeoff.models.tabular import heads, transformed
from bakeoff.models.tabular.transformed import Transform
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.models.tabular.features import Encoding

FILE = "estimator.skops"


@dataclass(frozen=True)
class Encoded:
    """A fitted encoder, the encoded training rows, and in a search any rows encoded since."""

    encoder: Any
    matrix: Any
    known: dict[str, Any] | None


@dataclass(eq=False)
class Estimator(Model):
    """A scikit-learn estimator behind an encoding of numbers, dates, categories and text.

    Args:
        classifier: for classification tasks; None if not supported.
        regressor: for regression tasks; None if not supported.
        scale: standardise numbers to mean 0 and standard deviation 1. Trees do not need it.
        text: ``tfidf``: sparse terms; ``lsa``: a few dense dimensions of spelling; ``auto``: terms where the estimator
            takes sparse input.
        ngrams: longest sequence of words that is a term of ``tfidf``.
        dimensions: of each text under ``lsa``, and of each category with more than ``max_categories`` values.
        max_categories: maximum distinct values for one-hot encoding; with more, a category is encoded by its spelling.
        target_transform: ``log``: learn the logarithm of a positive target (regression). Predictions lie at most 3
            standard deviations of the logarithms beyond the range that was learnt.
    """

    classifier: object = None
    regressor: object = None
    scale: bool = True
    text: Literal["auto", "tfidf", "lsa"] = "auto"
    ngrams: int = 2
    dimensions: int = 30
    max_categories: int = 40
    target_transform: Transform = "none"

    supports_lag_features = True
    # In a search: the rows that were encoded first, and the encoded rows.
    _known: dict[str, Any] | None = field(default=None, init=False, repr=False)
    # The config names the estimator itself, so that it has no key of its own in messages.
    _bare: bool = field(default=False, init=False, repr=False)

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when no estimator is declared for the task, or a parameter is not valid."""
        require_kind(self, schema, "classification", "regression", "multilabel")
        estimator, where = self._estimator(schema)
        heads.check(estimator, where)
        self._check_text(schema, estimator)
        transformed.check(self.target_transform, schema)
        for name in ("ngrams", "dimensions", "max_categories"):
            if getattr(self, name) < 1:
                raise ConfigError(f"model.{name}: {getattr(self, name)} is less than 1.")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn the encoding and fit a copy of the estimator on it."""
        schema = context.schema
        estimator = heads.copied(self._estimator(schema)[0], schema)
        heads.settle(estimator, context)
        y = transformed.forward(heads.target(train.y, schema), self.target_transform)
        self.range_ = transformed.learnt_range(y, self.target_transform)
        with threads.working(estimator, context.threads):
            encoded = self._encoded(train.X, y, estimator, context)
            heads.fit(estimator, encoded.matrix, y)
        self.schema_, self.encoder_, self.estimator_, self.threads_ = (
            schema,
            encoded.encoder,
            estimator,
            context.threads,
        )
        self._known = encoded.known

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows, with probabilities where the estimator has them. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "estimator_")
        with threads.working(self.estimator_, 1 if len(X) <= threads.FEW_ROWS else self.threads_):
            answer = heads.answer(self.estimator_, self._matrix(X), self.schema_)
        if self.target_transform == "none":
            return answer
        return replace(answer, output=transformed.inverse(answer.output, self.target_transform, self.range_))

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

    def save(self, folder: Path) -> None:
        """Write encoder and estimator in skops' format, which executes nothing when it is read."""
        persistence.write(folder, self, self.schema_, omit=heads.ROLES, threads=self.threads_, range=self.range_)
        heads.dump({"encoder": self.encoder_, "estimator": self.estimator_, **heads.unfitted(self)}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote. Raises ``DataError`` when it names anything but trusted classes."""
        loaded = heads.load(folder / FILE)
        schema, _ = persistence.read_state(folder)
        # Earlier versions wrote the fitted estimator alone.
        fitted = {heads.role_for(schema): loaded["estimator"]}
        unfitted = {role: loaded[role] for role in heads.ROLES} if heads.ROLES[0] in loaded else fitted
        saved = persistence.read(cls, folder, **unfitted)
        model, model.schema_, model.threads_ = saved.model, saved.schema, saved.learned["threads"]
        model.range_ = saved.learned.get("range")
        model.encoder_, model.estimator_ = loaded["encoder"], loaded["estimator"]
        return model

    def _check_text(self, schema: Schema, estimator: Any) -> None:
        from sklearn.utils import get_tags

        if self.text == "tfidf" and schema.of_kind("text") and not get_tags(estimator).input_tags.sparse:
            raise ConfigError(
                f"model.text: {heads.named(estimator)} takes no sparse input, which tfidf is. Use lsa or auto."
            )

    def _encoded(self, X: pd.DataFrame, y: NDArray[Any], estimator: Any, context: Context) -> Encoded:
        """The fitted encoder and the encoded rows; in a search once for all trials that encode alike."""
        from sklearn.utils import get_tags

        encoding = self._encoding()
        if context.memo is None:  # the matrix is not reused, so the estimator may overwrite it
            encoder = encoding.build(X, context.schema, estimator, context.seed)
            return Encoded(encoder, encoder.fit_transform(X, y), None)
        if not context.schema.of_kind("text"):
            encoding = replace(encoding, ngrams=1)
        accepts = get_tags(estimator).input_tags
        key = (encoding, accepts.sparse, accepts.allow_nan, accepts.positive_only)
        if key not in context.memo:
            encoder = encoding.build(X, context.schema, estimator, context.seed)
            context.memo[key] = Encoded(encoder, encoder.fit_transform(X, y), {})
        cached: Encoded = context.memo[key]
        return Encoded(cached.encoder, cached.matrix.copy(), cached.known)

    def _encoding(self) -> Encoding:
        from bakeoff.models.tabular.features import Encoding

        return Encoding(self.scale, self.text, self.ngrams, self.dimensions, self.max_categories)

    def _estimator(self, schema: Schema) -> tuple[Any, str]:
        """The unfitted estimator for this kind of task, and its config key."""
        return heads.chosen(self.classifier, self.regressor, schema, "model" if self._bare else None)


def adapt(component: object) -> Model:
    """The component itself when it is a model, or a scikit-learn estimator wrapped as one.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(component, Model):
        return component
    from sklearn.base import is_classifier, is_regressor

    is_object = not isinstance(component, type) and hasattr(component, "get_params")
    if not is_object or not (is_classifier(component) or is_regressor(component)):
        raise ConfigError(
            f"model._target_: {heads.named(component)} is neither a scikit-learn classifier or regressor, nor a "
            "subclass of bakeoff.models.Model. Subclass that; see docs/own-model.md."
        )
    return adapt_estimator(component)


def adapt_estimator(estimator: Any) -> Estimator:
    """A scikit-learn classifier or regressor as a model of its own, so that messages call it ``model``."""
    from sklearn.base import is_classifier

    wrapped = Estimator(**{"classifier" if is_classifier(estimator) else "regressor": estimator})
    wrapped._bare = True
    return wrapped
