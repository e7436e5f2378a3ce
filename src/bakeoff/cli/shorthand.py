"""Files of data by their names: ``data=my.csv`` stands for ``data=csv data.path=my.csv data.name=my``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bakeoff.data import files
from bakeoff.errors import ConfigError

FILE_OPTIONS = frozenset({*files.OPTION_OF.values(), "series"})
"""Options of the group ``data`` that read a file of the user's."""


def expanded(overrides: Sequence[str]) -> list[str]:
    """The overrides with ``data=<file>`` written out, and the data called as the file where nobody names them.

    Raises:
        ConfigError: a file of an unknown ending, or several files.
    """
    written = [part for override in overrides for part in _written_out(override)]
    values = dict(override.lstrip("+").partition("=")[::2] for override in written)
    if values.get("data") in FILE_OPTIONS and "data.path" in values and values.keys().isdisjoint({"name", "data.name"}):
        return [*written, f"data.name={_name(unquoted(values['data.path']))}"]
    return written


def _written_out(override: str) -> list[str]:
    key, _, value = override.partition("=")
    path = unquoted(value)
    if key != "data" or not _is_file(path):
        return [override]
    parts = path.split(",")
    if len(parts) > 1 and not Path(path).expanduser().exists():
        raise ConfigError(
            f"data: these are {len(parts)} files. Give one file a command; data.test_path names test rows."
        )
    return [f"data={option_of(path)}", f"data.path={_quoted(path)}"]


def option_of(path: str) -> str:
    """The option of the group ``data`` that reads a file. Raises ``ConfigError`` for an ending that none reads."""
    if Path(path).expanduser().is_dir():
        return "parquet"  # a folder of such files
    ending = files.endings(path)[0]
    if ending not in files.OPTION_OF:
        raise ConfigError(
            f'data: "{Path(path).name}" ends in none of {", ".join(files.OPTION_OF)}. '
            f"Say what it is, e.g. data=csv data.path={path}"
        )
    return files.OPTION_OF[ending]


def _is_file(value: str) -> bool:
    """Whether the value names a file, by its ending or because it is there; or a folder that is there."""
    if not value or value.startswith(("[", "{", "choice(", "glob(")):
        return False
    if any(files.endings(part)[0] in files.OPTION_OF for part in value.split(",")):
        return True
    path = Path(value).expanduser()
    return path.is_file() or ("/" in value and path.is_dir())


def _name(path: str) -> str:
    """The name of the file without its endings, as a folder may be called."""
    return re.sub(r"[^\w.-]+", "_", files.endings(path)[1]).strip("._-")[:100] or "data"


def unquoted(value: str) -> str:
    """A value of an override without its quotes."""
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def _quoted(text: str) -> str:
    """A string as Hydra reads it back unchanged."""
    if re.fullmatch(r"[\w./~-]+", text, re.ASCII) and not text.lstrip("+-").isdigit():
        return text
    escaped = text.replace("${", r"\${").replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
