"""Studies in a database that may be restarted in mid-search: requests are repeated until it answers again."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any

from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

PATIENCE_SECONDS = 180.0
PAUSE_SECONDS = 1.0
GONE = ("08", "57P")  # SQLSTATE classes: connection exceptions; shutdown, crash or start of the server
REQUESTS = (
    "create_new_trial",
    "get_all_trials",
    "get_n_trials",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_trial",
    "get_trial_id_from_study_id_trial_number",
    "record_heartbeat",
    "set_study_system_attr",
    "set_study_user_attr",
    "set_trial_intermediate_value",
    "set_trial_param",
    "set_trial_state_values",
    "set_trial_system_attr",
    "set_trial_user_attr",
    "_get_stale_trial_ids",
    "_get_trials",
)

log = logging.getLogger(__name__)


class PatientStorage(RDBStorage):
    """Optuna's database storage, which outlives a restart of the server of up to three minutes."""

    def __init__(self, url: str, **settings: Any) -> None:
        super().__init__(url, engine_kwargs={"pool_pre_ping": True}, **settings)
        for name in REQUESTS:
            if hasattr(self, name):
                setattr(self, name, _repeated(getattr(self, name)))


def _repeated(request: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(request)
    def call(*arguments: Any, **named: Any) -> Any:
        deadline, is_repeated = time.monotonic() + PATIENCE_SECONDS, False
        while True:
            try:
                return request(*arguments, **named)
            except UpdateFinishedTrialError:
                if is_repeated:  # the first request was carried out, and its answer was lost
                    return True
                raise
            except (DBAPIError, StorageInternalError) as error:
                if not _is_gone(error) or time.monotonic() > deadline:
                    raise
                if not is_repeated:
                    log.warning("the database of the study does not answer, and is waited for: %s", error)
                is_repeated = True
                time.sleep(PAUSE_SECONDS)

    return call


def _is_gone(error: BaseException | None) -> bool:
    """Return whether an error says that there is no connection to the server."""
    if isinstance(error, StorageInternalError):
        return _is_gone(error.__cause__)
    if not isinstance(error, OperationalError | InterfaceError):
        return isinstance(error, DBAPIError) and error.connection_invalidated
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or str(state).startswith(GONE)
