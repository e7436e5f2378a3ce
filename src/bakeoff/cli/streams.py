"""Output that every terminal can show: where an encoding lacks a sign, its plain form is written instead."""

from __future__ import annotations

import codecs
import sys

PLAIN = {
    "–": "-", "—": "-", "…": "...", "→": "->", "✓": "ok", "✗": "failed", "“": '"', "”": '"', "‘": "'", "’": "'",
    "×": "x",     "±": "+-", "≤": "<=", "≥": ">=", "≠": "!=", "·": ".", "•": "*", "↑": "^", "↓": "v", "−": "-",
    "█": "#", "α": "alpha",
}  # fmt: skip


def make_plain() -> None:
    """Let standard output and standard error replace what their encoding cannot express."""
    codecs.register_error("bakeoff", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="bakeoff")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in signs), error.end
