"""Dealing of rows to the parts of a split, so that each part comes near its share of each stratum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TRAIN, VALID, TEST, SEALED = 0, 1, 2, 3
# When two parts are equally far from their share, the more important one gets the next row.
PRECEDENCE = (TRAIN, TEST, VALID, SEALED)


def by_share(
    units: NDArray[np.intp], strata: NDArray[Any] | None, shares: dict[int, float], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Deal whole units to the parts so that each part comes near its share, of each stratum where there are any.

    Units of several rows are dealt first, the largest before the others, each to the part that has least of its share
    of the strata that the unit brings. Single rows then fill the parts up, stratum by stratum.

    Args:
        units: what stays together, numbered from 0 without gaps, shape (n,).
        strata: of the rows, shape (n,); that of a unit is the one of its first row.
        shares: share of each part, adding up to 1.
        rng: source of randomness.
    """
    sizes = np.bincount(units)
    label = np.zeros(len(units), dtype=np.intp) if strata is None else pd.factorize(strata)[0]
    # Strata are processed in order of first appearance, so that a seed keeps its split.
    stratum = label if len(sizes) == len(units) else label[_first_rows(units, len(sizes))]
    strata = pd.unique(stratum)
    shuffled = [rng.permutation(np.flatnonzero(stratum == s)) for s in strata]
    part = np.empty(len(sizes), dtype=np.int8)
    rows_by_class = np.bincount(label)
    counts = np.zeros((max(shares) + 1, len(rows_by_class)), dtype=np.intp)
    large = np.concatenate([members[sizes[members] > 1] for members in shuffled])
    if len(large):
        _deal_large(large[np.argsort(-sizes[large], kind="stable")], units, label, shares, counts, part)
    for s, members in zip(strata, shuffled, strict=True):
        single = members[sizes[members] == 1]
        part[single] = _deal_single(len(single), int(rows_by_class[s]), counts[:, s], shares)
    return part[units]


def _first_rows(units: NDArray[np.intp], n_units: int) -> NDArray[np.intp]:
    """Position of the first row of each unit."""
    first = np.empty(n_units, dtype=np.intp)
    first[units[::-1]] = np.arange(len(units))[::-1]
    return first


def _deal_large(
    large: NDArray[np.intp],
    units: NDArray[np.intp],
    label: NDArray[np.intp],
    shares: dict[int, float],
    in_part: NDArray[np.intp],
    part: NDArray[np.int8],
) -> None:
    """Give each unit of several rows its part, in the given order.

    Args:
        large: the units, shape (m,).
        units: of each row, shape (n,).
        label: of each row, shape (n,).
        shares: share of each part.
        in_part: rows of each part and class so far, which this adds to.
        part: of each unit, which this sets.
    """
    parts = [p for p in PRECEDENCE if p in shares]
    rows_by_class = np.bincount(label, minlength=in_part.shape[1])
    order = np.argsort(units, kind="stable")
    begins = np.searchsorted(units[order], large)
    ends = np.searchsorted(units[order], large, side="right")
    for unit, begin, end in zip(large, begins, ends, strict=True):
        brought, counts = np.unique(label[order[begin:end]], return_counts=True)
        weights = counts / rows_by_class[brought]
        fullness = [float((weights * in_part[p, brought]).sum()) / shares[p] for p in parts]
        chosen = parts[int(np.argmin(fullness))]
        part[unit] = chosen
        in_part[chosen, brought] += counts


def _deal_single(n: int, rows: int, in_part: NDArray[np.intp], shares: dict[int, float]) -> NDArray[np.int8]:
    """The parts of n single rows of a class: each goes to the part that has least of its share so far.

    Args:
        n: single rows.
        rows: of the class in all.
        in_part: rows of the class in each part so far.
        shares: share of each part.
    """
    parts = [p for p in PRECEDENCE if p in shares]
    # The same rule for all single rows at once: a part gets its next row "at the time" held / share.
    enough = {p: max(int(in_part[p]), int(np.ceil(shares[p] * rows)) + 1) for p in parts}
    times = np.concatenate([np.arange(in_part[p], enough[p]) / shares[p] for p in parts])
    offered = np.repeat(np.array(parts, dtype=np.int8), [enough[p] - int(in_part[p]) for p in parts])
    return offered[np.argsort(times, kind="stable")[:n]]
