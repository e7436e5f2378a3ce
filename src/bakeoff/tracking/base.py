"""Contract of a tracker, and the items passed to the tracking process. No heavy imports: it must start fast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from bakeoff.tracking.content import TrackedComparison, TrackedRun

Mode = Literal["online", "offline", "disabled"]


class Tracker(Protocol):
    """Reports recorded runs to a tool. A dataclass, whose arguments are in ``conf/tracker``.

    Attributes:
        timeout: time limit for tracking one run, in seconds.
        wait: seconds that a command waits at its end for tracking to finish; None: the timeout when online, else 0.
        table_rows: maximum number of predictions to track.
    """

    timeout: float
    wait: float | None
    table_rows: int

    def chosen_mode(self) -> Mode:
        """Return the mode: local files or a server; ``disabled`` if the environment says so."""
        ...

    def prepare(self, mode: Mode) -> None:
        """Prepare the tracking process. Raises ``ImportError`` if the tool is not installed."""
        ...

    def track_run(self, tracked: TrackedRun, mode: Mode) -> Mapping[str, Any]:
        """Track a run; returns the content of its ``tracking.json``."""
        ...

    def track_comparison(self, tracked: TrackedComparison, mode: Mode) -> Mapping[str, Any]:
        """Track the comparison of a bake-off; returns the content of its ``tracking.json``."""
        ...


@dataclass(frozen=True)
class Item:
    """One folder to be tracked: a run folder, or that of a bake-off for its comparison.

    Attributes:
        folder: absolute.
        tracker: the component config of the tracker.
        timeout: seconds after which the work is ended.
        wait: seconds that a command waits for it at its end.
    """

    folder: str
    tracker: Mapping[str, Any]
    timeout: float
    wait: float
    mode: Mode
    is_comparison: bool = False

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self)) + "\n"


def read(line: str) -> Item:
    """The item of a line."""
    return Item(**json.loads(line))
