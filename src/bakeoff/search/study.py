"""The study of one variant: where it is kept, how it is resumed, and how exactly the trials asked for get done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bakeoff.errors import ConfigError

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "study.journal"
REQUEST, SLOT, RETRY_OF, ERROR = "request", "slot", "retry_of", "error"
HEARTBEAT_SECONDS = 5


def open_study(
    folder: Path,
    name: str,
    directions: Sequence[Literal["maximize", "minimize"]],
    request: str,
    storage: str | None = None,
    sampler: Any = None,
    pruner: Any = None,
) -> optuna.Study:
    """Open the study of a variant, or make it.

    Args:
        folder: the run folder; it holds the journal when ``storage`` is None.
        name: of the study, unique in the storage.
        directions: of the objectives.
        request: a digest of all that makes trials comparable; a study of another digest is refused.
        storage: URL of a database that several machines share; None for a journal file.
        sampler: of Optuna's; None when no trial is asked for.
        pruner: of Optuna's.

    Raises:
        ConfigError: the study on disk is of another request, or the database cannot be reached.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=_storage(folder, storage),
        study_name=name,
        directions=list(directions),
        sampler=sampler,
        pruner=pruner,
        load_if_exists=True,
    )
    known = study.user_attrs.get(REQUEST)
    if known is None:
        study.set_user_attr(REQUEST, request)
    elif known != request:
        raise ConfigError(
            f"{folder} holds an unfinished search of another request (data, model, space, objectives or validation "
            "differ). Add resume=false to begin again, or name=… to keep both."
        )
    return study


def delete_study(folder: Path, name: str, storage: str | None) -> None:
    """Forget a study and all its trials."""
    (folder / JOURNAL).unlink(missing_ok=True)
    if storage is not None:
        import optuna

        with suppress(KeyError):  # there was none
            optuna.delete_study(study_name=name, storage=_storage(folder, storage))


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count: completed, pruned, or failed with an error of their own; not those of a killed worker."""
    from optuna.trial import TrialState

    return [
        t
        for t in study.get_trials(deepcopy=False)
        if t.state in (TrialState.COMPLETE, TrialState.PRUNED) or (t.state is TrialState.FAIL and ERROR in t.user_attrs)
    ]


def heal(study: optuna.Study) -> int:
    """Take back the trials of killed workers: each is retried once with the same parameters. Returns how many.

    A journal tells nothing about who is alive, so call this only while no worker is. A database has heartbeats.
    """
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    if _has_heartbeat(study):
        fail_stale_trials(study)
        return 0
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in running:
        _retry(study, trial)
        study.tell(trial.number, state=TrialState.FAIL)
    return len(running)


def reserve(study: optuna.Study, trials: int) -> None:
    """Queue the trials that are missing, so that workers take exactly these and never one too many."""
    from optuna.trial import TrialState

    waiting = len(study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING)))
    for slot in range(trials - len(finished(study)) - waiting):
        study.enqueue_trial({}, user_attrs={SLOT: slot})


def take(study: optuna.Study) -> Trial | None:
    """The next queued trial, for this worker alone; None when none is left.

    Where workers may die (a database with heartbeats), waits until every trial that runs elsewhere has ended or is
    given up.
    """
    import optuna
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    while True:
        # Optuna's own ask() makes a new trial when the queue is empty, which would be one too many.
        trial_id = study._pop_waiting_trial_id()
        if trial_id is not None:
            study._thread_local.cached_all_trials = None
            return optuna.trial.Trial(study, trial_id)
        if not _has_heartbeat(study) or not study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            return None
        time.sleep(1)
        fail_stale_trials(study)


@contextmanager
def alive(study: optuna.Study, trial: Trial) -> Iterator[None]:
    """Tell the storage, while the block runs, that the trial's worker is alive."""
    if not _has_heartbeat(study):
        yield
        return
    done = threading.Event()
    storage: Any = study._storage

    def beat() -> None:
        while True:
            storage.record_heartbeat(trial._trial_id)
            if done.wait(HEARTBEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _retry(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue a lost trial again, once."""
    if RETRY_OF not in trial.user_attrs:
        kept = {SLOT: trial.user_attrs[SLOT]} if SLOT in trial.user_attrs else {}
        study.enqueue_trial(trial.params, user_attrs={RETRY_OF: trial.number, **kept})


def _has_heartbeat(study: optuna.Study) -> bool:
    from optuna.storages._heartbeat import is_heartbeat_enabled

    return is_heartbeat_enabled(study._storage)


def _storage(folder: Path, url: str | None) -> Any:
    import optuna

    if url is None:
        from optuna.storages.journal import JournalFileBackend

        folder.mkdir(parents=True, exist_ok=True)
        return optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    try:
        return optuna.storages.RDBStorage(
            url,
            heartbeat_interval=HEARTBEAT_SECONDS,
            grace_period=3 * HEARTBEAT_SECONDS,
            heartbeat_stale_trial_callback=_retry,
        )
    except ImportError as error:
        raise ConfigError(f'search.storage: {error}. For PostgreSQL: pip install "bakeoff[postgres]".') from None
    except Exception as error:
        shown = url.partition("@")[2] or url
        raise ConfigError(f"search.storage: {shown} cannot be used: {str(error).splitlines()[0]}") from None
