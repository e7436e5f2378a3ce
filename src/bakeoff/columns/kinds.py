"""The registry of column kinds: bakeoff's own, then those of plugins. A kind is imported when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from bakeoff import plugins
from bakeoff.columns.base import ColumnKind
from bakeoff.errors import ConfigError, did_you_mean

OWN: Mapping[str, str] = {"date": "date", "numeric": "number", "text": "text", "categorical": "category"}
"""Name → module, whose object ``KIND`` it is. The first of them that recognises an undeclared column has it."""

_kinds: dict[str, ColumnKind] = {}


def names() -> list[str]:
    """Names of all kinds, those of plugins last."""
    return list(dict.fromkeys([*OWN, *plugins.declared(plugins.COLUMN_KINDS)]))


def get(name: str, where: str = "data.columns") -> ColumnKind:
    """The kind of that name, as schemas call it.

    Raises:
        ConfigError: there is none, which names the nearest; or a plugin brings it and fails.
    """
    plugins.refuse_conflict(plugins.COLUMN_KINDS, name, where, is_own=name in OWN)
    if name not in _kinds:
        if name in OWN:
            _kinds[name] = importlib.import_module(f"bakeoff.columns.{OWN[name]}").KIND
        elif name in plugins.declared(plugins.COLUMN_KINDS):
            _kinds[name] = _from_plugin(name, where)
        else:
            raise ConfigError(
                f'{where}: there is no kind of column "{name}". Kinds: {", ".join(names())}.'
                f"{did_you_mean(name, names())} A plugin that brought it may be missing."
            )
    return _kinds[name]


def own() -> list[ColumnKind]:
    """Bakeoff's own kinds, in the order in which they are asked whether they recognise a column."""
    return [get(name) for name in OWN]


def declared(word: str, where: str) -> ColumnKind:
    """The kind that a word of ``data.columns`` declares.

    Raises:
        ConfigError: there is none, which names the nearest; or a plugin brings it and fails.
    """
    kind_of = {own_word: kind for kind in own() for own_word in kind.words}
    if word in kind_of:
        return kind_of[word]
    brought = plugins.declared(plugins.COLUMN_KINDS)
    if word in brought and word not in OWN:
        return get(word, where)
    allowed = list(dict.fromkeys([*kind_of, *(name for name in brought if name not in OWN)]))
    raise ConfigError(f'{where}: "{word}" is unknown. Allowed: {", ".join(allowed)}.{did_you_mean(word, allowed)}')


def _from_plugin(name: str, where: str) -> ColumnKind:
    kind = plugins.load(plugins.COLUMN_KINDS, name, where)
    if not isinstance(kind, ColumnKind) or kind.name != name or kind.words != (name,):
        brought_by = plugins.declared(plugins.COLUMN_KINDS)[name][0].plugin
        raise ConfigError(
            f'{where}: {brought_by} declares no kind of column "{name}": an '
            f"object of a subclass of bakeoff.columns.base.ColumnKind whose name and only word are {name}."
        )
    return kind
