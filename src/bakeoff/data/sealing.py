"""Sealing of a part of the test rows, which no run predicts: ``bakeoff confirm`` opens it once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dealing import SEALED, TEST, by_share
from bakeoff.data.splits import Split, Traits
from bakeoff.errors import DataError
from bakeoff.task import DataNote, NoteRank

Positions = NDArray[np.intp]

KEY = "data.split.sealed"
LEAST_ROWS = 20
"""Sealed rows below which they allow no verdict."""


@dataclass(frozen=True)
class Parted:
    """Positions of the test rows that runs predict, and of those that stay sealed; both in the order of the split."""

    test: Positions
    sealed: Positions


def parted(split: Split, traits: Traits, share: float, seed: int) -> Parted:
    """Seal a share of the test rows: the last ones where rows are ordered by time, else by chance.

    Rows that stay together in the split stay together here, and classes keep their shares. Rows of one moment are not
    parted either.

    Args:
        split: of all rows.
        traits: of all rows.
        share: of the test rows.
        seed: of the split.

    Raises:
        DataError: nothing would be sealed, or nothing would be left to test on.
    """
    if not share:
        return Parted(split.test, np.empty(0, dtype=np.intp))
    if split.is_ordered and traits.time is not None:
        is_sealed = _last(traits.time[split.test], share)
    else:
        units = np.unique(split.units[split.test], return_inverse=True)[1].astype(np.intp)
        strata = traits.labels if traits.strata is None else traits.strata
        # A stream of chance of its own, so that sealing leaves the split as it is.
        random = np.random.default_rng((seed, SEALED))
        of_rows = None if strata is None else strata[split.test]
        is_sealed = by_share(units, of_rows, {TEST: 1 - share, SEALED: share}, random) == SEALED
    if is_sealed.all() or not is_sealed.any():
        raise DataError(
            f"{KEY}: {share:g} of {len(is_sealed):,} test rows leaves {'no test row' if is_sealed.all() else 'none'}, "
            "because some must stay together. Choose another share, or bring more rows."
        )
    return Parted(split.test[~is_sealed], split.test[is_sealed])


def _last(time: NDArray[np.generic], share: float) -> NDArray[np.bool_]:
    """Whether each row is among the last, by whole moments nearest to the share, shape (n,)."""
    moments, place, counts = np.unique(time, return_inverse=True, return_counts=True)
    later = counts[::-1].cumsum()[::-1]  # rows from each moment on
    first = int(np.argmin(np.abs(later - share * len(time))))
    return np.asarray(place >= (first if later[first] < len(time) or len(moments) == 1 else first + 1))


def note(test: int, sealed: int) -> DataNote:
    """Note on the sealed rows."""
    text = (
        f"{sealed:,} of {test + sealed:,} test rows are sealed: nothing predicts them until bakeoff confirm opens them."
    )
    if sealed < LEAST_ROWS:
        text += f" A verdict on them needs at least {LEAST_ROWS}."
    return DataNote(text, KEY, NoteRank.ROWS)
