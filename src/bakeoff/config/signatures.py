"""Signatures of classes, read from their source without importing them.

Importing scikit-learn or CatBoost takes seconds; a request is checked, and a plan printed, in a fraction of one.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from bakeoff import lazy

NUMBERS = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}


@dataclass(frozen=True)
class Parameter:
    """One constructor argument: whether it must be given, its annotation and its default as written (None: none)."""

    required: bool
    annotation: str | None = None
    default: str | None = None


@dataclass(frozen=True)
class Signature:
    """The constructor arguments of a class by name, and whether it takes any other keyword as well."""

    parameters: Mapping[str, Parameter]
    takes_any: bool = False


@dataclass(frozen=True)
class Documented:
    """Contents of a class docstring: a one-line summary, and the type and description of each parameter, if given."""

    summary: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lineage:
    """A class with all classes that it inherits from.

    Attributes:
        name: full name, with the module that defines it.
        names: of itself and of its ancestors.
        members: names of methods, properties and annotated attributes, inherited ones included.
        is_complete: false where some ancestor can only be found by an import.
    """

    name: str
    names: frozenset[str]
    members: frozenset[str]
    is_complete: bool = True

    @classmethod
    def from_class(cls, described: type) -> Lineage:
        """Describe an imported class."""
        ancestors = [one for one in described.__mro__ if one is not object]
        names = [f"{one.__module__}.{one.__qualname__}" for one in ancestors]
        members = {name for one in ancestors for name in (*vars(one), *vars(one).get("__annotations__", ()))}
        return cls(names[0] if names else "builtins.object", frozenset(names), frozenset(members))


WITHOUT_MEMBERS = frozenset({"object", "ABC", "Protocol", "Generic"})
OF_OBJECT = Signature({})
"""Of a class that neither defines nor inherits a constructor."""


@dataclass(frozen=True)
class _Found:
    """A definition in a source file."""

    module: str
    tree: ast.Module
    node: ast.AST


def defined_in(target: str) -> str | None:
    """The module in which ``target`` (``package.module.Name``) is actually defined; None if only an import can tell."""
    definition = _find(*_split(target))
    return definition.module if definition else None


def is_class(target: str) -> bool | None:
    """Return whether ``target`` is a class; None if only an import can tell."""
    definition = _find(*_split(target))
    return isinstance(definition.node, ast.ClassDef) if definition else None


def read(target: str) -> Signature | None:
    """The constructor's signature, from source; None if only an import can tell."""
    definition = _find(*_split(target))
    return _of_class(definition) if definition and isinstance(definition.node, ast.ClassDef) else None


@lru_cache(maxsize=1024)
def lineage(target: str) -> Lineage | None:
    """The class with its ancestors, from source; None where ``target`` is no class, or only an import can tell."""
    found = _find(*_split(target))
    return _lineage(found) if found and isinstance(found.node, ast.ClassDef) else None


def _lineage(found: _Found, depth: int = 0) -> Lineage:
    node = found.node
    assert isinstance(node, ast.ClassDef)
    name = f"{found.module}.{node.name}"
    names, members, is_complete = {name}, set(_members(node)), True
    for base in node.bases:
        base = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(base, ast.Name | ast.Attribute):
            last = base.id if isinstance(base, ast.Name) else base.attr
            if last in WITHOUT_MEMBERS:
                continue
        parent = _find(found.module, base.id) if isinstance(base, ast.Name) and depth < 12 else None
        if parent is None or not isinstance(parent.node, ast.ClassDef):
            is_complete = False
            continue
        inherited = _lineage(parent, depth + 1)
        names |= inherited.names
        members |= inherited.members
        is_complete = is_complete and inherited.is_complete
    return Lineage(name, frozenset(names), frozenset(members), is_complete)


def _members(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        match item:
            case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def documented(target: str) -> Documented:
    """Parse a class's docstring, in Google's or NumPy's style, for its parameters; empty without source."""
    definition = _find(*_split(target))
    text = ast.get_docstring(definition.node) if definition and isinstance(definition.node, ast.ClassDef) else None
    if not text:
        return Documented()
    types: dict[str, str] = {}
    texts: dict[str, str] = {}
    lines = text.splitlines()
    heads = {"Args:": _GOOGLE, "Parameters": _NUMPY, "Parameters:": _GOOGLE}
    start = next((i for i, line in enumerate(lines) if line.strip() in heads), None)
    if start is not None:
        style = heads[lines[start].strip()]
        body = lines[start + (2 if style is _NUMPY else 1) :]
        indent = "" if style is _NUMPY else "    "
        name = ""
        for line in body:
            entry = style.match(line.removeprefix(indent)) if line.startswith(indent) else None
            if entry:
                name = entry["name"]
                types[name], texts[name] = entry["type"] or "", entry["text"] or ""
            elif line.strip() and not line.startswith(indent + " "):
                break  # the next section
            elif name:
                texts[name] = f"{texts[name]} {line.strip()}".strip() if line.strip() or texts[name] else ""
                if not line.strip():
                    name = ""  # the first paragraph says it
    return Documented(lines[0], {n: t for n, t in types.items() if t}, {n: _sentence(t) for n, t in texts.items() if t})


_GOOGLE = re.compile(r"(?P<name>\w+)(?: \((?P<type>[^)]*)\))?:(?P<text> .*)?$")
_NUMPY = re.compile(r"(?P<name>\w+)(?: *: *(?P<type>.*?)(?:, *(?:optional|default.*))?)?$(?P<text>)")


def _sentence(text: str) -> str:
    """The first sentence, without markup."""
    text = re.sub(r":\w+:`([^`<]*?)(?: <[^>]*>)?`", r"\1", " ".join(text.split())).replace("`", "")
    return re.split(r"(?<=[a-z\d)\]])\. (?=[A-Z])", text)[0].strip()


def inspected(cls: type) -> Signature:
    """The constructor's signature of an imported class."""
    parameters: dict[str, Parameter] = {}
    takes_any = False
    for name, p in inspect.signature(cls).parameters.items():
        if p.kind is p.VAR_KEYWORD:
            takes_any = True
        elif p.kind is not p.VAR_POSITIONAL:
            note = None if p.annotation is p.empty else inspect.formatannotation(p.annotation)
            parameters[name] = Parameter(p.default is p.empty, note)
    return Signature(parameters, takes_any)


def mismatch(annotation: str | None, value: Any) -> str | None:
    """Describe the expected type if ``value`` does not fit ``annotation``; None if it fits.

    Knows numbers, strings, booleans, None, literals, unions, lists and mappings; anything else is let through.
    """
    if annotation is None:
        return None
    try:
        tree = ast.parse(annotation.strip("'\""), mode="eval").body
    except SyntaxError:
        return None
    return None if _accepts(tree, value) else annotation.strip("'\"")


def _accepts(note: ast.expr, value: Any) -> bool:
    match note:
        case ast.Constant(value=None):
            return value is None
        case ast.Constant(value=str(text)):
            return _accepts(ast.parse(text, mode="eval").body, value)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _accepts(left, value) or _accepts(right, value)
        case ast.Name(id=name) if name in NUMBERS:
            return isinstance(value, NUMBERS[name]) and (name == "bool" or not isinstance(value, bool))
        case ast.Name(id="list" | "Sequence"):
            return isinstance(value, list | tuple)
        case ast.Name(id="dict" | "Mapping"):
            return isinstance(value, dict)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            options = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return any(isinstance(o, ast.Constant) and o.value == value for o in options)
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return value is None or _accepts(inner, value)
        case ast.Subscript(value=ast.Name(id="list" | "Sequence"), slice=inner):
            return isinstance(value, list | tuple) and all(_accepts(inner, v) for v in value)
        case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[_, inner])):
            return isinstance(value, dict) and all(_accepts(inner, v) for v in value.values())
    return True


def _split(target: str) -> tuple[str, str]:
    module, _, name = target.rpartition(".")
    return module, name


@lru_cache(maxsize=256)
def _source(module: str) -> tuple[ast.Module, bool] | None:
    """The parsed source of a module and whether it is a package; None when it has no source to read."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        base = Path(folder, *rest)
        for file, is_package in ((base / "__init__.py", True), (base.with_suffix(".py"), False)):
            if (rest or is_package) and file.is_file():
                try:
                    return ast.parse(file.read_bytes()), is_package
                except (SyntaxError, ValueError):  # the import will report it, with the cause
                    return None
    return None


def _find(module: str, name: str, depth: int = 0) -> _Found | None:
    source = _source(module) if module and depth < 8 else None
    if source is None:
        return None
    tree, is_package = source
    for node in (*tree.body, *lazy.type_checking(tree)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return _Found(module, tree, node)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _find(_absolute(module, is_package, node), alias.name, depth + 1)
    return None


def _absolute(module: str, is_package: bool, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parents = parts[: len(parts) - node.level + is_package]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _of_class(definition: _Found, depth: int = 0) -> Signature | None:
    node = definition.node
    assert isinstance(node, ast.ClassDef)
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _of_init(item)
    inherited: dict[str, Parameter] = {}
    for base in node.bases:
        match base:
            case ast.Name(id="object" | "Protocol" | "ABC") | ast.Subscript(value=ast.Name(id="Generic" | "Protocol")):
                continue
            case ast.Name(id=name) if depth < 8:
                parent = _find(definition.module, name)
                signature = _of_class(parent, depth + 1) if parent and isinstance(parent.node, ast.ClassDef) else None
                if signature is None:
                    return None
                if not _is_dataclass(node) and signature is not OF_OBJECT:
                    return signature
                inherited |= signature.parameters
            case _:
                return None
    return Signature(inherited | dict(_fields(node))) if _is_dataclass(node) else OF_OBJECT


def _of_init(init: ast.FunctionDef) -> Signature:
    a = init.args
    positional = (a.posonlyargs + a.args)[1:]
    without = len(positional) - len(a.defaults)
    parameters = {
        arg.arg: Parameter(default is None, ast.unparse(arg.annotation) if arg.annotation else None, _written(default))
        for arg, default in zip(
            [*positional, *a.kwonlyargs], [*[None] * without, *a.defaults, *a.kw_defaults], strict=True
        )
    }
    return Signature(parameters, a.kwarg is not None)


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(d) for d in node.decorator_list)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, Parameter]]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            note = ast.unparse(item.annotation)
            if not note.startswith("ClassVar") and "init=False" not in (ast.unparse(item.value) if item.value else ""):
                yield item.target.id, Parameter(_has_no_default(item.value), note, _written(item.value))


def _written(default: ast.expr | None) -> str | None:
    """A default as written in the source; for a factory, the factory."""
    match default:
        case None:
            return None
        case ast.Call(func=ast.Name(id="field"), keywords=keywords):
            arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in keywords}
            factory = arguments.get("default_factory")
            if factory is None:
                return arguments.get("default")
            is_lambda = factory.startswith("lambda: ")
            return {"list": "[]", "dict": "{}"}.get(factory, factory[8:] if is_lambda else f"{factory}()")
    return ast.unparse(default)


def _has_no_default(value: ast.expr | None) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="field"), keywords=keywords):
            return not any(keyword.arg in ("default", "default_factory") for keyword in keywords)
    return value is None
