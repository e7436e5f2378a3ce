"""Leaks: features that give the target away, and test texts that nearly duplicate training texts.

Only development rows are used to judge columns; of the test rows only the texts are read, never the targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff import advice
from bakeoff.data import near_duplicates

if TYPE_CHECKING:
    from bakeoff.task import Examples, Task

SINGLE_COLUMN, ORDERED_CLASSES, NEAR_DUPLICATES = "single_column", "ordered_classes", "near_duplicates"
COPIED_TEXTS = "copied_texts"
"""Names of the method checks that report leaks."""

CELLS, LEAST_SAMPLED, MOST_SAMPLED = 1_000_000, 2_000, 20_000
"""Values by which columns are judged, and the development rows that are sampled for them."""

MOST_JUDGED = 200  # maximum number of numeric columns (of maybe thousands): those most correlated with the target
FEWEST = 50  # development rows, and 10 of them outside the largest class, below which a column cannot be judged
ALONE, ALONE_VALUES = 0.95, 0.98  # minimum share of the errors (or variance of ranks) that a leaking column removes
ORDERS = 0.5  # the same for an id or a moment, which should carry no information
UNIQUE = 0.95  # share of distinct values from which whole numbers and codes count as ids
MOST_CLASSES = 30  # the others count as one
OTHER_CLASSES = "another class"
CODE_LENGTH = 40  # mean characters up to which strings that hardly repeat count as codes
COPIED_SHARE = 0.5  # share of copies among the test texts from which scores show memory alone
SIMILAR_SHARE = 0.05  # share of the test texts from which near-duplicates are reported


@dataclass(frozen=True)
class Leak:
    """A finding.

    Attributes:
        check: name of the method check that reports it.
        text: one or two sentences, with the column and what to do.
    """

    check: str
    text: str


def find(
    task: Task, id_column: str | None = None, time_column: str | None = None, accepts_copies: bool = False
) -> list[Leak]:
    """Look for leaks in a task of labels or values; the cost does not grow with the rows beyond a sample of them.

    Args:
        task: with development rows.
        id_column: name of the declared id, which is no feature.
        time_column: name of the declared time, which is no feature; rows in its order are judged by their place.
        accepts_copies: whether rows with equal inputs are declared to be independent.
    """
    leaks: list[Leak] = []
    truth = _Truth.from_task(task)
    if truth is not None:
        examples, rows = task.development.examples, truth.rows
        suspects = _suspects(examples.X, task.schema.of_kind("numeric"), truth)
        for name in task.schema.columns:
            if name in suspects:
                leaks += _of_column(name, examples.X[name].iloc[rows].reset_index(drop=True), truth)
        if id_column is not None:
            ids = pd.Series(examples.ids[rows]).infer_objects()
            leaks += _of_id(id_column, ids, truth, is_feature=False)
        if time_column is not None and task.development.is_ordered:
            leaks += _of_order(time_column, pd.Series(rows), truth, "a moment", is_feature=False)
    for name in task.schema.of_kind("text"):
        is_all = len(task.schema.columns) == 1 and not accepts_copies
        leaks += _of_texts(name, task.development.examples, task.test, is_all)
    return leaks


@dataclass(frozen=True)
class _Truth:
    """The target of a sample of the development rows, in two halves that predict each other.

    Attributes:
        rows: positions of the sample, shape (n,).
        y: class numbers, 0 for the largest class, or ranks from 0 to 1, shape (n,).
        is_labels: which of the two.
        first: whether a row is in the first half, shape (n,).
        likeliest: name of the largest class; empty for values.
    """

    rows: NDArray[np.intp]
    y: NDArray[Any]
    is_labels: bool
    first: NDArray[np.bool_]
    likeliest: str

    @classmethod
    def from_task(cls, task: Task) -> _Truth | None:
        """None where the target is neither labels nor values, or where there are too few rows to judge by."""
        y = task.development.examples.y
        if len(y) < FEWEST or y.ndim != 1:
            return None
        is_labels = bool(task.schema.classes) and isinstance(y[0], str)
        if not is_labels and y.dtype != np.float64:
            return None
        rng = np.random.default_rng(0)
        most = int(np.clip(CELLS // max(1, len(task.schema.columns)), LEAST_SAMPLED, MOST_SAMPLED))
        rows = np.arange(len(y)) if len(y) <= most else np.sort(rng.choice(len(y), most, replace=False))
        first = rng.permutation(len(rows)) < len(rows) / 2
        if not is_labels:
            ranks = pd.Series(y[rows]).rank(pct=True).to_numpy(dtype=np.float64)
            return cls(rows, ranks, False, first, "") if len(np.unique(ranks)) > 1 else None
        labels = pd.Series(y[rows])
        frequent = labels.value_counts().index[:MOST_CLASSES]
        labels = labels.where(labels.isin(frequent), OTHER_CLASSES)
        counts = labels.value_counts()
        if len(rows) - counts.iloc[0] < FEWEST / 5:
            return None
        return cls(
            rows,
            labels.map(dict(zip(counts.index, range(len(counts)), strict=True))).to_numpy(dtype=np.intp),
            True,
            first,
            str(counts.index[0]),
        )

    @property
    def base(self) -> float:
        """Mean error of the best constant: share of wrong labels, or variance of the ranks."""
        return float((self.y != 0).mean()) if self.is_labels else float(self.y.var())

    def removed(self, column: pd.Series) -> float:
        """Share of the best constant's error removed by predicting from the column alone, each half from the other."""
        predicted = np.empty(len(self.y))
        for here in (self.first, ~self.first):
            predicted[~here] = _predicted(column, self.y, here, self.is_labels)
        error = (predicted != self.y).mean() if self.is_labels else np.square(predicted - self.y).mean()
        return 1 - float(error) / self.base

    def told(self, share: float) -> str:
        """The share in words."""
        if self.is_labels:
            return (
                f'{1 - (1 - share) * self.base:.1%} right on rows not learned from; always "{self.likeliest}" is '
                f"{1 - self.base:.1%}"
            )
        return f"it explains {share:.1%} of the target's variance (of ranks)"


def _predicted(column: pd.Series, y: NDArray[Any], here: NDArray[np.bool_], is_labels: bool) -> NDArray[Any]:
    """Predict the rows that are not ``here`` from those that are, by one column."""
    if types.is_numeric_dtype(column.dtype):
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        make = DecisionTreeClassifier if is_labels else DecisionTreeRegressor
        tree = make(max_leaf_nodes=32 if is_labels else 256, min_samples_leaf=3, random_state=0)
        largest = np.finfo(np.float32).max  # trees read float32, and refuse what is beyond it
        x = np.clip(column.to_numpy(dtype=np.float64), -largest, largest).reshape(-1, 1)
        tree.fit(x[here], y[here])
        return np.asarray(tree.predict(x[~here]))
    codes = pd.factorize(column, use_na_sentinel=False)[0]
    if is_labels:
        counts = np.zeros((codes.max() + 1, y.max() + 1), dtype=np.intp)
        np.add.at(counts, (codes[here], y[here]), 1)
        return np.asarray(counts.argmax(axis=1))[codes[~here]]  # 0, the largest class, for unseen values
    sums = np.bincount(codes[here], y[here], minlength=codes.max() + 1)
    counts = np.bincount(codes[here], minlength=codes.max() + 1)
    mean = y[here].mean()
    return np.asarray((sums + mean) / (counts + 1))[codes[~here]]


def _suspects(X: pd.DataFrame, numeric: Sequence[str], truth: _Truth) -> set[str]:
    """The columns to judge: all, or of many numeric ones those that are correlated most with the target.

    A column counts by its values, by their distance from the mean and by which of them are missing.
    """
    if len(numeric) <= MOST_JUDGED:
        return set(X.columns)
    step = max(1, len(truth.rows) // LEAST_SAMPLED)
    rows, y = truth.rows[::step], truth.y[::step]
    indicators = np.stack([y == k for k in range(int(y.max()) + 1)] if truth.is_labels else [y]).astype(np.float64)
    strength = np.zeros(len(numeric))
    for begin in range(0, len(numeric), MOST_JUDGED):
        names = list(numeric[begin : begin + MOST_JUDGED])
        values = X[names].iloc[rows].to_numpy(dtype=np.float64)
        missing = np.isnan(values)
        filled = np.where(missing, 0, values - np.nanmean(np.where(missing.all(axis=0), 0, values), axis=0))
        for form in (filled, np.abs(filled), missing.astype(np.float64)):
            correlations = np.abs(_standard(indicators.T).T @ _standard(form)).max(axis=0) / len(rows)
            strength[begin : begin + len(names)] = np.maximum(strength[begin : begin + len(names)], correlations)
    strongest = np.argsort(-strength, kind="stable")[:MOST_JUDGED]
    return (set(X.columns) - set(numeric)) | {numeric[i] for i in strongest}


def _standard(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of mean 0 and variance 1; constant ones become 0."""
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0))


def _of_column(name: str, column: pd.Series, truth: _Truth) -> Iterator[Leak]:
    """Find leaks of the target through one feature."""
    if types.is_datetime64_any_dtype(column.dtype):
        moments = pd.Series(np.where(column.isna(), np.nan, column.astype("int64").to_numpy(dtype=np.float64)))
        yield from _of_order(name, moments, truth, "a moment")
        return
    if _is_id(column):
        yield from _of_id(name, column, truth, is_feature=True)
        return
    share = truth.removed(column)
    if share >= (ALONE if truth.is_labels else ALONE_VALUES):
        yield Leak(
            SINGLE_COLUMN,
            f'"{name}" alone predicts the target: {truth.told(share)}. If it is not known before the target is, '
            f"leave it out: {advice.override('data.ignore', [name])}.",
        )


def _of_id(name: str, column: pd.Series, truth: _Truth, is_feature: bool) -> Iterator[Leak]:
    """Find leaks of the target through an id: through its number, and through the rest of it."""
    parts: list[pd.Series] = [column]
    if not types.is_numeric_dtype(column.dtype):
        texts = column.astype("str")
        digits = texts.str.replace(r"\D+", "", regex=True).str.slice(0, 15)
        parts = [pd.to_numeric(digits, errors="coerce"), texts.str.replace(r"\d+", "0", regex=True)]
    for part in parts:
        if not part.isna().all():
            leaks = list(_of_order(name, part, truth, "an id", is_feature))
            yield from leaks
            if leaks:
                return


def _of_order(name: str, column: pd.Series, truth: _Truth, what: str, is_feature: bool = True) -> Iterator[Leak]:
    share = truth.removed(column)
    if share < ORDERS:
        return
    remedy = (
        f" Leave it out: {advice.override('data.ignore', [name])}."
        if is_feature
        else " Rows may have been collected class by class."
    )
    yield Leak(ORDERED_CLASSES, f'"{name}" looks like {what} and gives the target away: {truth.told(share)}.{remedy}')


def _is_id(column: pd.Series) -> bool:
    """Return whether a column of whole numbers or short strings hardly ever repeats a value."""
    present = column.dropna()
    if present.empty or present.nunique() < UNIQUE * len(present):
        return False
    if types.is_numeric_dtype(present.dtype):
        return bool((present == present.round()).all())
    return float(present.str.len().mean()) <= CODE_LENGTH and float(present.str.count(r"\S+").mean()) < 2


def _of_texts(name: str, development: Examples, test: Examples, is_all: bool) -> Iterator[Leak]:
    """Test texts that nearly, and not quite, equal development texts; ``is_all``: they are the only input."""
    if not len(development) or not len(test):
        return
    copies = _copies(test.X[name], development.X[name])
    if len(copies) >= COPIED_SHARE * len(test) and is_all:
        one, other = next(iter(copies.items()))
        yield Leak(
            COPIED_TEXTS,
            f'{len(copies):,} of {len(test):,} test texts in "{name}" equal training texts but for case and spaces, '
            f"as those of rows {test.ids[one]} and {development.ids[other]} do: scores would show what was memorised. "
            "Name the column of their sources, data.group=…, or accept them: data.duplicates=independent",
        )
        return
    similar = near_duplicates.between(test.X[name], development.X[name])
    share = len(similar.pairs) / similar.compared
    if share >= SIMILAR_SHARE:
        one, other = next(iter(similar.pairs.items()))
        yield Leak(
            NEAR_DUPLICATES,
            f'{share:.0%} of {similar.compared:,} test texts in "{name}" are near-duplicates of training texts, such '
            f"as those of rows {test.ids[one]} and {development.ids[other]}: scores may not hold for new texts. "
            "If texts come from common sources, name the column that holds them: data.group=…",
        )


def _copies(texts: pd.Series, others: pd.Series) -> dict[int, int]:
    """Position of each text → position of another that it equals but for case and white space, and not altogether."""
    plain, known = ([" ".join(str(text).casefold().split()) for text in each] for each in (texts, others))
    equal = set(others.tolist())
    first: dict[str, int] = {}
    for position, text in enumerate(known):
        first.setdefault(text, position)
    pairs = zip(texts.tolist(), plain, strict=True)
    return {i: first[text] for i, (raw, text) in enumerate(pairs) if text in first and raw not in equal}


def as_json(leaks: Sequence[Leak]) -> list[dict[str, str]]:
    """Convert leaks to the JSON values that a run records."""
    return [{"check": leak.check, "text": leak.text} for leak in leaks]
