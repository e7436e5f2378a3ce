"""Language models that send their requests through one session, whatever is at its other end."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any

from bakeoff.llm.session import Session
from bakeoff.llm.usage import RequestCounts


@dataclass(frozen=True)
class WithSession(ABC):
    """A language model with one session, opened for its first request and kept in this process."""

    _usage: RequestCounts = field(default_factory=RequestCounts, init=False, repr=False, compare=False)
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as constructor parameters: a session and its lock stay in this process."""
        return type(self), tuple(getattr(self, f.name) for f in fields(self) if f.init)

    @abstractmethod
    def _new_session(self) -> Session:
        """Open the session."""

    def _session(self) -> Session:
        with self._lock:
            if "session" not in self._made:
                self._made["session"] = self._new_session()
            session: Session = self._made["session"]
            return session
