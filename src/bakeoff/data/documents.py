"""Documents to be searched: a table of them, or a folder of md, txt, html and pdf files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import advice
from bakeoff.data import records
from bakeoff.data.document_files import FORMATS
from bakeoff.data.records import Record
from bakeoff.errors import DataError
from bakeoff.task import DataNote, NoteRank

if TYPE_CHECKING:
    import pandas as pd

IDS, TEXTS = ("id", "_id", "doc_id"), ("text", "contents")
"""Columns of a table of documents."""

NUMBER = r"-?(0|[1-9]\d*)(\.\d*[1-9])?"


@dataclass(frozen=True)
class Documents:
    """Documents as they were read.

    Attributes:
        table: ``id``, ``title``, ``text``, and metadata, one row a document.
        notes: on files and pages that are not in it.
    """

    table: pd.DataFrame
    notes: tuple[DataNote, ...] = ()


def read(path: Path, key: str) -> Documents:
    """The documents of a table, or of a folder.

    A file of a folder has its path within it for an id, and ``folder`` and ``format`` for metadata.

    Raises:
        DataError: there is no document, or one cannot be read, has no text, or has the id of another.
        ConfigError: a library that reads the format is not installed.
    """
    return folder(path, key) if path.is_dir() else Documents(table(path, key))


def table(path: Path, key: str) -> pd.DataFrame:
    """The documents of a jsonl, csv, tsv or parquet file: an id, a title, the text, and what else it has.

    The id may be called ``id``, ``_id`` or ``doc_id``, the text ``text`` or ``contents``: as in BEIR and AutoRAG.
    """
    by_id: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    rows = records.read(path, key)
    has_texts = any(name in record.values for record in rows for name in TEXTS)
    for record in rows:
        name = _id(record, key)
        if name in by_id:
            raise DataError(f'{key}: {record.place} has the id "{name}", as {places[name]} has.')
        title = record.text("title", key) if "title" in record.values else ""
        # A document may be all title, or empty, as some are in BEIR: others must not take its place in the ranking.
        column = record.first(TEXTS)
        is_textless = column not in record.values and (title or has_texts)
        text = "" if is_textless else record.text(column, key)
        places[name] = record.place
        read = (_id_column(record, key), "title", column)
        by_id[name] = {"id": name, "title": title, "text": text} | metadata(record, read)
    table = frame(by_id.values())
    return with_numbers(table) if path.suffix.lower() in (".csv", ".tsv") else table


def metadata(record: Record, without: Iterable[str]) -> dict[str, Any]:
    """The other cells of a row; an object named ``metadata`` is laid open, as BEIR has it."""
    nested = record.values.get("metadata")
    if not isinstance(nested, Mapping):
        return record.others(without)
    return records.record(record.place, nested).others(without) | record.others([*without, "metadata"])


def frame(documents: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Documents as a table."""
    import pandas as pd

    return pd.DataFrame(list(documents))


def with_numbers(documents: pd.DataFrame) -> pd.DataFrame:
    """Convert metadata that are numbers throughout, for use in filters; 007 and 3.10 are not."""
    import pandas as pd

    table = documents.copy()
    for name in table.columns.difference(["id", "title", "text"]):
        if table[name].dropna().astype("str").str.fullmatch(NUMBER).all():
            table[name] = pd.to_numeric(table[name])
    return table


def folder(path: Path, key: str) -> Documents:
    """The md, txt, html and pdf files of a folder and of those in it. Hidden files are left out, others with a note."""
    inside = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in FORMATS and file.is_file() and not _is_hidden(file, path)
    )
    if not inside:
        raise DataError(f'{key}: the folder "{path}" has no file that ends in {", ".join(FORMATS)}.')
    rows, empty, western, blank_pages = [], [], list[str](), dict[str, str]()
    for file in inside:
        name = file.relative_to(path).as_posix()
        _refuse_undecoded(name, key)
        content = FORMATS[file.suffix.lower()](file, f"{key}: {name}")
        if content.is_western:
            western.append(name)
        blank = [str(number) for number, page in enumerate(content.pages, 1) if not page.strip()]
        if len(blank) == len(content.pages):
            empty.append(name)
        elif blank:
            blank_pages[name] = f"{len(blank):,} of {len(content.pages):,} pages of {name} ({advice.listed(blank)})"
        rows.append(
            {
                "id": name,
                "title": content.title or file.stem,
                "text": "\n\n".join(content.pages),
                "folder": file.parent.relative_to(path).as_posix(),
                "format": file.suffix.lower().lstrip("."),
            }
        )
    if empty:
        raise DataError(
            f"{key}: {len(empty)} of {len(inside)} documents have no text: {', '.join(empty[:5])}"
            f"{', …' if len(empty) > 5 else ''}. Recognise the text of scanned pages first, or take these files out."
        )
    return Documents(frame(rows), tuple(_notes(path, list(blank_pages.values()), western)))


def _notes(path: Path, blank_pages: Sequence[str], western: Sequence[str]) -> Iterator[DataNote]:
    """Notes on files of a folder that are no documents or of no declared encoding, and on pages without text."""
    if western:
        text = f"{advice.listed(western)}: neither UTF-8 nor of a declared encoding, read as cp1252."
        yield DataNote(text, "data.corpus", NoteRank.ROWS)
    if blank_pages:
        text = f"{advice.listed(blank_pages)} have no text, as scanned ones have none: they cannot be found."
        yield DataNote(text, "data.corpus", NoteRank.ROWS)
    others = sorted(
        file.relative_to(path).as_posix()
        for file in path.rglob("*")
        if file.is_file() and file.suffix.lower() not in FORMATS and not _is_hidden(file, path)
    )
    if others:
        count = "1 file is" if len(others) == 1 else f"{len(others):,} files are"
        text = f"{count} left out of the corpus, which takes {', '.join(FORMATS)}: {advice.listed(others)}."
        yield DataNote(text, "data.corpus", NoteRank.ROWS)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _refuse_undecoded(name: str, key: str) -> None:
    """Raise ``DataError`` for the name of a file that is not UTF-8: it names the document, and no file can hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        escaped = ascii(os.fsencode(name))[2:-1]
        raise DataError(f'{key}: the name of the file "{escaped}" is not utf-8. Rename it.') from None


def _id(record: Record, key: str) -> str:
    return record.text(_id_column(record, key), key)


def _id_column(record: Record, key: str) -> str:
    return record.only(IDS[:2], key) or record.first(IDS)
