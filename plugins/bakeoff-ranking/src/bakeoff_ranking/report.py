"""Report section on rankings, besides the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bakeoff.extend import Comparison, Run, read_predictions, section
from bakeoff_ranking.judging import is_ranking, ndcg, pairs


@section("list_order", "The order of the lists", applies=is_ranking)
def order_of_lists(comparison: Comparison, runs: Sequence[Run]) -> list[str]:
    """Describe for each variant how many lists are in the right order, and the worst one."""
    told = []
    width = max(len(run.variant) for run in runs)
    for run in runs:
        table = read_predictions(run)
        right, gain = pairs(table), ndcg(table)
        if np.isnan(gain).all():
            continue
        worst = int(np.nanargmin(gain))
        told.append(
            f"{run.variant:<{width}}  {np.sum(right == 1):,} of {len(table):,} lists in the right order; "
            f"most wrong: {table.ids[worst]} (nDCG {gain[worst]:.2f}, {len(table.target[worst])} items)"
        )
    return told
