"""Finished runs: decide which can be kept, and refuse folders with runs on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bakeoff import record
from bakeoff.config import component, components
from bakeoff.errors import ConfigError
from bakeoff.llm import served
from bakeoff.llm.base import Identifies
from bakeoff.record import Run
from bakeoff.request import resuming
from bakeoff.request.spec import Request
from bakeoff.task import NOT_ASKED

ONLY_VALIDATION = "its validation rows are predicted now"
BUDGETS = ("max_calls", "max_cost_usd")
"""Parameters of a language model that limit what it is asked, and change no answer."""
IN_MEMORY = "bakeoff.models.InMemory"


def reason_to_run(request: Request) -> str | None:
    """Reason why a variant must run: empty if its folder holds no finished run; None if the finished run is kept.

    The data of a finished run are read again: it is kept only while they are what they were.

    Raises:
        ConfigError: the folder holds a finished run of another request.
        DataError, AssetError: the data cannot be read, or a file of the run is not what was written.
    """
    if not request.resume or not (request.folder / record.RESULT).is_file():
        return ""
    if request.model.target == IN_MEMORY:  # an in-memory object cannot be compared with the earlier one
        return ""
    run = record.read_run(request.folder)
    if run.status != "ok":
        return ""
    record.verify(run)
    changed = resuming.changes(request)
    if changed and _is_budget_raised(run, request, changed):
        return f"{request.variant}: it goes on where its budget had ended ({'; '.join(changed)})."
    if changed:
        raise ConfigError(
            f"{request.folder} holds a finished run of another request:\n  "
            + "\n  ".join(changed)
            + "\nAdd resume=false to replace it, or name=… to keep both."
        )
    fingerprint = _fingerprint(request)
    if run.fingerprint is not None and run.fingerprint != fingerprint:
        change = _change(run, request)
        return f"{request.folder}: {_source(request)} changed since this variant ran ({change}); it runs anew."
    if (other := _other_model(run, request)) is not None:
        return f"{request.variant}: {request.parts['llm'].arguments.get('base_url')} serves {other}; it runs anew."
    if resuming.is_longer(request):
        return ""
    if request.record_validation and not (request.folder / record.VALIDATION).is_file():
        return f"{request.variant}: its test predictions are kept, and {ONLY_VALIDATION}."
    return None


def _other_model(run: Run, request: Request) -> str | None:
    """The model that the server lists now, in words, if it is another than when the run was made."""
    recorded = (run.details.get("llm") or {}).get("identity")
    if recorded is None or "llm" not in request.parts:
        return None
    llm = components.instantiate(request.parts["llm"], "llm")
    if not isinstance(llm, Identifies):
        return None
    try:
        now = llm.identify()
    except ConfigError:  # without a key nothing can be asked, and nothing need be
        return None
    if now is None or now == recorded:
        return None
    return f"another model now ({served.name(now)}) than when this variant ran ({served.name(recorded)})"


def _is_budget_raised(run: Run, request: Request, changed: Sequence[str]) -> bool:
    """Check whether a run whose budget ended differs from the request by larger budgets alone."""
    rows = run.details.get("rows") or {}
    if not any(reason.startswith("budget") for reason in rows.get(NOT_ASKED) or {}):
        return False
    before = resuming.recorded(request.folder)
    earlier = resuming.flat_values(before.identity if before else {})
    now = resuming.flat_values(Request.from_config(request.to_record(), request.folder).identity)
    return all(
        key.rpartition(".")[2] in BUDGETS and (now.get(key) is None or now[key] > earlier.get(key))
        for key in (change.partition(":")[0] for change in changed)
    )


def refuse_other_data(requests: Sequence[Request]) -> None:
    """Refuse a bake-off folder in which other variants ran on other data: runs could not be compared afterwards.

    Raises:
        ConfigError: names the variants, and what to do.
    """
    faults = []
    for folder in dict.fromkeys(request.bakeoff for request in requests):
        here = [request for request in requests if request.bakeoff == folder]
        others = [run for run in _finished(here[0]) if run.variant not in {request.variant for request in here}]
        if not others:
            continue
        fingerprint = _fingerprint(here[0])
        stale = [run for run in others if run.fingerprint not in (None, fingerprint)]
        if stale:
            names = ", ".join(run.variant for run in stale)
            faults.append(
                f"{folder} holds finished runs on other data than {_source(here[0])} ({_change(stale[0], here[0])}): "
                f"{names}. They cannot be compared. Add name=… for a folder of its own; where it is the same file and "
                "it has changed, request those variants too, and they run anew."
            )
    if faults:
        raise ConfigError("\n".join(faults))


def _finished(request: Request) -> list[Run]:
    results = sorted(request.bakeoff.glob(f"*/{record.RESULT}"))
    return [run for run in (record.read_run(result.parent) for result in results) if run.status == "ok"]


def _fingerprint(request: Request) -> str:
    from bakeoff.execution import runner

    return runner.load_task(request).fingerprint


def _source(request: Request) -> str:
    """Describe the data by the file they come from, or else by name."""
    path = request.source.arguments.get("path")
    return f"data.path={path}" if isinstance(path, str) else f"data={request.data.name}"


def _change(run: Run, request: Request) -> str:
    """Describe how a finished run's data differ from a request's, as far as recorded."""
    from bakeoff.execution import runner

    task = runner.load_task(request)
    recorded: Mapping[str, Any] = run.task or {}
    before, now = dict((recorded.get("schema") or {}).get("columns") or {}), dict(task.schema.columns)
    details = []
    for word, names in (("new", now.keys() - before.keys()), ("missing", before.keys() - now.keys())):
        if names:
            listed = ", ".join(sorted(names)[:10])
            details.append(f"{word} columns: {listed}{f' and {len(names) - 10} more' if len(names) > 10 else ''}")
    old, new = (_rows(split) for split in (recorded.get("split") or {}, component.write(dict(task.split))))
    if old != new:
        details.append(f"{old:,} rows then, {new:,} now")
    return "; ".join(details) or "other values, or another order of rows"


def _rows(split: Mapping[str, Any]) -> int:
    return sum(int(split.get(part) or 0) for part in ("train", "valid", "test"))
