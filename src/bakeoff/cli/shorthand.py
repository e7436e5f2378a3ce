"""Shorthand for data files: ``data=my.csv`` stands for ``data=csv data.path=my.csv data.name=my``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bakeoff import advice
from bakeoff.data import files
from bakeoff.errors import ConfigError, did_you_mean

FILE_OPTIONS = frozenset({*files.OPTION_OF.values(), "series"})
"""Options of the group ``data`` that read a file of the user's."""

OPEN_MAPPINGS = ("data.columns=", "data.columns.")
"""Prefixes of overrides whose keys are names chosen by the user."""


def expanded(overrides: Sequence[str]) -> list[str]:
    """Expand ``data=<file>`` in the overrides, and name the data after the file unless a name is given.

    Raises:
        ConfigError: a file of an unknown ending, or several files.
    """
    explicit = [part for override in overrides for part in _written_out(override)]
    values = dict(override.lstrip("+").partition("=")[::2] for override in explicit)
    if values.get("data") in FILE_OPTIONS and "data.path" in values and "data.name" not in values:
        return [*explicit, f"data.name={_name(unquoted(values['data.path']))}"]
    return explicit


def repeated(overrides: Sequence[str]) -> list[str]:
    """A sentence for each key that has two values, of which only the last counts."""
    values: dict[str, str] = {}
    sentences = []
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if values.setdefault(key, value) != value:
            sentences.append(f"{key} is given twice: {value} counts, {values[key]} does not.")
        values[key] = value
    return sentences


def refuse_repeated_keys(overrides: Sequence[str]) -> None:
    """Raise ``ConfigError`` for a mapping in which a key stands twice: Hydra would keep the last, without a word."""
    for override in overrides:
        name, _, value = override.partition("=")
        twice = _key_twice(value) if "{" in value else None
        if twice is not None:
            raise ConfigError(
                f'{name.lstrip("+")}: "{twice}" stands twice in one mapping, and only the last would count.'
            )


def _key_twice(text: str) -> str | None:
    """The first key that a mapping within an override's value has twice."""
    levels: list[set[str] | None] = []  # keys of the mappings that are open; None: a list, or arguments
    quote, word, is_key = "", "", False
    for character, before in zip(text, f" {text}", strict=False):
        if quote:
            quote = "" if character == quote and before != "\\" else quote
            word += character
        elif character in "'\"":
            quote, word = character, word + character
        elif character in "{[(":
            levels.append(set() if character == "{" else None)
            word, is_key = "", character == "{"
        elif character in "}])":
            levels = levels[:-1]
            is_key = False
        elif character == ",":
            word, is_key = "", bool(levels) and levels[-1] is not None
        elif character == ":" and is_key and levels and (keys := levels[-1]) is not None:
            key = word.strip().strip("'\"")
            if key in keys:
                return key
            keys.add(key)
            is_key = False
        else:
            word += character
    return None


def ask_for_target(overrides: Sequence[str]) -> None:
    """Show the columns of the user's file if no target is given.

    Args:
        overrides: as ``expanded`` returns them.

    Raises:
        ConfigError: no target is named. The message shows the columns, likely targets, and a command to type.
    """
    values = dict(override.lstrip("+").partition("=")[::2] for override in overrides)
    needs_none = values.get("data.kind") in ("generation",)
    if values.get("data") not in FILE_OPTIONS or "data.path" not in values or "data.target" in values or needs_none:
        return
    if "experiment" in values:  # which may name it
        return
    from bakeoff.config import components
    from bakeoff.data import overview
    from bakeoff.request.spec import ROLES

    options = {key.removeprefix("data."): _parsed(value) for key, value in values.items() if key.startswith("data.")}
    node = component_of(values["data"], {key: value for key, value in options.items() if key not in ROLES})
    components.check_component(node, "data", slot="data")
    summary = overview.overview(components.instantiate(node, "data", "data"), options.get("columns"))
    target = next(iter(summary.likely), "COLUMN")
    path = unquoted(values["data.path"])
    proposal = f"{advice.override('data', path)} {advice.override('data.target', target)}"
    raise ConfigError(
        f"data.target: say which column is to be predicted.\n\n{summary}\n\n"
        f"Next: bakeoff -m model=constant,linear,catboost {proposal}"
    )


def component_of(option: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The component config of an option of the group ``data``, without roles of columns, with values of the user.

    Raises:
        ConfigError: there is no such option.
    """
    import yaml

    from bakeoff.config.shipped import conf_dir
    from bakeoff.request.spec import ROLES

    options = {file.stem: file for file in sorted((conf_dir() / "data").glob("*.yaml"))}
    if option not in options:
        raise ConfigError(
            f'data: there is no option "{option}". Options: {", ".join(options)}.{did_you_mean(option, options)}'
        )
    content = yaml.safe_load(options[option].read_text("utf-8"))
    source = {k: v for k, v in content.items() if k not in (*ROLES, "defaults", "card") and v != "???"}
    return {**source, **values}


def _parsed(value: str) -> Any:
    """A value of an override as YAML has it."""
    import yaml

    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return unquoted(value)


def with_new_keys(overrides: Sequence[str]) -> list[str]:
    """Allow overrides to add keys where Hydra rejects those it has not seen.

    Keys of mappings from column names are the user's. In a sweep over models, a key of one need not be one of another:
    the keys of solutions are passed to solutions only, and each variant is checked. The option of a nested model is a
    sweep over one value there, since Hydra looks for the place of other options in a model that may have none.
    """
    is_sweep = any(o.startswith("model=") and "," in unquoted(o.partition("=")[2]) for o in overrides)
    open_keys = (*OPEN_MAPPINGS, *(["model."] if is_sweep else []))
    nested = re.compile(r"(model@model\.[\w.]+)=(\w+)")
    placed = [nested.sub(r"\1=choice(\2)", o) if is_sweep and nested.fullmatch(o) else o for o in overrides]
    return [f"++{override}" if override.startswith(open_keys) else override for override in placed]


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
    return [f"data={option_of(path)}", f"data.path={advice.hydra_value(path)}"]


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
    """Return whether the value names a file, by its ending or because it exists, or an existing folder."""
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
