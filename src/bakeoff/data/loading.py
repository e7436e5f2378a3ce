"""The steps from a source of rows to a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray

from bakeoff.columns import kinds as column_kinds
from bakeoff.data import (
    cells,
    columns,
    duplicates,
    fingerprint,
    other_rows,
    roles,
    sealing,
    spelling,
    splits,
    totals,
    units,
)
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Source
from bakeoff.data.splits import Traits
from bakeoff.data.table import Table
from bakeoff.data.target import Target
from bakeoff.errors import DataError
from bakeoff.task import DataNote, Development, Examples, NoteRank, Reading, Schema, Task
from bakeoff.tasks import kinds

ReadTarget = Callable[[pd.Series, DataSettings, str], Target]


def load(source: Source, settings: DataSettings) -> Task:
    """Implement ``bakeoff.data.load`` for the declared task kind."""
    return kinds.get(settings.kind).load(source, settings)


def load_table(source: Source, settings: DataSettings, read_target: ReadTarget) -> Task:
    """Turn a table into a task: each of its rows is an example.

    Args:
        source: where the rows come from.
        settings: what their columns mean.
        read_target: reads the target column, from the settings and what messages call the data.
    """
    return task_from(_read(source, settings, read_target), settings)


def task_from(table: Table, settings: DataSettings) -> Task:
    """Split all rows into a task, with little more memory than the rows themselves need."""
    if settings.duplicates == "drop":
        table = duplicates.drop(table)
    equal_rows = duplicates.resolve(table, settings)
    may_be_empty = not kinds.get(table.schema.kind).needs_training_rows
    split = splits.split(table.traits, settings.split, equal_rows.repeats, may_be_empty=may_be_empty)
    learnt_from = np.concatenate([split.train, split.valid])
    if not may_be_empty:
        table = _without_unlearnable(table, split.train, learnt_from)
    if split.kind == "given" and settings.duplicates == "auto":
        duplicates.refuse_copied_test(table, learnt_from, split.test)
    is_given = table.traits.is_test is not None
    differences = other_rows.notes(table.X, table.schema.columns, learnt_from, split.test) if is_given else []
    parted = sealing.parted(split, table.traits, settings.split.sealed, settings.split.seed)
    is_seen = [
        np.isin(table.traits.content[rows], table.traits.content[learnt_from]) for rows in (parted.test, parted.sealed)
    ]
    development, test, sealed = _dealt(table, [learnt_from, parted.test, parted.sealed])
    test, sealed = (
        duplicates.with_seen_inputs(replace(examples, units=_units(table, settings, split, rows)), seen)
        for examples, rows, seen in zip((test, sealed), (parted.test, parted.sealed), is_seen, strict=True)
    )
    texts = [name for name in table.texts if name in table.schema.columns or name in table.slices]
    notes = (
        *table.notes,
        *columns.text_notes(texts),
        *split.notes,
        *differences,
        *_notes_on_units(table, settings, split, parted.test),
        *equal_rows.notes(int(is_seen[0].sum()), len(is_seen[0])),
        *([sealing.note(len(test), len(sealed))] if len(sealed) else []),
    )
    return Task(
        name=settings.name,
        development=Development(
            table.schema, development, len(split.train), split.units[learnt_from], split.is_ordered, table.corpus
        ),
        test=test,
        fingerprint=fingerprint.build(table.schema, settings, development, len(split.train), test, table.corpus),
        split={
            "kind": split.kind,
            "seed": settings.split.seed,
            "train": len(split.train),
            "valid": len(split.valid),
            "test": len(test),
            **({"sealed": len(sealed)} if len(sealed) else {}),
        },
        notes=tuple(sorted(notes, key=lambda note: note.rank)),
        inputs_identify_rows=equal_rows.identify_rows,
        sealed=sealed if len(sealed) else None,
    )


def _units(
    table: Table, settings: DataSettings, split: splits.Split, rows: NDArray[np.intp]
) -> NDArray[np.intp] | None:
    """Units of resampling of test rows: what stays together in the split, questions about one document, or blocks."""
    groups = units.from_groups(split.units[rows])
    is_of_documents = kinds.get(table.schema.kind).searches_documents
    if is_of_documents and settings.group is None:
        groups = units.from_documents(table.y[rows])
    if groups is None and split.is_ordered and table.traits.time is not None:
        return units.from_moments(table.traits.time[rows])
    return groups


def _notes_on_units(
    table: Table, settings: DataSettings, split: splits.Split, rows: NDArray[np.intp]
) -> list[DataNote]:
    """A note on test rows of a split by time that are units of their own, because the time is coarse."""
    if not split.is_ordered or table.traits.time is None or _units(table, settings, split, rows) is not None:
        return []
    return units.notes_on_moments(table.traits.time[rows])


def _read(source: Source, settings: DataSettings, read_target: ReadTarget) -> Table:
    """Read, check and convert."""
    where = source.name
    table = cells.read(source, settings)
    frame, is_test = table.frame, table.is_test
    if is_test is not None:
        where = f"{source.name}, followed by its test rows"  # rows are counted through both
    features = roles.features(frame, settings, where, table.left_out)
    roles.refuse_copies(frame, features if settings.target else (), settings.target, where)
    targets = frame[settings.target] if settings.target else pd.Series(None, index=frame.index, dtype=object)
    totals.refuse(frame, targets, is_test, source.name, settings.kind)
    target = read_target(targets, settings, where)
    ids = roles.ids(frame, settings.id, is_test, where)
    group = roles.groups(frame, settings.group, where)
    time = roles.times(frame, settings.time, where)
    part, is_test = roles.assigned(frame, settings.split, is_test, where)
    used = [*features, *(name for name in settings.slices if name not in features)]
    read = columns.read(frame, used, table.kinds, where)
    X = {name: read.values[name] for name in features}
    kind = kinds.get(target.kind)
    kind_of = {name: read.kinds[name] for name in features}
    return Table(
        schema=Schema(
            target.kind,
            settings.target,
            kind_of,
            target.classes,
            target.positive,
            readings=_kept_readings(table.readings, [*features, *_parts(settings, target)]),
        ),
        X=X,
        y=target.y,
        ids=ids,
        slices=pd.DataFrame({name: read.values[name] for name in settings.slices}, index=frame.index),
        traits=Traits(
            columns.row_hashes(X, len(ids)),
            target.y if kind.has_one_label else None,
            group,
            time,
            is_test,
            part,
            kind.strata(target.y),
        ),
        notes=(
            *target.notes,
            *_spellings(frame, settings),
            *roles.unused_parts(frame, features if settings.split.splitter is None else ()),
            *table.notes,
        ),
        texts=tuple(name for name in read.texts if name not in table.explained),
    )


def _spellings(frame: pd.DataFrame, settings: DataSettings) -> list[DataNote]:
    """Notes on groups and slices that look like one and are several."""
    groups = [settings.group] if settings.group else []
    return [
        *spelling.notes(frame, groups, "data.group"),
        *spelling.notes(frame, settings.slices, "data.slices"),
    ]


def _parts(settings: DataSettings, target: Target) -> list[str]:
    """Non-feature columns whose readings new data need: the time, and a numeric target."""
    has_numbers = np.issubdtype(target.y.dtype, np.number) and target.y.ndim == 1
    return [name for name in (settings.time, settings.target if has_numbers else None) if name]


def _kept_readings(readings: Mapping[str, Reading], names: Sequence[str]) -> dict[str, Reading]:
    return {name: readings[name] for name in names if name in readings}


def _without_unlearnable(table: Table, train: NDArray[np.intp], learnt_from: NDArray[np.intp]) -> Table:
    """Leave out the columns that are empty in training, and remember the categories of the others."""
    empty = columns.empty_in(table.X, train)
    for name in empty:
        del table.X[name]
    if not table.X:
        raise DataError(f"data: every feature is empty in the training rows: {', '.join(empty)}.")
    kinds = {name: kind for name, kind in table.schema.columns.items() if name not in empty}
    readings = {name: reading for name, reading in table.schema.readings.items() if name not in empty}
    for name, kind in kinds.items():
        if column_kinds.get(kind).remembers_values:
            known = columns.categories(table.X[name].iloc[learnt_from])
            readings[name] = replace(readings.get(name, Reading()), categories=known)
    note = DataNote(f"{', '.join(empty)}: empty in the training rows, left out.", "", NoteRank.VALUES)
    return replace(
        table,
        schema=replace(table.schema, columns=kinds, readings=readings),
        notes=(*table.notes, note) if empty else table.notes,
    )


def _dealt(table: Table, parts: Sequence[NDArray[np.intp]]) -> list[Examples]:
    """The rows of each part as examples of their own, with an index from 0.

    Empties ``table.X`` column by column: where a source brings them so, no two copies of all rows exist at once.
    """
    allocator = pyarrow.default_memory_pool()
    columns: list[dict[str, pd.Series]] = [{} for _ in parts]
    for name in list(table.X):
        column = table.X.pop(name)
        for positions, part in zip(parts, columns, strict=True):
            part[name] = column.iloc[positions].reset_index(drop=True)
        del column
        allocator.release_unused()  # Arrow's allocator would keep what a column of a Parquet file leaves
    return [
        Examples(
            X=pd.DataFrame(part, copy=False),
            y=table.y[positions],
            ids=table.ids[positions],
            slices=table.slices.iloc[positions].reset_index(drop=True),
        )
        for positions, part in zip(parts, columns, strict=True)
    ]
