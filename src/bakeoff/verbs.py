"""The verbs that run no variant: compare, list, doctor. What ``new`` writes is in ``scaffold``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from bakeoff import config, environment, plugins, record
from bakeoff.config import DecisionSettings
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.report import sections, terminal


def compare(arguments: Sequence[str]) -> None:
    """Compare the runs in the given folders; ``decision.*`` and ``incumbent`` override what the last of them recorded.

    Writes comparison.json and leaderboard.csv into the first folder, unless that is a run folder.
    """
    from bakeoff.compare import comparison

    folders = [Path(a) for a in arguments if "=" not in a]
    if not folders:
        raise ConfigError("compare: name at least one folder, e.g. bakeoff compare outputs/quickstart")
    of_folder = {folder: record.read_runs(folder) for folder in folders}
    runs = [run for found in of_folder.values() for run in found]
    settings, incumbent = _decision([a for a in arguments if "=" in a], record.read_config(runs[-1].folder) or {})
    distinct = _distinct(of_folder)
    compared = comparison.compare(distinct, settings, incumbent)
    if not record.is_run(folders[0]):
        comparison.write(compared, folders[0])
    terminal.show(compared, folders[0], sections=sections.of(compared, distinct))


def list_components(arguments: Sequence[str], shipped: Path, own: Sequence[Path]) -> None:
    """Show the options of every config group, or of the given ones.

    Args:
        arguments: names of groups.
        shipped: the config tree of bakeoff itself.
        own: config trees of the user.
    """
    folders = [("", shipped), *((p.name, p.conf) for p in plugins.installed() if p.conf), *((str(f), f) for f in own)]
    groups = sorted({p.name for _, conf in folders for p in conf.iterdir() if p.is_dir() and p.name != "hydra"})
    for asked in arguments:
        if asked not in groups:
            raise ConfigError(
                f'list: there is no group "{asked}". Groups: {", ".join(groups)}.{did_you_mean(asked, groups)}'
            )
    screen = terminal.console()
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    columns = ["group", "option", "family", "licence", "what it is", *(["from"] if len(folders) > 1 else [])]
    for column in columns:
        table.add_column(column, overflow="fold")
    for group in arguments or groups:
        options = [(option, who, card) for who, conf in folders for option, card in _options(conf / group)]
        for option, who, card in sorted(options, key=lambda found: found[:2]):
            told = [str(card.get(key) or "") for key in ("family", "licence", "summary")]
            table.add_row(*[group, option, *told, who][: len(columns)])
    screen.print(table)


def doctor(conf: Path, verbs: Sequence[str]) -> None:
    """Show versions, cores, folders, which assets are at hand, and what plugins bring or fail at.

    Args:
        conf: the config tree of bakeoff itself.
        verbs: of bakeoff itself.
    """
    from bakeoff import assets, inspection

    found = environment.describe()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("python", f"{found['python']} on {found['platform']}, {found['cores']} cores")
    for package, version in found["versions"].items():
        table.add_row(package, version)
    table.add_row("configs", str(conf))
    table.add_row("cache", str(assets.cache_folder()))
    for name, asset in assets.ASSETS.items():
        is_cached = assets.cached_at(asset).is_file()
        table.add_row(f"asset {name}", "in the cache" if is_cached else "not fetched yet")
    for plugin, said in inspection.findings(conf, verbs):
        table.add_row(f"plugin {plugin}", said)
    terminal.console().print(table)


def _decision(overrides: Sequence[str], recorded: Mapping[str, Any]) -> tuple[DecisionSettings, str | None]:
    asked = {str(k): v for k, v in OmegaConf.to_container(OmegaConf.from_dotlist(list(overrides))).items()}  # type: ignore[union-attr]
    for key in asked:
        if key not in ("decision", "incumbent"):
            raise ConfigError(f"compare: {key} cannot be changed after the runs. What can: decision.*, incumbent.")
    incumbent = asked.get("incumbent", recorded.get("incumbent"))
    values = dict(recorded.get("decision") or {}) | dict(asked.get("decision") or {})
    return config.typed(DecisionSettings, values, "decision"), None if incumbent is None else str(incumbent)


def _distinct(of_folder: Mapping[Path, list[record.Run]]) -> list[record.Run]:
    """The runs of all folders, those of equal name told apart by their folder."""
    from dataclasses import replace

    names = [run.variant for runs in of_folder.values() for run in runs]
    return [
        run if names.count(run.variant) == 1 else replace(run, variant=f"{folder.name}/{run.variant}")
        for folder, runs in of_folder.items()
        for run in runs
    ]


def _options(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The options of a group with their cards; the first comment of the file is the summary of one that has none."""
    for file in sorted(folder.glob("*.yaml")):
        if file.stem.startswith("_"):
            continue
        comment = next(
            (
                line[1:].strip()
                for line in file.read_text("utf-8").splitlines()
                if line.startswith("# ") and "@package" not in line
            ),
            "",
        )
        content = OmegaConf.load(file)
        card = content.get("card") if isinstance(content, DictConfig) else None
        yield file.stem, {"summary": comment, **(card or {})}
