"""Predictions of a model for each row: output, status, usage and the stages that the row passed through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from bakeoff.usage import Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bakeoff.llm.transcript import Transcript

RowStatus = Literal["ok", "no_answer", "withheld", "not_asked"]

OK: RowStatus = "ok"
"""The model answered."""
NO_ANSWER: RowStatus = "no_answer"
"""The model was called and gave nothing usable: the row is lost, neither right nor wrong."""
WITHHELD: RowStatus = "withheld"
"""The model chose to abstain, which is scored as a choice."""
NOT_ASKED: RowStatus = "not_asked"
"""The row was never sent, or never reached the server: it is not scored."""

REASONS = ("cut", "unreadable", "filtered", "refused", "error")
"""Codes before the colon of a ``no_answer`` reason, such as ``cut: at 64 tokens (model.max_tokens)``."""
PASSING = ("account", "server", "rate_limit", "interrupted")
"""Codes of transient ``not_asked`` reasons: the run is unfinished, and the same command tries these rows again."""

MOST_REASONS = 4


def in_words(reasons: Mapping[str, int]) -> str:
    """Reasons with their rows, such as ``24 cut at 64 tokens (model.max_tokens); 3 error HTTP 400``."""
    most = Counter(reasons).most_common()
    parts = [f"{count:,} {reason.replace(': ', ' ', 1)}" for reason, count in most[:MOST_REASONS]]
    rest = sum(count for _, count in most[MOST_REASONS:])
    return "; ".join([*parts, *([f"{rest:,} for other reasons"] if rest else [])])


ABSTAINED = ""
"""The output of a row without an answer; ``Predictions.status`` says whether the model chose that."""


@dataclass(frozen=True)
class StageTrace:
    """One stage of a model that is made of models.

    Attributes:
        name: name of the stage.
        rows: positions of the m rows that it saw, in the predictions of the whole model, shape (m,).
        accepted: whether its prediction was accepted, shape (m,).
        seconds: latency of this stage alone, shape (m,); NaN where it was not timed.
        usage: LLM usage of this stage alone, m rows.
        machine_seconds, human_usd: of this stage alone, as in ``Predictions``, shape (m,); None where it has none.
    """

    name: str
    rows: NDArray[np.intp]
    accepted: NDArray[np.bool_]
    seconds: NDArray[np.float64]
    usage: Usage
    machine_seconds: NDArray[np.float64] | None = None
    human_usd: NDArray[np.float64] | None = None

    def take(self, positions: NDArray[np.intp]) -> StageTrace:
        """The stage within the given rows of the predictions, which may repeat."""
        import numpy as np

        entry = np.full(max(self.rows.max(initial=-1), positions.max(initial=-1)) + 1, -1)
        entry[self.rows] = np.arange(len(self.rows))
        of = entry[positions]
        seen = np.flatnonzero(of >= 0)
        of = of[seen]
        sums = {name: values[of] for name, values in self.sums.items()}
        return StageTrace(self.name, seen, self.accepted[of], self.seconds[of], self.usage.take(of), **sums)

    @property
    def sums(self) -> dict[str, NDArray[np.float64]]:
        """Machine time and prices of people by field, where the stage has them."""
        values = {name: getattr(self, name) for name in ("machine_seconds", "human_usd")}
        return {name: array for name, array in values.items() if array is not None}


def _unset() -> Any:
    import numpy as np

    return np.zeros(0, dtype=object)


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model for n rows: arrays of length n in the order of the rows.

    A field that a model does not have is None. ``status``, ``reason`` and ``usage`` are always there: where a model
    says nothing of them, every row is ok and asked no language model.

    Attributes:
        output: labels (``object`` array of ``str``), values (``float64``, of a forecast shape (n, horizon)) or answers
            (``str``). Of rows without an answer it means nothing: ``status`` decides.
        short: the short form of each answer, for metrics that compare a few words; None: the output is short enough.
        proba: probability of each class, shape (n, k), columns in the order of ``Schema.classes``.
        stage: which part of the model answered (the name of a rule, a step of a cascade).
        confidence: confidence of the model in its output, from 0 to 1.
        retrieved: ids of the documents found, best first, each once: ``object`` array of tuples.
        cited: ids of the documents that the answer names as its sources: ``object`` array of tuples.
        evidence: text of the passages cited.
        seconds: latency of each row where the model knows it better than a clock around it, as when an answer is
            replayed from a cache; it includes all parts of the model.
        usage: LLM usage of each row.
        status: ``ok``, ``no_answer``, ``withheld`` or ``not_asked`` of each row.
        reason: why a row has no answer, as ``code: words`` (codes in ``REASONS`` and ``PASSING``), or in words why an
            answer was withheld; empty where there is one.
        trace: the stages of a model that is made of models, in the order in which they were asked.
        transcripts: the requests to language models, in the order of the rows for each purpose, for the record;
            ``take`` leaves them out.
        machine_seconds: machine time of each row when all rows are predicted together, of all parts of the model; None
            where the runner's clock knows it, as of a model without recorded parts.
        human_usd: price in US dollars of the people who decided on each row; None where no person did.
    """

    output: NDArray[Any]
    proba: NDArray[np.float64] | None = None
    stage: NDArray[Any] | None = None
    confidence: NDArray[np.float64] | None = None
    retrieved: NDArray[Any] | None = None
    cited: NDArray[Any] | None = None
    evidence: NDArray[Any] | None = None
    seconds: NDArray[np.float64] | None = None
    usage: Usage = field(default_factory=lambda: Usage.zeros(0))
    status: NDArray[Any] = field(default_factory=_unset)
    reason: NDArray[Any] = field(default_factory=_unset)
    trace: tuple[StageTrace, ...] = ()
    short: NDArray[Any] | None = None
    transcripts: tuple[Transcript, ...] = field(default=(), repr=False)
    machine_seconds: NDArray[np.float64] | None = None
    human_usd: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Fill in the fields that are always present. Raises ``ValueError`` if an array has another length."""
        import numpy as np

        n = len(self.output)
        for name, value in (("status", OK), ("reason", "")):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(n, value, dtype=object))
        if not len(self.usage):
            object.__setattr__(self, "usage", Usage.zeros(n))
        for f in fields(self):
            values = getattr(self, f.name)
            if f.name not in ("trace", "transcripts") and values is not None and len(values) != n:
                raise ValueError(f"Predictions.{f.name} is of {len(values)} rows, and the output is of {n}")

    def __len__(self) -> int:
        return len(self.output)

    @property
    def is_answered(self) -> NDArray[np.bool_]:
        """The rows that are scored: those with an answer, and those from which the model chose to abstain."""
        import numpy as np

        return np.asarray((self.status == OK) | (self.status == WITHHELD), dtype=np.bool_)

    def reasons(self, *statuses: RowStatus) -> Counter[str]:
        """Count the rows of these statuses by reason."""
        return Counter(r for s, r in zip(self.status, self.reason, strict=True) if s in statuses)

    @property
    def passing(self) -> Counter[str]:
        """Count the rows lost to transient failures, by reason: such a run is unfinished."""
        lost = self.reasons(NOT_ASKED)
        return Counter({r: count for r, count in lost.items() if r.partition(":")[0] in PASSING})

    def take(self, rows: NDArray[Any]) -> Predictions:
        """The given rows, by position or by mask, without transcripts."""
        import numpy as np

        there = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("usage", "trace", "transcripts")}
        columns: dict[str, Any] = {name: values[rows] for name, values in there.items() if values is not None}
        trace = self.trace
        if trace:
            positions = np.arange(len(self))[rows]
            trace = tuple(stage.take(positions) for stage in trace)
        return replace(self, **columns, usage=self.usage.take(rows), trace=trace, transcripts=())


def concatenated(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of consecutive rows by one model. Rows of a part that lacks a field are missing in that field.

    Raises:
        ValueError: there is no part.
    """
    import numpy as np

    if not parts:
        raise ValueError("there are no predictions to concatenate")
    there: dict[str, Any] = {}
    for name in ("output", *_OPTIONAL, "status", "reason"):
        values = [getattr(part, name) for part in parts]
        if any(v is not None for v in values):
            like = next(v for v in values if v is not None)
            there[name] = np.concatenate(
                [_missing(like, len(part)) if v is None else v for v, part in zip(values, parts, strict=True)]
            )
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    traced: dict[str, list[StageTrace]] = {}
    for part, start in zip(parts, starts, strict=True):
        for stage in part.trace:
            traced.setdefault(stage.name, []).append(replace(stage, rows=stage.rows + start))
    return Predictions(
        **there,
        usage=Usage.concatenate([part.usage for part in parts]),
        trace=tuple(_joined(stages) for stages in traced.values()),
        transcripts=tuple(
            t if t.row is None else replace(t, row=int(start) + t.row)
            for part, start in zip(parts, starts, strict=True)
            for t in part.transcripts
        ),
    )


@dataclass(frozen=True)
class Stage:
    """Predictions of some rows by one part of a model.

    Attributes:
        name: name of the part; unique within the model.
        rows: positions of the m rows that it saw, each once.
        predictions: m rows.
        accepted: whether each prediction is accepted, shape (m,): the row is then final, whatever later stages give.
    """

    name: str
    rows: NDArray[np.intp]
    predictions: Predictions
    accepted: NDArray[np.bool_]


def merged(n: int, stages: Sequence[Stage]) -> Predictions:
    """Predictions of n rows by stages, each of which answers the rows that no earlier one answered to satisfaction.

    A row holds the first answer that was accepted, or that of the last stage that saw it; ``stage`` names whose it is.
    Usage, seconds and prices of a row are the sums over all stages that saw it. A row that no stage saw is
    ``not_asked``.

    Raises:
        ValueError: there is no stage, or two have one name.
    """
    import numpy as np

    if not stages or len({stage.name for stage in stages}) < len(stages):
        raise ValueError("stages need names of their own, and there must be one")
    owner = np.full(n, -1)
    is_final = np.zeros(n, dtype=np.bool_)
    usage, seconds = Usage.zeros(n), np.zeros(n)
    trace: list[StageTrace] = []
    transcripts: list[Transcript] = []
    for number, stage in enumerate(stages):
        part = stage.predictions
        transcripts += [t.within(stage.name, stage.rows) for t in part.transcripts]
        stage_seconds = _missing(seconds, len(part)) if part.seconds is None else part.seconds
        usage = usage + part.usage.spread(stage.rows, n)
        seconds[stage.rows] += stage_seconds
        owner[stage.rows[~is_final[stage.rows]]] = number
        is_final[stage.rows[stage.accepted]] = True
        trace.append(
            StageTrace(
                stage.name,
                stage.rows,
                stage.accepted,
                stage_seconds,
                part.usage,
                part.machine_seconds,
                part.human_usd,
            )
        )
        trace += [
            replace(inner, name=f"{stage.name}/{inner.name}", rows=stage.rows[inner.rows]) for inner in part.trace
        ]
    there: dict[str, Any] = {}
    for name in ("output", *(name for name in _OPTIONAL if name not in ("stage", *_SUMS)), "status", "reason"):
        values = [getattr(stage.predictions, name) for stage in stages]
        if any(v is not None for v in values):
            whole = _missing(next(v for v in values if v is not None), n)
            for number, (stage, of_stage) in enumerate(zip(stages, values, strict=True)):
                here = owner[stage.rows] == number
                if of_stage is not None:
                    whole[stage.rows[here]] = of_stage[here]
            there[name] = whole
    there["status"][owner < 0], there["reason"][owner < 0] = NOT_ASKED, "no stage saw the row"
    named = _missing(there["status"], n)
    for number, stage in enumerate(stages):
        inner = stage.predictions.stage
        here = np.flatnonzero(owner[stage.rows] == number)
        named[stage.rows[here]] = stage.name
        if inner is None:
            continue
        for i in here:
            if inner[i] is not None:
                named[stage.rows[i]] = f"{stage.name}/{inner[i]}"
    if any(stage.predictions.seconds is not None for stage in stages):
        there["seconds"] = seconds
    for name in _SUMS[1:]:
        if any(getattr(stage.predictions, name) is not None for stage in stages):
            there[name] = _total(n, [(stage.rows, getattr(stage.predictions, name)) for stage in stages])
    return Predictions(**there, stage=named, usage=usage, trace=tuple(trace), transcripts=tuple(transcripts))


_SUMS = ("seconds", "machine_seconds", "human_usd")
"""Fields that add up over the stages that saw a row."""
_OPTIONAL = ("short", "proba", "stage", "confidence", "retrieved", "cited", "evidence", *_SUMS)


def _total(n: int, parts: Sequence[tuple[NDArray[np.intp], NDArray[np.float64] | None]]) -> NDArray[np.float64]:
    """Sums of values at the given rows of n; a part without values adds nothing."""
    import numpy as np

    total = np.zeros(n)
    for rows, values in parts:
        if values is not None:
            total[rows] += values
    return total


def _missing(like: NDArray[Any], n: int) -> NDArray[Any]:
    """An array of n missing values in the manner of ``like``: NaN, or None."""
    import numpy as np

    if np.issubdtype(like.dtype, np.number):
        return np.full((n, *like.shape[1:]), np.nan)
    return np.full((n, *like.shape[1:]), None, dtype=object)


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows of a field that its part of the model does not give, shape (n,)."""
    import numpy as np

    if values.dtype == object:
        return np.array([value is None for value in values], dtype=np.bool_)
    if not np.issubdtype(values.dtype, np.floating):
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(np.isnan(values).reshape(len(values), -1).any(axis=1), dtype=np.bool_)


def stated_confidence(predictions: Predictions) -> NDArray[np.float64] | None:
    """Confidence of each prediction: as the model gives it, or the probability of its answer; None where it has none.

    Of several labels, it is that of the label about which the model is least sure.
    """
    import numpy as np

    if predictions.confidence is not None and not is_missing(predictions.confidence)[predictions.is_answered].any():
        return predictions.confidence
    proba = predictions.proba
    if proba is None or not len(proba):
        return None
    if predictions.output.dtype == object and any(isinstance(value, tuple) for value in predictions.output[:1]):
        return np.asarray(np.maximum(proba, 1 - proba).min(axis=1))
    return np.asarray(proba.max(axis=1))


def _joined(stages: Iterable[StageTrace]) -> StageTrace:
    """One stage of consecutive rows."""
    import numpy as np

    parts = list(stages)
    shared = [name for name in parts[0].sums if all(name in part.sums for part in parts)]
    return StageTrace(
        parts[0].name,
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.accepted for part in parts]),
        np.concatenate([part.seconds for part in parts]),
        Usage.concatenate([part.usage for part in parts]),
        **{name: np.concatenate([part.sums[name] for part in parts]) for name in shared},
    )
