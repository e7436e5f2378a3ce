"""Templates of strangers end, and stay small, whatever they say."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakeoff.errors import ConfigError
from bakeoff.llm.prompts import Prompt

DOUBLING = "{% set x = 'abcdefgh' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}"
ENDLESS = [
    "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ 'x' * 10**9 }}",
    "{{ [1] * 10**9 }}",
    "{{ 10**9 * 'x' }}",
    "{{ 10 ** 10 ** 8 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ ('x' * 100000) * 100000 }}",
    DOUBLING,
    DOUBLING.replace("x ~ x", "x + x"),
    DOUBLING.replace("x ~ x", "[x, x]"),
    DOUBLING.replace("x ~ x", "x | string + x"),
    DOUBLING.replace("{{ x }}", "{{ x == x }}").replace("x ~ x", "(x, x)"),
    DOUBLING.replace("{{ x }}", "{{ {x: 1} }}").replace("x ~ x", "(x, x)"),
    DOUBLING.replace("{{ x }}", "{{ {}[x] }}").replace("x ~ x", "(x, x)"),
    DOUBLING.replace("{{ x }}", "{{ x | length }}"),
    "{% set x %}abcdefgh{% endset %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40 + "{{ x }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=1000000000) }}",
    "{{ 'x'.ljust(10**9) }}{{ 'x'.zfill(10**9) }}",
    "{{ 'x' | center(10**9) }}",
    "{{ ('\t' * 10000).expandtabs(100000) }}",
    "{{ ('x\n' * 10000) | indent(100000) }}",
    "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ range(90000) | join('x' * 100000) }}",
    "{{ [1] | tojson(indent=10**9) }}",
    "{{ text | batch(10**9, 'x') | list }}",
    "{{ text | slice(10**9) | list }}",
    "{{ (1).to_bytes(10**9) }}",
    "{{ lipsum(n=1000000) }}",
    "{{ 'x' }}" * 20000,
]  # fmt: skip


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """A template that takes 2 GB more than this process has fails, instead of the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**31, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("template", ENDLESS, ids=lambda template: template[:60])
def test_template_without_end_is_refused_in_seconds(template: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r"prompt\.user"):
        Prompt(template).render(text="hello")
    assert time.monotonic() - began < 15


def test_template_of_a_usual_size_is_rendered() -> None:
    passages = [{"title": f"t{i}", "text": "word " * 200} for i in range(50)]
    template = (
        "{% for p in passages %}[{{ loop.index }}/{{ loop.length }}] {{ p.title | upper }}: "
        "{{ p.text | truncate(2000) }}"
        "{% if not loop.last %}; {% endif %}{% endfor %}{{ 'a' ~ 1 ~ question }}{{ '-' * 20 }}{{ '%s-%d' % ('x', 3) }}"
        "{{ passages | map(attribute='title') | join(', ') }}{{ question | replace('q', 'Q') | indent(4) }}"
        "{% if question is defined and question == 'q' and 'q' in question %}yes{% endif %}{{ 2 + 3 * 4 }}"
    )
    (message,) = Prompt(template).render(passages=passages, question="q")
    assert message.content.startswith("[1/50] T0: word word")
    assert message.content.endswith("Qyes14")
    assert "a1q--------------------x-3t0, t1" in message.content


def test_steps_are_counted_anew_for_each_rendering() -> None:
    prompt = Prompt("{% for i in range(50000) %}{% endfor %}{{ text }}")
    assert [prompt.render(text="x")[0].content for _ in range(6)] == ["x"] * 6
