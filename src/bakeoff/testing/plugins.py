"""The contract of a plugin as a whole."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from bakeoff import metrics, plugins
from bakeoff.catalog import doctor
from bakeoff.cli import commands
from bakeoff.compare.checks import Check
from bakeoff.config import components, slots, wiring
from bakeoff.config.shipped import conf_dir
from bakeoff.testing.contract import Contract, composed, documented


def check_plugin(name: str) -> list[str]:
    """Check an installed plugin: it loads, its options compose, and everything in it is documented.

    What its components do is for ``check_model`` and the like.

    Args:
        name: of its entry point in the group ``bakeoff.plugins``.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(f"plugin {name}")
    matches = [plugin for plugin in plugins.installed() if plugin.name == name]
    with contract.holds("it is installed, once"):
        known = ", ".join(plugin.name for plugin in plugins.installed()) or "none"
        assert matches, f"there is no such plugin. Installed: {known}"
        assert len(matches) == 1, f"{', '.join(plugin.distribution for plugin in matches)} have the same name"
    plugin = matches[0]
    with contract.holds("all that it declares can be loaded, and clashes with nothing"):
        wrong = list(dict.fromkeys(doctor.faults(plugin, conf_dir(), commands.NAMES)))
        assert not wrong, "; ".join(wrong)
    for option in doctor.options(plugin):
        group, _, chosen = option.rpartition("/")
        assert plugin.conf is not None
        with contract.holds(f"{option} says what it is"):
            _says_what_it_is(plugin.conf / f"{option}.yaml")
        if "/" in group or group.startswith("hydra"):
            continue
        with contract.holds(f"{option} composes, and its classes take these arguments"):
            _composes(group, chosen)
    for declared in doctor.declared_by(plugin):
        with contract.holds(f"{plugins.WORDS[declared.group]} {declared.name} says what it is"):
            loaded = declared.load(declared.name)
            if declared.group == plugins.METRICS:
                loaded = metrics.asked(declared.name, "metrics.names").value
            if declared.group == plugins.CHECKS:
                assert isinstance(loaded, Check), (
                    f"{declared.target} is no method check; see bakeoff.compare.checks.check"
                )
                assert loaded.name == declared.name, f"{declared.target} calls itself {loaded.name}"
                loaded = loaded.finds
            assert inspect.getdoc(loaded), f"{declared.target} has no docstring"
    return contract.held


def _says_what_it_is(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    assert any(line.startswith("# ") and "@package" not in line for line in lines), f"{file.name} has no comment"


def _composes(group: str, option: str) -> None:
    content = composed(f"{group}={option}", *([] if group in ("data", "experiment") else ["data=csv"]))
    node: Any = content.get(group)
    if isinstance(node, dict) and "_target_" in node and group != "data":
        components.check_component(
            node, group, parts=wiring.parts(content), slot=group if group in slots.SLOTS else slots.ANY
        )
        documented(node, group)
