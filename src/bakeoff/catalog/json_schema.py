"""JSON schemas of config files, one for each group, by which an editor completes and checks YAML."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from bakeoff.catalog import options
from bakeoff.catalog.options import SETTINGS
from bakeoff.config import signatures
from bakeoff.config.component import read, walk
from bakeoff.config.components import LIBRARIES
from bakeoff.config.settings import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# A value may always be an interpolation of another key, or `???`, which the user must give.
ELSEWHERE = {"type": "string", "pattern": r"\$\{|^\?\?\?$"}
SWEEP = {
    "oneOf": [
        {"type": "string", "description": "choice(a, b), range(4, 10), interval(0.1, 1), tag(log, interval(0.01, 1))"},
        {
            "type": "object",
            "properties": {"sweep": {"type": "string"}, "when": {"type": "object"}},
            "required": ["sweep"],
            "additionalProperties": False,
        },
    ]
}
CARD = {
    "type": "object",
    "properties": {
        "family": {
            "type": "string",
            "description": "rules, classical, boosting, deep, embedding, llm, decision, rag, cascade",
        },
        "licence": {"type": "string"},
        "source": {"enum": ["open", "commercial"]},
        "hosting": {"enum": ["local", "api"]},
        "data_leaves_network": {"type": "boolean"},
        "summary": {"type": "string", "description": "what it is, in a line"},
        "source_url": {"type": "string"},
    },
}
DEFAULTS = {"type": "array", "description": "what the file is based on, in Hydra's defaults list"}
COMPONENT = {"if": {"type": "object", "required": ["_target_"]}, "then": {"$ref": "#/$defs/component"}}


def schemas(conf: Path) -> dict[str, dict[str, Any]]:
    """The schema of each kind of config file: ``config``, ``experiment``, each group, and ``search.pruner``."""
    names = options.groups([conf])
    files = (read(_read(file)) for file in conf.rglob("*.yaml"))
    targets = sorted({component.target for content in files for _, component in walk(content) if component.target})
    reused = {"component": _component(targets)}
    by_name = {"config": _root(conf, names, is_experiment=False)}
    for name in names:
        if name == "experiment":
            by_name[name] = _root(conf, names, is_experiment=True)
            continue
        by_name[name] = _group(conf, name, sorted((conf / name).glob("*.yaml"))) | {"$defs": reused}
    for folder in sorted(p for name in names for p in (conf / name).iterdir() if p.is_dir() and p.name != "base"):
        name = f"{folder.parent.name}.{folder.name}"
        by_name[name] = _group(conf, name, sorted(folder.glob("*.yaml"))) | {"$defs": reused}
    return by_name


def covers(name: str) -> str:
    """The config files that a schema is for, as a pattern relative to the config tree."""
    return "config.yaml" if name == "config" else f"{name.replace('.', '/')}/*.yaml"


def _group(conf: Path, name: str, files: Sequence[Path]) -> dict[str, Any]:
    contents = [_read(file) for file in files]
    targets = sorted({str(c["_target_"]) for c in contents if isinstance(c.get("_target_"), str)})
    settings = _of_settings(SETTINGS[name], conf / name) if name in SETTINGS else {}
    schema: dict[str, Any] = {"$schema": DIALECT, "title": f"bakeoff {name}", "type": "object"}
    about: dict[str, Any] = {"defaults": DEFAULTS}
    if targets:
        about |= {
            "_target_": _target(targets),
            "card": CARD,
            "search_space": {"type": "object", "additionalProperties": SWEEP},
            "search_budget": {"type": "object"},
        }
        schema["properties"] = about | settings
        schema["allOf"] = [_when(target, [*about, *settings]) for target in targets]
    elif settings:
        schema["properties"] = about | settings
        schema["additionalProperties"] = False
    else:
        properties: dict[str, Any] = {key: {} for content in contents for key in content}
        schema["properties"] = {**properties, **about}
    return schema


def _component(targets: Sequence[str]) -> dict[str, Any]:
    """Any component within another: known ones take what their constructors take."""
    return {
        "type": "object",
        "properties": {"_target_": _target(targets)},
        "allOf": [_when(target, ["_target_"]) for target in targets],
    }


def _when(target: str, also: Sequence[str]) -> dict[str, Any]:
    """Schema of a component of one class."""
    takes, documented = signatures.read(target), signatures.documented(target)
    then: dict[str, Any] = {}
    if takes is not None:
        then["properties"] = {
            name: _property(parameter.annotation, documented.texts.get(name, ""), parameter.default)
            for name, parameter in takes.parameters.items()
        }
        if not takes.takes_any:
            then["propertyNames"] = {"enum": list(dict.fromkeys([*also, *takes.parameters]))}
    return {"if": {"properties": {"_target_": {"const": target}}, "required": ["_target_"]}, "then": then}


def _property(annotation: str | None, text: str, default: str | None = None) -> dict[str, Any]:
    kind = _type(annotation)
    schema: dict[str, Any] = {"anyOf": [kind, ELSEWHERE]} if kind else dict(COMPONENT)
    if text:
        schema["description"] = text
    if default is not None:
        with contextlib.suppress(ValueError, SyntaxError):  # a default that only code can make
            schema["default"] = ast.literal_eval(default)
    return schema


def _type(annotation: str | None) -> dict[str, Any] | None:
    """Convert an annotation to JSON schema; None if it gives nothing to check a file against."""
    if annotation is None:
        return None
    try:
        return _of(ast.parse(annotation.strip("'\""), mode="eval").body)
    except SyntaxError:
        return None


def _of(note: ast.expr) -> dict[str, Any] | None:
    plain = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
    match note:
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.Name(id=name) if name in plain:
            return {"type": plain[name]}
        case ast.Name(id="list" | "Sequence"):
            return {"type": "array"}
        case ast.Name(id="dict" | "Mapping"):
            return {"type": "object"}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            sides = [_of(left), _of(right)]
            return None if None in sides else {"anyOf": sides}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return {"enum": [o.value for o in options if isinstance(o, ast.Constant)]}
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            one = _of(inner)
            return None if one is None else {"anyOf": [one, {"type": "null"}]}
        case ast.Subscript(value=ast.Name(id="list" | "Sequence"), slice=inner):
            return {"type": "array", "items": _of(inner) or COMPONENT}
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[_, inner])):
            return {"type": "object", "additionalProperties": _of(inner) or COMPONENT}
    return None


def _of_settings(settings: type, folder: Path | None = None) -> dict[str, Any]:
    """The properties of typed settings, with the comments of the files in a folder."""
    files = [] if folder is None else [*sorted(folder.glob("base/*.yaml")), *sorted(folder.glob("default*.yaml"))]
    comments = {entry.key: entry.comment for file in files for entry in options.entries(file)}
    return _properties(settings, comments, "")


def _properties(settings: type, comments: Mapping[str, str], prefix: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    hints = get_type_hints(settings)
    for name, field in settings.__dataclass_fields__.items():  # type: ignore[attr-defined]
        path = f"{prefix}{name}"
        if hasattr(hints[name], "__dataclass_fields__"):
            nested = _properties(hints[name], comments, f"{path}.")
            properties[name] = {"type": "object", "properties": nested, "additionalProperties": False}
        else:
            properties[name] = _property(str(field.type), comments.get(path, ""))
    return properties


def _root(conf: Path, groups: Sequence[str], is_experiment: bool) -> dict[str, Any]:
    """Schema of config.yaml, or of an experiment, which changes parts of it."""
    comments = {entry.key: entry.comment for entry in options.entries(conf / "config.yaml")}
    properties = _properties(Config, comments, "")
    for name in [*groups, *(group for group in properties if group in SETTINGS)]:
        properties[name] = {"type": ["object", "string", "null"]}
    properties |= {"defaults": DEFAULTS, "hydra": {"type": "object"}}
    title = "bakeoff experiment" if is_experiment else "bakeoff config"
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _target(targets: Sequence[str]) -> dict[str, Any]:
    """Any class of an allowed package; the known ones are completed."""
    allowed = "|".join(LIBRARIES)
    return {"anyOf": [{"enum": list(targets)}, {"type": "string", "pattern": rf"^({allowed})\.[A-Za-z]"}]}


def _read(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text("utf-8"))
    return content if isinstance(content, dict) else {}
