"""The verbs beside a bake-off: compare, rerun, refresh, sync, list, doctor. What ``new`` writes is in ``scaffold``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import OmegaConf
from rich.table import Table

from bakeoff import environment, plugins, record
from bakeoff.config import components
from bakeoff.config.settings import DecisionSettings, typed
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.report import sections, terminal

if TYPE_CHECKING:
    from bakeoff.catalog.options import Option
    from bakeoff.execution.rerun import Rerun


def compare(arguments: Sequence[str]) -> None:
    """Compare the runs in the given folders; ``decision.*`` and ``incumbent`` override what the last of them recorded.

    ``cost.*`` overrides what each recorded.

    Writes comparison.json and leaderboard.csv into the first folder, unless that is a run folder.
    """
    from bakeoff.compare import comparison

    folders = [Path(a) for a in arguments if "=" not in a]
    if not folders:
        raise ConfigError("compare: name at least one folder, e.g. bakeoff compare outputs/quickstart")
    of_folder = {folder: record.read_runs(folder) for folder in folders}
    runs = [run for found in of_folder.values() for run in found]
    asked = _changeable([a for a in arguments if "=" in a])
    settings, incumbent = _decision(asked, record.read_config(runs[-1].folder) or {})
    distinct = [_costing(run, dict(asked.get("cost") or {})) for run in _distinct(of_folder)]
    compared = comparison.compare(distinct, settings, incumbent)
    if not record.is_run(folders[0]):
        comparison.write(compared, folders[0])
    terminal.show(compared, folders[0], sections=sections.of(compared, distinct))


def rerun(arguments: Sequence[str]) -> bool:
    """Repeat runs from their records. Returns whether all of them came to the same.

    Arguments are folders of runs or of bake-offs, ``search=true``, ``tolerance=…`` and ``name=…``.
    """
    from bakeoff.execution import rerun as again

    folders = [Path(a) for a in arguments if "=" not in a]
    if not folders:
        raise ConfigError("rerun: name a folder, e.g. bakeoff rerun outputs/churn/catboost")
    options = _options_of("rerun", arguments, {"search": bool, "tolerance": float, "name": str})
    agreed = True
    for folder in folders:
        there = record.read_runs(folder)
        runs = [run.folder for run in there if run.status == "ok"]
        for left_out in [] if runs else there:
            again.finished(left_out.folder)
        for left_out in there:
            if left_out.status != "ok":
                terminal.console().print(f"{left_out.variant}: {left_out.status}, so there is nothing to repeat.")
        bakeoff = runs[0].parent
        name = options.get("name")
        into = again.named_folder(bakeoff, name) if name is not None else again.new_folder(bakeoff, "rerun")
        for run in runs:
            if record.is_run(into / run.name):
                raise ConfigError(f"name: {into / run.name} is there already. Give another name=…")
            with terminal.progress(run.name) as announce:
                result = again.rerun(
                    run, into / run.name, options.get("search", False), options.get("tolerance"), announce
                )
            terminal.show_run(result.run)
            _show_rerun(result)
            agreed = agreed and result.agrees
    return agreed


def refresh(arguments: Sequence[str], conf: Path) -> None:
    """Refit the winner of a bake-off, or a run, on new data, and compare it with itself as it was."""
    from bakeoff.execution import refresh as update

    folders = [Path(a) for a in arguments if "=" not in a]
    if len(folders) != 1:
        raise ConfigError("refresh: name one folder, e.g. bakeoff refresh outputs/churn data.path=new.csv")
    with terminal.progress("refresh") as announce:
        result = update.refresh(folders[0], [a for a in arguments if "=" in a], conf, announce)
    terminal.show(result.comparison, result.folder)


def _show_rerun(result: Rerun) -> None:
    screen = terminal.console()
    word = "AGREES" if result.agrees else "DIFFERS"
    agreeing = sum(m.agrees for m in result.metrics)
    screen.print(
        f"{result.original.variant}: {word}: {agreeing} of {len(result.metrics)} quality metrics agree "
        f"(tolerance {result.tolerance:g}, {result.why})."
    )
    if agreeing < len(result.metrics):
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for column in ("metric", "recorded", "now"):
            table.add_column(column)
        for m in result.metrics:
            if not m.agrees:
                table.add_row(m.name, *("–" if v is None else f"{v:.6g}" for v in (m.recorded, m.now)))
        screen.print(table)
    if not result.same_data and result.run.status == "ok":
        screen.print(
            "The data have changed since: other rows, roles or split. Nothing else can be told from the figures."
        )
    if result.rows:
        screen.print(f"{result.equal_rows:,} of {result.rows:,} test rows got the same answer.")
    replayed = (result.run.details.get("llm") or {}).get("replayed")
    if replayed:
        screen.print(f"{replayed:,} answers of the LLM were replayed from the cache, not asked again.")
    for line in result.drift:
        screen.print(f"changed since: {line}", soft_wrap=True)
    if not result.drift:
        screen.print("Nothing has changed in the environment.")
    screen.print(f"Look into: {result.run.folder}", soft_wrap=True)


def _options_of(verb: str, arguments: Sequence[str], known: Mapping[str, type]) -> dict[str, Any]:
    """The ``key=value`` arguments of a verb, read as their types."""
    found: dict[str, Any] = {}
    for argument in arguments:
        key, is_option, value = argument.partition("=")
        if not is_option:
            continue
        if key not in known:
            raise ConfigError(f"{verb}: {key} is not taken. What is: {', '.join(known)}.{did_you_mean(key, known)}")
        read = yaml.safe_load(value)
        if known[key] is float and isinstance(read, int) and not isinstance(read, bool):
            read = float(read)
        if known[key] is str:
            read = value
        if not isinstance(read, known[key]):
            raise ConfigError(f"{verb}: {key}={value} is not of type {known[key].__name__}.")
        found[key] = read
    return found


def sync(arguments: Sequence[str]) -> bool:
    """Send to Weights & Biases what lies offline in the folders of bake-offs; whether all of it was sent."""
    from bakeoff.tracking import upload

    if not arguments:
        raise ConfigError("sync: name a bake-off, e.g. bakeoff sync quickstart")
    screen = terminal.console()
    is_whole = True
    for folder in [upload.find(name) for name in arguments]:
        trouble = upload.complete(folder)
        done = upload.upload(folder)
        for file in done.now:
            screen.print(f"sent {file.parent}", soft_wrap=True)
        for line in [*trouble, *(f"not sent: {file.parent}" for file in done.failed)]:
            screen.print(line, soft_wrap=True)
        if done.failed:
            screen.print(done.said, soft_wrap=True)
        screen.print(f"{folder}: {len(done.now)} sent, {len(done.before)} sent before, {len(done.failed)} not sent.")
        is_whole = is_whole and not done.failed and not trouble
    return is_whole


def list_components(arguments: Sequence[str], shipped: Path, own: Sequence[Path]) -> None:
    """Show the options of every config group, or of the given ones; or all that the given options take.

    Args:
        arguments: names of groups, such as ``model``, and of options, such as ``model/catboost``.
        shipped: the config tree of bakeoff itself.
        own: config trees of the user.
    """
    from bakeoff.catalog import options

    origins = {shipped: "", **{p.conf: p.name for p in plugins.installed() if p.conf}, **{f: str(f) for f in own}}
    for group, _, name in (a.partition("/") for a in arguments if "/" in a):
        _show_option(options.option(group, name, list(origins)))
    groups = [a for a in arguments if "/" not in a]
    if not groups and arguments:
        return
    folders = list(origins)
    found = [option for group in groups or options.groups(folders) for option in options.options(group, folders)]
    is_searched = any(option.spaces for option in found) and bool(groups)
    columns = ["group", "option", "family", "licence", "what it is", *(["what a search tries"] if is_searched else [])]
    columns += ["from"] if len(origins) > 1 else []
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for o in found:
        told = [o.group, o.name, *(str(o.card.get(key) or "") for key in ("family", "licence")), o.summary]
        told += ["; ".join(f"{key}: {sweep}" for key, sweep in o.spaces.items())] if is_searched else []
        told += [origins[o.file.parents[1]]] if len(origins) > 1 else []
        table.add_row(*told)
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


def schema(arguments: Sequence[str], conf: Path) -> None:
    """Write the JSON schemas of config files into a folder, and say how an editor is told of them."""
    from bakeoff.catalog import json_schema

    if len(arguments) > 1 or any("=" in a for a in arguments):
        raise ConfigError("schema: name one folder to write into, e.g. bakeoff schema schemas")
    folder = Path(arguments[0] if arguments else "schemas")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {}
    for name, content in json_schema.schemas(conf).items():
        record.write_json(folder / f"{name}.json", content)
        settings[f"./{folder / f'{name}.json'}"] = f"conf/{json_schema.covers(name)}"
    screen = terminal.console()
    screen.print(f"{len(settings)} schemas are in {folder}. For VS Code (YAML extension), in .vscode/settings.json:")
    screen.print(json.dumps({"yaml.schemas": settings}, indent=2), soft_wrap=True)
    screen.print(f"Elsewhere, first in a file: # yaml-language-server: $schema=…/{folder}/model.json", soft_wrap=True)


def doctor(conf: Path, verbs: Sequence[str]) -> None:
    """Show versions, cores, devices, folders, keys, assets at hand, where tracking goes, and what plugins bring.

    Args:
        conf: the config tree of bakeoff itself.
        verbs: of bakeoff itself.
    """
    from bakeoff import assets
    from bakeoff.catalog import doctor
    from bakeoff.models.deep import devices
    from bakeoff.tracking.wandb import WandbTracker

    found = environment.describe()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("python", f"{found['python']} on {found['platform']}, {found['cores']} cores")
    for package, version in found["versions"].items():
        table.add_row(package, version)
    table.add_row("accelerators", devices.described())
    table.add_row("configs", str(conf))
    table.add_row("cache", str(assets.cache_folder()))
    for variable in _key_variables(conf):
        table.add_row(f"key {variable}", "set" if os.environ.get(variable) else "not set")
    for name, asset in assets.ASSETS.items():
        is_cached = assets.cached_at(asset).is_file()
        table.add_row(f"asset {name}", "in the cache" if is_cached else "not fetched yet")
    key = "is set" if os.environ.get("WANDB_API_KEY") else "is not set"
    table.add_row("tracking to W&B", f"{WandbTracker().chosen_mode()}; WANDB_API_KEY {key}")
    for plugin, said in doctor.findings(conf, verbs):
        table.add_row(f"plugin {plugin}", said)
    terminal.console().print(table)


def _key_variables(conf: Path) -> list[str]:
    """The environment variables from which the shipped configs read keys."""
    files = [*(conf / "llm").glob("*.yaml"), *(conf / "embedder").glob("*.yaml")]
    named = (OmegaConf.select(OmegaConf.load(file), "key_env") for file in files)
    return sorted({str(name) for name in named if name})


def _changeable(overrides: Sequence[str]) -> dict[str, Any]:
    """The overrides of what can be asked anew of finished runs, as nested containers."""
    asked = {str(k): v for k, v in OmegaConf.to_container(OmegaConf.from_dotlist(list(overrides))).items()}  # type: ignore[union-attr]
    for key, value in asked.items():
        if key not in ("decision", "cost", "incumbent") or (key != "incumbent" and not isinstance(value, dict)):
            raise ConfigError(
                f"compare: {key} cannot be changed after the runs. What can: decision.…, cost.…, incumbent."
            )
    return asked


def _decision(asked: Mapping[str, Any], recorded: Mapping[str, Any]) -> tuple[DecisionSettings, str | None]:
    incumbent = asked.get("incumbent", recorded.get("incumbent"))
    values = dict(recorded.get("decision") or {}) | dict(asked.get("decision") or {})
    return typed(DecisionSettings, values, "decision"), None if incumbent is None else str(incumbent)


def _costing(run: record.Run, asked: Mapping[str, Any]) -> record.Run:
    """The run, with the parameters of its cost model as they are asked for."""
    if not asked:
        return run
    if run.cost is None:
        raise ConfigError(f"compare: {run.variant} was recorded without a cost model, so cost.… says nothing about it.")
    cost = {**run.cost, **asked}
    components.check_component(cost, "cost")
    return replace(run, cost=cost)


def _distinct(of_folder: Mapping[Path, list[record.Run]]) -> list[record.Run]:
    """The runs of all folders, those of equal name told apart by their folder."""
    names = [run.variant for runs in of_folder.values() for run in runs]
    return [
        run if names.count(run.variant) == 1 else replace(run, variant=f"{folder.name}/{run.variant}")
        for folder, runs in of_folder.items()
        for run in runs
    ]
