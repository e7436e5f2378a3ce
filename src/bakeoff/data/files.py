"""Files of rows: found, recognised by their first bytes, unpacked, and their text encoding."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from bakeoff.errors import ConfigError, DataError, did_you_mean

CHUNK = 1 << 20
FEWEST_LETTERS = 3
"""Letters of UTF-8, below which they may be two of cp1252 side by side by chance."""
MARKS_AFTER_LETTERS = frozenset(b"\x85\x91\x92\x93\x94\x96\x97\xa0\xab\xbb")
"""Bytes of cp1252 that often follow a capital letter: quotation marks, dashes, an ellipsis, a fixed space."""
MOST_CHANCE_LETTERS = 20
"""Up to one letter of UTF-8 in so many others, two letters of cp1252 side by side may look like it."""
COMPRESSED = (".gz", ".zip", ".zst", ".bz2", ".xz")
OPTION_OF = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
"""Ending of a file name → the option of the group ``data`` that reads it."""

MOST_UNPACKED_BYTES, MOST_RATIO = 200_000_000, 100  # both exceeded: no table compresses like that
MOST_WORKBOOK_BYTES = 100_000_000  # of XML, which takes ten times as long to read
AT_ONCE = 1 << 20
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip"}
KNOWN = {
    b"PAR1": ("a Parquet file", "data=parquet"),
    b"ARROW1": ("an Arrow file", "data=feather"),
    b"FEA1": ("a Feather file of version 1", "pandas: convert it to Parquet"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook (.xls)", "Excel: save it as .xlsx or .csv"),
    b"%PDF": ("a PDF", "a table: convert it to CSV"),
    b"SQLite format 3": ("a SQLite database", "data=sql data.url=sqlite:///…"),
}
"""First bytes → what such a file is, and what reads it."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def existing(path: str, key: str) -> Path:
    """The file or folder of that name. Raises ``DataError`` that names the config key and the nearest name."""
    file = Path(path).expanduser()
    if file.is_file() or file.is_dir():
        return file
    if file.exists():
        raise DataError(f"{key}: {file} is a pipe or a device, which cannot be read twice. Write its rows into a file.")
    if file.is_symlink():
        raise DataError(f"{key}: {file} is a link to a file that is not there, or to itself.")
    if not file.parent.is_dir():
        raise DataError(f'{key}: there is no folder "{file.parent}" (looked from {Path.cwd()}).')
    others = [p.name for p in file.parent.iterdir()]
    raise DataError(
        f'{key}: there is no file "{file.name}" in {file.parent.resolve()}.{did_you_mean(file.name, others)}'
    )


def endings(name: str) -> tuple[str, str]:
    """The extension of the format, such as ``.csv``, and the name without it and without that of a compression."""
    path = Path(name)
    if path.suffix.lower() in COMPRESSED:
        path = path.with_suffix("")
    return path.suffix.lower(), path.stem


@contextmanager
def opened(path: Path, key: str) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is compressed (gzip, zip of one file, zstd, bz2, xz).

    Raises:
        DataError: it cannot be read, is damaged, or is an archive of several files.
    """
    try:
        with _unpacked(path, key) as stream:
            yield cast("IO[bytes]", _Bounded(stream, path, key)) if _packing(path) else stream
    except (zipfile.BadZipFile, lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{key}: {path.name} is damaged: {error}.") from error
    except IsADirectoryError:
        raise DataError(f"{key}: {path.name} is a folder. Name one file.") from None
    except RuntimeError as error:  # zipfile: a password is needed
        raise DataError(f"{key}: {path.name} cannot be unpacked: {error}.") from error
    except OSError as error:
        raise DataError(f"{key}: {path.name} cannot be read: {error.strerror or error}.") from error


@contextmanager
def opened_text(path: Path, key: str, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The text of a file, unpacked, with line ends as they stand there. Raises what ``opened`` raises."""
    with opened(path, key) as stream:
        text = io.TextIOWrapper(stream, encoding, newline="")
        try:
            yield text
        finally:
            text.detach()  # else its end would close what is closed by its owner


def _packing(path: Path) -> str | None:
    with path.open("rb") as file:
        first = file.read(8)
    return next((name for magic, name in PACKED.items() if first.startswith(magic)), None)


class _Bounded(io.BufferedIOBase):
    """An unpacked stream that ends with ``DataError`` where a small file unpacks to an absurd size."""

    def __init__(self, stream: IO[bytes], path: Path, key: str) -> None:
        self._stream = stream
        self._read = 0
        self._path, self._key = path, key
        self._most = max(MOST_UNPACKED_BYTES, MOST_RATIO * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            parts = []
            while part := self.read(AT_ONCE):
                parts.append(part)
            return b"".join(parts)
        part = self._stream.read(size)
        self._read += len(part)
        if self._read > self._most:
            raise DataError(
                f"{self._key}: {self._path.name} unpacks to more than {self._most / 1e9:.1f} GB, over {MOST_RATIO} "
                "times its size, and is not read on. If that is meant, unpack it first."
            )
        return part

    def read1(self, size: int = -1) -> bytes:
        return self.read(AT_ONCE if size < 0 else size)

    def readinto(self, buffer: Any) -> int:
        part = self.read(len(memoryview(buffer).cast("B")))
        memoryview(buffer).cast("B")[: len(part)] = part
        return len(part)


def refuse_bomb(archive: zipfile.ZipFile, path: Path, key: str) -> None:
    """Raise ``DataError`` if the members of an archive unpack to an absurd size, as in a workbook made to do harm."""
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(MOST_WORKBOOK_BYTES, MOST_RATIO * path.stat().st_size):
        raise DataError(
            f"{key}: {path.name} unpacks to {unpacked / 1e9:.1f} GB, over {MOST_RATIO} times its size. It is not read."
        )


@contextmanager
def _unpacked(path: Path, key: str) -> Iterator[IO[bytes]]:
    packing = _packing(path)
    if packing == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, path, key)) as stream:
            yield stream
    elif packing == "zstd":
        import pyarrow as pa

        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream:
            yield cast("IO[bytes]", stream)
    elif packing == "gzip":
        with gzip.open(path) as stream:
            yield cast("IO[bytes]", stream)
    elif packing == "bz2":
        with bz2.open(path) as stream:
            yield cast("IO[bytes]", stream)
    elif packing == "xz":
        with lzma.open(path) as stream:
            yield cast("IO[bytes]", stream)
    else:
        with path.open("rb") as stream:
            yield stream


def _member(archive: zipfile.ZipFile, path: Path, key: str) -> str:
    """The only file in an archive."""
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if "[Content_Types].xml" in names:
        raise DataError(_not_text(path, key, "an Excel workbook", "data=excel"))
    if len(names) != 1:
        raise DataError(f"{key}: {path.name} holds {len(names)} files. Unpack it, and name one of them.")
    return names[0]


def refuse_binary(first: bytes, path: Path, key: str) -> None:
    """Raise ``DataError`` that names the format, where a file that should be text begins as another does."""
    for magic, (format_name, remedy) in KNOWN.items():
        if first.startswith(magic):
            raise DataError(_not_text(path, key, format_name, remedy))


def _not_text(path: Path, key: str, format_name: str, remedy: str) -> str:
    how = f"Write {remedy} {key}={path.name}" if remedy in ("data=parquet", "data=feather", "data=excel") else remedy
    return f"{key}: {path.name} is {format_name}, not text. {how if how.startswith('Write') else f'Use {remedy}'}."


def encoding_of(path: Path, key: str, declared: str | None) -> tuple[str, str | None]:
    """The encoding of a text file, and a sentence about it where it is an unusual one that nobody declared.

    A byte order mark decides; else UTF-8 where every byte fits, else cp1252 where every byte fits.

    Raises:
        DataError: it fits none, or not the declared one, or it is no text.
        ConfigError: the declared one is unknown.
    """
    with opened(path, key) as stream:
        first = stream.read(4096)
    refuse_binary(first, path, key)
    marked = next((name for mark, name in BYTE_ORDER_MARKS if first.startswith(mark)), None)
    if declared is not None:
        if marked in ("utf-16", "utf-32") and codecs_name(declared) not in ("utf-16", "utf-32"):
            raise DataError(
                f"{key}: {path.name} begins with the byte order mark of {marked}, and data.encoding says {declared}. "
                f"Set data.encoding={marked}, or leave it out."
            )
        _refuse_undecodable(path, key, declared)
        return ("utf-8-sig" if codecs_name(declared) == "utf-8" else declared), None
    if marked is not None:
        _refuse_undecodable(path, key, marked)
        note = None if marked == "utf-8-sig" else f"{path.name} is read as {marked}, by its byte order mark."
        return marked, note
    if b"\x00" in first:
        odd, even = first[1::2].count(0), first[0::2].count(0)
        if max(odd, even) > len(first) // 8:
            encoding = "utf-16-le" if odd > even else "utf-16-be"
            _refuse_undecodable(path, key, encoding)
            return encoding, f"{path.name} is read as {encoding}: it has a zero byte in every other place."
    if wrong_byte(path, key, "utf-8") is None:
        return "utf-8-sig", None
    if wrong_byte(path, key, "cp1252") is not None:
        _refuse_undecodable(path, key, "utf-8")
    _refuse_mixed(path, key)
    return "cp1252", f"{path.name} is not UTF-8, and is read as cp1252, such as {_sample(path, key)}."


def _refuse_mixed(path: Path, key: str) -> None:
    """Raise ``DataError`` where a file that is not UTF-8 holds letters of UTF-8 too often for chance: it is of two."""
    n_utf8, n_other, first = 0, 0, 0
    with opened(path, key) as stream:
        for number, line in enumerate(stream, 1):
            if line.isascii():
                continue
            beyond = [char for char in line.decode("utf-8", "surrogateescape") if not char.isascii()]
            others = sum("\udc80" <= char <= "\udcff" for char in beyond)
            n_utf8 += len(beyond) - others - sum(_may_be_two_letters(char) for char in beyond)
            n_other += others
            first = first or (number if others else 0)
    if n_utf8 >= FEWEST_LETTERS and n_utf8 * MOST_CHANCE_LETTERS >= n_other:
        raise DataError(
            f"{key}: {path.name} mixes encodings: {n_utf8:,} of its letters are UTF-8, and {n_other:,} bytes are not, "
            f"first in line {first}. Convert it to one encoding; data.encoding=cp1252 reads all of it as that one."
        )


def _may_be_two_letters(char: str) -> bool:
    """Return whether the bytes of a letter of UTF-8 are as likely two of cp1252: É and a mark after it, as in CAFÉ”.

    Not those with Ã, as the most common letters of French and German have: Ã ends few words.
    """
    pair = char.encode("utf-8", "surrogateescape")
    return len(pair) == 2 and pair[0] != 0xC3 and pair[1] in MARKS_AFTER_LETTERS


def codecs_name(encoding: str) -> str:
    """The usual name of an encoding. Raises ``ConfigError`` where Python knows none of that name."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ConfigError(f'data.encoding: "{encoding}" is unknown. Try utf-8, latin-1, cp1252 or utf-16.') from None


def wrong_byte(path: Path, key: str, encoding: str) -> tuple[int, int] | None:
    """Position and value of the first byte that is not of that encoding; None where all of the file is."""
    decoder = codecs.getincrementaldecoder(encoding)()
    decoded = 0
    with opened(path, key) as stream:
        while True:
            chunk = stream.read(CHUNK)
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return decoded - waiting + error.start, error.object[error.start]
            decoded += len(chunk)
            if not chunk:
                return None


def _refuse_undecodable(path: Path, key: str, encoding: str) -> None:
    codecs_name(encoding)
    wrong = wrong_byte(path, key, encoding)
    if wrong is not None:
        position, byte = wrong
        raise DataError(
            f"{key}: {path.name} is not {encoding}: byte {position} is 0x{byte:02x}. "
            "Set data.encoding, e.g. data.encoding=latin-1."
        )


def _sample(path: Path, key: str) -> str:
    """The first word with a non-ASCII letter, decoded as cp1252."""
    with opened_text(path, key, "cp1252") as text:
        words = (word for line in text for word in re.findall(r"\w+", line) if not word.isascii())
        return f'"{next(words, "")}"'
