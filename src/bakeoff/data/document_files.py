"""Documents in files of their own: md, txt, html and pdf."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.data import files
from bakeoff.errors import ConfigError, DataError

BLOCKS = (
    "address article aside blockquote dd div dl dt figure footer form header li main nav ol p pre section table tr ul"
)
"""HTML block elements, besides headings: each starts on a line of its own."""

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
"""Errors that damaged files make pypdf raise, besides its own."""

MOST_ACCENTED = 0.3
"""Share of letters beyond ASCII in a text of a Western European language, at most."""


@dataclass(frozen=True)
class Content:
    """Content of a file.

    Attributes:
        title: empty where the file has none.
        pages: the text of each page of a PDF; of other files, the whole text.
        is_western: True if the encoding is not declared and was taken for cp1252.
    """

    title: str
    pages: tuple[str, ...]
    is_western: bool = False


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


def _plain(path: Path, where: str) -> Content:
    return Content("", (_decoded(path, where),))


def _markdown(path: Path, where: str) -> Content:
    text = _decoded(path, where)
    heading = re.search(r"^#{1,6}\s+(.+?)\s*#*\s*$", text, re.MULTILINE)
    return Content(heading[1] if heading else "", (text,))


def _html(path: Path, where: str) -> Content:
    """Title and text; headings become those of markdown, so that text can be cut at them."""
    bs4 = _library("bs4", where)
    content = path.read_bytes()
    is_declared = _declares_encoding(content)
    is_western = not is_declared and _is_western(content)
    markup = content if is_declared else content.decode("cp1252") if is_western else _decoded(path, where)
    soup = bs4.BeautifulSoup(markup, "html.parser")
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
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
    return Content(" ".join(title.split()), (text,), is_western)


def _declares_encoding(content: bytes) -> bool:
    from bs4.dammit import EncodingDetector

    declared = EncodingDetector.find_declared_encoding(content, is_html=True, search_entire_document=False)
    return bool(declared) or content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


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


def _pdf(path: Path, where: str) -> Content:
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
    return Content(title, tuple(pages))


def _library(name: str, where: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(
            f'{where} needs {name}, which is not installed. Install it: pip install "bakeoff[documents]"'
        ) from None


FORMATS: Mapping[str, Callable[[Path, str], Content]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
}
"""Ending of a file → function that reads it; the string names it in messages."""
