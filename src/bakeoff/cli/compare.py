"""``bakeoff compare``: compare what is on disk."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from bakeoff import plugins, record
from bakeoff.catalog.options import options as options_of_group
from bakeoff.cli import options
from bakeoff.cli.arguments import folders_of, overrides_of
from bakeoff.config import components, shipped
from bakeoff.config.settings import DecisionSettings, typed
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.report import pages, summary, terminal
from bakeoff.report.blocks import Text
from bakeoff.report.document import Report

OK, UNMET = 0, 4
MONEY = ("cost", "business")
"""Config groups of the models that price and value runs."""
PRICED_BY = "time_and_requests"
"""Cost model of runs that recorded none."""


def compare(arguments: list[str]) -> int:
    """Compare the runs in the given folders.

    ``decision.*`` and ``incumbent`` override what the last of them recorded; ``cost`` and ``business`` the models that
    price and value the runs, here and in later comparisons. Writes comparison.json, leaderboard.csv and report.html
    into the first folder, unless that is a run folder. Returns ``UNMET`` where a requirement does not hold.
    """
    from bakeoff.compare import comparison, requirements
    from bakeoff.compare import folders as bakeoffs
    from bakeoff.compare.ledger import Ledger

    arguments, values = options.parted("compare", arguments, ("--require",))
    required = values.get("--require", [])
    folders = folders_of("compare", arguments, "bakeoff compare outputs/quickstart")
    of_folder = {folder: bakeoffs.priced_runs(folder) for folder in folders}
    runs = [run for members in of_folder.values() for run in members]
    overrides = _changeable(overrides_of(arguments))
    recorded = record.read_config(runs[-1].folder) or {}
    settings, incumbent = _decision(overrides, recorded)
    distinct = _with_money(_distinct(of_folder), overrides)
    ledger = Ledger.for_folder(folders[0], bakeoffs.known_looks(folders))
    compared = comparison.compare(distinct, settings, incumbent, ledger)
    outcomes = [requirements.check(text, compared) for text in required]
    page = None
    if not record.is_writable(folders[0]):
        print(f"{folders[0]}: it cannot be written to, so the comparison is shown only.", file=sys.stderr)
    elif not record.is_run(folders[0]):
        bakeoffs.write(compared, folders[0])
        if recorded.get("report", "html") == "html":
            page = pages.write(pages.build(compared, distinct, folders[0]), folders[0])
    compared = replace(compared, notes=(*ledger.problems, *compared.notes))
    terminal.show(summary.build(compared, distinct, folders[0], page=page))
    if outcomes:
        terminal.show(Report((Text(tuple(map(str, outcomes)), title="Requirements"),)))
    return OK if all(outcome.holds for outcome in outcomes) else UNMET


def _changeable(overrides: Sequence[str]) -> dict[str, Any]:
    """Overrides that can be changed for finished runs, as nested containers."""
    values = {str(k): v for k, v in OmegaConf.to_container(OmegaConf.from_dotlist(list(overrides))).items()}  # type: ignore[union-attr]
    for key, value in values.items():
        is_option = key in ("incumbent", *MONEY)
        if key not in ("decision", "incumbent", *MONEY) or not (is_option or isinstance(value, dict)):
            raise ConfigError(
                f"compare: {key} cannot be changed after the runs. What can: decision.…, cost=…, cost.…, business=…, "
                "business.…, incumbent."
            )
    return values


def _decision(overrides: Mapping[str, Any], recorded: Mapping[str, Any]) -> tuple[DecisionSettings, str | None]:
    incumbent = overrides.get("incumbent", recorded.get("incumbent"))
    values = dict(recorded.get("decision") or {}) | dict(overrides.get("decision") or {})
    return typed(DecisionSettings, values, "decision"), None if incumbent is None else str(incumbent)


def _with_money(runs: Sequence[record.Run], overrides: Mapping[str, Any]) -> list[record.Run]:
    """The runs, with other parameters of the models that price and value them, or with other models.

    A run without a model takes that of the others, else the one that it, or one of the others, recorded.
    """
    changed = list(runs)
    for group, asked in overrides.items():
        if group not in MONEY:
            continue
        if not isinstance(asked, Mapping):
            node = _option(group, str(asked))
            changed = [_with_model(run, group, node) for run in changed]
            continue
        recorded = [getattr(run, group) for run in changed] + [getattr(record.read_run(r.folder), group) for r in runs]
        known = next((node for node in recorded if node is not None), None)
        if known is None and group == "business":
            raise ConfigError(
                f"compare: business.{next(iter(asked))}: these runs have no business model. Add business=OPTION first."
            )
        known = known or _option(group, PRICED_BY)
        nodes = [{**(getattr(run, group) or known or {}), **asked} for run in changed]
        for node in nodes:
            components.check_component(node, group, slot=group)
        changed = [_with_model(run, group, node) for run, node in zip(changed, nodes, strict=True)]
    return changed


def _with_model(run: record.Run, group: str, node: Mapping[str, Any] | None) -> record.Run:
    return replace(run, cost=node) if group == "cost" else replace(run, business=node)


def _option(group: str, name: str) -> dict[str, Any] | None:
    """Config of an option of a group; None for ``none``."""
    if name in ("none", "null", "None"):
        return None
    folders = [shipped.conf_dir(), *(plugin.conf for plugin in plugins.installed() if plugin.conf is not None)]
    by_name = {option.name: option for option in options_of_group(group, folders) if option.target}
    if name not in by_name:
        raise ConfigError(
            f'compare: there is no option "{name}" of {group}. Options: {", ".join([*by_name, "none"])}.'
            f"{did_you_mean(name, by_name)}"
        )
    node = yaml.safe_load(by_name[name].file.read_text("utf-8"))
    return {key: value for key, value in node.items() if key not in ("card", "defaults")}


def _distinct(of_folder: Mapping[Path, list[record.Run]]) -> list[record.Run]:
    """The runs of all folders, those of equal name told apart by their folder."""
    names = [run.variant for runs in of_folder.values() for run in runs]
    return [
        run if names.count(run.variant) == 1 else replace(run, variant=f"{folder.name}/{run.variant}")
        for folder, runs in of_folder.items()
        for run in runs
    ]
