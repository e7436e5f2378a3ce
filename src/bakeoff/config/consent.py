"""Consent of the person at the keyboard: hosts that get a key or rows, and places that a run writes to.

Files say which server a component calls, and people share files. So a key goes to the host that its shipped config
names, or to one that the command line itself names: neither an experiment file nor a stranger's run folder can send it
elsewhere. Rows of your data go to those and, without a key, to servers on this machine or in its network.
"""

from __future__ import annotations

import ast
import ipaddress
import os
import re
import socket
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from omegaconf import MISSING

from bakeoff import environment, plugins, secrets
from bakeoff.config import signatures, typed
from bakeoff.config.component import Component
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError

KEY_HOSTS = "BAKEOFF_KEY_HOSTS"
"""Environment variable with further hosts that may get keys: ``host`` or ``host:port``, separated by commas."""
FLAG = "--trust"
GROUPS = ("llm", "embedder")
URL, KEY, HEADERS = "base_url", "key_env", "headers"
PLACES = ("uri", "store")
"""Arguments that name a folder, a database or a URL to which rows are written."""
TRACKER, ENTITY = "WandbTracker", "entity"
HOSTED = ("databricks", "databricks-uc")
"""Names by which MLflow knows a server."""
IN_NETWORK = (".local", ".internal")
"""Ends of host names that no public name has; one without a dot has none either."""
TYPED_URL = re.compile(r"[\w.+-]+://[^\s'\",\]}]+")
MASKED = re.compile(rf"[:/=]{re.escape(secrets.MASK)}(@|$|&|;)")
PLAIN_URL = re.compile(r"https?://[\w.~-]+(:\d+)?(/[^@\\\s]*)?|https?://\[[\da-fA-F:.]+\](:\d+)?(/[^@\\\s]*)?")

_is_checked = False


def check_key(component: Component, where: str) -> None:
    """Refuse to send a key or rows to where neither a shipped config nor the command line sends them.

    Raises:
        ConfigError: a component has another server, and a key or a server outside this network; or writes rows to a
            place that a file chose.
    """
    url: Any = component.arguments.get(URL)
    if is_trusted():
        return
    _check_place(component, where)
    if url == MISSING:
        return
    if url is None:
        variable = component.arguments.get(KEY)
        if variable and URL in (getattr(signatures.read(component.target), "parameters", ())):
            _check_default_server(str(variable), where)
        return
    url = str(url)
    for key, variable in _variables(component):
        if (variable, _origin(url)) in _shipped() or _is_named(url):
            continue
        shown = secrets.without_secrets(url)
        raise ConfigError(
            f"{where}.{URL}: {variable} would be sent to {shown}, which a file names and you did not. "
            f"{_consent(f'{where}.{URL}', shown, f'{KEY_HOSTS}={_host(url)}', f'{where}.{key}=null')}"
        )
    if not (_is_near(url) or _is_named(url) or _origin(url) in {origin for _, origin in _shipped()}):
        shown = secrets.without_secrets(url)
        raise ConfigError(
            f"{where}.{URL}: rows of your data would be sent to {shown}, which a file names and you did not. "
            f"{_consent(f'{where}.{URL}', shown, f'{KEY_HOSTS}={_host(url)}')}"
        )


def _check_place(component: Component, where: str) -> None:
    """Refuse a place for rows that a file names: a URL, a folder outside the working directory, or a W&B account."""
    entity = component.arguments.get(ENTITY)
    is_own = entity in (None, "", os.environ.get("WANDB_ENTITY")) or str(entity) in typed.values(ENTITY)
    if component.target.endswith(f".{TRACKER}") and not is_own:
        raise ConfigError(
            f"{where}.{ENTITY}: runs would be tracked in the account {entity!r:.60}, which a file names and you did "
            f"not. {_consent(f'{where}.{ENTITY}', str(entity), f'WANDB_ENTITY={entity}')}"
        )
    for key in PLACES:
        place = component.arguments.get(key)
        if isinstance(place, str) and environment.COMMAND in os.environ and not _is_allowed_place(place, key):
            shown = secrets.without_secrets(place)
            raise ConfigError(
                f"{where}.{key}: rows of your data would be written to {shown}, which a file names and you did not. "
                f"{_consent(f'{where}.{key}', shown)} A file may name a folder in the working directory."
            )


def _consent(key: str, value: str, variable: str = "", keyless: str = "") -> str:
    """Advice on how to allow what a file names, in a form that the command at hand accepts."""
    words = os.environ.get(environment.COMMAND, "").split()
    if len(words) > 1 and words[1].isalpha() and words[1] != "plan":  # a verb that reads runs takes no settings
        ways, keyless = f"If the run is yours, add {FLAG} to the command", ""
    else:
        ways = f"If you mean it, add {key}={value} to the command"
    ways += f", or set {variable}" if variable else ""
    return f"{ways}.{f' To send no key: {keyless}.' if keyless else ''} See docs/safety.md."


def _is_allowed_place(place: str, key: str) -> bool:
    """Return whether rows may be written to a place: one that was typed, in the working directory, or near."""
    if place in typed.values(key):
        return True
    if not place.isprintable() or place != place.strip() or place.startswith("\\\\") or place in HOSTED:
        return False  # libraries read these in more than one way
    scheme, is_url, rest = place.partition(":")
    match scheme.lower() if is_url else "":
        case "":
            paths = {place}
        case "file":
            url = urlsplit(place)
            if url.netloc not in ("", "localhost"):
                return False
            paths = {url.path}
        case "sqlite":
            paths = {rest.removeprefix("///")}
            if rest in paths or "?" in rest:
                return False
        case "http" | "https":
            return _is_near(place) or _is_named(place, key)
        case _:
            return _is_named(place, key)
    # A library may expand a path, or decode it, or take it as it is: each way has to end in the working directory.
    paths |= {unquote(path) for path in paths}
    paths |= {os.path.expanduser(os.path.expandvars(path)) for path in paths}  # noqa: PTH111  (keeps `~unknown`)
    return all((Path.cwd() / path).resolve().is_relative_to(Path.cwd().resolve()) for path in paths)


def _check_default_server(variable: str, where: str) -> None:
    """Refuse a key of somebody else for the server that a class calls by default."""
    if variable not in {shipped for shipped, _ in _shipped()}:
        raise ConfigError(
            f"{where}.{KEY}: {variable} is the key of no shipped config. Name its server: {where}.{URL}=… on the "
            "command line. See docs/safety.md."
        )


def servers() -> list[str]:
    """The servers that get a key when an option is chosen, each with the variable that holds it, and those added."""
    shipped = sorted(f"{scheme}://{host} ({variable})" for variable, (scheme, host) in _shipped())
    return shipped + [host for host in os.environ.get(KEY_HOSTS, "").split(",") if host]


def check_storage(url: str | None, bakeoff: Path) -> None:
    """Refuse a database of a search that a file names, unless it is an SQLite file in the folder of the bake-off.

    Raises:
        ConfigError: it is another, and the command line does not name it.
    """
    command = os.environ.get(environment.COMMAND)
    if url is None or command is None or is_trusted() or url in typed.values("storage"):
        return
    file = url.removeprefix("sqlite:///")
    if file != url and "?" not in file and Path(file).absolute().resolve().is_relative_to(bakeoff.absolute().resolve()):
        return
    shown = secrets.without_secrets(url)
    raise ConfigError(
        f"search.storage: {shown} is named by a file and not by you. {_consent('search.storage', repr(shown))} "
        f"A file may name an SQLite database in {bakeoff}."
    )


def resolved(value: Any, where: str) -> Any:
    """A recorded value with references to environment variables replaced by their values.

    Args:
        value: of a run folder, which may be somebody else's.
        where: its key, for messages.

    Raises:
        ConfigError: it refers to a variable that a run folder may not read, or that is not set, or holds a mask in
            place of a password.
    """
    if isinstance(value, Mapping):
        return {key: resolved(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(item, f"{where}.{i}") for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    if "://" in value and secrets.without_secrets(value) == value and MASKED.search(value):
        raise ConfigError(
            f"{where}: the password of {value} is not recorded. Run the command again with it, or keep it in an "
            f"environment variable and refer to that: '${{oc.env:NAME}}'."
        )
    return secrets.REFERENCE.sub(lambda match: _variable(match, where), value)


def _variable(match: re.Match[str], where: str) -> str:
    name, default = match["name"], match["default"]
    if not is_trusted() and (not secrets.READABLE.fullmatch(name) or secrets.SECRET.search(name)):
        raise ConfigError(
            f"{where}: this record refers to the environment variable {name}, which a run folder may not read. "
            f"If the run is yours, add {FLAG}. See docs/safety.md."
        )
    value = os.environ.get(name, default)
    if value is None:
        raise ConfigError(f"{where}: the environment variable {name} is not set.")
    secrets.learn_variable(name, value)
    return value


def is_trusted() -> bool:
    """Return whether the command carries ``--trust``, or another process has checked this one's request."""
    return _is_checked or FLAG in os.environ.get(environment.COMMAND, "").split()


def accept_parent() -> None:
    """Take the request of this worker as checked, where the command that started it is not known here."""
    global _is_checked
    _is_checked = _is_checked or environment.COMMAND not in os.environ


def _variables(component: Component) -> Iterator[tuple[str, str]]:
    """Environment variables whose values a component sends, each with its argument: given ones, or by default."""
    variable = component.arguments.get(KEY, _default(component.target))
    if variable:
        yield KEY, str(variable)
    headers = component.arguments.get(HEADERS)
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        if value:
            yield f"{HEADERS}.{name}", str(value)


def _default(target: str) -> str | None:
    signature = signatures.read(target)
    parameter = signature.parameters.get(KEY) if signature else None
    if parameter is None or parameter.default is None:
        return None
    try:
        value: Any = ast.literal_eval(parameter.default)
    except ValueError:
        return parameter.default  # a constant: some variable
    return value if isinstance(value, str) else None


@cache
def _shipped() -> frozenset[tuple[str, tuple[str, str]]]:
    """Environment variables of keys with the origin that bakeoff's and plugins' configs send them to."""
    folders = [conf_dir(), *(plugin.conf for plugin in plugins.installed() if plugin.conf)]
    pairs = set()
    for file in (
        file for folder in folders for group in ("llm", "embedder") for file in (folder / group).glob("*.yaml")
    ):
        content = yaml.safe_load(file.read_text("utf-8")) or {}
        if content.get(KEY) and content.get(URL) and "://" in str(content[URL]):
            pairs.add((str(content[KEY]), _origin(str(content[URL]))))
    return frozenset(pairs)


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host of a URL; of one in any unusual form, the URL itself, which equals no other."""
    if not PLAIN_URL.fullmatch(url):
        return "", url
    return urlsplit(url).scheme, _host(url)


def _host(url: str) -> str:
    """Host and port of a URL, without user info."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _is_near(url: str) -> bool:
    """Return whether a server is on this machine or in its network, by an address or a name that nobody else has."""
    if not PLAIN_URL.fullmatch(url):
        return False
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(socket.inet_aton(host) if ":" not in host else host)
    except (OSError, ValueError):  # no address, in any of its ways of writing: a name
        return "." not in host or host.endswith(IN_NETWORK)
    return address.is_private or address.is_loopback


def _is_named(url: str, key: str | None = None) -> bool:
    """Return whether the command line, at a key or at any, or the environment names the host of a URL."""
    values = typed.values(key)
    origins = {_origin(match) for value in values for match in TYPED_URL.findall(value)}
    hosts = {host.strip().lower() for host in os.environ.get(KEY_HOSTS, "").split(",")} - {""}
    return _host(url) in hosts or url in values or _origin(url) in origins
