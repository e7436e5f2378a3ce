"""The confidence from which to answer is the one that pays best on the questions it was learnt from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bakeoff.models.qa.abstention import best_threshold, calibrated
from bakeoff.task import Gold

LEVELS = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
WORTH = st.sampled_from([0.0, 0.25, 0.5, 1.0])
ANSWERS = st.lists(st.tuples(LEVELS, WORTH, WORTH), min_size=1, max_size=12)


def worth(threshold, answers):
    """What all answers are worth together, where those below the threshold are withheld."""
    return sum(answering if sure >= threshold else abstaining for sure, answering, abstaining in answers)


@given(ANSWERS)
@example([(0.0, 0.0, 0.25), (5e-324, 0.0, 0.0)])
def test_no_other_threshold_is_worth_more(answers):
    found = best_threshold(*(np.array(column, dtype=np.float64) for column in zip(*answers, strict=True)))
    every = [0.0, 2.0, *(sure for sure, _, _ in answers), *(np.nextafter(sure, 2) for sure, _, _ in answers)]
    assert worth(found, answers) == pytest.approx(max(worth(threshold, answers) for threshold in every))


@given(ANSWERS)
def test_of_thresholds_that_are_worth_the_same_the_lowest_answers_most(answers):
    found = best_threshold(*(np.array(column, dtype=np.float64) for column in zip(*answers, strict=True)))
    answered = sum(sure >= found for sure, _, _ in answers)
    for threshold in {sure for sure, _, _ in answers}:
        if sum(sure >= threshold for sure, _, _ in answers) > answered:
            assert worth(threshold, answers) < worth(found, answers)


@given(ANSWERS)
def test_the_order_of_the_answers_does_not_matter(answers):
    one, other = (
        best_threshold(*(np.array(column, dtype=np.float64) for column in zip(*order, strict=True)))
        for order in (answers, answers[::-1])
    )
    assert one == other


def test_where_abstaining_never_pays_everything_is_answered():
    assert calibrated([0.0, 0.3], ["mice", "nonsense"], [Gold(("mice",)), Gold(("dogs",))]) == 0.0


def test_where_answering_never_pays_nothing_is_answered():
    assert calibrated([0.4, 1.0], ["a", "b"], [Gold(), Gold()]) > 1


def test_the_threshold_lies_halfway_between_good_answers_and_bad_ones():
    golds = [Gold(("mice",)), Gold(("honey",)), Gold(), Gold()]
    assert calibrated([0.9, 0.7, 0.3, 0.1], ["mice", "honey", "krill", "fat"], golds) == pytest.approx(0.5)


def test_any_of_several_right_answers_counts_and_a_part_of_it_in_part():
    golds = [Gold(("mice", "small mice")), Gold()]
    assert calibrated([0.2, 0.8], ["small mice", "x"], golds) == 0.0, "both ways one is right: rather answer"
    assert calibrated([0.2, 0.8], ["large mice", "x"], golds) > 0.8, "half an answer is less than one rightly withheld"
