"""Units of resampling: which test rows are not independent of each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bakeoff.data import units
from bakeoff.task import Gold


def test_from_groups_rows_that_all_differ_name_no_units() -> None:
    assert units.from_groups(np.array(["a", "b", "c"])) is None
    assert units.from_groups(np.array(["a", "b", "a"])).tolist() == [0, 1, 0]  # type: ignore[union-attr]


def test_from_documents_questions_on_one_document_are_one_unit() -> None:
    gold = np.empty(4, dtype=object)
    gold[:] = [Gold(("x",), {"d1": 1, "d2": 3}), Gold(("y",), {"d2": 1}), Gold(), Gold()]
    codes = units.from_documents(gold)
    assert codes is not None and codes.tolist() == [0, 0, 1, 2], "questions without documents stand for themselves"


def test_from_origins_blocks_span_two_overlapping_horizons() -> None:
    codes = units.from_origins(np.arange(240), np.full(240, ""), horizon=12)
    assert codes is not None
    sizes = np.bincount(codes)
    assert sizes.min() >= 24 and len(sizes) == 10
    assert (np.diff(codes) >= 0).all(), "blocks are consecutive"


def test_from_origins_apart_are_blocks_of_the_square_root() -> None:
    for origins, length in ((400, 30), (56, 7)):
        codes = units.from_origins(np.arange(0, origins * 7, 7), np.full(origins, ""), horizon=7)
        assert codes is not None and int(np.bincount(codes)[0]) == length


def test_from_origins_series_of_one_moment_are_a_block_together() -> None:
    numbers, series = np.repeat(np.arange(50), 3), np.tile(np.array(["a", "b", "c"], dtype=object), 50)
    codes = units.from_origins(numbers, series, horizon=1)
    assert codes is not None
    assert pd.Series(codes).groupby(numbers).nunique().max() == 1


def test_from_origins_many_series_with_few_moments_are_units() -> None:
    numbers, series = np.repeat(np.arange(4), 30), np.tile(np.arange(30), 4)
    codes = units.from_origins(numbers, series, horizon=2)
    assert codes is not None and len(set(codes.tolist())) == 30
    assert pd.Series(codes).groupby(series).nunique().max() == 1


def test_from_moments_neighbouring_rows_are_blocks_in_any_order_of_the_file() -> None:
    moments = np.random.default_rng(0).permutation(np.repeat(np.arange(200), 2))
    codes = units.from_moments(moments)
    assert codes is not None and len(set(codes.tolist())) == 200 // 12
    assert pd.Series(codes).groupby(moments).nunique().max() == 1
    in_order = codes[np.argsort(moments, kind="stable")]
    assert np.count_nonzero(np.diff(in_order)) == 200 // 12 - 1, "blocks are consecutive"
    assert units.from_moments(np.arange(10)) is None


def test_from_moments_rows_of_a_few_years_are_no_blocks_and_a_note_says_so() -> None:
    assert units.from_moments(np.repeat(np.arange(7), 300)) is None
    (note,) = units.notes_on_moments(np.repeat(2024, 300))
    assert "300 test rows share one value of the time" in note.text and note.key == "data.time"
    assert units.notes_on_moments(np.arange(300)) == [] and units.notes_on_moments(np.arange(5)) == []
    codes = units.from_moments(np.repeat(np.arange(8), 40))
    assert codes is not None and len(set(codes.tolist())) == 8
