"""Splits of rows into training, validation and test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff import advice
from bakeoff.data.dealing import TEST, TRAIN, VALID, by_share
from bakeoff.data.settings import SplitSettings
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.task import DataNote, NoteRank

DROPPED = -1
PURPOSE = {TRAIN: "learn from", VALID: "validate on", TEST: "test on"}


@dataclass(frozen=True)
class Traits:
    """Properties of n rows that decide which part of the split each may go to.

    Attributes:
        content: equal for rows that are equal in all features, shape (n,).
        labels: the classes, shape (n,), each of which needs rows to learn from; None where targets are no classes.
        strata: by which a stratified split deals rows evenly, shape (n,); the classes themselves where there are any.
        group: equal for rows that must stay together, shape (n,).
        time: by which rows are ordered, shape (n,).
        is_test: whether the source brought the row for the test, shape (n,).
        part: declared part of each row, shape (n,): ``TRAIN``, ``VALID`` or ``TEST``.
    """

    content: NDArray[Any]
    labels: NDArray[Any] | None = None
    group: NDArray[Any] | None = None
    time: NDArray[Any] | None = None
    is_test: NDArray[np.bool_] | None = None
    part: NDArray[np.int8] | None = None
    strata: NDArray[Any] | None = None

    def take(self, rows: NDArray[np.intp]) -> Traits:
        """Select the given rows, by position."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: column[rows] for name, column in values.items() if column is not None})


@dataclass(frozen=True)
class Repeats:
    """Constraints on a split for rows whose inputs are equal.

    Attributes:
        stay_together: whether they stay in one part, wherever chance decides where rows go.
        leave_development: whether a development row is kept out where its input stands in a part that is given.
    """

    stay_together: bool = False
    leave_development: bool = False


INDEPENDENT = Repeats()
FAR = 0.1  # deviation of a part from its declared share above which a note is added
"""Equal inputs are split like any others."""


@dataclass(frozen=True)
class Split:
    """Positions of the rows of each part, and how the split was made.

    Attributes:
        train, valid, test: ascending, or in the order of time where time decided.
        kind: method of the split.
        notes: notes on the split.
        units: of all rows, equal for those that must stay together in a further split as well.
        is_ordered: whether the rows were split by time.
    """

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    test: NDArray[np.intp]
    kind: str
    notes: tuple[DataNote, ...]
    units: NDArray[np.intp]
    is_ordered: bool


def split(traits: Traits, settings: SplitSettings, repeats: Repeats = INDEPENDENT, may_be_empty: bool = False) -> Split:
    """Assign each row to a part, equally for equal arguments.

    A split by groups keeps groups together, a split by time cuts between moments and drops no row; another split by
    chance keeps equal inputs together where ``repeats`` says so. Test rows that the source brings are the test,
    whatever the method; the method then says how the other rows are split into training and validation.

    Args:
        traits: of the rows.
        settings: settings of the split.
        repeats: constraints for rows with equal inputs.
        may_be_empty: whether there may be no rows to learn from or to validate on.

    Raises:
        ConfigError: the method needs what the data does not have.
        DataError: a part would be empty, or a class would have no row to learn from.
    """
    is_all_test = settings.test == 1 and traits.is_test is None and traits.part is None
    if is_all_test and not may_be_empty:
        raise ConfigError(
            "data.split.test: 1 leaves no row to learn from. It is for questions over documents and for queries, of "
            "which models need not learn. Give a share of less than 1."
        )
    by = method(settings.kind, traits)
    part = np.full(len(traits.content), TEST, dtype=np.int8)
    notes: list[DataNote] = []
    free: NDArray[np.intp] = np.arange(0 if is_all_test else len(part))
    if is_all_test:
        shares = {TEST: 1.0}
        notes.append(DataNote("Every row is a test row: none is learnt from.", "data.split.test", NoteRank.FACTS))
    elif traits.is_test is None:
        rest = 1 - settings.test
        shares = {TRAIN: rest * (1 - settings.valid), VALID: rest * settings.valid, TEST: settings.test}
    else:
        free = _beside_test(traits, traits.is_test, part, repeats, notes)
        shares = {TRAIN: 1 - settings.valid, VALID: settings.valid}
        text = f"The test rows are given; validation rows are split off by a {by} split."
        notes.append(DataNote(text, "data.split", NoteRank.FACTS))
    is_ordered = by == "time"
    if traits.part is not None:
        part = traits.part.copy()
        if repeats.leave_development:
            _drop_repeated(part, traits.content, notes)
    elif is_ordered and traits.time is not None and len(free):
        part[free] = _by_time(traits.time[free], shares)
        _note_shares(part[free], shares, len(np.unique(traits.time[free])), notes)
    elif len(free):
        units = _units(traits.take(free), repeats, by == "group", notes)
        strata = (traits.labels if traits.strata is None else traits.strata) if by == "stratified" else None
        if by == "stratified" and traits.labels is not None:
            _refuse_rare(units, traits.labels[free], len(shares))
        stratum = None if strata is None else strata[free]
        part[free] = by_share(units, stratum, shares, np.random.default_rng(settings.seed))
        _note_shares(part[free], shares, len(np.unique(units)), notes)
    _refuse_empty(part, settings, notes, (TEST,) if may_be_empty else (TRAIN, VALID, TEST))
    if traits.labels is not None:
        _refuse_unlearnable(part, traits.labels)
    if settings.per_class is not None:
        _keep_few(part, traits.labels, settings, notes)
    train, valid, test = (np.flatnonzero(part == p) for p in (TRAIN, VALID, TEST))
    if is_ordered and traits.time is not None:
        train, valid, test = (rows[np.argsort(traits.time[rows], kind="stable")] for rows in (train, valid, test))
    by = by if traits.is_test is None and traits.part is None else "given"
    together = _units(traits, repeats, traits.group is not None, [])
    return Split(train, valid, test, by, tuple(notes), together, is_ordered)


def _note_shares(part: NDArray[np.int8], shares: dict[int, float], n_units: int, notes: list[DataNote]) -> None:
    """Note a part that is far from its share, because what stays together cannot be divided."""
    names = {TRAIN: "training", VALID: "validation", TEST: "test"}
    actual = {p: float((part == p).mean()) for p in shares}
    far = [f"{actual[p]:.0%} for {names[p]}, not {shares[p]:.0%}" for p in shares if abs(actual[p] - shares[p]) > FAR]
    if far and n_units < len(part):
        text = f"Rows that stay together make {n_units:,} units, so the split gives {'; '.join(far)}."
        notes.append(DataNote(text, "data.split", NoteRank.ROWS))


def method(requested: str, traits: Traits) -> str:
    """The split method: random, stratified, group or time.

    Args:
        asked: ``data.split.kind``; auto and given are resolved by what the data have.
        traits: of the rows.

    Raises:
        ConfigError: it needs what the data does not have.
    """
    if requested == "given" and traits.is_test is None:
        raise ConfigError("data.split.kind: given, but no test rows are. Add data.test_path, or choose another kind.")
    if requested in ("auto", "given"):
        if traits.group is not None and traits.time is not None:
            raise ConfigError(
                "data.split.kind: data.group and data.time ask for different splits. "
                "Choose: data.split.kind=group, or data.split.kind=time."
            )
        if traits.group is not None:
            return "group"
        if traits.time is not None:
            return "time"
        return "random" if traits.labels is None and traits.strata is None else "stratified"
    if requested == "group" and traits.group is None:
        raise ConfigError("data.split.kind: group needs a column whose equal values stay together. Add data.group=…")
    if requested == "time" and traits.time is None:
        raise ConfigError("data.split.kind: time needs a column to order rows by. Add data.time=…")
    if requested == "stratified" and traits.labels is None and traits.strata is None:
        raise ConfigError("data.split.kind: stratified needs classes, and the target holds values. Choose random.")
    return requested


def _beside_test(
    traits: Traits, is_test: NDArray[np.bool_], part: NDArray[np.int8], repeats: Repeats, notes: list[DataNote]
) -> NDArray[np.intp]:
    """Positions of the rows that a given test leaves to learn from and to validate on."""
    free = ~is_test
    if repeats.leave_development:
        leaked = free & np.isin(traits.content, traits.content[is_test])
        part[leaked] = DROPPED
        free &= ~leaked
        if leaked.any():
            text = f"{leaked.sum():,} development rows also occur in the given test rows and were left out."
            notes.append(DataNote(text, "data.duplicates", NoteRank.ROWS))
    if traits.group is not None:
        shared = len(set(traits.group[free]) & set(traits.group[is_test]))
        if shared:
            text = f"{shared:,} groups occur in the given test rows and in the development rows."
            notes.append(DataNote(text, "data.group", NoteRank.ROWS))
    return np.flatnonzero(free)


def _by_time(time: NDArray[Any], shares: dict[int, float]) -> NDArray[np.int8]:
    """Cut between two moments, nearest to the shares: training first, then validation, then test."""
    moment, counts = np.unique(time, return_inverse=True, return_counts=True)[1:]
    if len(counts) < len(shares):
        raise DataError(f"data.time: {len(counts)} distinct moments cannot be cut into {len(shares)} parts.")
    ends = np.cumsum(counts)
    first_of: list[int] = []
    target = 0.0
    for i, share in enumerate(list(shares.values())[:-1]):
        target += share * len(time)
        lowest = first_of[-1] + 1 if first_of else 1
        highest = len(counts) - (len(shares) - 1 - i)
        choices = np.arange(lowest, highest + 1)
        first_of.append(int(choices[np.argmin(np.abs(ends[choices - 1] - target))]))
    return np.searchsorted(first_of, moment, side="right").astype(np.int8)


def _units(traits: Traits, repeats: Repeats, by_group: bool, notes: list[DataNote]) -> NDArray[np.intp]:
    """Number alike what must stay in one part, from 0 without gaps, shape (n,)."""
    equal = pd.factorize(traits.content)[0] if repeats.stay_together else None
    if by_group and traits.group is not None:
        groups = pd.factorize(traits.group)[0]
        return groups if equal is None else _linked(equal, groups, notes)
    return np.arange(len(traits.content)) if equal is None else equal


def _linked(same: NDArray[np.intp], group: NDArray[np.intp], notes: list[DataNote]) -> NDArray[np.intp]:
    """Number what must stay together: equal rows, equal groups, and all that is linked through them, shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_same, n_groups = same.max() + 1, group.max() + 1
    edges = coo_array((np.ones(len(same), dtype=np.int8), (same, n_same + group)), shape=(n_same + n_groups,) * 2)
    n_units, unit = connected_components(edges, directed=False)
    if n_units < n_groups:
        text = f"{n_groups:,} groups share equal rows, which leaves {n_units:,} that can be told apart."
        notes.append(DataNote(text, "data.group", NoteRank.ROWS))
    linked: NDArray[np.intp] = unit[same]
    return linked


def _drop_repeated(part: NDArray[np.int8], content: NDArray[Any], notes: list[DataNote]) -> None:
    """Drop the rows of a part that occur in a later one."""
    for earlier, later, words in ((VALID, (TEST,), "validation"), (TRAIN, (VALID, TEST), "training")):
        repeated = (part == earlier) & np.isin(content, content[np.isin(part, later)])
        part[repeated] = DROPPED
        if repeated.any():
            text = f"{repeated.sum():,} {words} rows occur again in a later part and were left out."
            notes.append(DataNote(text, "data.duplicates", NoteRank.ROWS))


def _refuse_empty(
    part: NDArray[np.int8], settings: SplitSettings, notes: list[DataNote], needed: tuple[int, ...]
) -> None:
    for p in needed:
        purpose = PURPOSE[p]
        if not (part == p).any():
            known = "".join(f" {note.text}" for note in notes)
            raise DataError(
                f"data.split: of {len(part):,} rows nothing is left to {purpose} "
                f"(test={settings.test}, valid={settings.valid}).{known} Bring more rows, or split them otherwise."
            )


def _refuse_rare(units: NDArray[np.intp], labels: NDArray[Any], needed: int) -> None:
    codes, classes = pd.factorize(labels)
    holders = pd.DataFrame({"unit": units, "label": codes}).drop_duplicates()["label"]
    rare = [
        (name, int(n))
        for name, n in zip(classes, np.bincount(holders, minlength=len(classes)), strict=True)
        if n < needed
    ]
    if rare:
        name, n = rare[0]
        others = f" (and {len(rare) - 1} more classes)" if len(rare) > 1 else ""
        raise DataError(
            f'data.target: class "{name}" has {n} distinct row{"s" if n > 1 else ""}{others}; a stratified split into '
            f"{needed} parts needs {needed}. Bring more, merge it with another class, or remove it."
        )


def _refuse_unlearnable(part: NDArray[np.int8], labels: NDArray[Any]) -> None:
    counts = Counter(labels[part != DROPPED])
    known = set(labels[part == TRAIN])
    for name, n in sorted(counts.items()):
        if n == 1 or name not in known:
            why = (
                "row, which cannot be both learned and judged by"
                if n == 1
                else "rows, none to learn from in this split"
            )
            near = did_you_mean(name, known - {name}) if name not in known else ""
            raise DataError(
                f'data.target: class "{name}" has {n} {why}. Bring more, merge it with another class, or remove it. '
                f"Classes to learn from: {advice.listed(sorted(known))}.{near}"
            )


def _keep_few(
    part: NDArray[np.int8], labels: NDArray[Any] | None, settings: SplitSettings, notes: list[DataNote]
) -> None:
    """Drop all but a few training and validation rows of each class; the test rows stay as they are."""
    if labels is None:
        raise ConfigError("data.split.per_class: the target holds values, and there are no classes. Remove it.")
    assert settings.per_class is not None
    rng = np.random.default_rng((settings.seed, settings.per_class))
    n_valid = min(settings.per_class - 1, max(1, round(settings.per_class * settings.valid)))
    quota = {TRAIN: settings.per_class - n_valid, VALID: n_valid}
    for label in sorted(set(labels)):
        for p, n in quota.items():
            members = rng.permutation(np.flatnonzero((part == p) & (labels == label)))
            part[members[n:]] = DROPPED
    text = (
        f"Of each class {settings.per_class:,} rows at most are kept to learn from, {n_valid:,} of them to validate on."
    )
    notes.append(DataNote(text, "data.split.per_class", NoteRank.ROWS))
