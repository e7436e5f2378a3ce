"""Config options and their keys, read from configs and sources without importing a component."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from bakeoff.config import signatures, wiring
from bakeoff.config.settings import DecisionSettings, MetricSettings, SearchSettings
from bakeoff.data.settings import DataSettings
from bakeoff.errors import ConfigError, did_you_mean

ABOUT = ("_target_", "defaults", "card", "search_space", "search_budget")
# Groups whose keys are typed settings, besides those of a component where there is one.
SETTINGS: Mapping[str, type] = {
    "data": DataSettings,
    "metrics": MetricSettings,
    "decision": DecisionSettings,
    "search": SearchSettings,
}


@dataclass(frozen=True)
class Entry:
    """A value in a config file.

    Attributes:
        key: dotted.
        value: as YAML reads it; mappings are entries of their own besides.
        comment: what stands behind it, or above it.
    """

    key: str
    value: Any
    comment: str


@dataclass(frozen=True)
class Key:
    """Something that can be set.

    Attributes:
        name: dotted, relative to the group.
        type: as it is annotated or documented; empty when neither is there.
        default: as the option has it, else as the constructor has it; ``???`` when it must be given.
        sweep: what a search tries; empty when it tries nothing.
        text: what it is.
    """

    name: str
    type: str
    default: str
    sweep: str = ""
    text: str = ""


@dataclass(frozen=True)
class Option:
    """An option of a config group.

    Attributes:
        group: such as ``model``.
        name: such as ``catboost``.
        file: that it is written in.
        summary: in a line.
        card: family, licence and the like.
        target: class of the component; empty where it is none.
        spaces: what a search tries, key → sweep.
    """

    group: str
    name: str
    file: Path
    summary: str
    card: Mapping[str, Any]
    target: str
    spaces: Mapping[str, str]


def groups(folders: Sequence[Path]) -> list[str]:
    """Names of the config groups in some config trees."""
    return sorted({p.name for conf in folders for p in conf.iterdir() if p.is_dir() and p.name != "hydra"})


def options(group: str, folders: Sequence[Path]) -> list[Option]:
    """The options of a group; of equal names, that of the last tree. Raises ``ConfigError`` where there is no group."""
    there = groups(folders)
    if group not in there:
        raise ConfigError(f'list: there is no group "{group}". Groups: {", ".join(there)}.{did_you_mean(group, there)}')
    files = {file.stem: file for conf in folders for file in sorted((conf / group).glob("*.yaml"))}
    return [_option(group, file) for name, file in sorted(files.items()) if not name.startswith("_")]


def option(group: str, name: str, folders: Sequence[Path]) -> Option:
    """One option of a group. Raises ``ConfigError`` that names the nearest where there is none."""
    by_name = {o.name: o for o in options(group, folders)}
    if name not in by_name:
        raise ConfigError(
            f'list: there is no option "{name}" in {group}. Options: {", ".join(by_name)}.{did_you_mean(name, by_name)}'
        )
    return by_name[name]


def keys(chosen: Option) -> list[Key]:
    """All keys of an option: those of its config, then the other arguments of its classes."""
    entry_of = {entry.key: entry for entry in entries(chosen.file)}
    documented = signatures.documented(chosen.target)
    by_path = dict(_of_component(chosen.target, "", entry_of)) if chosen.target else {}
    for name, entry in entry_of.items():
        nested = entry.value.get("_target_") if isinstance(entry.value, Mapping) else None
        if isinstance(nested, str) and name not in by_path and not _is_inside(name, by_path):
            by_path[name] = Key(name, "", nested, "", entry.comment)
            by_path |= dict(_of_component(nested, f"{name}.", entry_of))
    settings = _of_settings(SETTINGS[chosen.group]) if chosen.group in SETTINGS else {}
    for name, entry in entry_of.items():
        if name.split(".")[0] in ABOUT or name in by_path or _is_inside(name, by_path):
            continue
        known = settings.get(name)
        is_parent = isinstance(entry.value, Mapping) and any(other.startswith(f"{name}.") for other in entry_of)
        if not is_parent:
            by_path[name] = Key(name, known.type if known else "", _yaml(entry.value), "", entry.comment)
    for name, key in settings.items():
        if name not in by_path and not _is_inside(name, by_path):
            by_path[name] = key
    for name, text in documented.texts.items():
        if name in by_path and not by_path[name].text:
            by_path[name] = replace(by_path[name], text=text)
    for name, sweep in chosen.spaces.items():
        if name in by_path:
            by_path[name] = replace(by_path[name], sweep=sweep)
    return list(by_path.values())


def entries(file: Path) -> Iterator[Entry]:
    """The values of a config file with their comments, those of the files it is based on first."""
    text = file.read_text("utf-8")
    content = _content(text, file)
    for based in content.get("defaults") or ():
        if isinstance(based, str) and based.endswith("@_here_") and not based.startswith(("optional", "/")):
            yield from entries(file.parent / f"{based.removesuffix('@_here_')}.yaml")
        for group, chosen in based.items() if isinstance(based, Mapping) else ():
            place = str(group).partition("@")[2]
            if place and not place.startswith("_"):
                yield Entry(place, chosen, "")
    root = yaml.compose(text)
    if isinstance(root, yaml.MappingNode):
        yield from _entries(root, content, text.splitlines(), "")


def _content(text: str, file: Path) -> Mapping[str, Any]:
    """The values of a config file. Raises ``ConfigError`` that names the file where it is not YAML, or no mapping."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: it is not valid YAML: {' '.join(str(error).split())}") from None
    if content is not None and not isinstance(content, Mapping):
        raise ConfigError(f"{file}: it holds no mapping of keys to values.")
    return content or {}


def _option(group: str, file: Path) -> Option:
    text = file.read_text("utf-8")
    content = _content(text, file)
    card = content.get("card") or {}
    comments = (line[2:].strip() for line in text.splitlines() if line.startswith("# ") and "@package" not in line)
    spaces = {str(key): _sweep(declared) for key, declared in (content.get("search_space") or {}).items()}
    return Option(
        group, file.stem, file, card.get("summary") or next(comments, ""), card, content.get("_target_") or "", spaces
    )


def _sweep(declared: Any) -> str:
    if not isinstance(declared, Mapping):
        return str(declared)
    when = " and ".join(f"{key} is {value}" for key, value in (declared.get("when") or {}).items())
    return f"{declared.get('sweep')}{f', when {when}' if when else ''}"


def _entries(node: yaml.MappingNode, content: Mapping[str, Any], lines: Sequence[str], prefix: str) -> Iterator[Entry]:
    for key, value in node.value:
        name = str(key.value)
        path = f"{prefix}.{name}" if prefix else name
        read = content[key.value] if key.value in content else yaml.safe_load(yaml.serialize(value))
        is_block = isinstance(value, yaml.CollectionNode) and not value.flow_style
        line = key.end_mark if is_block else value.end_mark
        behind = lines[line.line][line.column :] if line.line < len(lines) else ""
        comment = behind.partition("#")[2].strip()
        yield Entry(path, read, comment or _above(lines, key.start_mark.line))
        if isinstance(value, yaml.MappingNode) and isinstance(read, Mapping):
            yield from _entries(value, read, lines, path)


def _above(lines: Sequence[str], line: int) -> str:
    """The comment directly above a line, unless it is at the top of the file, where it describes the whole file."""
    comments: list[str] = []
    while line > 0 and lines[line - 1].strip().startswith("#"):
        line -= 1
        comments.insert(0, lines[line].strip().lstrip("#").strip())
    return " ".join(comments) if line > 0 else ""


def _of_component(target: str, prefix: str, entry_of: Mapping[str, Entry]) -> Iterator[tuple[str, Key]]:
    """Keys of a class, and of the classes in its arguments."""
    takes, documented = signatures.read(target), signatures.documented(target)
    if takes is None:
        return
    for name, parameter in takes.parameters.items():
        path = f"{prefix}{name}"
        entry = entry_of.get(path)
        kind = parameter.annotation or documented.types.get(name, "")
        text = (entry.comment if entry else "") or documented.texts.get(name, "")
        nested = entry.value.get("_target_") if entry and isinstance(entry.value, Mapping) else None
        if isinstance(nested, str):
            yield path, Key(path, kind, nested, "", text)
            yield from _of_component(nested, f"{path}.", entry_of)
        else:
            default = _yaml(entry.value) if entry else _python(parameter.default)
            if parameter.required and name in wiring.GROUPS:
                default = f"as chosen by {name}="
            yield path, Key(path, " ".join(kind.split()), default, "", text)


def _is_inside(name: str, by_path: Mapping[str, Key]) -> bool:
    """Return whether a key is part of a value that is listed as a whole."""
    steps = name.split(".")
    parents = (".".join(steps[:i]) for i in range(1, len(steps)))
    return steps[-1] == "_target_" or any(parent in by_path for parent in parents)


def _of_settings(settings: type) -> dict[str, Key]:
    """The keys of typed settings, those of nested ones dotted."""
    by_name: dict[str, Key] = {}
    hints = get_type_hints(settings)
    for field in fields_of(settings):
        if hasattr(hints[field.name], "__dataclass_fields__"):
            by_name |= {
                f"{field.name}.{name}": replace(key, name=f"{field.name}.{name}")
                for name, key in _of_settings(hints[field.name]).items()
            }
            continue
        default = field.default if isinstance(field.default, str | int | float | bool | None) else None
        by_name[field.name] = Key(field.name, str(field.type), _yaml(default))
    return by_name


def _yaml(value: Any) -> str:
    """Format a value as on the command line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _python(default: str | None) -> str:
    """Format a constructor's default as in a config; ``???`` if there is none."""
    if default is None:
        return "???"
    try:
        value = ast.literal_eval(default)
    except (ValueError, SyntaxError):
        return default
    return _yaml(list(value) if isinstance(value, tuple) else value)
