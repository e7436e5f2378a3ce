"""Study of one variant: storage, resumption, and workers that run exactly the requested number of trials."""

from __future__ import annotations

import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from bakeoff import secrets
from bakeoff.errors import ConfigError

if TYPE_CHECKING:
    import optuna
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

    from bakeoff.search.journal import Lost

SamplerOf = Callable[[int], "BaseSampler"]
"""Makes the sampler of a trial, seeded by its number: a search that was interrupted draws as one that was not."""

JOURNAL = "study.journal"
WORKERS = "workers"
REQUEST, RETRY_OF, ERROR, WORKER, SPENT_USD, LOSSES = "request", "retry_of", "error", "worker", "spent_usd", "losses"
LOST_USD = "lost_usd"
MOST_LOSSES = 3  # times that a search of one process begins a trial again before it gives the trial up
HEARTBEAT_SECONDS = 5
POLL_SECONDS = 0.5


def open_study(
    folder: Path,
    name: str,
    directions: Sequence[Literal["maximize", "minimize"]],
    request: str,
    storage: str | None = None,
    pruner: Any = None,
) -> optuna.Study:
    """Open the study of a variant, or create it.

    Args:
        folder: the run folder; it holds the journal when ``storage`` is None.
        name: of the study, unique in the storage.
        directions: of the objectives.
        request: a digest of all that makes trials comparable; a study of another digest is refused.
        storage: URL of a database that several machines share; None for a journal file.
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
    """Delete a study and all its trials."""
    (folder / JOURNAL).unlink(missing_ok=True)
    if storage is not None:
        import optuna

        with suppress(KeyError):  # there was none
            optuna.delete_study(study_name=name, storage=_storage(folder, storage))


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """Return the finished trials: completed, pruned, or failed with their own error; not those of a killed worker."""
    from optuna.trial import TrialState

    return [
        t
        for t in study.get_trials(deepcopy=False)
        if t.state in (TrialState.COMPLETE, TrialState.PRUNED) or (t.state is TrialState.FAIL and ERROR in t.user_attrs)
    ]


@contextmanager
def at_work(study: optuna.Study, number: int | None) -> Iterator[str]:
    """Register this process as a worker of the study while the block runs, so that others can see if it is alive.

    Beside a journal the name is a locked file: the system frees the lock when the process ends, however that comes.
    A database has heartbeats.

    Args:
        study: opened.
        number: of the worker; None for a process that is alone.
    """
    name = f"{number or 0}-{socket.gethostname()}-{os.getpid()}"
    lock = _lock(study, name)
    if lock is None:
        yield name
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        yield name
        lock.unlink(missing_ok=True)
    if number is None:
        with suppress(OSError):
            lock.parent.rmdir()


def rewind(folder: Path, storage: str | None) -> Lost:
    """Remove the trials that a killed process left running in a journal, so that they begin anew under their numbers.

    For a search of one process, before the study is opened. Waits for a process that survived its parent. In a database
    nothing is removed: there ``heal`` queues lost trials again.
    """
    from bakeoff.search.journal import Lost, rewind

    if storage is not None:
        return Lost()
    while any(_is_held(lock) for lock in sorted((folder / WORKERS).glob("*.lock"))):
        time.sleep(POLL_SECONDS)
    return rewind(folder / JOURNAL, SPENT_USD, LOSSES, MOST_LOSSES)


def count_losses(study: optuna.Study, lost: Lost) -> None:
    """Note in the study which trials were removed, and what they had spent."""
    if lost.numbers:
        counts = dict(study.user_attrs.get(LOSSES, {}))
        study.set_user_attr(LOSSES, counts | {str(n): counts.get(str(n), 0) + 1 for n in lost.numbers})
    if lost.spent_usd:
        study.set_user_attr(LOST_USD, study.user_attrs.get(LOST_USD, 0.0) + lost.spent_usd)


def heal(study: optuna.Study) -> int:
    """Requeue the trials of killed processes: each is retried once with the same parameters.

    A trial that no worker has put its name to counts as lost, so a worker among others calls ``take`` instead.

    Returns:
        How many were taken back; with a database those whose heartbeat stopped long enough ago.
    """
    return _take_back(study, _running(study))


def wait(study: optuna.Study) -> None:
    """Requeue lost trials until no trial is running any more, here or elsewhere."""
    while _running(study):
        time.sleep(POLL_SECONDS)
        heal(study)


def reserve(study: optuna.Study, trials: int) -> None:
    """Queue the missing trials, so that workers together run exactly these and never one too many."""
    from optuna.trial import TrialState

    pending = len(study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING)))
    for _ in range(trials - len(finished(study)) - pending):
        study.enqueue_trial({})


def take(study: optuna.Study, sampler_of: SamplerOf) -> Trial | None:
    """Take the next queued trial, for this worker alone; None when none is left.

    Before it says None it waits for the trials of other workers, and takes over from those that die.
    """
    while True:
        # Optuna's own ask() makes a new trial when the queue is empty, which would be one too many.
        trial_id = _pop(study)
        if trial_id is not None:
            return _begun(study, trial_id, sampler_of)
        elsewhere = _running(study)
        if not _has_heartbeat(study):
            # Who has not put a name to its trial has either just taken it, or left it to the next ``heal``.
            elsewhere = [t for t in elsewhere if WORKER in t.user_attrs]
        if not elsewhere:
            return None
        if not _take_back(study, elsewhere):
            time.sleep(POLL_SECONDS)


def ask(study: optuna.Study, trials: int | None, sampler_of: SamplerOf) -> Trial | None:
    """Return the next trial: one that was taken back, or a new one.

    Args:
        study: to take it from.
        trials: that are to be finished at the end; None when something else ends the search.
        sampler_of: makes the sampler of a trial.

    Returns:
        None when a trial that was lost, or that runs elsewhere, must be waited for: ask again.
    """
    if trials is not None and _has_heartbeat(study) and len(finished(study)) + len(_running(study)) >= trials:
        heal(study)
        time.sleep(POLL_SECONDS)
        return None
    trial_id = _pop(study)
    if trial_id is None:
        storage: Any = study._storage
        trial_id = storage.create_new_trial(study._study_id)
        if _has_heartbeat(study):
            storage.record_heartbeat(trial_id)
    return _begun(study, trial_id, sampler_of)


def _begun(study: optuna.Study, trial_id: int, sampler_of: SamplerOf) -> Trial:
    from optuna.trial import Trial

    study._thread_local.cached_all_trials = None
    study.sampler = _with_space(sampler_of(study._storage.get_trial_number_from_id(trial_id)), study.sampler)
    return Trial(study, trial_id)


def _with_space(sampler: BaseSampler, last: BaseSampler) -> BaseSampler:
    """A sampler that knows the parameters common to past trials as the last one did: else it reads all trials again."""
    from optuna.search_space import IntersectionSearchSpace

    for name, value in vars(last).items():
        if isinstance(value, IntersectionSearchSpace) and type(last) is type(sampler):
            setattr(sampler, name, value)
    return sampler


def put_back(study: optuna.Study, trial: Trial) -> None:
    """End a trial that could not be tried, and queue its parameters for a later one."""
    from optuna.trial import TrialState

    study._storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL)
    study.enqueue_trial(trial.params)


def is_given_up(study: optuna.Study, trial: Trial) -> bool:
    """Return whether other workers gave this one up for dead, e.g. because its machine was suspended."""
    return study._storage.get_trial(trial._trial_id).state.is_finished()


@contextmanager
def alive(study: optuna.Study, trial: Trial) -> Iterator[None]:
    """Send heartbeats for the trial's worker to the storage while the block runs."""
    if not _has_heartbeat(study):
        yield
        return
    storage: Any = study._storage

    def beat(ended: threading.Event) -> None:
        while True:
            storage.record_heartbeat(trial._trial_id)
            if ended.wait(HEARTBEAT_SECONDS):
                return

    with beside(beat):
        yield


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do something in a thread while the block runs: it is given the event that ends it."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _pop(study: optuna.Study) -> int | None:
    """Mark the next queued trial as running and return its id."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    storage: Any = study._storage
    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        if _has_heartbeat(study):
            # Before it runs: a trial that runs and never had a heartbeat would be waited for without end.
            storage.record_heartbeat(trial._trial_id)
        with suppress(UpdateFinishedTrialError):
            if storage.set_trial_state_values(trial._trial_id, state=TrialState.RUNNING):
                return trial._trial_id
    return None


def _running(study: optuna.Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def _take_back(study: optuna.Study, trials: Sequence[FrozenTrial]) -> int:
    """Requeue running trials whose process is dead. Returns how many."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    if _has_heartbeat(study):
        with _experimental():
            fail_stale_trials(study)
        return sum(study._storage.get_trial(t._trial_id).state is TrialState.FAIL for t in trials)
    n_trials = 0
    for trial in trials:
        if _is_alive(study, trial):
            continue
        with suppress(UpdateFinishedTrialError):  # another worker was first
            study._storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL)
            _retry(study, trial)
            n_trials += 1
    return n_trials


def _retry(study: optuna.Study, trial: FrozenTrial) -> None:
    """Requeue a lost trial; one that was lost twice is given up and replaced by a new one."""
    if study.user_attrs.get(LOSSES, {}).get(str(trial.number), 0) >= MOST_LOSSES:
        return
    if RETRY_OF not in trial.user_attrs:
        study.enqueue_trial(trial.params, user_attrs={RETRY_OF: trial.number})
    else:
        study.enqueue_trial({})


def _is_alive(study: optuna.Study, trial: FrozenTrial) -> bool:
    lock = _lock(study, trial.user_attrs.get(WORKER))
    if lock is None:
        return False
    return _is_held(lock)


def _is_held(lock: Path) -> bool:
    """Return whether a live process holds the lock; the lock of a dead one is removed."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            lock.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def _lock(study: optuna.Study, worker: str | None) -> Path | None:
    """Path of the lock file of a worker; None if the study is in a database."""
    from optuna.storages import JournalStorage

    if not isinstance(study._storage, JournalStorage) or worker is None:
        return None
    backend: Any = study._storage._backend
    return Path(backend._file_path).parent / WORKERS / f"{worker}.lock"


def _has_heartbeat(study: optuna.Study) -> bool:
    from optuna.storages._heartbeat import is_heartbeat_enabled

    return is_heartbeat_enabled(study._storage)


def _storage(folder: Path, url: str | None) -> Any:
    import optuna

    if url is None:
        from bakeoff.search.journal import CheckedJournal

        folder.mkdir(parents=True, exist_ok=True)
        # Absolute: the journal's lock is a link to this path, and whoever died holding it is told by the link's target.
        return optuna.storages.JournalStorage(CheckedJournal(str((folder / JOURNAL).absolute())))
    if url.startswith("postgresql://"):  # SQLAlchemy would look for the older driver
        url = url.replace("postgresql", "postgresql+psycopg", 1)
    masked = secrets.without_secrets(url)
    try:
        with _experimental():
            from bakeoff.search.database import PatientStorage

            return PatientStorage(
                url,
                heartbeat_interval=HEARTBEAT_SECONDS,
                grace_period=3 * HEARTBEAT_SECONDS,
                heartbeat_stale_trial_callback=_retry,
            )
    except ImportError:
        extra = ' Install it: pip install "bakeoff[postgres]"' if url.startswith("postgresql") else ""
        raise ConfigError(f"search.storage: the driver for {masked} is not installed.{extra}") from None
    except ValueError:  # its text quotes parts of a password
        raise ConfigError(
            f"search.storage: {masked} is no database URL. In a password, write @ as %40, : as %3A and / as %2F."
        ) from None
    except Exception as error:
        raise ConfigError(
            f"search.storage: {masked} cannot be used: {secrets.hide(str(error).splitlines()[0])}"
        ) from None


@contextmanager
def _experimental() -> Iterator[None]:
    """Suppress Optuna's warning that heartbeats are experimental."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
