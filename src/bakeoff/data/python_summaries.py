"""Docstrings of Python's standard library: their summary lines are references for what stands below them."""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakeoff.data.sources import Rows

LEFT_OUT = (
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "ensurepip",
    "turtledemo",
    "site-packages",
    "dist-packages",
    "__pycache__",
)
SUMMARY_WORDS, BODY_WORDS = (4, 25), (30, 300)
"""Fewest and most words of a summary line and of the text below it."""


@dataclass(frozen=True)
class PythonSummaries:
    """Docstrings of the running Python's standard library, read from its source files; nothing is imported.

    PEP 257 asks for a summary line, a blank line, and a more elaborate description. The description is the text to
    summarise, the summary line, as its author wrote it, is the reference.
    """

    @property
    def name(self) -> str:
        """Name of the source in messages."""
        return "python_summaries"

    def read(self) -> Rows:
        """One row a docstring: ``id``, ``module``, ``name`` (of the object), ``text`` and ``summary``."""
        import pandas as pd

        root = Path(sysconfig.get_path("stdlib"))
        rows = [
            {"id": f"{module}:{name}", "module": module, "name": name, "text": body, "summary": summary}
            for file in sorted(root.rglob("*.py"))
            if not set(file.relative_to(root).parts[:-1]) & set(LEFT_OUT)
            for module in [".".join(file.relative_to(root).with_suffix("").parts)]
            for name, summary, body in _documented(file)
        ]
        # An overridden method often repeats the docstring of the one it overrides.
        return Rows(
            pd.DataFrame(rows).drop_duplicates("id").drop_duplicates(["summary", "text"]).reset_index(drop=True)
        )


def _documented(file: Path) -> Iterator[tuple[str, str, str]]:
    """Qualified name, summary and body of the docstrings of a source file that have both, at the usual lengths."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # a few files of the library are templates
        return
    for name, node in _definitions(tree, ""):
        parts = re.split(r"\n\s*\n", (ast.get_docstring(node) or "").strip(), maxsplit=1)
        if len(parts) == 2 and "\n" not in parts[0]:
            summary, body = parts[0].strip(), parts[1].strip()
            if summary[-1] != ":" and _is_between(summary, SUMMARY_WORDS) and _is_between(body, BODY_WORDS):
                yield name, summary, body


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definitions(node: Documented, prefix: str) -> Iterator[tuple[str, Documented]]:
    yield prefix or "module", node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _definitions(child, f"{prefix}.{child.name}".lstrip("."))


def _is_between(text: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(text.split()) <= bounds[1]
