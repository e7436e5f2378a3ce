"""Confirmation: open the sealed test rows of a bake-off once, for the final word on its winner."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bakeoff import metrics, record
from bakeoff.compare import folders, people, vetoes
from bakeoff.compare.comparison import Comparison
from bakeoff.compare.ledger import Ledger
from bakeoff.config.settings import DecisionSettings, typed
from bakeoff.data import fingerprint
from bakeoff.errors import ConfigError, DataError, VariantsFailed, did_you_mean
from bakeoff.execution import rerun as again
from bakeoff.execution import runner, solving
from bakeoff.execution.fitted import Fitted
from bakeoff.metrics.base import LEAST_ROWS
from bakeoff.models import persistence
from bakeoff.models.tabular import in_memory
from bakeoff.record import Run, locks
from bakeoff.request import validation
from bakeoff.request.spec import Request
from bakeoff.task import DataNote, NoteRank, Task


@dataclass(frozen=True)
class Opening:
    """The runs that predict the sealed rows.

    Attributes:
        challenger: the variant to confirm.
        incumbent: the one that it must beat.
        best: the best by the decision metric, which a challenger that is cheap enough must come near; None where it
            is one of the two, or where the goal compares with the incumbent alone.
    """

    challenger: Run
    incumbent: Run
    best: Run | None = None

    @property
    def runs(self) -> tuple[Run, ...]:
        """All of them, the incumbent first."""
        return tuple(run for run in (self.incumbent, self.best, self.challenger) if run is not None)


def confirm(
    folder: Path,
    variant: str | None = None,
    test_rows: int | None = None,
    announce: Callable[[str], None] = lambda doing: None,
) -> Comparison:
    """Judge the winner of a bake-off on its sealed rows, beside the incumbent alone, at full confidence.

    The fitted models predict the sealed rows; nothing is fitted again. Runs and comparison are written to
    ``confirmation/`` in the folder. An attempt that breaks off goes on with the same command.

    Args:
        folder: of a bake-off.
        variant: name of the challenger to confirm; None: the winner, or the best challenger where there is none.
        test_rows: predict a sample of this many sealed rows; None: as the runs did.
        announce: called with a line of progress.

    Raises:
        ConfigError: no row is sealed, there is nothing to confirm, or the rows were opened before.
        DataError: the data have changed, or a model of them is damaged.
        VariantsFailed: one of the two failed.
    """
    if record.is_run(folder):
        raise ConfigError(f"confirm: {folder} is the folder of a run. Name that of its bake-off: {folder.parent}")
    runs = record.read_runs(folder)
    if all(not _sealed(run) for run in runs):
        raise ConfigError(
            f"confirm: no test rows of {folder} are sealed. Set data.split.sealed=0.2 before the first run of a "
            "bake-off, with a name=… of its own: what was predicted once cannot be sealed."
        )
    into = folder / record.CONFIRMATION
    with locks.held([into], wait=None):
        _refuse_opened(folder, into, runs)
        opening, settings = _opening(folder, runs, variant)
        _check_same_runs(into, opening)
        task = _opened(opening)
        _refuse_few(opening, task, test_rows)
        for run in opening.runs:
            _predict(run, into / run.variant, task, test_rows, announce)
        opened = record.read_runs(into)
        failed = [f"{run.variant}: {run.error['message']}" for run in opened if run.error]
        if failed:
            raise VariantsFailed("\n".join(failed), [run.folder for run in opened])
        return folders.compare_folder(into, settings, opening.incumbent.variant, folders.known_money(folder))[0]


def _sealed(run: Run) -> str:
    """Digest of the sealed rows of a run's task; empty if there are none."""
    return str((run.task or {}).get("sealed") or "")


def _refuse_opened(folder: Path, into: Path, runs: list[Run]) -> None:
    """Raise ``ConfigError`` if a comparison on the sealed rows was made before, here or in another folder."""
    known = folders.read(into)
    if known is not None:
        named = f" {known.winner}" if known.winner else ""
        raise ConfigError(
            f"confirm: the sealed rows of {folder} were opened before, for {_challengers(known)} against "
            f"{known.incumbent}: {known.verdict}{named}. They can be opened once: a second look would be at known "
            f"rows. The result is in {into}. For another final word, bring rows that nobody has seen."
        )
    for digest in {_sealed(run) for run in runs} - {""}:
        asked = Ledger.for_folder(folder).known(digest)
        if asked:
            raise ConfigError(
                f"confirm: these sealed rows were opened before, in {asked[0].folder} on {asked[0].at[:10]}, for "
                f"{' against '.join(filter(None, (asked[0].challenger_name, asked[0].incumbent_name)))}. They can be "
                "opened once. Bring rows "
                "that nobody has seen, or seal others (data.split.seed) in a new bake-off."
            )


def _challengers(known: Comparison) -> str:
    return ", ".join(v.name for v in known.variants if v.name != known.incumbent)


def _opening(folder: Path, runs: list[Run], variant: str | None) -> tuple[Opening, DecisionSettings]:
    """The variants to judge, and by which settings."""
    last = record.read_config(runs[-1].folder) or {}
    settings = typed(DecisionSettings, last.get("decision") or {}, "decision")
    names = [run.variant for run in runs]
    known = folders.read(folder)
    incumbent = last.get("incumbent") if last.get("incumbent") in names else None
    compared = known or folders.compare_folder(folder, settings, incumbent)[0]
    if others := sorted({variant.name for variant in compared.variants} - set(names)):
        raise ConfigError(
            f"confirm: the comparison in {folder} includes runs of other folders ({', '.join(others)}). "
            f"Compare this one alone first: bakeoff compare {folder}"
        )
    margin = compared.smallest_difference
    if compared.settings:  # the question of the verdict that is to be confirmed, as compare may have changed it
        settings = typed(DecisionSettings, compared.settings, "decision")
    settings = replace(
        settings,
        metric=compared.metric or settings.metric,
        confidence=compared.confidence,
        smallest_difference=settings.smallest_difference if math.isnan(margin) else str(margin),
        labels=None,  # of other rows; those of the sealed rows are given to bakeoff compare DIR/confirmation
    )
    challengers = [v.name for v in compared.variants if v.status == "ok" and v.name != compared.incumbent]
    if variant is not None and variant not in challengers:
        raise ConfigError(
            f'confirm: variant: there is no challenger "{variant}" with results. '
            f"Challengers of {compared.incumbent}: {', '.join(challengers)}.{did_you_mean(variant, challengers)}"
        )
    chosen = variant or (compared.winner if compared.winner in challengers else None)
    if chosen is None and compared.verdict == "keep":
        raise ConfigError(
            f"confirm: the verdict of {folder} is to keep {compared.incumbent}: there is no winner to confirm. "
            "variant=… names a challenger."
        )
    finished = [run for run in runs if run.status == "ok"]
    tables = {run.variant: record.read_predictions(run) for run in finished}
    vetoed = vetoes.find(finished, {v.name: v.metrics for v in compared.variants}, settings.require, tables)
    if chosen in vetoed:
        raise ConfigError(f"confirm: {vetoed[chosen]}{vetoes.key(vetoed[chosen])}. The sealed rows stay sealed.")
    chosen = chosen or next((name for name in challengers if name not in vetoed), None)
    if chosen is None:
        raise ConfigError(f"confirm: no challenger of {compared.incumbent} in {folder} has results and may be shipped.")
    by_name = {run.variant: run for run in runs}
    two = {name: tables[name] for name in (chosen, compared.incumbent)}
    if distrust := people.distrust(metrics.get(compared.metric).needs, finished, two, settings):
        raise ConfigError(f"confirm: {distrust} The sealed rows stay sealed.")
    best = next(v.name for v in compared.variants if v.status == "ok" and v.name not in vetoed)
    is_measured = settings.goal == "cheapest_good_enough" and best not in (chosen, compared.incumbent)
    finished_run = {name: again.finished(by_name[name].folder) for name in {chosen, compared.incumbent, best}}
    opening = Opening(
        finished_run[chosen], finished_run[compared.incumbent], finished_run[best] if is_measured else None
    )
    return opening, settings


def _check_same_runs(into: Path, opening: Opening) -> None:
    """Raise ``ConfigError`` if an attempt that broke off was about other variants: their predictions may be known."""
    there = {child.name for child in into.glob("*") if record.is_run(child)} if into.is_dir() else set()
    if other := there - {run.variant for run in opening.runs}:
        raise ConfigError(
            f"confirm: an attempt that broke off had opened the sealed rows for {', '.join(sorted(other))}. "
            f"Only that one can go on: variant={sorted(other)[0]}"
        )


def _opened(opening: Opening) -> Task:
    """The task of all runs, with the sealed rows for its test rows."""
    requests = [validation.check(Request.from_record(_content(run), run.folder)) for run in opening.runs]
    runner.forget_tasks()
    task = runner.load_task(requests[-1])
    sealed = task.sealed
    for run in opening.runs:
        if run.fingerprint != task.fingerprint or sealed is None:
            raise DataError(
                f"confirm: the data have changed since {run.folder} ran, so its sealed rows are no longer there. Bring "
                "back the data as they were."
            )
        if _sealed(run) != fingerprint.of_test(task.schema, sealed):
            raise DataError(
                f"confirm: the sealed rows are not those that were sealed when {run.folder} ran: the source has other "
                "rows now. Bring back the data as they were."
            )
    assert sealed is not None
    digest = sha256(f"sealed {task.fingerprint}".encode()).hexdigest()
    split = {**{key: value for key, value in task.split.items() if key != "sealed"}, "test": len(sealed)}
    *others, last = [run.variant for run in reversed(opening.runs)]
    text = f"{len(sealed):,} sealed test rows, opened for {', '.join(others)} and {last} alone."
    notes = (DataNote(text, "", NoteRank.ROWS), *(n for n in task.notes if n.rank is NoteRank.VALUES))
    return replace(task, test=sealed, sealed=None, fingerprint=digest, split=split, notes=notes)


def _refuse_few(opening: Opening, task: Task, test_rows: int | None) -> None:
    """Raise ``ConfigError`` before anything is opened that would allow no verdict."""
    for run in opening.runs:
        sample = test_rows or (record.read_config(run.folder) or {}).get("test_rows") or len(task.test)
        rows = min(sample, len(task.test))
        if rows < LEAST_ROWS:
            more = f" {len(task.test):,} are sealed: add test_rows=…" if len(task.test) >= LEAST_ROWS else ""
            raise ConfigError(
                f"confirm: {run.variant} would predict {rows} sealed rows, and a verdict needs at least {LEAST_ROWS}. "
                f"They stay sealed.{more}"
            )


def _content(run: Run) -> dict[str, Any]:
    """The recorded config of a run, with the parameters that a search found, and no search."""
    content = record.read_fitted(run.folder) or {}
    if (content.get("model") or {}).get("_target_") == in_memory.TARGET:
        raise ConfigError(f"{run.folder}: the model was an object in memory: it cannot be made from its record.")
    return solving.self_contained(content, run.folder.parent) | {"search": {"sampler": None}}


def _predict(run: Run, into: Path, task: Task, test_rows: int | None, announce: Callable[[str], None]) -> None:
    """Predict the sealed rows with the fitted model of a run, and record it as a run of its own."""
    if (into / record.RESULT).is_file() and record.read_run(into).status == "ok":
        return
    folder = record.model_folder(run.folder)
    schema = persistence.read_state(folder)[0] if (folder / persistence.STATE).is_file() else record.schema_of(run)
    fitted = Fitted(persistence.load(folder), folder, schema)
    content = _content(run) | {"record_validation": False, "tracker": None, "confirmed_from": str(run.folder)}
    request = Request.from_record(content if test_rows is None else content | {"test_rows": test_rows}, into)
    with record.logged(into):
        runner.run(request, lambda choices: request, announce, task, fitted)
