"""Gain of the winner, corrected for choosing the best of several challengers on the rows that it is judged by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.panels import Panel
from bakeoff.compare.statistics import count_rows
from bakeoff.metrics import Metric

RESAMPLES = 200
"""Resamples of the tournament: the mean over them is steady to about a tenth of the standard error of a gain."""


def corrected_gain(metric: Metric, panel: Panel, challengers: list[str], seed: int = 0) -> float | None:
    """Mean gain of the best challenger of a resample on the rows that the resample left out.

    The best of several equally good challengers looks better than it is, by the luck of these test rows. In each
    bootstrap resample the best challenger is chosen on the rows drawn, and its gain measured on the others (bootstrap
    bias correction: Tsamardinos, Greasidou & Borboudakis 2018).

    Args:
        metric: the decision metric.
        panel: challengers on the same rows as the incumbent.
        challengers: names of those among which the best was chosen.
        seed: seed of the resamples.

    Returns:
        The gain, positive for better; None with fewer than two challengers, or where the rows left out do not define
        the metric.
    """
    rivals = [name for name in challengers if panel.has(name, metric.name)]
    if len(rivals) < 2:
        return None
    drawn = count_rows(panel.units, range(RESAMPLES), seed).T.astype(np.float32)
    left_out = (drawn == 0).astype(np.float32)
    sign = 1 if metric.direction == "maximize" else -1
    old = panel.tables[panel.incumbent]

    def gain(name: str, counts: NDArray[np.float32]) -> NDArray[np.float64]:
        return sign * (metric.resample(panel.tables[name], counts) - metric.resample(old, counts))

    inside, outside = (np.stack([gain(name, counts) for name in rivals]) for counts in (drawn, left_out))
    known = ~np.isnan(inside).any(axis=0)
    if not known.any():
        return None
    best = inside[:, known].argmax(axis=0)
    of_best = outside[:, known][best, np.arange(len(best))]
    return float(np.nanmean(of_best)) if np.isfinite(of_best).any() else None
