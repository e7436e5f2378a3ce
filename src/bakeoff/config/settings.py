"""Typed settings of a request, and conversion of a composed config to plain containers and to dataclasses."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bakeoff import secrets
from bakeoff.advice import override
from bakeoff.errors import ConfigError, did_you_mean

T = TypeVar("T")

BELONGS = "belongs"
IN_NAME = {BELONGS: "name"}
"""Metadata of a field that changes what a variant learns, and appears in the variant's name."""
IN_IDENTITY = {BELONGS: "identity"}
"""Metadata of a field that changes what a variant learns or of which task, and does not appear in its name."""
IN_NEITHER = {BELONGS: "neither"}
"""Metadata of a field that may differ when a finished run is kept."""


@dataclass
class MetricSettings:
    """Settings of the metrics."""

    names: list[str] | None = None  # None: every metric that is defined for the task
    latency_rows: int = 100  # how many test rows are predicted one by one
    latency_seconds: float = 2.0  # and for how long at most
    graders: Any = None  # mapping of name: component that grades each answer; Any, for OmegaConf as below

    def __post_init__(self) -> None:
        """Check what can be checked without results."""
        for key in ("latency_rows", "latency_seconds"):
            if not getattr(self, key) >= 0:
                raise ConfigError(f"metrics.{key}: {getattr(self, key)} is less than 0.")


GOALS = ("best", "quality", "cheapest_good_enough", "pareto")
"""Goals of a verdict: the best variant, or one as good that is cheaper or faster; the best by its metric alone; the
cheapest that is shown to be as good as the best within the margin; those that nobody dominates."""


@dataclass
class DecisionSettings:
    """Settings of the verdict."""

    metric: str | None = None  # None: f1 (two classes), f1_macro (more), rmse (regression)
    smallest_difference: str | None = (
        None  # minimum meaningful gain: absolute, or in % of the incumbent; None: metric's
    )
    confidence: float = 0.95
    max_unanswered: float = 0.05  # share of test rows without an answer above which no verdict leans on a variant
    resamples: int = 10_000
    replicates: bool = False  # whether variants that differ in their seed alone are one, judged by the mean over seeds
    goal: str = "best"  # best, quality, cheapest_good_enough or pareto
    rule: Any = None  # a component that reaches the verdict; None: bakeoff.compare.decision.decide
    require: Any = None  # mapping: what a variant must be to ship, e.g. hosting: local, latency_p95_ms: "<= 200"
    labels: str | None = None  # file of people's grades of answers, which correct the judge; None: none
    labels_scale: list[float] = field(default_factory=lambda: [0, 1])  # least and greatest grade of people
    trust_judge: bool = False  # whether a judge that nobody validated may decide
    ledger: bool = True  # whether repeated looks at the same test rows share one chance of a false ship

    def __post_init__(self) -> None:
        """Check what can be checked without results."""
        if self.goal not in GOALS:
            near = did_you_mean(self.goal, GOALS)
            raise ConfigError(f"decision.goal: {self.goal!r} is not allowed. Allowed: {', '.join(GOALS)}.{near}")
        if self.goal in ("cheapest_good_enough", "pareto") and (self.rule is not None or self.replicates):
            key = "rule" if self.rule is not None else "replicates"
            raise ConfigError(f"decision.{key}: it does not go with decision.goal={self.goal}. Leave out one of them.")
        if not 0 < self.confidence < 1:
            raise ConfigError(f"decision.confidence: {self.confidence} is not between 0 and 1. The usual one is 0.95.")
        if not 0 <= self.max_unanswered < 1:
            raise ConfigError(f"decision.max_unanswered: {self.max_unanswered} is no share of rows, such as 0.05.")
        if self.resamples < 100:
            raise ConfigError(f"decision.resamples: {self.resamples} are too few for an interval. Draw 100 or more.")


@dataclass
class ValidationSettings:
    """The development rows on which a trial is scored."""

    kind: str = "holdout"  # holdout: the task's validation rows; kfold: training and validation rows in turn
    folds: int = 5
    rows: int | None = None  # score on a seeded sample of this many validation rows; for slow or expensive models


@dataclass
class BudgetSettings:
    """A budget for a whole bake-off, shared equally among its variants."""

    trials: int | None = None
    seconds: float | None = None
    dollars: float | None = None


@dataclass
class SearchSettings:
    """Settings of the search. Every variant gets the same budget; the first budget that is spent ends it.

    Mappings are typed Any: OmegaConf cannot merge into a typed one that is None.
    """

    # A sampler of Optuna's; None: no search.
    sampler: Any = field(default=None, metadata=IN_IDENTITY)
    # A pruner of Optuna's; a search needs one, which may prune nothing.
    pruner: Any = field(default=None, metadata=IN_IDENTITY)
    trials: int | None = field(default=None, metadata=IN_NEITHER)
    # Of trials; several workers share them.
    seconds: float | None = field(default=None, metadata=IN_NEITHER)
    # Seconds of trials at usd_per_hour, and what requests to an LLM cost.
    dollars: float | None = field(default=None, metadata=IN_NEITHER)
    usd_per_hour: float = field(default=0.10, metadata=IN_NEITHER)  # price of this hardware
    total: BudgetSettings = field(default_factory=BudgetSettings, metadata=IN_NEITHER)
    # Rounds in which variants race for the total budget (successive halving); None: equal shares.
    racing: int | None = field(default=None, metadata=IN_NEITHER)
    # Rounds of the race in which this variant took part; the sweeper says so.
    lasted: int | None = field(default=None, metadata=IN_NEITHER)
    objectives: list[str] | None = field(default=None, metadata=IN_IDENTITY)  # None: the decision metric
    constraints: Any = field(default=None, metadata=IN_IDENTITY)  # mapping of metric: "<= 50"
    validation: ValidationSettings = field(default_factory=ValidationSettings, metadata=IN_IDENTITY)
    space: Any = field(default=None, metadata=IN_IDENTITY)  # mapping of key: sweep, beside what components declare
    # Dimensions of components that keep the value they have; the sweeper adds those that an override gives.
    fixed: list[str] = field(default_factory=list, metadata=IN_IDENTITY)
    # Database URL; None: a journal file in the run folder.
    storage: str | None = field(default=None, metadata=IN_NEITHER)
    workers: int = field(default=1, metadata=IN_NEITHER)
    # Of each worker; None: an equal share of the cores, or what its launcher gives a job.
    threads: int | None = field(default=None, metadata=IN_NEITHER)
    worker: int | None = field(default=None, metadata=IN_NEITHER)  # which of them a job is; the sweeper says so


@dataclass
class Config:
    """A whole request: one task, one variant. Components are checked against their constructors."""

    name: str = MISSING
    variant: str = MISSING
    seed: int = 0  # of every model and search; the split has its own
    seeds: int = 1  # fits of each variant that may change with its seed; more than one are judged by their mean
    incumbent: str | None = None
    resume: bool = True
    record_git: bool = True  # keep commit and diff of the working directory in the run folder
    record_inputs: bool = True  # keep the test rows in the folder of the bake-off
    record_transcripts: bool = True  # keep prompts and raw replies in the run folder
    record_validation: bool = False  # predict the validation rows out of sample
    report: str = "html"  # the long report in the folder of the bake-off: html, or none
    test_rows: int | None = None  # answer a seeded sample of this many test rows; for slow or expensive models
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
    business: Any = None


LARGEST_SEED = 2**32 - 1  # that scikit-learn and NumPy's older generator take


def check_seed(seed: int, key: str) -> None:
    """Raise ``ConfigError`` for a seed that no generator takes."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(f"{key}: {seed} is not a seed. Give a whole number from 0 to {LARGEST_SEED}.")


def register() -> None:
    """Make the typed settings known to Hydra."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="schema", node=Config)


def _with_mappings(settings: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Parse mappings written as JSON strings: Hydra does not accept every name as a key."""
    types = {field.name: str(field.type) for field in fields(settings)}
    return {
        key: _literal(
            json.loads(value) if isinstance(value, str) and value.startswith("{") and "dict" in types[key] else value
        )
        for key, value in values.items()
    }


def _literal(value: Any) -> Any:
    """A resolved value that OmegaConf leaves as it is: text of a data file or of a record is no interpolation."""
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_literal(item) for item in value]
    return value.replace("${", r"\${") if isinstance(value, str) else value


def typed(settings: type[T], values: Mapping[str, Any], where: str) -> T:
    """Read ``values`` as a settings dataclass. Raises ``ConfigError`` that names the key, and the nearest valid one."""
    return cast(T, pickle.loads(_typed(settings, pickle.dumps(dict(values)), where)))  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _typed(settings: type, pickled: bytes, where: str) -> bytes:
    """The settings, pickled as their values are: variants of one bake-off have most in common."""
    values: dict[str, Any] = pickle.loads(pickled)
    allowed = [field.name for field in fields(settings)]
    for key in map(str, values):
        if key not in allowed:
            raise ConfigError(
                f"{where}.{key}: there is no such key. Keys: {', '.join(allowed)}.{did_you_mean(key, allowed)}"
            )
    try:
        result = OmegaConf.to_object(OmegaConf.merge(_structured(settings), _with_mappings(settings, values)))
    except OmegaConfBaseException as error:
        key = f"{where}.{error.full_key}" if error.full_key else where
        message = str(error.msg or error).splitlines()[0]
        if "is not a ListConfig" in message:
            value = values.get(str(error.full_key))
            message = f"{value!r} is not a list. Write {override(key, [value])}."
        raise ConfigError(f"{key}: {message}") from None
    assert isinstance(result, settings)
    return pickle.dumps(result)


@cache
def _structured(settings: type) -> DictConfig:
    """The defaults of a settings dataclass; making them takes longer than reading values into them."""
    defaults: DictConfig = OmegaConf.structured(settings)
    return defaults


@dataclass(frozen=True)
class Reference:
    """A string of a config that refers to environment variables. Records hold its text in place of its value.

    Attributes:
        key: last part of its key in the config.
        value: what it stands for now.
        text: as written, such as ``${oc.env:DATABASE_URL}``.
    """

    key: str
    value: str
    text: str

    @property
    def digests(self) -> dict[str, str]:
        """A digest of each variable whose value may matter, by its name: another value makes another run.

        Secrets are left out: a changed password changes nothing that is learnt. The digest is slow to compute, so that
        no value can be guessed from it.
        """
        names = {match["name"] for match in secrets.REFERENCE.finditer(self.text)}
        values = {name: os.environ.get(name, "") for name in names}
        return {
            name: hashlib.scrypt(value.encode(), salt=f"bakeoff {name}".encode(), n=2**14, r=8, p=1, dklen=8).hex()
            for name, value in sorted(values.items())
            if not secrets.is_secret(name, value)
        }


def references(cfg: DictConfig, values: Mapping[str, Any]) -> tuple[Reference, ...]:
    """The references to environment variables in a config, whose values are masked in records from here on.

    Args:
        cfg: the config.
        values: the same, resolved.
    """
    found = list(_references(OmegaConf.to_container(cfg, resolve=False), values, ""))
    for reference in found:
        for match in secrets.REFERENCE.finditer(reference.text):
            secrets.learn_variable(match["name"], os.environ.get(match["name"], ""))
    return tuple(found)


def _references(raw: Any, values: Any, key: str) -> Iterator[Reference]:
    if isinstance(raw, Mapping) and isinstance(values, Mapping):
        for name, item in raw.items():
            yield from _references(item, values.get(str(name)), str(name))
    elif isinstance(raw, list) and isinstance(values, list):
        for item, value in zip(raw, values, strict=True):
            yield from _references(item, value, key)
    elif isinstance(raw, str) and isinstance(values, str) and secrets.REFERENCE.search(raw):
        yield Reference(key, values, raw)


def plain(cfg: DictConfig, where: str = "") -> dict[str, Any]:
    """The resolved config as plain containers. Raises ``ConfigError`` that names a missing value."""
    try:
        missing = sorted(OmegaConf.missing_keys(cfg))
        if missing:
            raise ConfigError("; ".join(f"{where}{key}: a value is needed. Add {where}{key}=…" for key in missing))
        values = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{where}{error.full_key or ''}: {str(error).splitlines()[0]}") from None
    assert isinstance(values, dict)
    return {str(k): v for k, v in values.items()}
