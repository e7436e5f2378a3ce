"""Lazy imports and patterns: public names of a package are imported, and regular expressions compiled, on first use.

A package lists them once, as re-exports that type checkers understand, and a config names ``bakeoff.models.CatBoost``
whatever file the class is in::

    if TYPE_CHECKING:
        from bakeoff.models.tabular.catboost import CatBoost as CatBoost
    else:
        __getattr__, __dir__ = lazy.exports(__name__, __file__)
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator, Mapping

_packages: dict[str, Callable[[], Mapping[str, tuple[str, str]]]] = {}


def exports(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Args:
        package: its name.
        file: its ``__init__.py``, whose ``if TYPE_CHECKING:`` blocks hold ``from … import A as A``.
    """

    @cache
    def homes() -> Mapping[str, tuple[str, str]]:
        import ast
        from pathlib import Path

        return dict(_exported(ast.parse(Path(file).read_bytes())))

    def get(name: str) -> Any:
        if name.startswith("__") or name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = homes()[name]
        home = import_module(module)
        return getattr(home, original) if hasattr(home, original) else import_module(f"{module}.{original}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes()})

    _packages[package] = homes
    return get, names


def homes(package: str) -> Mapping[str, tuple[str, str]]:
    """The exported names of a package, each with the module that defines it and its name there."""
    import_module(package)
    return _packages[package]()


def public_name(cls: type) -> str:
    """The dotted path by which a config names a class: that of the package that exports it, or else of its module."""
    home, parts = (cls.__module__, cls.__qualname__), cls.__module__.split(".")
    for i in range(1, len(parts)):
        package = ".".join(parts[:i])
        for name, exported in _packages[package]().items() if package in _packages else ():
            if exported == home:
                return f"{package}.{name}"
    return ".".join(home)


def type_checking(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements in the ``if TYPE_CHECKING:`` blocks of a module."""
    import ast

    for node in tree.body:
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), body=body):
                yield from body


def _exported(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    import ast

    for node in type_checking(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.asname == alias.name or (alias.asname and alias.asname[0].isupper()):
                    yield alias.asname, (node.module, alias.name)


class _Pattern:
    """A regular expression that is compiled when it is first used."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source, flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(*self._source), name)
        setattr(self, name, value)
        return value


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression that is compiled when one of its methods is first used: long ones take milliseconds."""
    return cast("re.Pattern[str]", _Pattern(source, flags))
