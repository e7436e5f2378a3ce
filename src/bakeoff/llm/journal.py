"""Journal of a run's replies, so that an interrupted run goes on without sending an answered request again.

It is independent of ``llm.cache``: the cache shares replies among runs, the journal belongs to one run and is removed
when that ends. A reply taken over from it was paid for by the same run, so it counts as sent, not as replayed.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bakeoff import secrets
from bakeoff.llm.base import Completion
from bakeoff.llm.cache import completion_from_json

_current: Journal | None = None


@dataclass
class Earlier:
    """Outcome of a request in earlier parts of the run.

    Attributes:
        replies: completions with a reply, usable or not, in the order in which they came.
        lost: completions without one; tokens and price are of unusable replies on the way.
        troubles: failed attempts by kind.
        served: the model that gave the replies (see ``bakeoff.llm.served``); empty if the server did not tell.
    """

    replies: list[Completion] = field(default_factory=list)
    lost: list[Completion] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    served: str = ""

    @property
    def ended(self) -> list[Completion]:
        """All completions."""
        return [*self.lost, *self.replies]

    @property
    def calls(self) -> int:
        """Number of requests sent, retries included."""
        return sum(completion.tries for completion in self.ended)


class Journal:
    """Replies of one run, by request key. Safe for threads.

    Args:
        file: JSON lines, one a request that ended; created with the first. The last line may be torn.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.taken_over = 0
        self.discarded = 0
        self._lock = threading.Lock()
        self._earlier = _read(file)

    def take(self, keys: Iterable[str]) -> dict[str, Earlier]:
        """Return what earlier parts of the run got for requests: for each at most one reply, and each reply once."""
        taken = {}
        with self._lock:
            for key in keys:
                earlier = self._earlier.pop(key, None)
                if earlier is None:
                    continue
                if len(earlier.replies) > 1:
                    self._earlier[key] = Earlier(earlier.replies[1:], served=earlier.served)
                taken[key] = replace(earlier, replies=earlier.replies[:1])
                self.taken_over += len(taken[key].replies)
        return taken

    def discard(self, earlier: Earlier) -> Earlier:
        """Count taken replies as lost, because another model gave them: they were paid for, and are asked again."""
        with self._lock:
            self.taken_over -= len(earlier.replies)
            self.discarded += len(earlier.replies)
        return replace(earlier, lost=earlier.ended, replies=[])

    def put(self, key: str, completion: Completion, troubles: Mapping[str, int], served: str = "") -> None:
        """Append how a request ended, with the failed attempts on the way and the model that answered."""
        entry = {
            "key": key,
            "completion": asdict(completion) | {"error": _hidden(completion.error)},
            "troubles": dict(troubles),
            "served": served,
        }
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        # Opened each time: requests in flight may end after an interrupt has closed all else.
        with self._lock, self.file.open("ab") as file:
            file.write(line.encode())

    def remove(self) -> None:
        """Delete the file: the run has ended."""
        self.file.unlink(missing_ok=True)


def _hidden(message: str | None) -> str | None:
    return None if message is None else secrets.hide(message)


def _read(file: Path) -> dict[str, Earlier]:
    found: dict[str, Earlier] = {}
    if not file.is_file():
        return found
    content = file.read_bytes()
    if content and not content.endswith(b"\n"):  # a process was killed in the middle of a write
        with file.open("ab") as torn:
            torn.write(b"\n")
    for line in content.splitlines():
        try:
            entry = json.loads(line)
            key, completion = str(entry["key"]), completion_from_json(entry["completion"])
            troubles = Counter[str](entry["troubles"])
        except (ValueError, TypeError, KeyError):  # torn, or of another version: asked again
            continue
        earlier = found.setdefault(key, Earlier())
        earlier.troubles += troubles
        if completion.status in ("ok", "invalid"):
            earlier.replies.append(replace(completion, is_taken_over=True))
            earlier.served = str(entry.get("served", ""))
        else:
            earlier.lost.append(completion)
    return found


@contextmanager
def kept_in(file: Path) -> Iterator[Journal]:
    """Journal the replies to all models of this process within this block."""
    global _current
    before, _current = _current, Journal(file)
    try:
        yield _current
    finally:
        _current = before


def current() -> Journal | None:
    """The journal of the run at work; None outside a run."""
    return _current
