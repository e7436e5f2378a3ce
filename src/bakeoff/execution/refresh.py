"""Refresh: refit a model on new data, and compare it with the one in production on the same new rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from bakeoff import data, record
from bakeoff.compare import decision, folders
from bakeoff.compare.comparison import Comparison
from bakeoff.config import components
from bakeoff.config.settings import DecisionSettings, typed
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import KnownSource
from bakeoff.errors import BakeoffError, ConfigError, DataError, VariantsFailed, did_you_mean
from bakeoff.execution import rerun as again
from bakeoff.execution import runner, solving
from bakeoff.execution.fitted import Fitted
from bakeoff.models import persistence
from bakeoff.models.tabular import in_memory
from bakeoff.record import Run, locks
from bakeoff.request import validation
from bakeoff.request.spec import ROLES, Request
from bakeoff.task import Examples, Schema, Task
from bakeoff.tasks import kinds

INCUMBENT, REFRESHED = "incumbent", "refreshed"


@dataclass(frozen=True)
class Refresh:
    """Result of a refresh.

    Attributes:
        folder: the new bake-off, with the runs ``incumbent`` and ``refreshed``.
        of: the run folder of the model that was refreshed.
        comparison: of the two.
    """

    folder: Path
    of: Path
    comparison: Comparison


def refresh(
    folder: Path,
    overrides: Sequence[str],
    conf: Path,
    announce: Callable[[str], None] = lambda doing: None,
) -> Refresh:
    """Refit a recorded variant on new data, and compare it with itself as it was, on new test rows.

    Args:
        folder: of a bake-off, whose winner is refreshed, or of a run.
        overrides: ``data=…`` (where the rows come from), ``data.…``, ``decision.…`` and ``name=…``.
        conf: the shipped config tree.
        announce: called with a line of progress.

    Raises:
        ConfigError: an override is wrong, or the model cannot be made from its record.
        DataError: the new data have other columns, or the old model knows all their test rows.
        VariantsFailed: one of the two failed.
    """
    of, notes = chosen(folder)
    run = again.finished(of)
    content, name = _changed(of, run, overrides, conf)
    into = again.named_folder(of.parent, name) if name else again.new_folder(of.parent, "refresh")
    if into.exists():
        raise ConfigError(f"name: {into} is there already. Give another name=…")
    content |= {"name": into.name, "incumbent": INCUMBENT, "refreshed_from": str(of.absolute())}
    runner.forget_tasks()
    request = validation.check(Request.from_record(content, into))
    known_hashes, fitted = _learnt(of, run), _fitted(of, run)
    task, more = _task(request, fitted.schema, run, known_hashes)
    if task.schema.positive is not None:
        content["data"]["positive"] = task.schema.positive
    requests = {word: Request.from_record({**content, "variant": word}, into / word) for word in (INCUMBENT, REFRESHED)}
    deciding = requests[REFRESHED].decision
    decision.deciding_metric(deciding.metric, task.schema)
    for word, request in requests.items():
        with locks.held([request.folder], wait=None), record.logged(request.folder):
            runner.run(
                request, _same(request), announce, task,
                fitted if word == INCUMBENT else None, (*notes, *more) if word == INCUMBENT else (),
            )  # fmt: skip
    compared, runs = folders.compare_folder(into, deciding, INCUMBENT)
    failed = [f"{r.variant}: {r.error['message']}" for r in runs if r.error]
    if failed:
        raise VariantsFailed("\n".join(failed), [r.folder for r in runs])
    return Refresh(into, of, compared)


def _same(request: Request) -> Callable[[Mapping[str, str]], Request]:
    """Return the request unchanged: a record holds no other config choices."""
    return lambda choices: request


def chosen(folder: Path) -> tuple[Path, list[str]]:
    """Return the run folder of the model to refresh, and notes on the choice.

    Of a bake-off it is the winner; the incumbent where the verdict was that there is not enough evidence.
    """
    runs = record.read_runs(folder)
    if record.is_run(folder):
        return folder, []
    last = record.read_config(runs[-1].folder) or {}
    settings = typed(DecisionSettings, last.get("decision") or {}, "decision")
    names = [run.variant for run in runs]
    incumbent = last.get("incumbent") if last.get("incumbent") in names else None
    compared, _ = folders.compare_folder(folder, settings, incumbent)
    name = compared.winner or compared.incumbent
    notes = []
    if compared.winner is None:
        notes.append(f"{folder.name} ended without a winner: its incumbent, {name}, is taken.")
    return next(run.folder for run in runs if run.variant == name), notes


def _changed(of: Path, run: Run, overrides: Sequence[str], conf: Path) -> tuple[dict[str, Any], str | None]:
    """Return the recorded config of the fitted model with new data, and the new bake-off's name if given."""
    content = record.read_fitted(of) or {}
    if (content.get("model") or {}).get("_target_") == in_memory.TARGET:
        raise ConfigError(f"{of}: the model was an object in memory: it cannot be fitted anew from its record.")
    content = solving.self_contained(content, of.parent)
    content |= {"search": {"sampler": None}, "resume": False}
    if (prices := folders.known_money(of)) is not None:  # those of the last comparison, not of the run
        undated = None if prices.cost is None else {k: v for k, v in prices.cost.items() if k != "prices_of"}
        content |= {"cost": undated, "business": prices.business}
    content["data"] = _pinned(dict(content["data"]), record.schema_of(run))
    content["decision"] = dict(content["decision"])
    name, changed = None, False
    for override in overrides:
        key, is_override, chosen = override.partition("=")
        group, _, rest = key.partition(".")
        if not is_override or group not in ("data", "decision", "name") or (group == "decision" and not rest):
            raise ConfigError(
                f"refresh: {override} is not taken. What is: data=…, data.…=…, decision.…=…, name=…"
                f"{did_you_mean(group, ('data', 'decision', 'name'))}"
            )
        if key == "name":
            name = chosen
        elif key == "data":
            content["data"] = _from(chosen, content["data"], conf)
        else:
            value = _value(chosen)
            if key == "data.columns":  # the others keep the type that they had
                value = {**_types(content["data"].get("columns")), **_types(value)}
            _set(content[group], rest.split("."), value)
        changed = changed or group == "data"
    if not changed:
        raise ConfigError("refresh: name the new data, e.g. data.path=new.csv, or data=csv data.path=new.csv")
    components.check_component(
        {k: v for k, v in content["data"].items() if k not in ROLES}, "data", also=ROLES, slot="data"
    )
    return content, name


def _pinned(node: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the data config with settings detected on the old rows made explicit, so that new rows are read alike."""
    for key, value in kinds.get(schema.kind).pinned_settings(schema).items():
        if isinstance(value, list):
            node[key] = list(dict.fromkeys([*(node.get(key) or []), *value]))
        else:
            node[key] = {**value, **_types(node.get(key))} if isinstance(value, dict) else value
    return node


def _types(declared: Any) -> dict[str, str]:
    """``data.columns``, a mapping or JSON of one."""
    return DataSettings.undecided(declared or {}).column_types


def _from(option: str, node: Mapping[str, Any], conf: Path) -> dict[str, Any]:
    """Return the data config with another source and unchanged column roles."""
    files = {file.stem: file for file in sorted((conf / "data").glob("*.yaml"))}
    if option not in files:
        raise ConfigError(
            f'data: there is no option "{option}". Options: {", ".join(files)}.{did_you_mean(option, files)}'
        )
    source = yaml.safe_load(files[option].read_text("utf-8"))
    inherited = {k: v for k, v in source.items() if k not in (*ROLES, "defaults", "card") and v != "???"}
    return {**inherited, **{k: v for k, v in node.items() if k in ROLES or k == "card"}}


def _value(text: str) -> Any:
    """The value of an override; a text that is no YAML, such as a lone comma, is the text itself."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _set(node: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *parents, last = path
    for part in parents:
        node[part] = dict(node.get(part) or {})
        node = node[part]
    node[last] = value


def _fitted(of: Path, run: Run) -> Fitted:
    """Load the model in production and the schema it was fitted for, which may differ from its run's."""
    folder = record.model_folder(of)
    model = persistence.load(folder)
    schema = persistence.read_state(folder)[0] if (folder / persistence.STATE).is_file() else record.schema_of(run)
    return Fitted(model, folder, schema)


def _learnt(of: Path, run: Run) -> NDArray[np.uint64] | None:
    """Hashes of the model's development rows: as recorded, or recomputed if the old data are unchanged."""
    hashes = record.read_learnt(of)
    if hashes is not None:
        return hashes
    try:
        task = runner.load_task(Request.from_record(record.read_config(of) or {}, of))
    except BakeoffError:
        return None
    return data.hashes(task.development.examples) if task.fingerprint == run.fingerprint else None


def _task(request: Request, known: Schema, run: Run, known_hashes: NDArray[np.uint64] | None) -> tuple[Task, list[str]]:
    """Build the new task without test rows that the old model was trained on, and notes about that."""
    task = _read(request, known)
    order = list(known.columns)
    schema = replace(task.schema, columns=dict(known.columns))
    if schema.positive is not None and request.data.positive is None and known.positive in schema.classes:
        schema = replace(schema, positive=known.positive)  # the rarer class may be another one now
    development = replace(
        task.development,
        schema=schema,
        examples=_ordered(task.development.examples, order),
    )
    test, fingerprint, notes = _ordered(task.test, order), task.fingerprint, []
    if known_hashes is None:
        notes.append(
            f"It is not recorded which rows {run.variant} learnt from: where test rows are among them, it is at an "
            "advantage."
        )
    elif not task.inputs_identify_rows:
        known_inputs = int(np.isin(data.hashes(test), known_hashes).sum())
        if known_inputs:
            notes.append(
                f"{known_inputs:,} of {len(test):,} test rows have inputs of rows that {run.variant} learned from. Few "
                "profiles repeat here (data.duplicates), so that does not make them the same rows; where they are, "
                "it is at an advantage."
            )
    else:
        is_new = ~np.isin(data.hashes(test), known_hashes)
        if not is_new.any():
            raise DataError(
                f"refresh: {run.variant} learnt from every one of the {len(test):,} test rows, so nothing can be told "
                "about it. Give rows that it never saw, e.g. data.test_path=…, or a split by time."
            )
        if not is_new.all():
            left_out = int((~is_new).sum())
            notes.append(
                f"{left_out:,} of {len(test):,} test rows are equal to rows that {run.variant} learnt from, and were "
                "left out."
            )
            test = test.take(np.flatnonzero(is_new))
            fingerprint = hashlib.sha256(fingerprint.encode() + is_new.tobytes()).hexdigest()
    notes += _new_labels(test, known, run)
    return replace(
        task,
        development=development,
        test=test,
        fingerprint=fingerprint,
        split={**task.split, "test": len(test)},
    ), notes


def _read(request: Request, known: Schema) -> Task:
    """Read the new rows as a task, parsing each column as the known task did.

    Raises:
        DataError: they have other columns, or a column holds what cannot be read so.
    """
    if known.series is not None or kinds.get(known.kind).searches_documents:
        task = runner.load_task(request)
        _check_columns(task.schema, known, request)
        return task
    source = KnownSource(components.instantiate(request.source, "data", "data"), known.readings)
    try:
        task = data.load(source, request.data)
    except DataError:
        names = [name for name in source.columns if name not in request.data.apart]
        if names and not set(known.columns) <= set(names):  # which explains it, and was read
            kind_of = {name: known.columns.get(name, "categorical") for name in names}
            _check_columns(replace(known, columns=kind_of), known, request)
        raise
    _check_columns(task.schema, known, request)
    return task


def _check_columns(schema: Schema, known: Schema, request: Request) -> None:
    """Raise ``DataError`` unless the new rows have the columns that the old model needs."""
    differences = []
    missing = [name for name in known.columns if name not in schema.columns]
    added = [name for name in schema.columns if name not in known.columns]
    if missing:
        differences.append(f"missing: {', '.join(missing)}.")
    if added:
        differences.append(f"new: {', '.join(added)}. Leave them out: data.ignore=[{','.join(added)}].")
    differences += [
        f"{name} was {kind} and is {schema.columns[name]} now."
        for name, kind in known.columns.items()
        if name in schema.columns and schema.columns[name] != kind
    ]
    if differences:
        where = request.source.arguments.get("path") or request.data.name
        raise DataError(f"refresh: {where} has other columns than the model was fitted for. " + " ".join(differences))


def _ordered(examples: Examples, columns: Sequence[str]) -> Examples:
    return replace(examples, X=examples.X[list(columns)])


def _new_labels(test: Examples, known: Schema, run: Run) -> list[str]:
    """Notes on test rows with labels that the old model never saw."""
    rows, test_labels = kinds.get(known.kind).labels(test.y)
    is_unseen = ~np.isin(test_labels.astype(str), known.classes)
    if not is_unseen.any():
        return []
    labels = ", ".join(f'"{label}"' for label in sorted(set(test_labels[is_unseen])))
    return [
        f"{len(set(rows[is_unseen])):,} test rows are labelled {labels}, which {run.variant} never saw: "
        "its answers are wrong there."
    ]
