"""Documents to be searched: a table of them, or a folder of md, txt, html and pdf files."""

from __future__ import annotations

import codecs
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import advice
from bakeoff.data import files, records
from bakeoff.data.records import Record
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import DataNote, NoteRank

if TYPE_CHECKING:
    import pandas as pd

BLOCKS = (
    "address article aside blockquote dd div dl dt figure footer form header li main nav ol p pre section table tr ul"
)
"""HTML block elements, besides headings: each starts on a line of its own."""

IDS, TEXTS = ("id", "_id", "doc_id"), ("text", "contents")
"""Columns of a table of documents."""

BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What pypdf raises, besides errors of its own, for files that are damaged."""

MOST_ACCENTED = 0.3
"""Share of letters beyond ASCII in a text of a Western European language, at most."""

NUMBER = r"-?(0|[1-9]\d*)(\.\d*[1-9])?"


PAGE = "\f"
"""Stands between the pages of a PDF."""


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
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in FORMATS and file.is_file() and not _is_hidden(file, path)
    )
    if not found:
        raise DataError(f'{key}: the folder "{path}" has no file that ends in {", ".join(FORMATS)}.')
    rows, empty, western, blank_pages = [], [], list[str](), dict[str, str]()
    for file in found:
        name = file.relative_to(path).as_posix()
        _refuse_undecoded(name, key)
        title, text = FORMATS[file.suffix.lower()](file, f"{key}: {name}")
        if FORMATS[file.suffix.lower()] is _html and _is_read_as_western(file):
            western.append(name)
        if not text.strip():
            empty.append(name)
        parent = file.parent.relative_to(path).as_posix()
        kind = file.suffix.lower().lstrip(".")
        pages = text.split(PAGE) if kind == "pdf" else [text]
        blank = [str(number) for number, page in enumerate(pages, 1) if not page.strip()]
        if blank and len(blank) < len(pages):
            blank_pages[name] = f"{len(blank):,} of {len(pages):,} pages of {name} ({advice.listed(blank)})"
        rows.append(
            {"id": name, "title": title or file.stem, "text": "\n\n".join(pages), "folder": parent, "format": kind}
        )
    if empty:
        raise DataError(
            f"{key}: {len(empty)} of {len(found)} documents have no text: {', '.join(empty[:5])}"
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


def _decoded(path: Path, where: str) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(f"{where} is not utf-8: byte {error.start} is 0x{byte:02x}. Convert the file.") from None
    if "\0" in text:
        raise DataError(
            f"{where} holds the byte 0 at character {text.index(chr(0))}: it is no text, or utf-16. Convert the file."
        )
    return text


def _plain(path: Path, where: str) -> tuple[str, str]:
    return "", _decoded(path, where)


def _markdown(path: Path, where: str) -> tuple[str, str]:
    text = _decoded(path, where)
    heading = re.search(r"^#{1,6}\s+(.+?)\s*#*\s*$", text, re.MULTILINE)
    return heading[1] if heading else "", text


def _html(path: Path, where: str) -> tuple[str, str]:
    """Title and text; headings become those of markdown, so that text can be cut at them."""
    bs4 = _library("bs4", where)
    content = path.read_bytes()
    if _declares_encoding(content):
        soup = bs4.BeautifulSoup(content, "html.parser")
    else:
        text = content.decode("cp1252") if _is_western(content) else _decoded(path, where)
        soup = bs4.BeautifulSoup(text, "html.parser")
    title = soup.title.get_text() if soup.title else ""
    for part in soup(["head", "script", "style", "template", "noscript"]):
        part.decompose()
    for comment in soup.find_all(string=lambda node: isinstance(node, bs4.element.PreformattedString)):
        comment.extract()
    for string in soup.find_all(string=True):
        if not string.find_parent("pre"):
            string.replace_with(re.sub(r"\s+", " ", string))
    for part in soup("br"):
        part.replace_with("\n")
    for part in soup(["td", "th"]):
        part.insert_after(" ")
    for part in soup(BLOCKS.split()):
        part.insert_before("\n")
        part.insert_after("\n")
    for part in soup(re.compile(r"^h[1-6]$")):
        part.insert_before(f"\n\n{'#' * int(part.name[1])} ")
        part.insert_after("\n\n")
    lines = (re.sub(r"^ (?! )", "", line).rstrip() for line in soup.get_text().splitlines())
    return " ".join(title.split()), re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _declares_encoding(content: bytes) -> bool:
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(content, is_html=True, search_entire_document=False)
    return bool(declared) or content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def _is_read_as_western(page: Path) -> bool:
    content = page.read_bytes()
    return not _declares_encoding(content) and _is_western(content)


def _is_western(content: bytes) -> bool:
    """Return whether bytes that are not UTF-8 are likely cp1252: most letters are ASCII, as in no Cyrillic text."""
    try:
        content.decode("utf-8-sig")
        return False
    except UnicodeDecodeError:
        pass
    try:
        words = re.sub(rb"<[^>]*>", b" ", content).decode("cp1252")
    except UnicodeDecodeError:
        return False
    letters = [char for char in words if char.isalpha()]
    beyond = (char for char in content.decode("utf-8", "surrogateescape") if not char.isascii())
    n_utf8 = sum(not "\udc80" <= char <= "\udcff" for char in beyond)
    n_other = sum(not char.isascii() for char in letters)
    return b"\0" not in content and n_utf8 < files.FEWEST_LETTERS and n_other <= MOST_ACCENTED * len(letters)


def _pdf(path: Path, where: str) -> tuple[str, str]:
    pypdf = _library("pypdf", where)
    try:
        reader = pypdf.PdfReader(path)
        pages = [page.extract_text() for page in reader.pages]
        title = str((reader.metadata and reader.metadata.title) or "").strip()
    except pypdf.errors.DependencyError as error:
        raise ConfigError(f"{where} is encrypted: {error}. Install it, or save the file without encryption.") from None
    except pypdf.errors.FileNotDecryptedError:
        raise DataError(f"{where} is encrypted with a password. Save it without, or take it out.") from None
    except (pypdf.errors.PyPdfError, *BROKEN) as error:
        cause = f"{type(error).__name__}: {error}".rstrip(".: ")
        raise DataError(f"{where} cannot be read as PDF ({cause}). Save it again, or take it out.") from error
    return title, PAGE.join(pages)


def _library(name: str, where: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(
            f'{where} needs {name}, which is not installed. Install it: pip install "bakeoff[documents]"'
        ) from None


FORMATS: Mapping[str, Callable[[Path, str], tuple[str, str]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
}
"""Ending of a file → what reads its title, empty where it has none, and its text."""
