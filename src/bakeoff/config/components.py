"""Components: the classes that a config may name, their arguments, and their construction."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from bakeoff import lazy, plugins
from bakeoff.config import consent, signatures, slots, wiring
from bakeoff.config.component import Component, not_a_component, read, write
from bakeoff.config.settings import check_seed
from bakeoff.config.slots import Slot
from bakeoff.errors import ConfigError, did_you_mean

SEEDS = ("seed", "random_state", "random_seed")
LIBRARIES = ("bakeoff", *slots.LIBRARIES)
"""Packages among whose classes a config may name components; plugins come on top."""


def locate(target: str, where: str, slot: str | Slot = slots.ANY) -> type:
    """Import the class that ``target`` names, if its slot admits it.

    Args:
        target: dotted path of the class.
        where: the config key that names it, for messages.
        slot: one of ``slots.SLOTS``; by default any registered component is admitted.

    Raises:
        ConfigError: ``target`` is not of an allowed package, does not exist, or is no component for this slot.
    """
    _check_allowed(target, where, slot)
    module_name, _, name = target.rpartition(".")
    plugin = _plugin(target)
    try:
        module = plugins.imported(plugin, module_name, where) if plugin else importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(f'{where}: "{target}" cannot be imported: {error}.') from error
    try:
        component = getattr(module, name, None)
    except ImportError as error:  # of a public name, which is imported when it is first used
        raise ConfigError(f'{where}: "{target}" cannot be imported: {error}.') from error
    if component is None:
        public = [n for n in dir(module) if n[0].isupper()]
        raise ConfigError(f'{where}: there is no "{name}" in {module_name}.{did_you_mean(name, public)}')
    if not isinstance(component, type) or not _is_allowed(component.__module__):
        raise _not_allowed(target, where)
    if not slots.admits(slot, signatures.Lineage.from_class(component), _plugin(component.__module__) is not None):
        raise _not_of_slot(target, where, slot)
    return component


def check_component(
    node: Any,
    where: str,
    also: tuple[str, ...] = (),
    parts: wiring.Parts | None = None,
    slot: str | Slot = slots.ANY,
) -> None:
    """Check a component, and those nested in it, against the constructors, without importing them.

    Args:
        node: the component, or its config; anything else is refused.
        where: its config key, for messages.
        also: keys that are allowed beside the constructor's arguments.
        parts: the chosen parts, which stand in for arguments that are not given; None: nothing does.
        slot: one of ``slots.SLOTS``; by default any registered component is admitted.

    Raises:
        ConfigError: the target is missing or not allowed; an argument is unknown, missing or of a wrong type, or makes
            a library's class read or write files.
    """
    component = node if isinstance(node, Component) else Component.from_config(node, where)
    target = component.target
    if not target:
        raise ConfigError(
            f"{where}._target_: a component names its class here, e.g. bakeoff.models.rules.constant.Constant."
        )
    if not _check_allowed(target, f"{where}._target_", slot):
        locate(target, f"{where}._target_", slot)
    takes = signatures.read(target) or signatures.inspected(locate(target, f"{where}._target_", slot))
    name = target.rpartition(".")[2]
    allowed = [*takes.parameters, *also]
    for key, value in component.arguments.items():
        parameter = takes.parameters.get(key)
        if parameter is None:
            if key in also or (takes.takes_any and not key.startswith("_")):
                continue
            raise ConfigError(
                f'{where}.{key}: {name} takes no "{key}". '
                f"It takes: {', '.join(allowed) or 'nothing'}.{did_you_mean(key, allowed)}"
            )
        if slots.takes_one_component(parameter.annotation) and not isinstance(value, Component | None):
            raise not_a_component(value, f"{where}.{key}")
        plain = write(value)
        expected = signatures.mismatch(parameter.annotation, plain)
        if expected:
            raise ConfigError(f"{where}.{key}: {plain!r} is not of type {expected}.")
        if key in SEEDS and isinstance(value, int) and not isinstance(value, bool):
            check_seed(value, f"{where}.{key}")
    slots.check_arguments(component, where)
    consent.check_key(component, where)
    for key, parameter in takes.parameters.items():
        if parameter.required and key in wiring.GROUPS and parts is not None and component.arguments.get(key) is None:
            if key not in parts:
                raise ConfigError(f"{key}: {name} needs one. Add {key}=…; see bakeoff list {key}.")
        elif parameter.required and key not in component.arguments:
            raise ConfigError(f"{where}.{key}: {name} needs it. Add {where}.{key}=…")
    for key, value in component.arguments.items():
        for path, nested in _outermost(value, f"{where}.{key}"):
            check_component(nested, path, parts=parts, slot=slots.of_argument(target, key))


def instantiate(node: Any, where: str, slot: str | Slot = slots.ANY) -> Any:
    """Build the object that a component, or its config, describes: nested components first.

    Nothing is built before every class in it is known to be a component that its slot admits.

    Args:
        node: the component, its config, or a list or mapping of those.
        where: its config key, for messages.
        slot: one of ``slots.SLOTS``; by default any registered component is admitted.

    Raises:
        ConfigError: a class is not admitted, an argument makes it read or write files, or the constructor refuses its
            arguments.
    """
    value = read(node)
    return _build(value, where, locate_all(value, where, slot))


def locate_all(value: Any, where: str, slot: str | Slot = slots.ANY) -> dict[int, type]:
    """Import the classes of the components in a value, at any depth.

    Returns:
        Each class by the ``id`` of its component.

    Raises:
        ConfigError: a class is not admitted, or an argument makes it read or write files.
    """
    classes: dict[int, type] = {}
    for path, component in _outermost(value, where):
        classes[id(component)] = locate(component.target, f"{path}._target_", slot)
        slots.check_arguments(component, path)
        consent.check_key(component, path)
        for key, argument in component.arguments.items():
            classes |= locate_all(argument, f"{path}.{key}", slots.of_argument(component.target, key))
    return classes


def _build(value: Any, where: str, classes: Mapping[int, type]) -> Any:
    if isinstance(value, list):
        return [_build(item, f"{where}.{i}", classes) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _build(item, f"{where}.{key}", classes) for key, item in value.items()}
    if not isinstance(value, Component):
        return value
    given = {key: _build(item, f"{where}.{key}", classes) for key, item in value.arguments.items()}
    cls, arguments = classes[id(value)], {**slots.settled(value.target), **given}
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {cls.__name__} refuses its arguments: {error}") from error
    except ImportError as error:
        raise ConfigError(f"{where}: {cls.__name__} needs what is not installed: {error}") from error


def describe(component: Any, instead: Callable[[Any], Any] = lambda value: None) -> Any:
    """The config that makes an equal component: what ``instantiate`` takes. Components are dataclasses throughout.

    Args:
        component: to describe.
        instead: gives the description of a part that is described in another way; None for all others.

    Raises:
        TypeError: some part of it is not a dataclass, nor a plain value.
    """
    if component is None or isinstance(component, str | int | float | bool):
        return component
    described = instead(component)
    if described is not None:
        return described
    if isinstance(component, list | tuple):
        return [describe(item, instead) for item in component]
    if isinstance(component, Mapping):
        return {str(key): describe(item, instead) for key, item in component.items()}
    if not is_dataclass(component) or isinstance(component, type):
        raise TypeError(f"{type(component).__qualname__} cannot be described: it is not a dataclass")
    cls = type(component)
    arguments = {f.name: describe(getattr(component, f.name), instead) for f in fields(component) if f.init}
    return {"_target_": lazy.public_name(cls), **arguments}


def _check_allowed(target: str, where: str, slot: str | Slot) -> bool:
    """Refuse, before any import, what is not a component that the slot admits.

    Returns:
        Whether the slot admits it for sure. For plugins, which are installed software, an import decides.
    """
    _, *rest = target.split(".")
    if not rest or not _is_allowed(target) or any(part.startswith("_") for part in rest):
        raise _not_allowed(target, where)
    plugin = _plugin(target)
    if plugin:
        plugins.require(plugin, where)
    home = signatures.defined_in(target)
    if (home is not None and not _is_allowed(home)) or signatures.is_class(target) is False:
        raise _not_allowed(target, where)
    lineage = signatures.lineage(target)
    if lineage is None:
        return False  # the import fails, or finds something else than a class
    if slots.admits(slot, lineage, plugin is not None):
        return True
    if plugin is None:
        raise _not_of_slot(target, where, slot)
    return False


def _plugin(target: str) -> plugins.Plugin | None:
    """The plugin that a class is of; None where it is of bakeoff or of a library that bakeoff declares."""
    top = target.partition(".")[0]
    return None if top in LIBRARIES else plugins.find_by_package(top)


def _is_allowed(module: str) -> bool:
    return module.partition(".")[0] in LIBRARIES or _plugin(module) is not None


def _not_allowed(target: str, where: str) -> ConfigError:
    of_plugins = [plugin.package for plugin in plugins.installed() if plugin.package]
    allowed = ", ".join([*LIBRARIES, *of_plugins])
    near = did_you_mean(target.partition(".")[0], of_plugins)
    return ConfigError(
        f'{where}: "{target}" is not allowed. Allowed: classes of {allowed}, and of plugins that are installed.{near}'
    )


def _not_of_slot(target: str, where: str, slot: str | Slot) -> ConfigError:
    return ConfigError(f'{where}: "{target}" is not allowed here. Allowed: {slots.wanted(slot)}. See docs/safety.md.')


def _outermost(value: Any, where: str) -> Iterator[tuple[str, Component]]:
    """The components in a value that no other of it holds, each with its config key."""
    if isinstance(value, Component):
        yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _outermost(item, f"{where}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _outermost(item, f"{where}.{i}")
