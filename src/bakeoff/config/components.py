"""Typed settings, and components: which may be named, what they take, how they are made."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bakeoff import plugins
from bakeoff.config import signatures, wiring
from bakeoff.errors import ConfigError, did_you_mean

T = TypeVar("T")

# The libraries bakeoff declares whose classes a config may name.
LIBRARIES = ("bakeoff", "sklearn", "skrub", "catboost", "optuna")
# What a component's config holds besides its constructor's arguments.
ABOUT = ("_target_", "card", "search_space", "search_budget")


@dataclass
class MetricSettings:
    """What is measured in a run."""

    names: list[str] | None = None  # None: every metric that is defined for the task
    latency_rows: int = 100  # how many test rows are predicted one by one
    latency_seconds: float = 2.0  # and for how long at most
    graders: Any = None  # mapping of name: component that grades each answer; Any, for OmegaConf as below


@dataclass
class DecisionSettings:
    """How a verdict is reached."""

    metric: str | None = None  # None: f1 (two classes), f1_macro (more), rmse (regression)
    smallest_difference: str = "1%"  # that matters: in the metric's unit, or in percent of the incumbent's value
    confidence: float = 0.95
    resamples: int = 10_000
    rule: Any = None  # a component that reaches the verdict; None: bakeoff.compare.decision.decide

    def __post_init__(self) -> None:
        """Check what can be checked without results."""
        if not 0 < self.confidence < 1:
            raise ConfigError(f"decision.confidence: {self.confidence} is not between 0 and 1. The usual one is 0.95.")
        if self.resamples < 100:
            raise ConfigError(f"decision.resamples: {self.resamples} are too few for an interval. Draw 100 or more.")


@dataclass
class ValidationSettings:
    """On which development rows a trial is scored."""

    kind: str = "holdout"  # holdout: the task's validation rows; kfold: training and validation rows in turn
    folds: int = 5
    rows: int | None = None  # score on a seeded sample of this many validation rows; for models that are slow or dear


@dataclass
class BudgetSettings:
    """A budget for a whole bake-off, shared equally among its variants."""

    trials: int | None = None
    seconds: float | None = None
    dollars: float | None = None


@dataclass
class SearchSettings:
    """How each variant is tuned. Every variant gets the same budget; what ends first ends the search.

    Mappings are typed Any: OmegaConf cannot merge into a typed one that is None.
    """

    sampler: Any = None  # a sampler of Optuna's; None: no search
    pruner: Any = None  # a pruner of Optuna's; None: every trial runs to its end
    trials: int | None = None
    seconds: float | None = None  # of trials; several workers share them
    dollars: float | None = None  # seconds of trials at usd_per_hour, and what requests to an LLM cost
    usd_per_hour: float = 0.10  # price of this hardware
    total: BudgetSettings = field(default_factory=BudgetSettings)
    objectives: list[str] | None = None  # None: the decision metric
    constraints: Any = None  # mapping of metric: "<= 50"
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    space: Any = None  # mapping of key: sweep, beside what components declare
    storage: str | None = None  # database URL; None: a journal file in the run folder
    workers: int = 1
    threads: int | None = None  # of each worker; None: an equal share of the cores, or what its launcher gives a job
    worker: int | None = None  # which of them a job is; the sweeper says so


@dataclass
class Config:
    """A whole request: one task, one variant. Components are checked against their constructors."""

    name: str = MISSING
    variant: str = MISSING
    seed: int = 0  # of every model and search; the split has its own
    incumbent: str | None = None
    resume: bool = True
    record_git: bool = True  # keep commit and diff of the working directory in the run folder
    test_rows: int | None = None  # answer a seeded sample of this many test rows; for models that are slow or dear
    data: Any = MISSING
    model: Any = MISSING
    embedder: Any = None
    retriever: Any = None
    llm: Any = None
    prompt: Any = None
    trainer: Any = None
    metrics: MetricSettings = field(default_factory=MetricSettings)
    decision: DecisionSettings = field(default_factory=DecisionSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    tracker: Any = None
    cost: Any = None


def register() -> None:
    """Make the typed settings known to Hydra."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=Config)


def typed(settings: type[T], values: Mapping[str, Any], where: str) -> T:
    """Read ``values`` as a settings dataclass. Raises ``ConfigError`` that names the key, and the nearest valid one."""
    allowed = list(settings.__dataclass_fields__)  # type: ignore[attr-defined]
    for key in values:
        if key not in allowed:
            raise ConfigError(
                f"{where}.{key}: there is no such key. Keys: {', '.join(allowed)}.{did_you_mean(key, allowed)}"
            )
    try:
        made = OmegaConf.to_object(OmegaConf.merge(_structured(settings), dict(values)))  # type: ignore[arg-type]
    except OmegaConfBaseException as error:
        key = f"{where}.{error.full_key}" if error.full_key else where
        told = str(error.msg or error).splitlines()[0]
        if "is not a ListConfig" in told:
            value = values.get(str(error.full_key))
            told = f"{value!r} is not a list. Write '{key}=[{value}]'."
        raise ConfigError(f"{key}: {told}") from None
    assert isinstance(made, settings)
    return made


@cache
def _structured(settings: type) -> DictConfig:
    """The defaults of a settings dataclass; making them takes longer than reading values into them."""
    defaults: DictConfig = OmegaConf.structured(settings)
    return defaults


def locate(target: str, where: str) -> type:
    """Import the class that ``target`` names, if it may be named.

    Raises:
        ConfigError: ``target`` is not of an allowed package, does not exist, or is not a class.
    """
    _check_allowed(target, where)
    module_name, _, name = target.rpartition(".")
    plugin = _plugin(target)
    try:
        module = plugins.imported(plugin, module_name, where) if plugin else importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(f'{where}: "{target}" cannot be imported: {error}.') from error
    found = getattr(module, name, None)
    if found is None:
        public = [n for n, value in vars(module).items() if isinstance(value, type)]
        raise ConfigError(f'{where}: there is no "{name}" in {module_name}.{did_you_mean(name, public)}')
    if not isinstance(found, type) or not _is_allowed(found.__module__):
        raise _not_allowed(target, where)
    return found


def check_component(
    node: Mapping[str, Any], where: str, also: tuple[str, ...] = (), content: Mapping[str, Any] | None = None
) -> None:
    """Check a component's config, and those nested in it, against the constructors, without importing them.

    Args:
        node: plain containers, ``_target_`` included.
        where: the config key of ``node``, for messages.
        also: keys that are allowed besides the constructor's arguments.
        content: the whole config, whose ``parts.GROUPS`` stand in for arguments that are not given.

    Raises:
        ConfigError: the target is missing or not allowed; an argument is unknown, missing or of a wrong type.
    """
    target = node.get("_target_")
    if not isinstance(target, str):
        raise ConfigError(
            f"{where}._target_: a component names its class here, e.g. bakeoff.models.rules.constant.ConstantModel."
        )
    _check_allowed(target, f"{where}._target_")
    takes = signatures.read(target) or signatures.inspected(locate(target, f"{where}._target_"))
    arguments = {k: v for k, v in node.items() if k not in ABOUT and k not in also}
    allowed = [*takes.parameters, *also]
    for key, value in arguments.items():
        parameter = takes.parameters.get(key)
        if parameter is None:
            if takes.takes_any and not key.startswith("_"):
                continue
            raise ConfigError(
                f'{where}.{key}: {target.rpartition(".")[2]} takes no "{key}". '
                f"It takes: {', '.join(allowed) or 'nothing'}.{did_you_mean(key, allowed)}"
            )
        expected = signatures.mismatch(parameter.annotation, value)
        if expected:
            raise ConfigError(f"{where}.{key}: {value!r} is not of type {expected}.")
    for key, parameter in takes.parameters.items():
        if parameter.required and key in wiring.GROUPS and content is not None and arguments.get(key) is None:
            if not content.get(key):
                raise ConfigError(f"{key}: {target.rpartition('.')[2]} needs one. Add {key}=…; see bakeoff list {key}.")
        elif parameter.required and key not in arguments:
            raise ConfigError(f"{where}.{key}: {target.rpartition('.')[2]} needs it. Add {where}.{key}=…")
    for key, value in arguments.items():
        for path, nested in _components(value, f"{where}.{key}"):
            check_component(nested, path, content=content)


def instantiate(node: Any, where: str) -> Any:
    """Make the object that a checked component config describes, nested components first.

    Raises:
        ConfigError: the constructor refuses its arguments.
    """
    if isinstance(node, list):
        return [instantiate(item, f"{where}[{i}]") for i, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    arguments = {k: instantiate(v, f"{where}.{k}") for k, v in node.items() if "_target_" not in node or k not in ABOUT}
    if "_target_" not in node:
        return arguments
    cls = locate(node["_target_"], f"{where}._target_")
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {cls.__name__} refuses its arguments: {error}") from error
    except ImportError as error:
        raise ConfigError(f"{where}: {cls.__name__} needs what is not installed: {error}") from error


def describe(component: Any) -> Any:
    """The config that makes an equal component: what ``instantiate`` takes. Components are dataclasses throughout.

    Raises:
        TypeError: some part of it is not a dataclass, nor a plain value.
    """
    if isinstance(component, list | tuple):
        return [describe(item) for item in component]
    if isinstance(component, Mapping):
        return {str(key): describe(item) for key, item in component.items()}
    if component is None or isinstance(component, str | int | float | bool):
        return component
    if not is_dataclass(component) or isinstance(component, type):
        raise TypeError(f"{type(component).__qualname__} cannot be described: it is not a dataclass")
    cls = type(component)
    arguments = {f.name: describe(getattr(component, f.name)) for f in fields(component) if f.init}
    return {"_target_": f"{cls.__module__}.{cls.__qualname__}", **arguments}


def plain(cfg: DictConfig, where: str = "") -> dict[str, Any]:
    """The resolved config as plain containers. Raises ``ConfigError`` that names a value nobody gave."""
    try:
        missing = sorted(OmegaConf.missing_keys(cfg))
        if missing:
            raise ConfigError("; ".join(f"{where}{key}: a value is needed. Add {where}{key}=…" for key in missing))
        values = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{where}{error.full_key or ''}: {str(error).splitlines()[0]}") from None
    assert isinstance(values, dict)
    return {str(k): v for k, v in values.items()}


def _check_allowed(target: str, where: str) -> None:
    """Refuse, before any import, what is not a class of an allowed package."""
    _, *rest = target.split(".")
    if not rest or not _is_allowed(target) or any(part.startswith("_") for part in rest):
        raise _not_allowed(target, where)
    plugin = _plugin(target)
    if plugin:
        plugins.require(plugin, where)
    home = signatures.defined_in(target)
    if (home is not None and not _is_allowed(home)) or signatures.is_class(target) is False:
        raise _not_allowed(target, where)


def _plugin(target: str) -> plugins.Plugin | None:
    """The plugin that a class is of; None where it is of bakeoff or of a library that bakeoff declares."""
    top = target.partition(".")[0]
    return None if top in LIBRARIES else plugins.of_package(top)


def _is_allowed(module: str) -> bool:
    return module.partition(".")[0] in LIBRARIES or _plugin(module) is not None


def _not_allowed(target: str, where: str) -> ConfigError:
    of_plugins = [plugin.package for plugin in plugins.installed() if plugin.package]
    allowed = ", ".join([*LIBRARIES, *of_plugins])
    near = did_you_mean(target.partition(".")[0], of_plugins)
    return ConfigError(
        f'{where}: "{target}" is not allowed. Allowed: classes of {allowed}, and of plugins that are installed.{near}'
    )


def _components(value: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The components nested in a value, each with its config key."""
    if isinstance(value, dict):
        if "_target_" in value:
            yield where, value
        else:
            for key, item in value.items():
                yield from _components(item, f"{where}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _components(item, f"{where}[{i}]")
