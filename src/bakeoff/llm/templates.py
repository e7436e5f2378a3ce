"""Jinja for prompts of strangers: sandboxed, and bounded in steps, seconds and size.

jinja2's sandbox keeps a template from reaching beyond its values. It does not keep it from running for ever, or from
filling the memory: here each pass of a loop, each call, filter and output counts as a step, and no value may grow long.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST_STEPS = 200_000
MOST_SECONDS = 5.0
LONGEST = 2_000_000
"""Characters of a value, and of all output of a rendering."""
LARGEST_WORK = 100_000_000
"""Characters that one call may write: the lengths of its texts times its greatest number or longest text."""
MOST_BITS = 4096
LONGEST_TEMPLATE = 100_000
DIGITS = re.compile(r"\d+")
CHEAP = frozenset({"truncate", "round", "batch", "slice", "first", "last", "length", "count", "default", "d", "split"})
"""Filters and methods whose numbers do not multiply their output."""


class Limits(threading.local):
    """Steps, seconds and characters spent by the rendering in this thread."""

    steps, written, until = 0, 0, 0.0

    def start(self) -> None:
        """Begin a rendering."""
        self.steps, self.written, self.until = 0, 0, time.monotonic() + MOST_SECONDS

    def step(self) -> None:
        """Count one step. Raises ``SecurityError`` beyond the limits."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise SecurityError(f"it takes more than {MOST_STEPS:,} steps")
        if time.monotonic() > self.until:
            raise SecurityError(f"it takes more than {MOST_SECONDS:g} seconds")


limits = Limits()


def size(value: Any) -> int:
    """Length of a value as text, at least roughly. Raises ``SecurityError`` where it is too long or too large."""
    total, waiting, seen = 0, [value], 0
    while waiting:
        item = waiting.pop()
        seen += 1
        if isinstance(item, str | bytes):
            total += len(item)
        elif isinstance(item, int) and item.bit_length() > MOST_BITS:
            raise SecurityError("it computes a number with too many digits")
        elif isinstance(item, Mapping):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            waiting += item
        if total > LONGEST or seen > MOST_STEPS or len(waiting) > MOST_STEPS:
            raise SecurityError(f"a value has more than {LONGEST:,} characters")
    return total + seen


class Environment(ImmutableSandboxedEnvironment):
    """Jinja with limits."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_output)
        self.filters = {name: _limited(name, function) for name, function in self.filters.items()}
        self.tests = {name: _limited(name, test) for name, test in self.tests.items()}  # type: ignore[arg-type]
        self.filters |= {"_passes": _passes, "_joined": _joined, "_sized": _sized}
        self.globals.pop("lipsum", None)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > LONGEST_TEMPLATE:
            raise SecurityError(f"it has more than {LONGEST_TEMPLATE:,} characters")
        tree: nodes.Template = _Counting().visit(super()._parse(source, name, filename))
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute within the limits."""
        limits.step()
        _check_work(operator, (left, right), isinstance(left, str) and operator == "%")
        are_whole = isinstance(left, int) and isinstance(right, int)
        if operator == "**" and are_whole and left.bit_length() * abs(right) > MOST_BITS:
            raise SecurityError("it computes a number with too many digits")
        result = super().call_binop(context, operator, left, right)
        size(result)
        return result

    def call(_self, _context: Any, _object: Any, *args: Any, **kwargs: Any) -> Any:
        """Call within the limits."""
        limits.step()
        name = getattr(_object, "__name__", "")
        if name != "range":
            _check_work(name, (getattr(_object, "__self__", ""), *args, *kwargs.values()), "format" in name)
        result = super().call(_context, _object, *args, **kwargs)
        size(result)
        return result

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up a key that is cheap to hash."""
        size(argument)
        return super().getitem(obj, argument)


class _Counting(NodeTransformer):
    """Puts the counting of passes and sizes into a template."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "_passes")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes), "_joined")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, "_sized")
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, "_sized")
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:
        self.generic_visit(node)
        node.key = _filtered(node.key, "_sized")
        return node


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _check_work(name: str, values: Iterable[Any], is_format: bool) -> None:
    """Raise ``SecurityError`` where an operation could write far more than it is given."""
    values = list(values)
    length = sum(size(value) for value in values)
    numbers = [abs(value) for value in values if isinstance(value, int)]
    if is_format:
        numbers += [int(digits[:9]) for value in values if isinstance(value, str) for digits in DIGITS.findall(value)]
    if name.isidentifier() and max(numbers, default=0) > LONGEST:
        raise SecurityError(f"{name} is given a number above {LONGEST:,}")
    texts = [len(value) for value in values if isinstance(value, str)]
    is_sum = name in ("+", "-", "/", "//") or name in CHEAP
    widest = 1 if is_sum else max([1, *numbers, *sorted(texts)[:-1]])
    is_arithmetic = name == "*" and not texts and all(isinstance(value, int | float) for value in values)
    if not is_arithmetic and length * widest > LARGEST_WORK:
        raise SecurityError(f"{name} would write more than {LARGEST_WORK:,} characters")


def _limited(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test within the limits; jinja2's marks, which say what it is passed first, are kept."""

    @functools.wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        limits.step()
        _check_work(name, (*args, *kwargs.values()), "format" in name)
        result = function(*args, **kwargs)
        if not isinstance(result, Iterator):
            size(result)
        return result

    return limited


def _passes(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        limits.step()
        yield item


def _joined(parts: list[Any]) -> str:
    limits.step()
    size(parts)
    return "".join(map(str, parts))


def _sized(value: Any) -> Any:
    size(value)
    return value


def _output(value: Any) -> Any:
    """Count what a template writes."""
    limits.step()
    limits.written += size(value)
    if limits.written > LONGEST:
        raise SecurityError(f"it writes more than {LONGEST:,} characters")
    return value
