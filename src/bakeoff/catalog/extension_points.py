"""Everything that a plugin may bring, as a table: read from the code, written into docs/plugins.md.

python -m bakeoff.catalog.extension_points docs/plugins.md
"""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path

START, END = (
    "<!-- extension points: python -m bakeoff.catalog.extension_points docs/plugins.md -->",
    "<!-- end of extension points -->",
)


@dataclass(frozen=True)
class Point:
    """Something that a plugin may bring.

    Attributes:
        what: it is called.
        chosen: how a config or a command line names it.
        contract: the protocol or class that it follows, whose docstring the table shows.
        check: the function of ``bakeoff.testing`` that checks it; empty when there is none.
    """

    what: str
    chosen: str
    contract: str
    check: str = ""

    @property
    def summary(self) -> str:
        """The first sentence of the contract."""
        module, _, name = self.contract.rpartition(".")
        text = inspect.getdoc(getattr(importlib.import_module(module), name)) or ""
        return " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".").replace("``", "`")


def _group(name: str) -> str:
    return f"`conf/{name}/`, `{name}=…`"


def _declared(group: str) -> str:
    return f"entry point in `{group}`"


POINTS = (
    Point("model", _group("model"), "bakeoff.models.Model", "check_model"),
    Point("retriever", _group("retriever"), "bakeoff.retrieval.base.Retriever", "check_retriever"),
    Point("chunker", "`retriever.chunker`", "bakeoff.retrieval.base.Chunker", "check_retriever"),
    Point("reranker", "`retriever.reranker`", "bakeoff.retrieval.rerank.Reranker", "check_retriever"),
    Point("rewriter of questions", "`model.rewriter`", "bakeoff.retrieval.history.Rewriter"),
    Point("embedder", _group("embedder"), "bakeoff.retrieval.base.Embedder", "check_retriever"),
    Point("LLM client", _group("llm"), "bakeoff.llm.base.LLM", "check_llm"),
    Point("prompt", _group("prompt"), "bakeoff.llm.Prompt"),
    Point("reader of replies", "`conf/reader/`, `reader@model.reader=…`", "bakeoff.llm.Reader"),
    Point("data source", _group("data"), "bakeoff.data.sources.Source", "check_data"),
    Point("splitter", "`data.split.splitter`", "bakeoff.data.roles.Splitter"),
    Point("kind of task", f"{_declared('bakeoff.kinds')}, `data.kind`", "bakeoff.tasks.base.Kind", "check_data"),
    Point("kind of column", f"{_declared('bakeoff.column_kinds')}, `data.columns`", "bakeoff.columns.base.ColumnKind"),
    Point("metric", f"{_declared('bakeoff.metrics')}, `metrics.names`", "bakeoff.metrics.Metric", "check_metric"),
    Point("grader of answers", f"`metrics.graders`, {_group('metrics')}", "bakeoff.grading.base.Grader"),
    Point("tracker", _group("tracker"), "bakeoff.tracking.base.Tracker"),
    Point("trainer of networks", _group("trainer"), "bakeoff.models.Trainer"),
    Point("sampler", f"`search.sampler`, {_group('search')}", "optuna.samplers.BaseSampler"),
    Point("pruner", "`search.pruner`, `conf/search/pruner/`", "optuna.pruners.BasePruner"),
    Point("cost model", _group("cost"), "bakeoff.cost.CostModel"),
    Point("business model", _group("business"), "bakeoff.business.BusinessModel"),
    Point("decision rule", f"`decision.rule`, {_group('decision')}", "bakeoff.compare.decision.Rule"),
    Point("method check", _declared("bakeoff.checks"), "bakeoff.compare.checks.Check"),
    Point("report section", _declared("bakeoff.sections"), "bakeoff.report.sections.Section"),
)
# Groups whose options are settings, of which no class is made.
OF_SETTINGS = {"experiment": "a whole bake-off", "rules": "rules for `model=rules`, one file for each data"}


def table() -> str:
    """All points as a table in Markdown."""
    lines = ["| what | how it is chosen | what it is | contract | check |", "|---|---|---|---|---|"]
    for point in POINTS:
        check = f"`{point.check}`" if point.check else "`check_plugin`"
        lines.append(f"| {point.what} | {point.chosen} | {point.summary} | `{point.contract}` | {check} |")
    for group, what in OF_SETTINGS.items():
        lines.append(f"| {group} | {_group(group)} | {what} | settings alone | `check_plugin` |")
    verb = "gets the arguments behind it, and may return an exit code"
    lines.append(f"| verb | {_declared('bakeoff.verbs')}, `bakeoff NAME` | {verb} | a function | `check_plugin` |")
    return "\n".join(lines)


def written_into(text: str) -> str:
    """A document with the table between its marks. Raises ``ValueError`` when they are not there."""
    before, _, rest = text.partition(START)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"there is no place for the table: it goes between {START} and {END}")
    return f"{before}{START}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(written_into(document.read_text("utf-8")), encoding="utf-8")
