"""State of a server as seen by one run: whether it answers, and why no more requests are sent to it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bakeoff.errors import LLMError


@dataclass
class Account:
    """State of the account that pays for requests.

    Attributes:
        closed: reason why it pays for no more requests; None while it does.
    """

    closed: str | None = None


@dataclass
class ServerState:
    """State of one model on one server. Models of one run that differ in their prompts only share it.

    Attributes:
        account: that pays for the requests.
        is_reached: set once a request was answered.
        has_earlier_answers: whether an earlier part of the run was answered.
        answered: number of answered requests.
        lost_in_a_row: requests that failed for good since the last answer.
        refused_in_a_row: requests that were refused for good since the last answer.
        alike: first requests that failed, by reason.
        hopeless: error that says why no request can succeed.
        over: reason why no more requests are sent, though some were answered.
        identity: the model as the server reports it outside a completion; None if it does not, or was not asked.
        is_identified: whether the server was asked for it.
        is_probed: whether a cached request was sent again to see which model answers.
        served: the model of the latest completion (see ``bakeoff.llm.served``).
        answers_differently: whether it answers repeated requests otherwise than kept replies do, under the same name.
    """

    account: Account = field(default_factory=Account)
    is_reached: threading.Event = field(default_factory=threading.Event)
    has_earlier_answers: bool = False
    answered: int = 0
    lost_in_a_row: int = 0
    refused_in_a_row: int = 0
    alike: Counter[str] = field(default_factory=Counter)
    hopeless: LLMError | None = None
    over: str | None = None
    identity: str | None = None
    is_identified: bool = False
    is_probed: bool = False
    served: str | None = None
    answers_differently: bool = False

    @property
    def closed(self) -> str | None:
        """Reason why no more requests are sent; None if they are."""
        return self.over or self.account.closed

    @property
    def model(self) -> str | None:
        """The model that is served now, as far as it is known."""
        return self.identity or self.served

    def answer(self, served: str) -> None:
        """Count a request that was answered by the model ``served``."""
        self.served = served
        self.is_reached.set()
        self.lost_in_a_row = self.refused_in_a_row = 0
        self.answered += 1


_shared: tuple[dict[Hashable, Account], dict[Hashable, ServerState]] | None = None


@contextmanager
def shared_states() -> Iterator[None]:
    """Share the states of servers among the models of this process within this block."""
    global _shared
    before, _shared = _shared, ({}, {})
    try:
        yield
    finally:
        _shared = before


def state_of(server: Hashable, account: Hashable, model: Hashable) -> ServerState:
    """The state of a model on a server: shared within ``shared_states``, a new one elsewhere."""
    if _shared is None:
        return ServerState()
    accounts, states = _shared
    paying = accounts.setdefault((server, account), Account())
    return states.setdefault((server, account, model), ServerState(paying))
