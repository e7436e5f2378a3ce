"""Slots of a config, and the components that each admits: a base class or a contract by methods, never a package.

People share experiment files, so a file may name registered components and nothing else. Registered are the classes
that bakeoff exports as components, scikit-learn's estimators, kernels and splitters, CatBoost's two learners, Optuna's
samplers and pruners, and classes of installed plugins that fulfil the contract of a slot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bakeoff import lazy
from bakeoff.config import signatures
from bakeoff.config.component import Component
from bakeoff.config.signatures import Lineage
from bakeoff.errors import ConfigError

ANY = "component"
"""Slot that admits every registered component: an argument that names no contract of its own."""
ESTIMATOR, OF_OPTUNA = "estimator", "optuna"

MODEL = "bakeoff.models.base.Model"
SKLEARN = frozenset(
    {
        "sklearn.base.BaseEstimator",
        "sklearn.gaussian_process.kernels.Kernel",
        "sklearn.model_selection._split.BaseCrossValidator",
        "sklearn.model_selection._split.BaseShuffleSplit",
    }
)
"""Base classes whose constructors, by scikit-learn's convention, store their arguments and do nothing else."""
CATBOOST = frozenset({"catboost.core.CatBoostClassifier", "catboost.core.CatBoostRegressor"})
SAMPLER, PRUNER = "optuna.samplers._base.BaseSampler", "optuna.pruners._base.BasePruner"
CROSSOVER = "optuna.samplers.nsgaii._crossovers._base.BaseCrossover"
LIBRARIES = ("sklearn", "skrub", "catboost", "optuna")

EXPORTS = ("models", "solutions", "retrieval", "data", "llm", "grading", "tracking")
"""Packages of bakeoff whose exported classes are components."""
FURTHER = frozenset(
    {
        "bakeoff.business.ErrorCosts",
        "bakeoff.business.Outcomes",
        "bakeoff.business.ValueMatrix",
        "bakeoff.cost.TimeAndRequests",
        "bakeoff.models.qa.sentences.Meaning",
    }
)
"""Components of bakeoff that no package exports."""


@dataclass(frozen=True)
class Slot:
    """A place in a config that takes a component.

    Attributes:
        methods: that bakeoff's and plugins' classes must have; empty: only ``bases`` count.
        bases: one of which a class must be, or inherit from.
        named: classes of plugins that the annotation of a plugin's argument names, without their module.
        takes_any: whether every component of another slot is admitted as well.
    """

    methods: tuple[str, ...] = ()
    bases: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    takes_any: bool = False


SLOTS: Mapping[str, Slot] = {
    "model": Slot(bases=frozenset({MODEL}) | SKLEARN | CATBOOST),
    "retriever": Slot(("passages", "index")),
    "chunker": Slot(("split",)),
    "embedder": Slot(("identity", "embed")),
    "reranker": Slot(("rerank",)),
    "rewriter": Slot(("rewrite",)),
    "llm": Slot(("check", "complete", "usage")),
    "prompt": Slot(("render", "variables")),
    "reader": Slot(bases=frozenset({"bakeoff.llm.reader.Reader"})),
    "trainer": Slot(bases=frozenset({"bakeoff.models.deep.trainer.Trainer"})),
    "scorer": Slot(("prepare", "scores")),
    "data": Slot(("name", "read")),
    "data.split.splitter": Slot(("assign",)),
    "metrics.graders": Slot(("grade", "details")),
    "tracker": Slot(("track_run", "track_comparison")),
    "cost": Slot(("dollars",)),
    "business": Slot(("check", "columns", "dollars")),
    "decision.rule": Slot(("decide",)),
    "search.sampler": Slot(bases=frozenset({SAMPLER})),
    "search.pruner": Slot(bases=frozenset({PRUNER})),
    ESTIMATOR: Slot(bases=SKLEARN | CATBOOST),
    OF_OPTUNA: Slot(bases=frozenset({SAMPLER, PRUNER, CROSSOVER})),
    ANY: Slot(takes_any=True),
}
ANNOTATIONS = {
    "Model": "model",
    "Retriever": "retriever",
    "Chunker": "chunker",
    "Embedder": "embedder",
    "Reranker": "reranker",
    "Rewriter": "rewriter",
    "LLM": "llm",
    "Prompt": "prompt",
    "Reader": "reader",
    "Trainer": "trainer",
    "Scorer": "scorer",
    "Source": "data",
    "Splitter": "data.split.splitter",
    "Grader": "metrics.graders",
}
"""Slots of the arguments of bakeoff's own classes, by the contract that annotates them."""

ESTIMATORS = "object"
"""Annotation of the arguments of bakeoff's own classes that take an estimator of a library."""

IO_ARGUMENT = re.compile(
    r"(^|_)(path|paths|file|files|filename|filepath|dir|directory|folder|memory|uri|url|storage|snapshot|cache"
    r"|log|logs|logger|stream|callback|env|env_variable|model_name)(_|$)|^(in|out)put_borders$|^allow_writing_files$"
)
"""Names of arguments of libraries that name a file, a folder, a database or a download."""
HARMLESS = frozenset({"cache_size", "path_method", "fit_path", "gpu_cat_features_storage", "log_every_n_steps"})
EVALUATED = {"pre_dispatch": re.compile(r"all|\d{1,4}|(\d{1,3} ?\* ?)?n_jobs")}
"""Arguments of libraries whose strings are evaluated, with the values allowed."""
SETTLED = {"catboost": {"allow_writing_files": False}}
"""Arguments that a class of a library gets where the config leaves them open: fits leave no files behind."""


def admits(slot: str | Slot, lineage: Lineage, of_plugin: bool) -> bool:
    """Return whether a slot takes a class.

    Args:
        slot: the slot, or its name among ``SLOTS``.
        lineage: of the class.
        of_plugin: whether an installed plugin brings it.
    """
    contract = SLOTS[slot] if isinstance(slot, str) else slot
    package, _, name = lineage.name.rpartition(".")
    top = package.partition(".")[0]
    if top == "bakeoff":
        if lineage.name not in _own():
            return False
    elif not of_plugin and top not in LIBRARIES:
        return False
    if contract.bases & lineage.names or (of_plugin and name in contract.named):
        return True
    has_contract = of_plugin or top == "bakeoff"
    if contract.methods and has_contract and set(contract.methods) <= lineage.members:
        return True
    return contract.takes_any and any(admits(other, lineage, of_plugin) for other in SLOTS if other != ANY)


def wanted(slot: str | Slot) -> str:
    """Describe what a slot takes, for messages."""
    contract = SLOTS[slot] if isinstance(slot, str) else slot
    if contract.takes_any:
        return "a component that bakeoff, scikit-learn, CatBoost, Optuna or an installed plugin registers"
    named = [re.sub(r"\._\w+(?=\.)", "", base) for base in sorted(contract.bases)]
    if contract.methods:
        named.append(f"a class of bakeoff or of an installed plugin with {' and '.join(contract.methods)}")
    return ", ".join(named[:-1]) + (" or " if named[:-1] else "") + named[-1]


def of_argument(target: str, name: str) -> str | Slot:
    """The slot of an argument of a class: that of its library, or the one that the argument's annotation names."""
    top = target.partition(".")[0]
    if top in ("sklearn", "skrub", "catboost") or target == "bakeoff.models.Estimator":
        return ESTIMATOR
    if top == "optuna":
        return OF_OPTUNA
    signature = signatures.read(target)
    parameter = signature.parameters.get(name) if signature else None
    words = re.findall(r"\w+", (parameter.annotation if parameter else None) or "")
    if top != "bakeoff":
        return Slot(named=frozenset(words), takes_any=True)
    return next((ANNOTATIONS[word] for word in words if word in ANNOTATIONS), ANY)


def takes_one_component(annotation: str | None) -> bool:
    """Return whether an argument of this annotation takes a component or None, and nothing else."""
    names = {name.strip() for name in (annotation or "").split("|")} - {"None"}
    return len(names) == 1 and names.pop().rpartition(".")[2] in (*ANNOTATIONS, ESTIMATORS)


def check_arguments(component: Component, where: str) -> None:
    """Refuse arguments of a library's class that read or write files, or that it evaluates.

    Raises:
        ConfigError: there is one.
    """
    top = component.target.partition(".")[0]
    if top not in LIBRARIES:
        return
    for key, value in _named(component.arguments, where):
        name = key.rpartition(".")[2]
        name = name.rpartition("__")[2] or name  # a parameter of a nested estimator, as in a grid of scikit-learn
        if value is None or value is False:
            continue
        if IO_ARGUMENT.search(name) and name not in HARMLESS:
            raise ConfigError(
                f"{key}: {name} makes {component.target} read or write files of its own, which no config may ask for. "
                "Remove it. See docs/safety.md."
            )
        if name == "input" and value != "content":
            raise ConfigError(f'{key}: "{value}" would read files that the rows name. Allowed: content.')
        if name in EVALUATED and not EVALUATED[name].fullmatch(str(value)):
            raise ConfigError(f'{key}: "{value:.60}" is an expression. Allowed: all, a number, n_jobs, 2*n_jobs.')


def settled(target: str) -> Mapping[str, Any]:
    """Arguments that a class of a library gets where the config leaves them open."""
    return SETTLED.get(target.partition(".")[0], {})


def _named(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Keys and values at any depth, but not within nested components, which are checked by themselves."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{where}.{key}", item
            yield from _named(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _named(item, f"{where}.{i}")


@cache
def _own() -> frozenset[str]:
    """Full names of bakeoff's components: what its packages export, where it is defined."""
    exported = (lazy.homes(f"bakeoff.{package}") for package in EXPORTS)
    return FURTHER | {f"{module}.{name}" for homes in exported for module, name in homes.values()}
