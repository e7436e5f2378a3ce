"""What must hold of every split, whatever the rows."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.data.settings import SplitSettings
from bakeoff.data.splits import INDEPENDENT, Repeats, Split, Traits, split
from bakeoff.errors import ConfigError, DataError

Array = NDArray[np.int64]
TOGETHER, APART = Repeats(stay_together=True), Repeats(stay_together=True, leave_development=True)
few = settings(max_examples=60, deadline=None)


def arrays(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, most), min_size=3, max_size=60)


def attempt(traits: Traits, kind: str, seed: int = 0, repeats: Repeats = INDEPENDENT) -> Split | None:
    """The split, or None where it is refused because a part would be empty or a class could not be learned."""
    try:
        return split(traits, SplitSettings(kind=kind, seed=seed), repeats)
    except DataError:
        return None


def part_of(made: Split, n: int) -> Array:
    parts = np.full(n, -1)
    for number, rows in enumerate((made.train, made.valid, made.test)):
        assert (parts[rows] == -1).all(), "parts are disjoint"
        parts[rows] = number
    return parts


def assert_together(parts: Array, values: Array) -> None:
    for value in np.unique(values):
        assert len(set(parts[(values == value) & (parts >= 0)])) <= 1, f"{value} straddles the split"


@few
@given(content=arrays(25), labels=st.data(), kind=st.sampled_from(["random", "stratified"]), seed=st.integers(0, 99))
def test_equal_inputs_that_stay_together_never_straddle_the_split(
    content: list[int], labels: st.DataObject, kind: str, seed: int
) -> None:
    n = len(content)
    y = np.array(labels.draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n)), dtype=object)
    made = attempt(Traits(np.array(content), y), kind, seed, TOGETHER)
    if made is not None:
        parts = part_of(made, n)
        assert (parts >= 0).all(), "no row is lost"
        assert_together(parts, np.array(content))


@few
@given(
    rows=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=3, max_size=60), seed=st.integers(0, 9)
)
def test_groups_and_what_is_linked_to_them_never_straddle_the_split(rows: list[tuple[int, int]], seed: int) -> None:
    content, group = (np.array(values) for values in zip(*rows, strict=True))
    made = attempt(Traits(content, group=group), "group", seed, TOGETHER)
    if made is not None:
        parts = part_of(made, len(rows))
        assert (parts >= 0).all()
        assert_together(parts, content)
        assert_together(parts, group)


@few
@given(rows=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 15)), min_size=3, max_size=60))
def test_time_splits_test_on_the_latest_rows_and_lose_none(rows: list[tuple[int, int]]) -> None:
    content, time = (np.array(values) for values in zip(*rows, strict=True))
    made = attempt(Traits(content, time=time), "time")
    if made is not None:
        parts = part_of(made, len(rows))
        assert time[made.train].max() < time[made.valid].min()
        assert time[made.valid].max() < time[made.test].min()
        assert (parts >= 0).all(), "a profile that occurs again is no reason to lose a row"


@few
@given(rows=st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=4, max_size=60), seed=st.integers(0, 9))
def test_given_test_rows_stay_the_test_and_leak_nothing(rows: list[tuple[int, bool]], seed: int) -> None:
    content, is_test = (np.array(values) for values in zip(*rows, strict=True))
    for repeats in (INDEPENDENT, TOGETHER, APART):
        made = attempt(Traits(content, is_test=is_test), "auto", seed, repeats)
        if made is not None:
            parts = part_of(made, len(rows))
            assert made.kind == "given"
            np.testing.assert_array_equal(made.test, np.flatnonzero(is_test))
            if repeats.stay_together:
                assert_together(parts[~is_test], content[~is_test])
            if repeats.leave_development:
                assert_together(parts, content)
            assert bool((parts < 0).any()) == any("were left out" in note.text for note in made.notes)
            assert (parts >= 0).all() or repeats.leave_development


@pytest.mark.parametrize("kind", ["random", "stratified", "group", "time"])
def test_the_same_seed_makes_the_same_split(kind: str) -> None:
    rng = np.random.default_rng(1)
    content = np.concatenate([np.arange(490), np.arange(10)])
    traits = Traits(content, rng.choice(["a", "b"], 500).astype(object), np.arange(500) // 4, np.arange(500))
    one, two, other = (split(traits, SplitSettings(kind=kind, seed=seed)) for seed in (3, 3, 4))
    for part in ("train", "valid", "test"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
    assert (kind == "time") == np.array_equal(one.test, other.test)


def test_groups_split_alike_however_many_rows_are_equal() -> None:
    group = np.arange(300) // 10
    plain = split(Traits(np.arange(300), group=group), SplitSettings())
    equal = split(Traits(np.arange(300) % 4, group=group), SplitSettings())
    for part in ("train", "valid", "test"):
        np.testing.assert_array_equal(getattr(plain, part), getattr(equal, part))


def test_stratification_follows_all_labels_of_equal_rows() -> None:
    rng = np.random.default_rng(0)
    content = np.repeat(np.arange(150), 20)
    y = np.where(rng.random(3000) < rng.random(150)[content], "yes", "no").astype(object)
    y[np.arange(0, 3000, 20)] = "no"  # the first row of each profile says nothing about the others
    made = split(Traits(content, y), SplitSettings(), TOGETHER)
    assert_together(part_of(made, 3000), content)
    for rows, n in ((made.train, 1920), (made.valid, 480), (made.test, 600)):
        assert len(rows) == pytest.approx(n, abs=20)
        assert (y[rows] == "yes").mean() == pytest.approx((y == "yes").mean(), abs=0.02)


def test_rows_of_few_profiles_are_split_like_any_others() -> None:
    y = np.array(["yes", "no", "no"] * 400, dtype=object)
    few, many = (split(Traits(content, y), SplitSettings()) for content in (np.arange(1200) % 5, np.arange(1200)))
    np.testing.assert_array_equal(few.test, many.test)
    assert (y[few.test] == "yes").mean() == pytest.approx(1 / 3, abs=0.005)


@pytest.mark.parametrize("make", [lambda n: np.arange(n), lambda n: np.arange(n) // 3], ids=["unique", "thrice"])
def test_shares_are_met(make: Callable[[int], Array]) -> None:
    made = split(Traits(make(3000)), SplitSettings(kind="random", test=0.3, valid=0.1), TOGETHER)
    assert len(made.test) == pytest.approx(900, abs=3)
    assert len(made.valid) == pytest.approx(210, abs=3)


def test_stratified_parts_have_the_classes_in_proportion() -> None:
    y = np.array(["rare"] * 50 + ["common"] * 950, dtype=object)
    made = split(Traits(np.arange(1000), y), SplitSettings())
    assert made.kind == "stratified"
    for rows, n in ((made.train, 640), (made.valid, 160), (made.test, 200)):
        assert len(rows) == n
        assert (y[rows] == "rare").mean() == pytest.approx(0.05, abs=0.001)


def test_three_groups_of_any_size_give_three_parts() -> None:
    for sizes in ([10, 10, 10], [100, 1, 1], [1, 50, 60]):
        group = np.repeat([0, 1, 2], sizes)
        made = split(Traits(np.arange(len(group)), group=group), SplitSettings())
        assert made.kind == "group"
        assert {len(made.train), len(made.valid), len(made.test)} == set(sizes)


def test_parts_that_groups_keep_from_their_shares_are_said() -> None:
    group = np.repeat([0, 1, 2], 100)
    made = split(Traits(np.arange(300), group=group), SplitSettings(test=0.9))
    assert len(made.test) == 100
    assert "make 3 units, so the split gives" in str(made.notes[0])
    assert "33% for test, not 90%" in str(made.notes[0])
    assert not split(Traits(np.arange(300), group=np.arange(300) // 3), SplitSettings()).notes


def test_groups_that_equal_rows_link_into_one_are_refused_with_the_reason() -> None:
    with pytest.raises(DataError, match=r"nothing is left to validate on .* 3 groups share equal rows, which leaves 1"):
        split(Traits(np.array([0, 0, 1, 1]), group=np.array([7, 8, 8, 9])), SplitSettings(), TOGETHER)


def test_ties_in_time_go_together() -> None:
    time = np.repeat([1, 2, 3], [10, 2, 8])
    made = split(Traits(np.arange(20), time=time), SplitSettings())
    assert [set(time[rows]) for rows in (made.train, made.valid, made.test)] == [{1}, {2}, {3}]


def test_too_few_moments_to_cut_between_are_refused() -> None:
    with pytest.raises(DataError, match=r"data\.time: 2 distinct moments cannot be cut into 3 parts"):
        split(Traits(np.arange(20), time=np.repeat([1, 2], 10)), SplitSettings())


def test_given_rows_can_be_validated_in_time() -> None:
    is_test = np.arange(30) >= 20
    made = split(Traits(np.arange(30), time=np.arange(30)[::-1], is_test=is_test), SplitSettings(kind="time"))
    assert made.kind == "given"
    assert set(made.valid) == {0, 1, 2, 3}


def test_groups_shared_with_given_test_rows_are_noted() -> None:
    group = np.array([0, 1, 2, 3, 4, 4])
    made = split(Traits(np.arange(6), group=group, is_test=np.arange(6) == 5), SplitSettings())
    assert any("1 groups occur in the given test rows" in note.text for note in made.notes)


def test_a_class_that_only_the_given_test_rows_have_is_refused() -> None:
    y = np.array(["a", "b"] * 10 + ["c", "c"], dtype=object)
    with pytest.raises(DataError, match=r'class "c" has 2 rows, none to learn from'):
        split(Traits(np.arange(22), y, is_test=np.arange(22) >= 18), SplitSettings())


def test_a_class_that_the_given_test_rows_spell_otherwise_is_refused_with_the_nearest() -> None:
    y = np.array(["Yes", "No"] * 10 + ["yes", "yes"], dtype=object)
    with pytest.raises(DataError, match=r'Classes to learn from: No, Yes\. Did you mean "Yes"\?'):
        split(Traits(np.arange(22), y, is_test=np.arange(22) >= 18), SplitSettings())


def test_a_time_split_far_from_its_shares_is_noted() -> None:
    time = np.repeat([1, 2, 3, 4], [20, 250, 20, 10])
    made = split(Traits(np.arange(300), time=time), SplitSettings(kind="time"))
    assert len(made.test) == 10
    assert ["3% for test, not 20%" in note.text for note in made.notes] == [True]


def test_few_rows_of_each_class_are_learnt_from_and_the_test_stays_the_same() -> None:
    labels = np.array(["a"] * 200 + ["b"] * 60 + ["c"] * 10, dtype=object)
    traits = Traits(np.arange(270), labels)
    whole = split(traits, SplitSettings())
    made = split(traits, SplitSettings(per_class=10))
    np.testing.assert_array_equal(made.test, whole.test)
    assert Counter(labels[made.train]) == {"a": 8, "b": 8, "c": 6}, "of c there are no more"
    assert Counter(labels[made.valid]) == {"a": 2, "b": 2, "c": 2}
    assert set(made.train) <= set(whole.train)
    assert "10 rows at most" in made.notes[-1].text
    with pytest.raises(ConfigError, match="per_class: the target holds values"):
        split(Traits(np.arange(270)), SplitSettings(per_class=10))
    with pytest.raises(ConfigError, match="per_class: 1 is too few"):
        SplitSettings(per_class=1)


def test_every_row_may_be_a_test_row_where_nothing_need_be_learnt() -> None:
    traits = Traits(np.arange(9), time=np.arange(9)[::-1])
    for kind in ("random", "time"):
        made = split(traits, SplitSettings(kind=kind, test=1.0), may_be_empty=True)
        assert (len(made.train), len(made.valid), sorted(made.test)) == (0, 0, list(range(9)))
    with pytest.raises(ConfigError, match=r"data\.split\.test: 1 leaves no row to learn from.*less than 1"):
        split(traits, SplitSettings(test=1.0))
