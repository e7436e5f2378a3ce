from hypothesis import given
from hypothesis import strategies as st

from bakeoff.retrieval.base import Hit, Passage
from bakeoff.retrieval.fuse import reciprocal_ranks, weighted

NAMES = [f"{name}#0" for name in "abcdefgh"]


def hit(name, score):
    return Hit(Passage(name, name.partition("#")[0], "", f"text of {name}"), score)


@st.composite
def rankings(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    scores = sorted(draw(st.lists(st.floats(-1e6, 1e6), min_size=len(names), max_size=len(names))), reverse=True)
    return [hit(name, score) for name, score in zip(names, scores, strict=True)]


def names(hits):
    return [hit.passage.id for hit in hits]


def fusions(a, b, weight):
    return reciprocal_ranks(a, b, weight, 60), weighted(a, b, weight)


@given(rankings(), rankings(), st.floats(0, 1))
def test_a_fusion_holds_each_passage_of_either_ranking_once_and_its_scores_fall(a, b, weight):
    for fused in fusions(a, b, weight):
        assert sorted(names(fused)) == sorted({*names(a), *names(b)})
        assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)


@given(rankings(), rankings(), st.floats(0, 1))
def test_a_fusion_does_not_ask_which_list_comes_first_but_what_it_weighs(a, b, weight):
    for one, other in zip(fusions(a, b, weight), fusions(b, a, 1 - weight), strict=True):
        scores = {hit.passage.id: hit.score for hit in one}
        assert all(abs(scores[hit.passage.id] - hit.score) < 1e-9 for hit in other)


@given(rankings(), rankings())
def test_the_whole_weight_on_one_ranking_keeps_its_order(a, b):
    ranked = names(reciprocal_ranks(a, b, 0.0, 60))
    assert ranked[: len(a)] == names(a)
    ranked = names(reciprocal_ranks(a, b, 1.0, 60))
    assert ranked[: len(b)] == names(b)
    scores = {hit.passage.id: hit.score for hit in weighted(a, b, 0.0)}
    kept = [scores[name] for name in names(a)]
    assert kept == sorted(kept, reverse=True)


@given(rankings(), rankings(), st.floats(0, 1), st.floats(0.01, 100), st.floats(-100, 100))
def test_ranks_are_fused_whatever_the_scores_are(a, b, weight, factor, shift):
    other = [hit(h.passage.id, h.score * factor + shift) for h in b]
    assert names(reciprocal_ranks(a, b, weight, 60)) == names(reciprocal_ranks(a, other, weight, 60))


@given(st.permutations(NAMES), rankings(), st.floats(0, 1), st.integers(-8, 8), st.integers(-1000, 1000))
def test_weighted_scores_do_not_depend_on_the_scale_of_a_ranking(order, a, weight, power, shift):
    b = [hit(name, float(len(order) - i)) for i, name in enumerate(order)]
    other = [hit(h.passage.id, (h.score + shift) * 2.0**power) for h in b]
    scores = {hit.passage.id: hit.score for hit in weighted(a, b, weight)}
    assert all(abs(scores[hit.passage.id] - hit.score) < 1e-9 for hit in weighted(a, other, weight))


@given(rankings(), rankings(), st.floats(0.01, 0.99))
def test_what_is_first_in_both_rankings_is_first(a, b, weight):
    first = hit("first#0", 2e6)
    for fused in fusions([first, *a], [first, *b], weight):
        assert fused[0].passage == first.passage


def test_reciprocal_ranks_are_those_of_the_formula():
    fused = reciprocal_ranks([hit("a#0", 9.0), hit("b#0", 8.0)], [hit("b#0", 0.3)], 0.5, 60)
    assert [(h.passage.id, h.score) for h in fused] == [("b#0", 0.5 / 62 + 0.5 / 61), ("a#0", 0.5 / 61)]
