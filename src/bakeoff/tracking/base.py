"""What a tracker is, and what is passed to the process that tracks. Nothing heavy: that process is to start at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from bakeoff.tracking.content import ToldComparison, ToldRun

Mode = Literal["online", "offline", "disabled"]


class Tracker(Protocol):
    """Tells a tool what was recorded. A component: a dataclass, whose arguments stand in ``conf/tracker``.

    Attributes:
        timeout: seconds after which the telling of one run is ended.
        wait: seconds that a command waits at its end for what is not told yet; None: the timeout when online, else 0.
        table_rows: how many predictions are told at most.
    """

    timeout: float
    wait: float | None
    table_rows: int

    def chosen_mode(self) -> Mode:
        """Whether it writes to this machine or to a server; ``disabled`` where the environment says so."""
        ...

    def prepare(self, mode: Mode) -> None:
        """Make ready a process that does nothing but track. What is not installed raises ``ImportError``."""
        ...

    def track_run(self, told: ToldRun, mode: Mode) -> Mapping[str, Any]:
        """Tell of a run; returns what ``tracking.json`` says of it."""
        ...

    def track_comparison(self, told: ToldComparison, mode: Mode) -> Mapping[str, Any]:
        """Tell of the comparison of a bake-off; returns what ``tracking.json`` says of it."""
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
