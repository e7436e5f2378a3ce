from __future__ import annotations

import json

import numpy as np

from bakeoff.extend import Decision, check, mean_of, metric, read_predictions, section


def is_counting(schema):
    return schema.kind == "counting"


def errors(table):
    answers = [json.loads(text) for text in table.predictions.output]
    return np.array(
        [sum(abs(a.get(k, 0) - t.get(k, 0)) for k in {*a, *t}) for a, t in zip(answers, table.target, strict=True)],
        dtype=float,
    )


@metric("count_error", "minimize", applies=is_counting, resample=mean_of(errors))
def count_error(table):
    """Mean over the rows of how many things were counted wrongly."""
    return float(errors(table).mean())


@section("missed", "Counted wrongly", applies=is_counting)
def missed(comparison, runs):
    """Number of rows that each variant counted wrongly."""
    tables = {run.variant: read_predictions(run) for run in runs}
    return [f"{name}: {int((errors(table) > 0).sum())} of {len(table)} rows" for name, table in tables.items()]


@check("few_baskets", "Are there enough baskets?", applies=is_counting)
def few_baskets(evidence):
    """Number of rows to count."""
    return [f"{len(table)} baskets are few." for table in list(evidence.tables.values())[:1]]


class ByTheBasket:
    """A cost model: each answer costs the same.

    Args:
        dollars_each: of one answer.
    """

    def __init__(self, dollars_each: float) -> None:
        self.each = dollars_each

    def dollars(self, table, spent):
        """The same for each row."""
        return np.full(len(table), self.each)


class ShipWhatIsNew:
    """A rule that ships any challenger that is better at all."""

    def decide(self, metric, incumbent, value, gains, margin, rows):
        """Ship the best, if its gain is above 0."""
        best = max(gains, key=lambda gain: gain.gain, default=None)
        if best is None or best.gain <= 0:
            return Decision("keep", incumbent, "nothing new is better.")
        return Decision("ship", best.variant, "it is new and better.")


class LastAreTest:
    """A splitter: of ten rows the last three are for the test."""

    def assign(self, frame, seed):
        """The part of each row."""
        return ["train" if i % 10 < 5 else "valid" if i % 10 < 7 else "test" for i in range(len(frame))]


def hello(arguments):
    """A verb: says how many baskets there are."""
    print(f"counting {' '.join(arguments)}")
    return 3 if "badly" in arguments else None
