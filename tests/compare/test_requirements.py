"""Requirements of a gate: each holds or not for a known reason, and a wrong one is refused."""

from __future__ import annotations

import pytest

from bakeoff.compare.comparison import Comparison, Variant
from bakeoff.compare.requirements import check
from bakeoff.errors import ConfigError
from bakeoff.record import Score

COMPARISON = Comparison(
    "mails", "f1", "maximize", 0.01, 0.95, 0.95, 500, "rules", "ship", "boost-depth=6", "because",
    (
        Variant("boost-depth=6", "boosting", "ok", {"f1": Score(0.9, 0.85, 0.95), "recall_at_5": Score(0.5)}),
        Variant("v1.2", "rules", "ok", {"f1": Score(float("nan"))}),
        Variant("llm", "llm", "failed", {}, "no key"),
    ),
    (),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("verdict == ship", True),
        ("verdict == keep or ship", True),
        ("verdict != ship", False),
        ("winner == 'boost-depth=6'", True),
        ("winner == boost-depth=6 or llm", True),
        ("winner == none", False),
        ("boost-depth=6.f1 >= 0.9", True),
        ("boost-depth=6.f1>0.9", False),
        ("boost-depth=6.f1.low >= 0.9", False),
        ("boost-depth=6.f1.high <= 0.95", True),
        ("boost-depth=6.recall_at_5 == 0.5", True),
        ("boost-depth=6.recall_at_5.low >= 0", False),  # there is no interval: nothing is shown to hold
        ("v1.2.f1 >= 0", False),
        ("v1.2.f1 != 0.5", False),  # an unknown value meets nothing
        ("llm.f1 >= 0.1", False),
        ("test_rows >= 500", True),
        ("findings == 0", True),
        ("test_rows >= 1e3", False),
    ],
)
def test_requirement_holds_or_not(text: str, holds: bool) -> None:
    assert check(text, COMPARISON).holds is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a name"),
        ("verdict = ship", "is not a name"),
        ("verdict", "is not a name"),
        ("verdict == shp", 'Did you mean "ship"'),
        ("verdict >= ship", "is a word"),
        ("winner == catboost", "never 'catboost'"),
        ("bost-depth=6.f1 >= 0.9", 'Did you mean "boost-depth=6"'),
        ("boost-depth=6.recall_at_1 >= 0.9", 'Did you mean "recall_at_5"'),
        ("boost-depth=6.f1 >= high", "not a number"),
        ("boost-depth=6.f1 >= nan", "not a finite number"),
        ("__import__('os').system('x') == 1", "neither"),
        ("verdict == ship and winner == llm", "never"),
    ],
)
def test_wrong_requirement_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(text, COMPARISON)
