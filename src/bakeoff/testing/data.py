"""The contract of data: a source of rows, and the config that says what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bakeoff import data
from bakeoff.config import components
from bakeoff.request.spec import Request
from bakeoff.task import Task
from bakeoff.tasks import kinds
from bakeoff.testing.contract import Contract, composed, documented


def check_data(option: str, overrides: Sequence[str] = ()) -> list[str]:
    """Check data of the group ``data``: load them twice, and look at the task.

    Args:
        option: its name.
        overrides: of the config, as on the command line, such as ``data.path=my.csv``.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(f"data={option}")
    with contract.holds("it composes"):
        request = Request.from_config(composed("model=constant", f"data={option}", *overrides), Path("x"))
        settings = request.data
    with contract.holds("class and config say what they are"):
        documented(request.source.to_config(), "data")
        assert settings.licence, "data.licence does not say under which licence the rows are"
    with contract.holds("it loads"):
        task = _loaded(request)
    with contract.holds("there are rows to learn from and to be tested on"):
        assert len(task.test), "there are no test rows"
        assert len(task.development.examples) or not kinds.get(task.schema.kind).needs_training_rows, (
            "there is nothing to learn from"
        )
    with contract.holds("each row has an id of its own"):
        ids = pd.Series([*task.development.examples.ids, *task.test.ids])
        assert ids.is_unique, f"{ids[ids.duplicated()].iloc[0]} names two rows"
    with contract.holds("its targets survive to be written and read"):
        kind = kinds.get(task.schema.kind)
        read = kind.read_targets(pd.Series(kind.write_targets(task.test.y)))
        assert all(np.all(a == b) for a, b in zip(read, task.test.y, strict=True)), "they differ"
    with contract.holds("the same config gives the same task"):
        assert _loaded(request).fingerprint == task.fingerprint, "its fingerprint differs"
    return contract.held


def _loaded(request: Request) -> Task:
    return data.load(components.instantiate(request.source, "data", "data"), request.data)
