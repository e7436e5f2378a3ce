"""``bakeoff list`` and ``bakeoff schema``: what configs may name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from bakeoff import plugins, record
from bakeoff.cli.arguments import config_dirs
from bakeoff.config.cards import Card
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.report import terminal

if TYPE_CHECKING:
    from bakeoff.catalog.options import Option


SHOWN = {
    "family": "family",
    "licence": "licence",
    "hosting": "hosting",
    "training_data": "training data",
    "commercial_use": "commercial use",
}
"""Keys of cards that the list shows, with their headings; of all groups together the first two."""


def list_components(arguments: list[str]) -> None:
    """Show the options of every config group, or of the arguments ones; or all that the arguments options take.

    Args:
        arguments: names of groups, such as ``model``, and of options, such as ``model/catboost``; ``--config-dir``
            names config trees of the user.
    """
    from bakeoff.catalog import options

    own, names = config_dirs(arguments)
    origins = {conf_dir(): "", **{p.conf: p.name for p in plugins.installed() if p.conf}, **{f: str(f) for f in own}}
    for group, _, name in (a.partition("/") for a in names if "/" in a):
        _show_option(options.option(group, name, list(origins)))
    groups = [a for a in names if "/" not in a]
    if not groups and names:
        return
    folders = list(origins)
    listed = [option for group in groups or options.groups(folders) for option in options.options(group, folders)]
    is_searched = any(option.spaces for option in listed) and bool(groups)
    cards = [Card.from_config(option.card, f"{option.group}/{option.name}: card") for option in listed]
    of_models = [key for key in SHOWN if groups and any(option.group != "data" for option in listed)]
    about = [key for key in SHOWN if key in of_models or key in ("family", "licence")]
    columns = [
        "group",
        "option",
        *(SHOWN[key] for key in about),
        "what it is",
        *(["what a search tries"] if is_searched else []),
    ]
    columns += ["from"] if len(origins) > 1 else []
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for o, card in zip(listed, cards, strict=True):
        of_card = [str(o.card.get(key) or "") if key == "licence" else getattr(card, key) or "" for key in about]
        cells = [o.group, o.name, *of_card, o.summary]
        cells += ["; ".join(f"{key}: {sweep}" for key, sweep in o.spaces.items())] if is_searched else []
        cells += [origins[o.file.parents[1]]] if len(origins) > 1 else []
        table.add_row(*cells)
    terminal.console().print(table)


def _show_option(option: Option) -> None:
    """One option: what it is, and every key with type, default, what a search tries, and a line of documentation."""
    from bakeoff.catalog import options

    screen = terminal.console()
    screen.print(f"{option.group}/{option.name}: {option.summary}")
    if option.target:
        screen.print(f"class: {option.target}")
    card = {key: value for key, value in option.card.items() if key != "summary"}
    if card:
        screen.print(", ".join(f"{key}: {value}" for key, value in card.items()))
    keys = options.keys(option)
    is_searched = any(key.sweep for key in keys)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("key", "type", "default", *(["what a search tries"] if is_searched else []), "what it is"):
        table.add_column(column, overflow="fold")
    for key in keys:
        table.add_row(
            f"{option.group}.{key.name}", key.type, key.default, *([key.sweep] if is_searched else []), key.text
        )
    screen.print(table)


def schema(arguments: list[str]) -> None:
    """Write the JSON schemas of config files into a folder, and explain how to configure an editor to use them."""
    from bakeoff.catalog import json_schema

    if len(arguments) > 1 or any("=" in a for a in arguments):
        raise ConfigError("schema: name one folder to write into, e.g. bakeoff schema schemas")
    folder = Path(arguments[0] if arguments else "schemas")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {}
    for name, content in json_schema.schemas(conf_dir()).items():
        record.write_json(folder / f"{name}.json", content)
        settings[f"./{folder / f'{name}.json'}"] = f"conf/{json_schema.covers(name)}"
    screen = terminal.console()
    screen.print(f"{len(settings)} schemas are in {folder}. For VS Code (YAML extension), in .vscode/settings.json:")
    screen.print(json.dumps({"yaml.schemas": settings}, indent=2), soft_wrap=True)
    screen.print(f"Elsewhere, first in a file: # yaml-language-server: $schema=…/{folder}/model.json", soft_wrap=True)
