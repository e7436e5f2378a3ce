"""Failed requests: how long to wait, when one ends all others, and whether it is the fault of the server or its own."""

from __future__ import annotations

import random

from bakeoff.errors import Unavailable
from bakeoff.llm.base import Completion
from bakeoff.llm.replies import FILTERED_REASON, TOO_LONG_REASON, Trouble
from bakeoff.llm.server import ServerState

FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.5, 30.0
PATIENCE = 8
"""Requests in a row that fail after all retries. Others are then tried once each, until the server answers again."""
ALIKE = 4
"""Number of first requests with the same unretryable error after which no more are sent."""
OF_ONE_REQUEST = "error: HTTP 500"
"""Reason that is more often a request's own fault than that of a server that is down, until several follow."""
DOWN = ("server_error", "timeout", "connection")
"""Kinds of trouble by which a server that is down shows, and one that cannot serve a single request, too."""


def is_beyond_patience(server: ServerState, trouble: Trouble, patience_seconds: float) -> bool:
    """Check whether the server asks for too long a wait; if so, no more requests are sent."""
    wait = trouble.wait_seconds
    if wait is None or wait <= patience_seconds:
        return False
    limit = f"llm.patience_seconds={patience_seconds:g}"
    server.over = f"rate_limit: reached: the server asks to wait {wait:,.0f} s, more than {limit}"
    if not server.is_reached.is_set() and not server.has_earlier_answers:
        server.hopeless = Unavailable(f"llm: {trouble}. The server asks to wait {wait:,.0f} s, more than {limit}.")
    return True


def is_in_vain(server: ServerState, trouble: Trouble, remedy: str) -> bool:
    """Check whether the first requests all failed with the same unretryable error; if so, no more are sent."""
    is_of_row = trouble.reason.startswith("filtered") or not (trouble.kind == "malformed" or trouble.is_final)
    if server.is_reached.is_set() or is_of_row:
        return False
    server.alike[trouble.reason] += 1
    if server.alike[trouble.reason] < ALIKE:
        return False
    server.hopeless = Unavailable(f"llm: {trouble}. The first {ALIKE} requests failed alike. {remedy}")
    return True


def give_up(server: ServerState, trouble: Trouble, tries: int, is_alone: bool, remedy: str) -> Completion:
    """Completion of a request that failed for good; if no other request can succeed, it ends them all.

    Args:
        server: its state, updated.
        trouble: of the last attempt.
        tries: number of attempts.
        is_alone: whether the fault is the request's own: the server answered others meanwhile, or an earlier part
            of the run lost it, too. Otherwise the server may be down, and the request can be answered later.
    """
    server.lost_in_a_row += not trouble.is_final
    is_of_row = trouble.reason in (TOO_LONG_REASON, FILTERED_REASON)
    server.refused_in_a_row += trouble.is_final and not is_of_row
    is_first = not server.is_reached.is_set() and not server.has_earlier_answers
    reason = trouble.reason
    if not is_alone and trouble.kind in DOWN and reason.startswith("error: ") and reason != OF_ONE_REQUEST:
        reason = f"server: fails with {reason.removeprefix('error: ').strip('()')}"
    elif trouble.is_for_all and not is_first and reason.startswith("error: "):  # as when it unloads the model
        reason = f"server: refuses ({reason.removeprefix('error: ')})"
    if trouble.is_for_all and reason.startswith("account"):
        server.account.closed = server.account.closed or reason
    if is_first and (trouble.is_for_all or trouble.kind == "connection"):
        server.hopeless = server.hopeless or Unavailable(f"llm: {trouble}. {remedy}")
    elif trouble.is_for_all:
        server.over = server.over or reason
    if server.lost_in_a_row > PATIENCE and reason.startswith("error"):
        reason = "server: fails again and again"
    if server.lost_in_a_row >= 2 * PATIENCE:
        server.over = server.over or "server: fails again and again"
    if server.refused_in_a_row > PATIENCE and server.is_reached.is_set() and reason.startswith("error"):
        reason = "server: refuses one request after another"
    if server.refused_in_a_row >= 2 * PATIENCE:
        server.over = server.over or reason
    if (server.over or "").startswith("rate_limit") and trouble.kind == "rate_limited":
        reason = str(server.over)
    return Completion("failed", error=str(trouble), reason=reason, tries=tries)


def pause(tries: int) -> float:
    """Seconds before the next try: doubled each time, with jitter, so that workers do not come back together."""
    return min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)
