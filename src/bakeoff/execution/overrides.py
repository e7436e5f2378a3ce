"""Command-line overrides: expand sweeps, quote values, derive variant names, and detect fixed keys."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from urllib.parse import urlsplit

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from bakeoff.config import component
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.errors import ConfigError
from bakeoff.request import spec
from bakeoff.request.spec import Request

LONGEST_NAME = 100  # bytes
QUOTE = "'"
NAMES = re.compile(r"\[[A-Za-z_][\w-]*(\s*,\s*[A-Za-z_][\w-]*)+\]")  # a list of names, such as parts of a solution
# Keys whose value is a string, or a list of strings: names and labels, as the data spell them.
TEXTS = {
    f"{prefix}{f.name}": "list" if str(f.type).startswith("list") else "text"
    for of, prefix in ((Request, ""), (DataSettings, "data."), (SplitSettings, "data.split."))
    for f in fields(of)
    if str(f.type) in ("str", "str | None", "list[str]")
}


def expand(
    params: Mapping[str, str], arguments: Sequence[str], is_searched: Callable[[str], bool] = lambda key: False
) -> list[tuple[Override, ...]]:
    """Expand sweeps into all combinations, in written order; an argument replaces the param of the same key.

    Args:
        params: sweeps that an experiment declares, key → values.
        arguments: overrides of the command line.
        is_searched: whether a sweep of a key's values is left to a search; it then joins ``search.space``.

    Raises:
        ConfigError: something swept has no list of values.
    """
    parser = OverridesParser.create()
    by_key = {o.get_key_element(): o for o in parser.parse_overrides([f"{k}={v}" for k, v in params.items()])}
    by_key |= {o.get_key_element(): o for o in parser.parse_overrides(list(arguments))}
    choices: list[list[str]] = []
    for key, override in by_key.items():
        value = (override.input_line or "").partition("=")[2]
        if not override.is_sweep_override():
            choices.append([override.input_line or ""])
        elif is_searched(key):
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            choices.append([f"++search.space={{{key.lstrip('+')}: '{quoted}'}}"])
        elif override.is_discrete_sweep():
            values = [f"{key}={item}" for item in override.sweep_string_iterator()]
            if not values:
                raise ConfigError(f"{key}: {value} holds no value, so nothing would run. Give one: {key}=a,b,c")
            choices.append(values)
        else:
            raise ConfigError(
                f"search.space: {key}={value} is continuous, and no search is on. "
                f"Add search=tpe, or give values: {key}=a,b,c"
            )
    return [tuple(parser.parse_overrides(list(combination))) for combination in itertools.product(*choices)]


def parsed(lines: Sequence[str]) -> list[Override]:
    """Overrides as Hydra reads them."""
    return OverridesParser.create().parse_overrides(list(lines))


def as_texts(overrides: Sequence[Override]) -> tuple[Override, ...]:
    """Quote override values that must be strings but that Hydra would read as booleans or numbers."""
    return tuple(_as_text(override) for override in overrides)


def _as_text(override: Override) -> Override:
    key, _, text = (override.input_line or "").partition("=")
    place, text = TEXTS.get(override.key_or_group), text.strip()
    if place is None or override.is_sweep_override() or override.is_delete():
        return override
    if place == "list" and text.startswith("["):
        items = [item.strip() for item in text.removeprefix("[").removesuffix("]").split(",") if item.strip()]
        if any(set(item) & set("'\"[]{}\\$()") for item in items):
            return override
        text = f"[{', '.join(f'{QUOTE}{item}{QUOTE}' for item in items)}]"
    elif isinstance(override.value(), bool | int | float):
        text = f"'{text}'"
    else:
        return override
    return OverridesParser.create().parse_override(f"{key}={text}")


def variant_name(overrides: Sequence[Override], model: str) -> str:
    """Derive a short, deterministic name: the model, then the other overrides, e.g. ``linear-seed=2``."""
    details = []
    for override in overrides:
        key, value = override.key_or_group, override.get_value_element_as_str().strip("'\"")
        if "." in (override.package or ""):
            key = str(override.package)  # the place says more than the group
        if key.endswith("._target_"):  # of a class its name will do
            key, value = key.removesuffix("._target_"), value.rpartition(".")[2]
        if NAMES.fullmatch(value):
            value = "+".join(name.strip() for name in value[1:-1].split(","))
        if "://" in (url := value.replace("\\:", ":")):  # neither the whole address nor a password in it
            value = _server(url)
        if "{" in value:  # a mapping, or a list of them: too much for a name
            value = hashlib.sha256(value.encode()).hexdigest()[:6]
        if key == "variant":
            return _of_folder(value) or model
        if key == "model":
            model = value
        elif spec.is_named(key.split(".")[0].split("/")[0]):
            details.append(f"{key.removeprefix('model.')}={value}" if not override.is_delete() else f"no-{key}")
    return _of_folder("-".join([model, *sorted(details)]))


def _server(url: str) -> str:
    """Host and port of a URL, and a hash of its path where that is more than a version."""
    address = urlsplit(url)
    try:
        port = f"_{address.port}" if address.port else ""
    except ValueError:
        port = ""
    path = "" if re.fullmatch(r"/?(v\d+/?)?", address.path) and not address.query else address.path + address.query
    return f"{address.hostname or ''}{port}{f'_{hashlib.sha256(path.encode()).hexdigest()[:6]}' if path else ''}"


def _of_folder(name: str) -> str:
    """Sanitise a name into a folder name that is valid on any system and cannot escape its parent."""
    name = re.sub(r"[^\w.=,+-]+", "_", name).lstrip("._").rstrip("_")
    if len(name.encode()) > LONGEST_NAME:
        start = name.encode()[:LONGEST_NAME].decode(errors="ignore")
        name = f"{start}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name


def gives(override: Override, key: str) -> bool:
    """Return whether an override sets or removes the value of a key."""
    name = override.key_or_group
    if name == key:
        return True
    value = override.value() if key.startswith(f"{name}.") else None
    return isinstance(value, Mapping) and component.get(value, key.removeprefix(f"{name}.").split(".")) is not None
