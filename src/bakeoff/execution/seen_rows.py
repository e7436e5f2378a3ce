"""Scores of a model on rows that it was fitted to, for comparison with those on test rows.

Predicted last of all, when nothing is timed, priced or fitted any more.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np

from bakeoff import metrics
from bakeoff.metrics.base import LEAST_ROWS
from bakeoff.models.base import Model
from bakeoff.predictions import Predictions
from bakeoff.task import Development, PredictionTable
from bakeoff.tasks import kinds

log = logging.getLogger(__name__)

FAMILIES = frozenset({"rules", "classical", "boosting", "deep"})
"""Families of models that send no request, and whose predictions of training rows are not those rows themselves."""

KINDS = frozenset({"classification", "regression"})
MOST_ROWS, MOST_SECONDS = 500, 5.0
"""Training rows that are predicted, and seconds that this may take, as the test rows took them."""


def scores(
    model: Model, family: str, development: Development, tested: Predictions, seconds: float
) -> dict[str, Any] | None:
    """Score a sample of the training rows, the same for all variants.

    Args:
        model: fitted to these rows.
        family: of the model.
        development: rows that it was fitted to.
        tested: its predictions of the test rows.
        seconds: that they took.

    Returns:
        ``rows``, their number, and ``metrics``: name → value, of metrics that may decide. None where predictions may
        cost something, or take longer than ``MOST_SECONDS``, or fail.
    """
    schema, n = development.schema, min(MOST_ROWS, development.n_train)
    is_free = family in FAMILIES and tested.seconds is None and not tested.usage.asked_any
    if not is_free or schema.kind not in KINDS or n < LEAST_ROWS or seconds * n > MOST_SECONDS * len(tested):
        return None
    rows = np.sort(np.random.default_rng(0).permutation(development.n_train)[:n])
    seen = development.train.take(rows)
    try:
        predictions = model.predict(seen.X)
        kinds.get(schema.kind).check_predictions(predictions, schema, n)
    except Exception:  # a model of anybody's, and the run is complete without this
        log.warning("training rows could not be predicted", exc_info=True)
        return None
    table = PredictionTable(schema, seen.ids, seen.y, predictions, np.full(n, math.nan), seen.slices)
    values = {
        m.name: m.value(table)
        for m in metrics.applicable(schema)
        if m.can_decide and set(m.needs) <= {"proba"} and metrics.applies_to(m, table)
        if m.evidence(table) >= LEAST_ROWS
    }
    return {"rows": n, "metrics": {name: value for name, value in values.items() if math.isfinite(value)}}
