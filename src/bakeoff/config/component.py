"""Component: a class that a config names, with its arguments; read from and written as plain containers.

A component may hold others at any depth: as an argument, in a list of arguments, in a mapping of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from bakeoff.config import renamed
from bakeoff.errors import ConfigError

TARGET = "_target_"
ABOUT = ("card", "search_space", "search_budget")
"""Keys of a component's config that are not arguments of its class."""
GROUP_OF = {"search.sampler": "search", "search.pruner": "search/pruner"}
"""Config groups whose options set a component below another key than the group's own name."""


@dataclass(frozen=True)
class Component:
    """A class with its arguments, as a config names it.

    Attributes:
        target: dotted path of the class; empty where the config has none.
        arguments: of its constructor: plain values, components, and lists and mappings of both.
        card: facts about it: family, licence, hosting.
        search_space: its own parameter names → values in Hydra's sweep grammar.
        search_budget: keys of ``search`` that a search of this component overrides.
    """

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] | None = None
    search_space: Mapping[str, Any] | None = None
    search_budget: Mapping[str, Any] | None = None

    @classmethod
    def from_config(cls, node: Any, where: str = "") -> Component:
        """Read a component's config and those nested in it; None is a component without a class.

        Args:
            node: a mapping with ``_target_``, or None.
            where: its config key, for messages.

        Raises:
            ConfigError: it is something else, such as the name of an option, or what is said about it is no mapping.
        """
        node = {} if node is None else node
        if not isinstance(node, Mapping):
            raise not_a_component(node, where)
        target = node.get(TARGET)
        if isinstance(target, str) and target in renamed.TARGETS:  # of an earlier version
            node, target = renamed.current(node), renamed.TARGETS[target]
        for key in ABOUT:
            if not isinstance(node.get(key), Mapping | None):
                raise ConfigError(f"{_below(where, key)}: {node[key]!r:.60} is not a mapping of keys to values.")
        arguments = {str(k): read(v, _below(where, k)) for k, v in node.items() if k not in (TARGET, *ABOUT)}
        return cls(target if isinstance(target, str) else "", arguments, *(node.get(key) for key in ABOUT))

    def to_config(self) -> dict[str, Any]:
        """The config that reads back as an equal component."""
        about = {key: getattr(self, key) for key in ABOUT}
        return {
            TARGET: self.target,
            **{key: write(value) for key, value in self.arguments.items()},
            **{key: write(value) for key, value in about.items() if value is not None},
        }


def read(value: Any, where: str = "") -> Any:
    """A value of a config with a ``Component`` in place of each mapping that has a ``_target_``.

    Args:
        value: to read.
        where: its config key, for messages.
    """
    if isinstance(value, Mapping):
        if TARGET in value:
            return Component.from_config(value, where)
        return {k: read(v, _below(where, k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [read(item, _below(where, i)) for i, item in enumerate(value)]
    return value


def _below(where: str, key: Any) -> str:
    return f"{where}.{key}" if where else str(key)


def not_a_component(value: Any, where: str) -> ConfigError:
    """The error for something else in place of a component: most often the name of an option."""
    message = f"{where}: {write(value)!r:.60} is not a component, which is a mapping with {TARGET} and arguments."
    group = GROUP_OF.get(where, where)
    if "." in where and where not in GROUP_OF:
        return ConfigError(message)
    option = value if isinstance(value, str) and re.fullmatch(r"[\w-]+", value) else "OPTION"
    return ConfigError(
        f"{message} An option is chosen by its group: {group}={option} on the command line, or in the defaults of a "
        f"file - override /{group}: {option}"
    )


def write(value: Any) -> Any:
    """A value as plain containers: what ``read`` takes. Settings, which are dataclasses, become mappings."""
    if isinstance(value, Component):
        return value.to_config()
    if isinstance(value, Mapping):
        return {k: write(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [write(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: write(getattr(value, f.name)) for f in fields(value)}
    return value


def walk(value: Any, where: str = "") -> Iterator[tuple[str, Component]]:
    """The components in a value at any depth, each with its key: an outer one before those that it holds."""
    if isinstance(value, Component):
        yield where, value
        value = value.arguments
    items: Iterator[tuple[Any, Any]] | enumerate[Any] = iter(())
    if isinstance(value, Mapping):
        items = iter(value.items())
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from walk(item, _below(where, key))


def get(value: Any, path: Sequence[str]) -> Any:
    """Return the value at a path of keys and list positions; None if there is none."""
    for key in path:
        value = _child(value, key)
    return value


def updated(value: Any, path: Sequence[str], new: Any) -> Any:
    """Replace the value at a path; everything beside it is shared, not copied.

    Raises:
        KeyError: there is nothing on the way to the end of the path.
    """
    if not path:
        return read(new)
    key, rest = path[0], path[1:]
    if rest and _child(value, key) is None:
        raise KeyError(key)
    changed = updated(_child(value, key), rest, new)
    if isinstance(value, Component):
        return replace(value, arguments={**value.arguments, key: changed})
    if isinstance(value, Mapping):
        return {**value, next((k for k in value if str(k) == key), key): changed}
    if isinstance(value, list) and key.isdigit() and int(key) < len(value):
        return [*value[: int(key)], changed, *value[int(key) + 1 :]]
    raise KeyError(key)


def _child(value: Any, key: str) -> Any:
    if isinstance(value, Component):
        return value.arguments.get(key)
    if isinstance(value, Mapping):
        return next((item for k, item in value.items() if str(k) == key), None)
    if isinstance(value, list) and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    return None
