"""Foreign text in HTML: escaped, without control characters, and isolated from the direction of its neighbours."""

from __future__ import annotations

import unicodedata
from html import escape

LONGEST = 2_000


def shown(text: object, longest: int = LONGEST) -> str:
    """Text that may stand in an element or in a quoted attribute; what is cut off is counted."""
    plain = "".join(_visible(character) for character in str(text)[:longest])
    more = len(str(text)) - longest
    return escape(plain) + (f" … ({more:,} more characters)" if more > 0 else "")


def _visible(character: str) -> str:
    """A character as it is; of control, bidirectional and unpaired surrogate characters, their code."""
    if character in "\n\t":
        return character
    return f"\\u{ord(character):04x}" if unicodedata.category(character) in ("Cc", "Cf", "Cs") else character
