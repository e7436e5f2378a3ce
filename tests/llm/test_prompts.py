"""Prompts are templates that strangers write: their mistakes are named, and they reach nothing but their values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.errors import ConfigError
from bakeoff.llm.base import Message
from bakeoff.llm.prompts import Prompt
from bakeoff.task import Turn


def test_messages_begin_with_what_changes_least():
    prompt = Prompt("Message: {{ text }}", "Sort into {{ labels | join(' or ') }}.")
    found = prompt.render(examples=[({"text": "win!"}, "spam")], labels=["ham", "spam"], text="hello")
    assert found == (
        Message("system", "Sort into ham or spam."),
        Message("user", "Message: win!"),
        Message("assistant", "spam"),
        Message("user", "Message: hello"),
    )


def test_texts_lists_and_draws_are_rendered_as_they_are():
    kinds = Prompt("{{ value }} {{ value | length }}")
    assert [kinds.render(value=value)[0].content for value in ("ab", ["a", "b"], ("a", "b"), ["1", "2"], [1, 2])] == [
        "ab 2", "['a', 'b'] 2", "('a', 'b') 2", "['1', '2'] 2", "[1, 2] 2",
    ]  # fmt: skip
    numbers = Prompt("{{ value }}")
    assert [numbers.render(value=value)[0].content for value in (1, True, 1.0, "1")] == ["1", "True", "1.0", "1"]
    draws = Prompt("{{ value | random }}")
    assert {draws.render(value=["a", "b"])[0].content for _ in range(64)} == {"a", "b"}


def test_a_conversation_comes_before_its_last_question():
    prompt = Prompt("{% for turn in history %}[{{ turn.role }}]{% endfor %}{{ question }}")
    turns = (Turn("user", "Who wrote Emma?"), Turn("assistant", "Jane Austen"))
    found = prompt.render(examples=[({"question": "q"}, "a")], history=turns, question="When?")
    assert [m.content for m in found] == ["q", "a", "Who wrote Emma?", "Jane Austen", "[user][assistant]When?"]


def test_a_value_that_there_is_not_is_named_with_the_nearest():
    prompt = Prompt("Message: {{ texxt }}", "Sort.")
    for fails in (lambda: prompt.render(text="hello", labels=[]), lambda: prompt.check(["text", "labels"])):
        with pytest.raises(ConfigError) as error:
            fails()
        assert 'prompt.user: there is no value "texxt"' in str(error.value)
        assert 'Did you mean "text"?' in str(error.value)
    Prompt("{% set a = text %}{{ a }}", "{{ labels | length }}").check(["text", "labels"])


@pytest.mark.parametrize(
    "template, told",
    [
        ("{{ text", r"prompt\.user: line 1 is no Jinja"),
        ("a\n{% for x in text %}", r"prompt\.user: line 2 is no Jinja"),
        ("{{ text | jion }}", r"prompt\.user: line 1 is no Jinja: No filter named 'jion'"),
        ("{{ text + 1 }}", "TypeError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% include 'etc' %}", "prompt.user"),
        ("{{ text.nothing }}", "no attribute 'nothing'"),
    ],
)
def test_a_mistake_in_a_template_says_where(template, told):
    with pytest.raises(ConfigError, match=told):
        Prompt(template).render(text="hello")


@pytest.mark.parametrize(
    "template",
    [
        "{{ text.__class__.__mro__[1].__subclasses__() }}",
        "{{ shown.append(1) }}",
        "{{ ''.format.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{% for i in range(1000000000) %}{{ i }}{% endfor %}",
    ],
)
def test_a_template_reaches_nothing_but_its_values(template):
    with pytest.raises(ConfigError):
        Prompt(template).render(text="hello", shown=[1])


@given(st.text(max_size=40))
def test_what_a_row_says_is_never_a_template(text):
    (message,) = Prompt("[{{ text }}]").render(text=f"{{{{ secret }}}}{text}{{% if %}}")
    assert message.content == f"[{{{{ secret }}}}{text}{{% if %}}]"
