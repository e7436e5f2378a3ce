"""``bakeoff doctor``: what is installed, and whether it works."""

from __future__ import annotations

import os
from pathlib import Path

from omegaconf import OmegaConf
from rich.table import Table

from bakeoff import environment
from bakeoff.cli import commands
from bakeoff.config import consent
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.report import terminal


def doctor(arguments: list[str]) -> None:
    """Show versions, cores, devices, folders, keys, assets at hand, where tracking goes, and what plugins bring."""
    from bakeoff import assets
    from bakeoff.catalog import doctor
    from bakeoff.models.deep import devices
    from bakeoff.tracking.wandb import WandbTracker

    if arguments:
        raise ConfigError(f"doctor: it takes no arguments, and got {' '.join(arguments)}.")
    conf = conf_dir()
    machine = environment.describe()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("python", f"{machine['python']} on {machine['platform']}, {machine['cores']} cores")
    for package, version in machine["versions"].items():
        table.add_row(package, version)
    table.add_row("accelerators", devices.described())
    table.add_row("configs", str(conf))
    table.add_row("cache", str(assets.cache_folder()))
    for variable in _key_variables(conf):
        table.add_row(f"key {variable}", "set" if os.environ.get(variable) else "not set")
    for name, asset in assets.ASSETS.items():
        is_cached = assets.cached_at(asset).is_file()
        table.add_row(f"asset {name}", "in the cache" if is_cached else "not fetched yet")
    table.add_row("may contact, if chosen", f"{', '.join(consent.servers())}; the hosts of assets that are not cached")
    key = "is set" if os.environ.get("WANDB_API_KEY") else "is not set"
    table.add_row("tracking to W&B", f"{WandbTracker().chosen_mode()}; WANDB_API_KEY {key}")
    for plugin, finding in doctor.findings(conf, commands.NAMES):
        table.add_row(f"plugin {plugin}", finding)
    terminal.console().print(table)


def _key_variables(conf: Path) -> list[str]:
    """The environment variables from which the shipped configs read keys."""
    files = [*(conf / "llm").glob("*.yaml"), *(conf / "embedder").glob("*.yaml")]
    variables = (OmegaConf.select(OmegaConf.load(file), "key_env") for file in files)
    return sorted({str(name) for name in variables if name})
