"""Names that differ only in case, white space or how letters are composed: easy to miss, and kept apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pandas as pd

from bakeoff.data import conversion
from bakeoff.task import DataNote, NoteRank


def alike(names: Iterable[str]) -> list[list[str]]:
    """Return the groups of names that are spelled alike."""
    spellings: dict[str, list[str]] = {}
    for name in names:
        spellings.setdefault(" ".join(unicodedata.normalize("NFKC", name).split()).casefold(), []).append(name)
    return [group for group in spellings.values() if len(group) > 1]


def notes(frame: pd.DataFrame, columns: Iterable[str], key: str) -> list[DataNote]:
    """Notes on columns whose values are names, such as groups or slices: values that look like one are several."""
    notes_on_names = []
    for column in columns:
        names = conversion.texts(frame[column]).dropna().unique()
        if groups := alike(sorted(map(str, names))):
            examples = ", ".join(f'"{name}"' for name in groups[0][:5])
            more = f", and {len(groups) - 1} more such groups" if len(groups) > 1 else ""
            text = f'"{column}": values that differ only in case or white space are kept apart: {examples}{more}.'
            notes_on_names.append(DataNote(text, key, NoteRank.VALUES))
    return notes_on_names
