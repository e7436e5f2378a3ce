"""From overrides to variants: which there are, and what they are called."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from bakeoff.errors import ConfigError
from bakeoff.execution.overrides import as_texts, expand, variant_name


def lines(params: dict[str, str], *arguments: str) -> list[list[str | None]]:
    return [[override.input_line for override in combination] for combination in expand(params, arguments)]


def name(*overrides: str, model: str = "linear") -> str:
    return variant_name(OverridesParser.create().parse_overrides(list(overrides)), model)


def test_every_combination_comes_in_the_order_in_which_it_is_written() -> None:
    assert lines({}, "model=rules,linear", "seed=0,1", "data=trec") == [
        ["model=rules", "seed=0", "data=trec"],
        ["model=rules", "seed=1", "data=trec"],
        ["model=linear", "seed=0", "data=trec"],
        ["model=linear", "seed=1", "data=trec"],
    ]


def test_nothing_asked_is_one_variant() -> None:
    assert lines({}) == [[]]


def test_an_argument_replaces_the_param_that_it_names() -> None:
    params = {"model": "rules,linear,catboost", "seed": "0,1"}
    assert lines(params, "model=svm") == [["model=svm", "seed=0"], ["model=svm", "seed=1"]]
    assert lines({"model": "rules,linear"}, "model=svm,catboost") == [["model=svm"], ["model=catboost"]]
    assert lines({"model": "rules"}, "data=trec") == [["model=rules", "data=trec"]]


def test_ranges_choices_and_globbed_keys_are_values_too() -> None:
    assert lines({}, "model.depth=range(4,7)") == [["model.depth=4"], ["model.depth=5"], ["model.depth=6"]]
    assert lines({}, "model=choice(rules,svm)") == [["model=rules"], ["model=svm"]]
    assert lines({}, "+model.tol=1,2", "~model.card") == [
        ["+model.tol=1", "~model.card"],
        ["+model.tol=2", "~model.card"],
    ]


def test_values_that_only_look_like_a_sweep_are_one_value() -> None:
    assert len(lines({}, "metrics.names=[f1,recall]")) == 1
    assert len(lines({}, "data.path='a,b.csv'")) == 1
    assert len(lines({}, "model.rules=[{output: a, keywords: [b, c]}]")) == 1


def test_values_with_odd_characters_survive() -> None:
    [first], [second] = lines({}, r"data.query='select 1, \'a\'','select 2'")
    assert [first, second] == [r"data.query='select 1, \'a\''", "data.query='select 2'"]


def test_a_continuous_sweep_has_no_values() -> None:
    with pytest.raises(ConfigError) as told:
        expand({}, ["model.depth=interval(4,10)"])
    assert "model.depth" in str(told.value)
    assert "interval(4,10)" in str(told.value)
    assert "model.depth=a,b,c" in str(told.value)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((), "linear"),
        (("model=catboost",), "catboost"),
        (("seed=2",), "linear-seed=2"),
        (("model=catboost", "model.depth=8", "seed=1"), "catboost-depth=8-seed=1"),
        (("seed=1", "model.depth=8", "model=catboost"), "catboost-depth=8-seed=1"),
        (("+model.regressor.tol=1e-4",), "linear-regressor.tol=0.0001"),
        (("~model.card",), "linear-no-model.card"),
        (("rules@model=trec",), "linear-rules=trec"),
        (("model.names=[a,b]",), "linear-names=a+b"),
        (("model.pattern='a/b c'",), "linear-pattern=a_b_c"),
        (("model.rules=[{output: a}]",), "linear-rules=cb3142"),  # too much for a name
        (("model.path=../../etc",), "linear-path=.._.._etc"),
        (("llm.base_url=http://127.0.0.1:8000/v1",), "linear-llm.base_url=127.0.0.1_8000"),
        (("llm.base_url='https://u:key@host.org/v1/'",), "linear-llm.base_url=host.org"),
        (("llm.base_url=https://host.org/team-a/v1",), "linear-llm.base_url=host.org_283ef8"),
        (("retriever.store=s3://bucket",), "linear-retriever.store=bucket"),
        (("variant=mine", "seed=1"), "mine"),
        (("variant='my best'",), "my_best"),
        (("variant=../../elsewhere",), "elsewhere"),
        (("variant='/root'",), "root"),
        (("variant=..",), "linear"),
    ],
)
def test_a_name_says_what_was_asked_whatever_the_order(overrides: tuple[str, ...], expected: str) -> None:
    assert name(*overrides) == expected


def test_the_task_and_how_it_is_judged_are_not_in_the_name() -> None:
    asked = ("data=trec", "data.split.test=0.3", "name=x", "incumbent=rules", "resume=false", "decision.metric=f1",
             "metrics.names=[f1]", "experiment=quickstart", "hydra.sweep.dir=x")  # fmt: skip
    assert name(*asked) == "linear"


@pytest.mark.parametrize("letter", ["x", "é", "漢", "🙂"])
def test_long_names_are_cut_and_stay_different_and_the_same_tomorrow(letter: str) -> None:
    long, other = (name(f"model.prompt='{letter * 300}{end}'") for end in "ab")
    assert long != other
    assert long == name(f"model.prompt='{letter * 300}a'")
    assert long.startswith("linear-prompt=")
    assert len(long.encode()) < 255 - len(".result.json-xxxxxxxx.part")


def test_the_hash_of_a_long_name_does_not_change_between_versions() -> None:
    assert name(f"model.prompt={'x' * 300}").endswith("-1d97519a")


def test_where_an_option_is_put_names_the_variant_and_of_a_class_its_name_does() -> None:
    assert name("model=rag", "+prompt@model.rewriter.template=rewrite") == "rag-rewriter.template=rewrite"
    assert name("model=rag", "model.rewriter._target_=bakeoff.retrieval.ByLLM") == "rag-rewriter=ByLLM"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("data.positive=true", "data.positive='true'"),
        ("data.target=1e3", "data.target='1e3'"),
        ("data.id=1_000", "data.id='1_000'"),
        ("name=2024", "name='2024'"),
        ("data.ignore=[true, 1e3, a]", "data.ignore=['true', '1e3', 'a']"),
        ("data.positive=null", "data.positive=null"),
        ("data.positive=Yes", "data.positive=Yes"),
        ("data.ignore=['a, b', true]", "data.ignore=['a, b', true]"),
        ("model.scale=true", "model.scale=true"),
        ("data.split.test=0.3", "data.split.test=0.3"),
    ],
)
def test_names_and_labels_are_the_text_that_was_typed(typed: str, meant: str) -> None:
    [override] = as_texts(OverridesParser.create().parse_overrides([typed]))
    assert override.input_line == meant
