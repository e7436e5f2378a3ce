import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from bakeoff.grading import agreement

verdicts = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


@given(verdicts)
def test_kappa_of_a_table_is_that_of_scikit_learn(pairs):
    ours, theirs = np.array(pairs).T
    cells = np.bincount(2 * ours.astype(int) + theirs, minlength=4)[None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(ours, theirs, labels=[False, True])
    np.testing.assert_allclose(agreement.kappas(cells), [expected], atol=1e-12)
    np.testing.assert_allclose(agreement.measure(ours, theirs).kappa, expected, atol=1e-12)


def test_the_interval_is_that_of_resampled_rows():
    draws = np.random.default_rng(3)
    theirs = draws.random(60) < 0.5
    ours = np.where(draws.random(60) < 0.8, theirs, ~theirs)
    rows = draws.integers(60, size=(2000, 60))
    values = [cohen_kappa_score(ours[r], theirs[r]) for r in rows]
    found = agreement.measure(ours, theirs)
    assert found.low < found.kappa < found.high
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.03)


def test_who_always_says_the_same_agrees_by_chance_alone():
    found = agreement.measure(np.ones(10, dtype=bool), np.arange(10) < 7)
    assert (found.n, found.share, found.kappa) == (10, 0.7, 0.0)


def test_agreement_on_one_verdict_alone_leaves_kappa_undefined():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = agreement.measure(np.ones(5, dtype=bool), np.ones(5, dtype=bool))
    assert found.share == 1
    assert np.isnan([found.kappa, found.low, found.high]).all()


def test_no_answers_have_no_agreement():
    assert agreement.measure(np.array([], dtype=bool), np.array([], dtype=bool)).n == 0
