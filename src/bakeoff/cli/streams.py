"""Output that every terminal can show: where an encoding lacks a sign, its plain form is written instead."""

from __future__ import annotations

import codecs
import sys
from typing import Any, TextIO

from bakeoff import secrets

PLAIN = {
    "–": "-", "—": "-", "…": "...", "→": "->", "✓": "ok", "✗": "failed", "“": '"', "”": '"', "‘": "'", "’": "'",
    "×": "x",     "±": "+-", "≤": "<=", "≥": ">=", "≠": "!=", "·": ".", "•": "*", "↑": "^", "↓": "v", "−": "-",
    "█": "#", "α": "alpha",
}  # fmt: skip


LONGEST_LINE = 4_000
"""Characters of a line on standard error; a message may quote a value of any length."""


class VisibleStream:
    """A stream that shows the code of a control character in place of the character: foreign text moves no cursor.

    Attributes:
        unfiltered: the stream behind it, for what writes colours itself and filters the texts.
    """

    def __init__(self, unfiltered: TextIO, longest_line: int | None) -> None:
        self.unfiltered = unfiltered
        self._longest_line = longest_line

    def write(self, text: str) -> int:
        """Write a text, with the secrets of the request masked."""
        text = secrets.hide(text)
        if not text.isprintable():
            from bakeoff.report.plain import visible

            text = "".join(visible(line) for line in text.splitlines(keepends=True))
        if self._longest_line is not None and len(text) > self._longest_line:
            text = "".join(self._cut(line) for line in text.splitlines(keepends=True))
        return self.unfiltered.write(text)

    def _cut(self, line: str) -> str:
        assert self._longest_line is not None
        more = len(line) - self._longest_line
        return line if more <= 0 else f"{line[: self._longest_line]} … ({more:,} more characters)\n"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


def make_plain() -> None:
    """Let standard output and standard error replace what their encoding cannot express, and show no control codes."""
    codecs.register_error("bakeoff", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="bakeoff")


def make_visible() -> None:
    """Let standard output and standard error show control characters of foreign texts as their codes."""
    for name, longest in (("stdout", None), ("stderr", LONGEST_LINE)):
        stream = getattr(sys, name)
        if not isinstance(stream, VisibleStream):
            setattr(sys, name, VisibleStream(stream, longest))


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in signs), error.end
