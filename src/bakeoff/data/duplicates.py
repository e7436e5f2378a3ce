"""Rows with equal inputs: copies of one row, or independent draws that look alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.data import splits
from bakeoff.data.settings import DataSettings
from bakeoff.data.splits import Repeats
from bakeoff.data.table import Table
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import SEEN_INPUT, DataNote, Examples, NoteRank
from bakeoff.tasks import kinds

KEY = "data.duplicates"
COPY_WORDS = 4  # mean words of a text column from which equal texts count as copies of one text
DISTINCT_TEXTS, DISTINCT_ROWS = 0.2, 0.5  # share of distinct inputs below which repeats are inherent in the data
AGREEMENT = 0.9  # share of repeated rows with the target of the first from which rows can be copies
SLICED = 10  # minimum test rows on either side to score seen and new inputs separately
SAMPLED = 20_000  # number of distinct rows sampled to judge the columns

Treatment = Literal["independent", "group", "drop"]


@dataclass(frozen=True)
class Resolved:
    """Treatment of rows with equal inputs.

    Attributes:
        treatment: independent, group or drop.
        repeated: number of rows that repeat the input of an earlier row.
        is_declared: whether ``data.duplicates`` declares it; otherwise it is inferred from the data.
        identify_rows: whether rows with equal inputs are the same row, wherever they are found.
    """

    treatment: Treatment
    repeated: int
    is_declared: bool
    identify_rows: bool

    @property
    def repeats(self) -> Repeats:
        """Constraints on the split for rows with equal inputs."""
        together = self.treatment != "independent"
        return Repeats(stay_together=together, leave_development=together and self.is_declared)

    def notes(self, in_training: int, tested: int) -> list[DataNote]:
        """A note with counts, where inputs repeat.

        Args:
            in_training: test rows whose input also stands in the development rows.
            tested: all test rows.
        """
        if not self.repeated:
            return []
        ways = {
            "independent": "taken as independent draws",
            "group": "equal inputs stay in one part of the split",
            "drop": "kept for their other target, and equal inputs stay in one part of the split",
        }
        rows = "1 row repeats" if self.repeated == 1 else f"{self.repeated:,} rows repeat"
        text = f"{rows} an earlier input: {ways[self.treatment]}"
        if in_training:
            share = f"all {tested:,}" if in_training == tested else f"{in_training:,} of {tested:,}"
            apart = ", and are scored apart as well" if _is_worth_a_slice(in_training, tested) else ""
            text += f"; {share} test inputs also stand in training{apart}"
        return [DataNote(f"{text}.", KEY)]


def resolve(table: Table, settings: DataSettings) -> Resolved:
    """Decide how rows with equal inputs are treated.

    Declared treatments are followed. ``auto`` groups rows where a repeat can hardly be chance (``are_copies``), unless
    ``data.group`` says what belongs together or time orders the rows; else rows are independent draws.

    Raises:
        ConfigError: equal inputs shall stay together in a split by time.
    """
    content = table.traits.content
    ordered = np.sort(content)  # a hash table of all rows would take several times the memory
    repeated = int((ordered[1:] == ordered[:-1]).sum())
    by_time = splits.method(settings.split.kind, table.traits) == "time"
    if settings.duplicates == "group" and by_time:
        raise ConfigError(
            f"{KEY}: group keeps equal rows in one part, and a split by time goes by time alone. "
            f"Choose {KEY}=independent, or {KEY}=drop to keep the earliest of equal rows."
        )
    if settings.duplicates == "drop":
        return Resolved("independent" if by_time else "drop", repeated, True, True)
    if settings.duplicates == "group":
        return Resolved("group", repeated, True, True)
    if settings.duplicates == "independent":
        return Resolved("independent", repeated, True, not repeated)
    copies = not repeated or are_copies(table)
    is_free = settings.group is None and not by_time
    return Resolved("group" if is_free and copies else "independent", repeated, False, copies)


def are_copies(table: Table) -> bool:
    """Return whether rows with equal inputs are copies of one row rather than draws that happen to be equal.

    Questions over documents are, and so are sentences, which hardly ever repeat by
    chance, unless the texts are a few templates. A table of other columns holds copies
    where most inputs are distinct, equal inputs have equal targets, and two rows would hardly ever be equal by chance:
    with the probability p of each column that two of the distinct rows agree in it, the expected number of equal pairs
    among n rows is n(n-1)/2 · sqrt(∏ p); the square root allows for columns that depend on each other.
    """
    if kinds.get(table.schema.kind).searches_documents:
        return True
    content, n = table.traits.content, len(table.traits.content)
    _, first, unit = np.unique(content, return_index=True, return_inverse=True)
    distinct: NDArray[np.intp] = first if len(first) <= SAMPLED else first[:: len(first) // SAMPLED + 1]
    if any(_mean_words(table.X[name].iloc[distinct]) >= COPY_WORDS for name in table.schema.of_kind("text")):
        return len(first) >= DISTINCT_TEXTS * n
    if len(first) < DISTINCT_ROWS * n or _agreement(table, first[unit]) < AGREEMENT:
        return False
    columns = [table.X[name].iloc[distinct] for name in table.schema.columns]
    log_expected = np.log(n) + np.log(n - 1) - np.log(2) + sum(np.log(_coincidence(column)) for column in columns) / 2
    return bool(log_expected < 0)


def refuse_copied_test(table: Table, learnt_from: NDArray[np.intp], test: NDArray[np.intp]) -> None:
    """Raise ``DataError`` where the given test rows are the rows to learn from, or copies of some of them.

    Rows that look alike by chance do so among the rows to learn from too; copies do not.
    """
    content = table.traits.content
    truth = pd.factorize(pd.Series(list(map(str, kinds.get(table.schema.kind).write_targets(table.y)))))[0]
    rows = pd.MultiIndex.from_arrays([content, truth])
    known, tested = rows[learnt_from], rows[test]
    if not tested.isin(known).all():
        return
    is_same_file = len(known) == len(tested) and bool((known.sort_values() == tested.sort_values()).all())
    repeated = float(pd.Series(content[learnt_from]).duplicated(keep=False).mean())
    if is_same_file or (len(test) >= SLICED and repeated < DISTINCT_ROWS):
        raise DataError(
            f"data.test_path: all {len(test):,} test rows also stand, with their targets, among the others: "
            f"scores say nothing about new rows. Give other test rows, or add {KEY}=independent where that is meant."
        )


def drop(table: Table) -> Table:
    """Keep one of the rows that are equal in features and target: the earliest in time, else the first in the file.

    Given test rows are compared among themselves.
    """
    is_test, time = table.traits.is_test, table.traits.time
    alike: NDArray[np.intp] = np.flatnonzero(pd.Series(table.traits.content).duplicated(keep=False))
    if time is not None:
        alike = alike[np.argsort(time[alike], kind="stable")]
    compared = [column.iloc[alike].to_numpy() for column in table.X.values()]
    truth = kinds.get(table.schema.kind).write_targets(table.y[alike])
    compared += [truth] if is_test is None else [truth, is_test[alike]]
    repeated = np.zeros(len(table.y), dtype=bool)
    repeated[alike] = pd.DataFrame(dict(enumerate(compared))).duplicated()
    if not repeated.any():
        return table
    unique: NDArray[np.intp] = np.flatnonzero(~repeated)
    text = f"{repeated.sum():,} of {len(repeated):,} rows repeat an earlier row and were dropped."
    return Table(
        schema=table.schema,
        X={name: column.iloc[unique] for name, column in table.X.items()},
        y=table.y[unique],
        ids=table.ids[unique],
        slices=table.slices.iloc[unique],
        traits=table.traits.take(unique),
        notes=(*table.notes, DataNote(text, KEY, NoteRank.ROWS)),
        corpus=table.corpus,
    )


def with_seen_inputs(test: Examples, is_seen: NDArray[np.bool_]) -> Examples:
    """Slice test rows by whether their input also occurs in the development rows, if enough do and enough do not.

    Args:
        test: n rows.
        is_seen: whether the input of each of them is a development row's too, shape (n,).
    """
    if not _is_worth_a_slice(int(is_seen.sum()), len(is_seen)) or SEEN_INPUT in test.slices:
        return test
    sliced = test.slices.assign(**{SEEN_INPUT: np.where(is_seen, "yes", "no")})
    return replace(test, slices=sliced)


def _is_worth_a_slice(in_training: int, tested: int) -> bool:
    return min(in_training, tested - in_training) >= SLICED


def _mean_words(texts: pd.Series) -> float:
    return float(texts.str.count(r"\S+").mean())


def _coincidence(column: pd.Series) -> float:
    """Probability that two rows agree in a column, missing values being equal."""
    counts = column.value_counts(dropna=False).to_numpy(dtype=np.float64)
    return float(np.square(counts / counts.sum()).sum())


def _agreement(table: Table, first: NDArray[np.intp]) -> float:
    """Share of the repeated rows whose target is that of the first row with the same input."""
    repeated = np.flatnonzero(first != np.arange(len(first)))
    truth = kinds.get(table.schema.kind).write_targets(table.y)
    return float(np.mean(truth[repeated] == truth[first[repeated]]))
