"""Which rows are for training, for validation and for the test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.data.settings import SplitSettings
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import DataNote, NoteRank

TRAIN, VALID, TEST = 0, 1, 2
DROPPED = -1
PURPOSE = {TRAIN: "learn from", VALID: "validate on", TEST: "test on"}
# When two parts are equally far from their share, the more important one gets the next row.
PRECEDENCE = (TRAIN, TEST, VALID)


@dataclass(frozen=True)
class Traits:
    """What of each of n rows decides in which part it may go.

    Attributes:
        content: equal for rows that are equal in all features, shape (n,).
        labels: the classes, shape (n,); None for regression.
        group: equal for rows that must stay together, shape (n,).
        time: by which rows are ordered, shape (n,).
        is_test: whether the source brought the row for the test, shape (n,).
        part: where the data say that each row goes, shape (n,): ``TRAIN``, ``VALID`` or ``TEST``.
    """

    content: NDArray[Any]
    labels: NDArray[Any] | None = None
    group: NDArray[Any] | None = None
    time: NDArray[Any] | None = None
    is_test: NDArray[np.bool_] | None = None
    part: NDArray[np.int8] | None = None

    def take(self, rows: NDArray[np.intp]) -> Traits:
        """Those of the given rows, by position."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: column[rows] for name, column in values.items() if column is not None})


@dataclass(frozen=True)
class Split:
    """Positions of the rows of each part, and how they came there.

    Attributes:
        train, valid, test: ascending, or in the order of time where time decided.
        kind: of split.
        notes: what happened on the way.
        units: of all rows, equal for those that must stay together in a further split as well.
        is_ordered: whether time decided.
    """

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    test: NDArray[np.intp]
    kind: str
    notes: tuple[DataNote, ...]
    units: NDArray[np.intp]
    is_ordered: bool


def split(traits: Traits, settings: SplitSettings, may_be_empty: bool = False) -> Split:
    """Assign each row to a part, equally for equal arguments.

    Rows with equal features never end up in different parts: they are kept together, or, where time or given test rows
    leave no choice, those of the earlier part are dropped. Test rows that the source brings are the test, whatever
    the kind; the kind then says how the other rows are split into training and validation.

    Args:
        traits: of the rows.
        settings: how to split them.
        may_be_empty: whether there may be no rows to learn from or to validate on.

    Raises:
        ConfigError: the kind needs what the data does not have.
        DataError: a part would be empty, or a class would have no row to learn from.
    """
    kind = _kind(settings.kind, traits)
    part = np.full(len(traits.content), TEST, dtype=np.int8)
    notes: list[DataNote] = []
    if traits.is_test is None:
        free: NDArray[np.intp] = np.arange(len(part))
        rest = 1 - settings.test
        shares = {TRAIN: rest * (1 - settings.valid), VALID: rest * settings.valid, TEST: settings.test}
    else:
        free = _beside_test(traits, traits.is_test, part, notes)
        shares = {TRAIN: 1 - settings.valid, VALID: settings.valid}
        text = f"The test rows are given; validation rows are split off by a {kind} split."
        notes.append(DataNote(text, "data.split", NoteRank.FACTS))
    if traits.part is not None:
        part = traits.part.copy()
        _drop_repeated(part, traits.content, notes)
    elif kind == "time" and traits.time is not None:
        part[free] = _by_time(traits.time[free], shares)
        _drop_repeated(part, traits.content, notes)
    elif len(free):
        units = _units(traits.content[free], notes)
        if kind == "group" and traits.group is not None:
            units = _linked(units, pd.factorize(traits.group[free])[0], notes)
        labels = traits.labels[free] if kind == "stratified" and traits.labels is not None else None
        part[free] = _by_share(units, labels, shares, np.random.default_rng(settings.seed))
    _refuse_empty(part, settings, notes, (TEST,) if may_be_empty else (TRAIN, VALID, TEST))
    if traits.labels is not None:
        _refuse_unlearnable(part, traits.labels)
    if settings.per_class is not None:
        _keep_few(part, traits.labels, settings, notes)
    train, valid, test = (np.flatnonzero(part == p) for p in (TRAIN, VALID, TEST))
    is_ordered = kind == "time" and traits.time is not None
    if is_ordered and traits.time is not None:
        train, valid, test = (rows[np.argsort(traits.time[rows], kind="stable")] for rows in (train, valid, test))
    kind = kind if traits.is_test is None and traits.part is None else "given"
    return Split(train, valid, test, kind, tuple(notes), _together(traits), is_ordered)


def _kind(asked: str, traits: Traits) -> str:
    if asked == "given" and traits.is_test is None:
        raise ConfigError("data.split.kind: given, but no test rows are. Add data.test_path, or choose another kind.")
    if asked in ("auto", "given"):
        if traits.group is not None and traits.time is not None:
            raise ConfigError(
                "data.split.kind: data.group and data.time ask for different splits. "
                "Choose: data.split.kind=group, or data.split.kind=time."
            )
        if traits.group is not None:
            return "group"
        if traits.time is not None:
            return "time"
        return "random" if traits.labels is None else "stratified"
    if asked == "group" and traits.group is None:
        raise ConfigError("data.split.kind: group needs a column whose equal values stay together. Add data.group=…")
    if asked == "time" and traits.time is None:
        raise ConfigError("data.split.kind: time needs a column to order rows by. Add data.time=…")
    if asked == "stratified" and traits.labels is None:
        raise ConfigError("data.split.kind: stratified needs classes, and the target holds values. Choose random.")
    return asked


def _beside_test(
    traits: Traits, is_test: NDArray[np.bool_], part: NDArray[np.int8], notes: list[DataNote]
) -> NDArray[np.intp]:
    """Positions of the rows that a given test leaves: those that occur in it are dropped."""
    leaked = ~is_test & np.isin(traits.content, traits.content[is_test])
    part[leaked] = DROPPED
    if leaked.any():
        text = f"{leaked.sum():,} development rows also occur in the given test rows and were dropped."
        notes.append(DataNote(text, "data.split", NoteRank.ROWS))
    free = np.flatnonzero(~is_test & ~leaked)
    if traits.group is not None:
        shared = len(set(traits.group[free]) & set(traits.group[is_test]))
        if shared:
            text = f"{shared:,} groups occur in the given test rows and in the development rows."
            notes.append(DataNote(text, "data.group", NoteRank.ROWS))
    return free


def _by_time(time: NDArray[Any], shares: dict[int, float]) -> NDArray[np.int8]:
    """Cut between two moments, nearest to the shares: training first, then validation, then test."""
    moment, counts = np.unique(time, return_inverse=True, return_counts=True)[1:]
    if len(counts) < len(shares):
        raise DataError(f"data.time: {len(counts)} distinct moments cannot be cut into {len(shares)} parts.")
    ends = np.cumsum(counts)
    first_of: list[int] = []
    wanted = 0.0
    for i, share in enumerate(list(shares.values())[:-1]):
        wanted += share * len(time)
        lowest = first_of[-1] + 1 if first_of else 1
        highest = len(counts) - (len(shares) - 1 - i)
        choices = np.arange(lowest, highest + 1)
        first_of.append(int(choices[np.argmin(np.abs(ends[choices - 1] - wanted))]))
    return np.searchsorted(first_of, moment, side="right").astype(np.int8)


def _units(content: NDArray[Any], notes: list[DataNote]) -> NDArray[np.intp]:
    """Number equal rows alike, from 0 without gaps, shape (n,)."""
    units, distinct = pd.factorize(content)
    repeated = len(units) - len(distinct)
    if repeated:
        text = f"{repeated:,} rows equal an earlier one in all features; equal rows stay in one part."
        notes.append(DataNote(text, "data.drop_duplicates", NoteRank.ROWS))
    return units


def _together(traits: Traits) -> NDArray[np.intp]:
    """What must stay together in a further split of the rows, shape (n,)."""
    units = pd.factorize(traits.content)[0]
    return units if traits.group is None else _linked(units, pd.factorize(traits.group)[0], [])


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


def _by_share(
    units: NDArray[np.intp], labels: NDArray[Any] | None, shares: dict[int, float], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Deal whole units to the parts, class by class if there are labels, so that each part comes near its share.

    Args:
        units: what stays together, numbered from 0 without gaps, shape (n,).
        labels: the classes, shape (n,).
        shares: of each part, adding up to 1.
        rng: where chance comes from.
    """
    sizes = np.bincount(units)
    stratum = np.zeros(len(sizes), dtype=np.intp)
    if labels is not None:
        first = np.empty(len(sizes), dtype=np.intp)
        first[units[::-1]] = np.arange(len(units))[::-1]
        stratum, classes = pd.factorize(labels[first])
        _refuse_rare(list(classes), np.bincount(stratum), len(shares))
    part = np.empty(len(sizes), dtype=np.int8)
    for s in range(stratum.max() + 1):
        members = rng.permutation(np.flatnonzero(stratum == s))
        part[members] = _deal(sizes[members], shares)
    return part[units]


def _deal(sizes: NDArray[np.intp], shares: dict[int, float]) -> NDArray[np.int8]:
    """The part of each unit, large units first: the next unit goes to the part that has least of its share so far."""
    parts = [p for p in PRECEDENCE if p in shares]
    held = dict.fromkeys(parts, 0)
    dealt = np.empty(len(sizes), dtype=np.int8)
    large = np.flatnonzero(sizes > 1)
    for i in large[np.argsort(-sizes[large], kind="stable")]:
        chosen = min(parts, key=lambda p: held[p] / shares[p])
        dealt[i] = chosen
        held[chosen] += int(sizes[i])
    single = np.flatnonzero(sizes == 1)
    # The same rule for all single rows at once: a part gets its next row "at the time" held / share.
    enough = {p: max(held[p], int(np.ceil(shares[p] * sizes.sum())) + 1) for p in parts}
    times = np.concatenate([np.arange(held[p], enough[p]) / shares[p] for p in parts])
    offered = np.repeat(np.array(parts, dtype=np.int8), [enough[p] - held[p] for p in parts])
    dealt[single] = offered[np.argsort(times, kind="stable")[: len(single)]]
    return dealt


def _drop_repeated(part: NDArray[np.int8], content: NDArray[Any], notes: list[DataNote]) -> None:
    """Drop the rows of a part that occur in a later one."""
    for earlier, later, words in ((VALID, (TEST,), "validation"), (TRAIN, (VALID, TEST), "training")):
        repeated = (part == earlier) & np.isin(content, content[np.isin(part, later)])
        part[repeated] = DROPPED
        if repeated.any():
            text = f"{repeated.sum():,} {words} rows occur again in a later part and were dropped."
            notes.append(DataNote(text, "data.split", NoteRank.ROWS))


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


def _refuse_rare(classes: Sequence[str], units: NDArray[np.intp], needed: int) -> None:
    rare = [(name, int(n)) for name, n in zip(classes, units, strict=True) if n < needed]
    if rare:
        name, n = rare[0]
        others = f" (and {len(rare) - 1} more classes)" if len(rare) > 1 else ""
        raise DataError(
            f'data.target: class "{name}" has {n} distinct row{"s" if n > 1 else ""}{others}; a stratified split into '
            f"{needed} parts needs {needed}. Bring more, merge it with another class, or remove it."
        )


def _refuse_unlearnable(part: NDArray[np.int8], labels: NDArray[Any]) -> None:
    counts = Counter(labels[part != DROPPED])
    learned = set(labels[part == TRAIN])
    for name, n in sorted(counts.items()):
        if n == 1 or name not in learned:
            why = (
                "row, which cannot be both learned and judged by"
                if n == 1
                else "rows, none to learn from in this split"
            )
            raise DataError(
                f'data.target: class "{name}" has {n} {why}. Bring more, merge it with another class, or remove it.'
            )


def _keep_few(
    part: NDArray[np.int8], labels: NDArray[Any] | None, settings: SplitSettings, notes: list[DataNote]
) -> None:
    """Of each class drop all but a few of the rows to learn from and to validate on; the test stays as it is."""
    if labels is None:
        raise ConfigError("data.split.per_class: the target holds values, and there are no classes. Remove it.")
    assert settings.per_class is not None
    rng = np.random.default_rng((settings.seed, settings.per_class))
    n_valid = min(settings.per_class - 1, max(1, round(settings.per_class * settings.valid)))
    wanted = {TRAIN: settings.per_class - n_valid, VALID: n_valid}
    for label in sorted(set(labels)):
        for p, n in wanted.items():
            members = rng.permutation(np.flatnonzero((part == p) & (labels == label)))
            part[members[n:]] = DROPPED
    text = (
        f"Of each class {settings.per_class:,} rows at most are kept to learn from, {n_valid:,} of them to validate on."
    )
    notes.append(DataNote(text, "data.split.per_class", NoteRank.ROWS))
