"""Foreign text in HTML and on terminals: without control characters; in HTML escaped, too."""

from __future__ import annotations

import unicodedata
from html import escape

LONGEST = 2_000


def shown(text: object, longest: int = LONGEST) -> str:
    """Text that may stand in an element or in a quoted attribute; what is cut off is counted."""
    plain = visible(str(text)[:longest])
    more = len(str(text)) - longest
    return escape(plain) + (f" … ({more:,} more characters)" if more > 0 else "")


def visible(text: str) -> str:
    """The text, with the code in place of each control, bidirectional and unpaired surrogate character."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    return f"\\u{ord(character):04x}" if unicodedata.category(character) in ("Cc", "Cf", "Cs") else character
