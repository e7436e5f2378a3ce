"""Requirements on a comparison, for gates in continuous integration: ``catboost.f1 >= 0.9``.

The grammar is a name, an operator and a value::

    verdict == ship or keep
    winner != llm
    catboost.f1.low >= 0.9
    test_rows >= 500

A name is ``verdict``, ``winner``, ``incumbent``, ``test_rows``, ``findings`` (of the method checks, notes aside), or
``VARIANT.METRIC``, which may end in ``.low`` or ``.high`` for a bound of its interval. Alternatives for words are
joined by ``or``. Nothing is evaluated as code.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from bakeoff import numbers
from bakeoff.advice import listed
from bakeoff.compare.comparison import Comparison
from bakeoff.compare.decision import Verdict
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.record import Score

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
BOUNDS = ("low", "high")
EXAMPLE = "catboost.f1 >= 0.9"


@dataclass(frozen=True)
class Outcome:
    """Outcome of one requirement.

    Attributes:
        requirement: as it was written.
        holds: whether the comparison meets it; False where the value is unknown.
        found: the value that was found, as text.
    """

    requirement: str
    holds: bool
    found: str

    def __str__(self) -> str:
        return f"{'met' if self.holds else 'NOT MET'}: {self.requirement} (found: {self.found})"


def check(text: str, comparison: Comparison) -> Outcome:
    """Check one requirement.

    Raises:
        ConfigError: it cannot be read, or names what is not in the comparison.
    """
    parts = re.fullmatch(r"\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*", text)
    if parts is None or parts[1].endswith(("=", "<", ">", "!")):
        raise ConfigError(f"--require: {text!r} is not a name, one of {' '.join(OPERATORS)}, and a value: {EXAMPLE!r}.")
    name, sign, value = parts.groups()
    words = {"verdict": comparison.verdict, "winner": comparison.winner or "none", "incumbent": comparison.incumbent}
    if name in words:
        return _words(text, name, sign, value, words[name], comparison)
    found, shown = _number(name, comparison)
    try:
        wanted = float(value)
    except ValueError:
        raise ConfigError(f"--require: {value!r} in {text!r} is not a number.") from None
    if not math.isfinite(wanted):
        raise ConfigError(f"--require: {value!r} in {text!r} is not a finite number.")
    holds = found is not None and math.isfinite(found) and OPERATORS[sign](found, wanted)
    return Outcome(text, holds, shown)


def _words(text: str, name: str, sign: str, value: str, found: str, comparison: Comparison) -> Outcome:
    wanted = [word.strip().strip("\"'") for word in re.split(r"\s+or\s+", value)]
    if sign not in ("==", "!="):
        raise ConfigError(f"--require: {name} is a word. Compare it by == or !=, not {sign}, in {text!r}.")
    known = [*get_args(Verdict)] if name == "verdict" else [*(v.name for v in comparison.variants), "none"]
    for word in wanted:
        if word not in known:
            raise ConfigError(
                f"--require: {name} is never {word!r}. It is one of: {listed(known)}.{did_you_mean(word, known)}"
            )
    return Outcome(text, (found in wanted) == (sign == "=="), found)


def _number(name: str, comparison: Comparison) -> tuple[float | None, str]:
    findings = sum(len(each.findings) for each in comparison.checks if each.severity != "note")
    counts = {"test_rows": float(comparison.test_rows), "findings": float(findings)}
    if name in counts:
        return counts[name], numbers.number(counts[name], 0)
    bound = next((end for end in BOUNDS if name.endswith(f".{end}")), "value")
    path = name.removesuffix(f".{bound}")
    variants = {variant.name: variant for variant in comparison.variants}
    variant, _, metric = path.rpartition(".")
    if variant not in variants:
        known = [*variants, "verdict", "winner", "incumbent", "test_rows", "findings"]
        raise ConfigError(
            f"--require: {name!r} is neither VARIANT.METRIC nor a word that is known. "
            f"Variants: {listed(list(variants))}.{did_you_mean(variant or path, known)}"
        )
    if variants[variant].status != "ok":
        return None, f"{variant} {variants[variant].status}"
    measured = variants[variant].metrics
    if metric not in measured:
        raise ConfigError(
            f"--require: {variant} has no metric {metric!r}. It has: {listed(list(measured))}."
            f"{did_you_mean(metric, measured)}"
        )
    score: Score = measured[metric]
    value: float | None = getattr(score, bound)
    return value, "no value" if value is None else f"{value:.6g}"
