"""Kinds of task: what the truth looks like, and what decides where nobody says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bakeoff import plugins
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.task import Gold, PredictionTable, Schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

STEPS_AHEAD, MOST_STEPS = "steps ahead", 12
"""What the breakdown of a forecast is called, and its most parts."""


@dataclass(frozen=True)
class Kind:
    """A kind of task.

    Attributes:
        name: as it is written in ``data.kind``.
        summary: in a few words.
        metric: name of the metric that decides where none is declared.
        has_corpus: whether answers are looked for in documents.
        write: the targets as one column of a table, shape (n,).
        read: the targets from that column, shape (n,); the data hold those of a plugin's kind as ``write`` does.
        read_output: the outputs from theirs.
        is_right: whether each output is right, shape (n,); None where an answer is not simply right or wrong.
        write_output: the outputs as one column of a table, shape (n,).
        shape: of one output; none for a plain value.
        is_numeric: whether outputs are numbers, all of which must be finite.
        is_series: whether rows are moments of a series, of which those ahead are asked for.
        breakdown: what of the table is scored apart besides slices: a word for it → name of a part → that part.
    """

    name: str
    summary: str
    metric: Callable[[Schema], str]
    has_corpus: bool
    write: Callable[[NDArray[Any]], NDArray[Any]]
    read: Callable[[pd.Series], NDArray[Any]]
    read_output: Callable[[pd.Series], NDArray[Any]]
    is_right: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]] | None = None
    write_output: Callable[[NDArray[Any]], NDArray[Any]] = lambda outputs: outputs
    shape: Callable[[Schema], tuple[int, ...]] = lambda schema: ()
    is_numeric: bool = False
    is_series: bool = False
    breakdown: Callable[[PredictionTable], Mapping[str, Mapping[str, PredictionTable]]] = lambda table: {}


_kinds: dict[str, Kind] = {}
_own: set[str] = set()  # those of bakeoff itself


def register(kind: Kind) -> Kind:
    """Make a kind known by its name. Raises ``ValueError`` when the name is taken."""
    if kind.name in _kinds:
        raise ValueError(f'there is a kind "{kind.name}" already')
    _kinds[kind.name] = kind
    return kind


def own() -> frozenset[str]:
    """Names of bakeoff's own kinds."""
    return frozenset(_own)


def names() -> list[str]:
    """Names of all kinds, those of plugins behind bakeoff's own."""
    return list(dict.fromkeys([*_kinds, *plugins.declared(plugins.KINDS)]))


def get(name: str, where: str = "data.kind") -> Kind:
    """The kind of that name, from a plugin if need be.

    Raises:
        ConfigError: there is none, which names the nearest; or a plugin brings it and fails.
    """
    plugins.refuse_conflict(plugins.KINDS, name, where, is_own=name in _own)
    if name not in _kinds and name in plugins.declared(plugins.KINDS):
        found = plugins.load(plugins.KINDS, name, where)
        if not isinstance(found, Kind) or found.name != name:
            raise ConfigError(f'{where}: {plugins.declared(plugins.KINDS)[name][0].plugin} declares no kind "{name}".')
        _kinds.setdefault(name, found)
    if name not in _kinds:
        raise ConfigError(f'{where}: "{name}" is unknown. Allowed: {", ".join(names())}.{did_you_mean(name, names())}')
    return _kinds[name]


def _objects(column: pd.Series) -> NDArray[Any]:
    return column.to_numpy(dtype=object)


def _floats(column: pd.Series) -> NDArray[Any]:
    return column.to_numpy(dtype=float)


def _write_gold(targets: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    found = np.empty(len(targets), dtype=object)
    for i, gold in enumerate(targets):
        found[i] = json.dumps({"answers": gold.answers, "relevance": dict(gold.relevance)}, ensure_ascii=False)
    return found


def _read_gold(column: pd.Series) -> NDArray[Any]:
    import numpy as np

    found = np.empty(len(column), dtype=object)
    for i, text in enumerate(column):
        content: Mapping[str, Any] = json.loads(text)
        found[i] = Gold(tuple(content["answers"]), content["relevance"])
    return found


def _write_paths(values: NDArray[Any]) -> NDArray[Any]:
    """Each row of shape (n, horizon) as a tuple."""
    import numpy as np

    found = np.empty(len(values), dtype=object)
    for i, path in enumerate(values.tolist()):
        found[i] = tuple(path)
    return found


def _read_paths(column: pd.Series) -> NDArray[Any]:
    import numpy as np

    return np.array([list(values) for values in column], dtype=np.float64)


def _by_step(table: PredictionTable) -> Mapping[str, Mapping[str, PredictionTable]]:
    """The steps ahead apart, in at most ``MOST_STEPS`` ranges of equal length. A step has no latency of its own."""
    from dataclasses import replace

    import numpy as np

    untimed = np.full(len(table), np.nan)
    horizon = table.target.shape[1]
    length = -(-horizon // MOST_STEPS)
    found = {}
    for first in range(0, horizon, length):
        steps = slice(first, min(first + length, horizon))
        name = str(steps.stop) if steps.stop - first == 1 else f"{first + 1}–{steps.stop}"
        answers = replace(table.predictions, output=table.predictions.output[:, steps])
        found[name] = replace(table, target=table.target[:, steps], predictions=answers, seconds=untimed)
    return {STEPS_AHEAD: found}


register(
    Kind(
        "classification",
        "one of several labels",
        lambda schema: "f1" if schema.positive is not None else "f1_macro",
        has_corpus=False,
        write=lambda targets: targets,
        read=_objects,
        read_output=_objects,
        is_right=lambda output, target: output == target,
    )
)
register(
    Kind(
        "regression",
        "a number",
        lambda schema: "rmse",
        has_corpus=False,
        write=lambda targets: targets,
        read=_floats,
        read_output=_floats,
        is_numeric=True,
    )
)
register(
    Kind(
        "forecast",
        "the next values of a series",
        lambda schema: "mase",
        has_corpus=False,
        write=_write_paths,
        read=_read_paths,
        read_output=_read_paths,
        write_output=_write_paths,
        shape=lambda schema: (schema.series.horizon,) if schema.series else (),
        is_numeric=True,
        is_series=True,
        breakdown=_by_step,
    )
)
register(
    Kind(
        "qa",
        "an answer to a question, from documents",
        lambda schema: "token_f1",
        has_corpus=True,
        write=_write_gold,
        read=_read_gold,
        read_output=_objects,
    )
)
register(
    Kind(
        "retrieval",
        "the documents that are relevant to a query",
        lambda schema: "ndcg_at_10",
        has_corpus=True,
        write=_write_gold,
        read=_read_gold,
        read_output=_objects,
    )
)
_own.update(_kinds)
