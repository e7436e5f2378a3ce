"""``bakeoff compare``: compare what is on disk."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from bakeoff import record
from bakeoff.cli import options, pricing
from bakeoff.cli.arguments import folders_of, overrides_of
from bakeoff.config.settings import DecisionSettings, typed
from bakeoff.errors import ConfigError
from bakeoff.report import pages, summary, terminal
from bakeoff.report.blocks import Text
from bakeoff.report.document import Report

OK, UNMET = 0, 4


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
    distinct = pricing.with_money(_distinct(of_folder), overrides)
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
    if "labels" in values:
        values["decision"] = {**dict(values.get("decision") or {}), "labels": values.pop("labels")}
    for key, value in values.items():
        is_option = key in ("incumbent", *pricing.MONEY)
        if key not in ("decision", "incumbent", *pricing.MONEY) or not (is_option or isinstance(value, dict)):
            raise ConfigError(
                f"compare: {key} cannot be changed after the runs. What can: decision.…, labels=…, cost=…, cost.…, "
                "business=…, business.…, incumbent."
            )
    return values


def _decision(overrides: Mapping[str, Any], recorded: Mapping[str, Any]) -> tuple[DecisionSettings, str | None]:
    incumbent = overrides.get("incumbent", recorded.get("incumbent"))
    values = dict(recorded.get("decision") or {}) | dict(overrides.get("decision") or {})
    return typed(DecisionSettings, values, "decision"), None if incumbent is None else str(incumbent)


def _distinct(of_folder: Mapping[Path, list[record.Run]]) -> list[record.Run]:
    """The runs of all folders, those of equal name told apart by their folder."""
    names = [run.variant for runs in of_folder.values() for run in runs]
    return [
        run if names.count(run.variant) == 1 else replace(run, variant=f"{folder.name}/{run.variant}")
        for folder, runs in of_folder.items()
        for run in runs
    ]
