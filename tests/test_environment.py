"""The record of what is installed."""

from __future__ import annotations

from importlib.metadata import distributions

from bakeoff import environment


def test_installed_names_every_distribution_as_its_metadata_do() -> None:
    packages = {f"{distribution.metadata['Name']}=={distribution.version}" for distribution in distributions()}
    assert environment.installed().splitlines() == sorted(packages, key=lambda line: line.lower().split("=="))
