"""Search spaces: declared in Hydra's sweep grammar by components, gathered over a model and its parts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, QuotedString, RangeSweep

from bakeoff.config import component, wiring
from bakeoff.config.component import Component
from bakeoff.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

GRAMMAR = "choice(a, b), range(4, 10), interval(0.1, 1), int(interval(1, 9)), tag(log, interval(0.01, 100))"


@dataclass(frozen=True)
class Dimension:
    """One thing to search over.

    Attributes:
        key: of the config, e.g. ``model.depth``, or a config group, e.g. ``model``.
        sweep: its values in Hydra's sweep grammar.
        when: conditions on other keys, each key → the value it must have; all must hold. ``task.columns`` holds the
            kinds of columns that the task has, and ``task.kind`` its kind; ``task.target`` of a regression is
            ``positive`` where all targets of development rows are above 0.
    """

    key: str
    sweep: str
    when: tuple[tuple[str, Any], ...] = ()

    def applies(self, tree: Mapping[str, Any]) -> bool:
        """Return whether the conditions hold for the named components; in a list, one item must equal the value."""
        for key, required in self.when:
            value = component.get(tree, key.split("."))
            if str(required) not in ([str(item) for item in value] if isinstance(value, list) else [str(value)]):
                return False
        return True


def gather(
    tree: Mapping[str, Component], declared: Mapping[str, Any] | None, unused: str = "", fixed: Sequence[str] = ()
) -> list[Dimension]:
    """The dimensions of a variant: the ``search_space`` of each component at any depth, then ``search.space``.

    A component's keys are relative to itself, but for those that name a group of parts.

    Args:
        tree: the model and its parts by the name of their group.
        declared: ``search.space``, which overrides what components declare.
        unused: a parameter of the model below which nothing is searched, such as the ``classifier`` of a regression.
        fixed: keys that are not searched.

    Raises:
        ConfigError: a space names a key that is not there, or is not in the grammar.
    """
    dimensions: dict[str, Dimension] = {}
    for path, part in component.walk(tree):
        for key, sweep in (part.search_space or {}).items():
            if unused and str(key).split(".")[0] == unused:
                continue
            whole = str(key) if key in wiring.GROUPS else f"{path}.{key}"
            if whole in fixed:
                continue
            dimensions[whole] = _dimension(whole, sweep, f"{path}.search_space.{key}", path)
    for key, sweep in (declared or {}).items():
        dimensions[str(key)] = _dimension(str(key), sweep, f"search.space.{key}", "")
    for dimension in dimensions.values():
        distribution(dimension)
        _check_key(dimension.key, tree)
    return list(dimensions.values())


def distribution(dimension: Dimension) -> BaseDistribution:
    """The Optuna distribution that a dimension's sweep means. Raises ``ConfigError`` when it means none."""
    try:
        optuna_distribution = _distribution(dimension.key, dimension.sweep)
    except (ValueError, ZeroDivisionError) as error:  # no value between the bounds, or a logarithm of none
        raise ConfigError(f"{dimension.key}: {dimension.sweep} holds no values to search: {error}") from None
    if optuna_distribution is None:
        raise ConfigError(f"{dimension.key}: {dimension.sweep!r} is not something to search over. Write {GRAMMAR}.")
    return optuna_distribution


def suggest(trial: Trial, dimension: Dimension) -> Any:
    """A trial's value of a dimension."""
    values: Any = distribution(dimension)
    if hasattr(values, "choices"):
        return decoded(trial.suggest_categorical(dimension.key, values.choices))
    suggest_number = trial.suggest_float if isinstance(values.low, float) else trial.suggest_int
    return suggest_number(dimension.key, values.low, values.high, step=values.step, log=values.log)


def examples(dimension: Dimension) -> list[Any]:
    """Values of a dimension by which its type can be checked: every choice, or the bounds."""
    values = distribution(dimension)
    return [decoded(choice) for choice in getattr(values, "choices", ())] or [values.low, values.high]  # type: ignore[attr-defined]


def is_continuous(dimension: Dimension) -> bool:
    """Return whether a dimension has more values than can be enumerated."""
    values = distribution(dimension)
    return hasattr(values, "low") and isinstance(values.low, float) and getattr(values, "step", None) is None


def is_group(key: str) -> bool:
    """Return whether a key has the form of a config group: one word, or words with slashes or an @package."""
    return "." not in key or "/" in key or "@" in key


def _dimension(key: str, declared: Any, where: str, prefix: str) -> Dimension:
    if isinstance(declared, Mapping):
        if not set(declared) <= {"sweep", "when"} or "sweep" not in declared:
            raise ConfigError(
                f"{where}: a conditional space is {{sweep: …, when: {{key: value}}}}; "
                f"here are {', '.join(map(str, declared))}."
            )
        conditions = (declared.get("when") or {}).items()
        when = tuple((f"{prefix}.{k}" if prefix and not k.startswith("task.") else str(k), v) for k, v in conditions)
        return Dimension(key, str(declared["sweep"]), when)
    return Dimension(key, str(declared))


def _check_key(key: str, tree: Mapping[str, Component]) -> None:
    """Reject a key that does not exist: most are misspelt."""
    if is_group(key):
        return
    *above, last = key.split(".")
    node = component.get(tree, above)
    parent = ".".join(above)
    if not isinstance(node, Component | Mapping | list):
        raise ConfigError(
            f"search.space: there is no {parent} in the config, so {key} cannot be searched."
            f"{did_you_mean(parent, tree)}"
        )
    if isinstance(node, Component):
        return  # its class defines its arguments
    names = [str(i) for i in range(len(node))] if isinstance(node, list) else [str(name) for name in node]
    if last not in names:
        raise ConfigError(
            f'search.space: {parent} has no key "{last}". Keys: {", ".join(names)}.{did_you_mean(last, names)}'
        )


@lru_cache(maxsize=1024)
def _distribution(key: str, sweep: str) -> BaseDistribution | None:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    try:
        override: Override = OverridesParser.create().parse_override(f"x={sweep}")
    except Exception as error:
        raise ConfigError(f"{key}: {sweep!r} cannot be read: {str(error).splitlines()[0]} Write {GRAMMAR}.") from None
    value = override.value()
    if isinstance(value, ChoiceSweep):
        return CategoricalDistribution([_encoded(_plain(item)) for item in value.list])
    if isinstance(value, RangeSweep):
        low, high, step = value.start, value.stop, value.step
        if low is None or high is None:
            return None
        if all(isinstance(x, int) for x in (low, high, step)):
            last = low + (math.ceil((high - low) / step) - 1) * step
            return IntDistribution(
                int(low), int(last), log="log" in value.tags, step=1 if "log" in value.tags else int(step)
            )
        last = low + (math.ceil((high - low) / step - 1e-9) - 1) * step
        return FloatDistribution(float(low), float(last), step=float(step))
    if isinstance(value, IntervalSweep):
        assert value.start is not None and value.end is not None
        log = "log" in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=log)
        return FloatDistribution(float(value.start), float(value.end), log=log)
    return None


def decoded(value: Any) -> Any:
    """The value that a study's parameter stands for: lists and mappings are stored as JSON, which Optuna can hash."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _encoded(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _plain(item: Any) -> Any:
    if isinstance(item, QuotedString):
        return item.text
    if isinstance(item, list):
        return [_plain(element) for element in item]
    if isinstance(item, dict):
        return {str(_plain(key)): _plain(value) for key, value in item.items()}
    return item
