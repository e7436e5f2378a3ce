"""``bakeoff breakeven``: the monthly number of predictions from which one variant is cheaper than another."""

from __future__ import annotations

from typing import Any

from omegaconf import OmegaConf

from bakeoff import record
from bakeoff.cli import options, pricing
from bakeoff.cli.arguments import folders_of, overrides_of
from bakeoff.errors import ConfigError, DataError, did_you_mean

EXAMPLE = "bakeoff breakeven outputs/quickstart"
RENTED = ("local", "none")


def breakeven(arguments: list[str]) -> None:
    """Show monthly costs of the runs of a bake-off, and where they cross; writes nothing.

    Raises:
        ConfigError: an argument is wrong.
        DataError: fewer than two runs have a price.
    """
    from bakeoff.compare import breakeven as volumes
    from bakeoff.compare import folders as bakeoffs
    from bakeoff.report import markdown, spending, terminal
    from bakeoff.report.document import Report

    arguments, values = options.parted("breakeven", arguments, ("--against", "--rent", "--volume", "--format"))
    folders = folders_of("breakeven", arguments, EXAMPLE)
    rented = options.single("breakeven", values, "--rent") or "local"
    if rented not in RENTED:
        raise ConfigError(f'breakeven: --rent: "{rented}" is not allowed. Allowed: {", ".join(RENTED)}.')
    format_ = options.single("breakeven", values, "--format") or "text"
    if format_ not in ("text", "md"):
        raise ConfigError(f'breakeven: --format: "{format_}" is not allowed. Allowed: text, md.')
    if len(folders) > 1:
        raise ConfigError(f"breakeven: name one folder, e.g. {EXAMPLE}")
    recorded = bakeoffs.priced_runs(folders[0])
    incumbent = (record.read_config(recorded[-1].folder) or {}).get("incumbent")
    priced = pricing.with_money(recorded, _changes(overrides_of(arguments)))
    runs = [run for run in priced if run.status == "ok"]
    known, notes = volumes.spendings(runs, "local" if rented == "local" else "none")
    notes += [f"{run.variant} {run.status}: it has no price." for run in priced if run.status != "ok"]
    names = [one.variant for one in known]
    if len(known) < 2:
        there = f"With a price: {', '.join(names) or 'none'}."
        raise DataError(f"breakeven: two variants with a price are needed. {there} {' '.join(notes)}".rstrip())
    against = options.single("breakeven", values, "--against") or (incumbent if incumbent in names else names[0])
    if against not in names:
        raise ConfigError(
            f'breakeven: --against: there is no variant "{against}" with a price. Variants: {", ".join(names)}.'
            f"{did_you_mean(against, names)}"
        )
    volume = _volume(options.single("breakeven", values, "--volume"))
    if volume is None:
        declared = next((run.business.get("per_month") for run in runs if run.business), None)
        volume = None if declared is None else float(declared)
    report = Report(tuple(spending.blocks(known, against, notes, volume)))
    if format_ == "md":
        print(markdown.render(report))
    else:
        terminal.show(report)


def _changes(overrides: list[str]) -> dict[str, Any]:
    values = OmegaConf.to_container(OmegaConf.from_dotlist(overrides))
    changes = {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}
    for key in changes:
        if key not in pricing.MONEY:
            raise ConfigError(f"breakeven: {key} is not taken. What is: cost=…, cost.…, business=…, business.….")
    return changes


def _volume(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        volume = float(text.replace(",", "").replace("_", ""))
    except ValueError:
        volume = -1.0
    if not 0 < volume < float("inf"):
        raise ConfigError(f'breakeven: --volume: "{text}" is no number of predictions a month, such as 10000.')
    return volume
