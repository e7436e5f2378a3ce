"""Encoding of a frame of mixed columns as the matrix that a scikit-learn estimator takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.utils import check_array, gen_batches, get_tags

from bakeoff.models import columns
from bakeoff.task import Schema

Text = Literal["auto", "tfidf", "lsa"]

BATCH = 65_536  # rows
TOKEN = r"(?u)\w+|[^\w\s]"  # one-letter words and punctuation tell questions from statements, and spam from notes


@dataclass(frozen=True)
class Encoding:
    """Encoding options set by the config; see ``Estimator``."""

    scale: bool
    text: Text
    ngrams: int
    dimensions: int
    max_categories: int

    def build(self, X: pd.DataFrame, schema: Schema, estimator: Any, seed: int) -> Pipeline | ColumnTransformer:
        """The unfitted encoder of the feature columns, as the estimator's tags ask for it.

        An estimator that knows missing values gets them; one that takes positive numbers only gets them from 0 to 1.
        ``X`` are the training rows, of which only the number of distinct categories is read.
        """
        accepts = get_tags(estimator).input_tags
        numeric, date, texts = schema.of_kind("numeric"), schema.of_kind("date"), schema.of_kind("text")
        sparse = bool(texts) and (self.text == "tfidf" or (self.text == "auto" and accepts.sparse))
        squeeze = [MinMaxScaler(clip=True)] if accepts.positive_only else []
        scaler = (squeeze or [InPlaceScaler(copy=False)]) if self.scale else []
        # scikit-learn's estimators take missing values in dense matrices only
        numbers = make_pipeline(Numbers(numeric, date, fill=sparse or not accepts.allow_nan), *scaler)
        if len(numeric) + len(date) == len(schema.columns):
            return numbers
        few = [name for name in schema.of_kind("categorical") if X[name].nunique() <= self.max_categories]
        many = [name for name in schema.of_kind("categorical") if name not in few]
        spelt = many if sparse else many + texts
        steps: list[tuple[str, Any, Any]] = []
        if numeric or date:
            steps.append(("numbers", numbers, numeric + date))
        if few:
            onehot = OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=sparse)
            steps.append(("categories", make_pipeline(Strings(), onehot), few))
        for i, name in enumerate(spelt):
            steps.append((f"spelling {i}", make_pipeline(Strings(), self._spelling(len(X), seed), *squeeze), name))
        for i, name in enumerate(texts if sparse else ()):
            terms = TfidfVectorizer(ngram_range=(1, self.ngrams), sublinear_tf=True, token_pattern=TOKEN)
            steps.append((f"terms {i}", make_pipeline(Strings(), terms), name))
        return ColumnTransformer(steps, sparse_threshold=1.0)

    def _spelling(self, n: int, seed: int) -> Any:
        from skrub import StringEncoder

        return StringEncoder(n_components=max(1, min(self.dimensions, n - 1)), random_state=seed)


class Numbers(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numeric columns and the parts of dates as one new float64 array, in C order.

    With ``fill``, a missing value becomes the column's training median, and each column that had one in training gets
    a second column that says where. One pass over the columns keeps the peak at a single copy of the data, and a single
    row at microseconds; scikit-learn's imputer and column transformer make several copies.
    """

    def __init__(self, numeric: list[str], date: list[str], fill: bool) -> None:
        self.numeric = numeric
        self.date = date
        self.fill = fill

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the medians, and which columns have gaps."""
        medians, gaps = [], []
        for j, values in enumerate(columns.as_numbers(X, self.numeric, self.date)):
            absent = np.isnan(values)
            medians.append(0.0 if absent.all() else float(np.median(values[~absent])))
            if self.fill and absent.any():
                gaps.append(j)
        self.medians_, self.gaps_ = np.array(medians), np.array(gaps, dtype=np.intp)
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """The numbers, shape (n, columns + columns with gaps)."""
        k = len(self.medians_)
        matrix = np.empty((len(X), k + len(self.gaps_)))
        for j, values in enumerate(columns.as_numbers(X, self.numeric, self.date)):
            matrix[:, j] = values
        if self.fill:
            absent = np.isnan(matrix[:, :k])
            matrix[:, k:] = absent[:, self.gaps_]
            rows, positions = np.nonzero(absent)
            matrix[rows, positions] = self.medians_[positions]
        return matrix


class InPlaceScaler(StandardScaler):  # type: ignore[misc]
    """StandardScaler that learns in batches: scikit-learn's own ``fit`` holds a second copy of the data."""

    def fit(self, X: NDArray[np.float64], y: Any = None) -> Self:
        """Learn means and deviations, over batches of rows."""
        self._reset()
        X = X if hasattr(X, "__getitem__") else check_array(X)
        for batch in gen_batches(len(X), BATCH):
            self.partial_fit(X[batch])
        return self


class Strings(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Categories or text as ``str``, empty where a value is missing: one column as a Series, several as an array."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Do nothing: there is nothing to learn."""
        return self

    def transform(self, X: pd.DataFrame | pd.Series) -> Any:
        """The strings, shape (n,) for a Series and (n, columns) for a frame."""
        if isinstance(X, pd.Series):
            return pd.Series(columns.strings(X, missing=""), dtype=object, name=X.name)
        return np.column_stack([columns.strings(X[name], missing="") for name in X])

    def __sklearn_tags__(self) -> Any:
        """Tags that say it works without being fitted."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags
