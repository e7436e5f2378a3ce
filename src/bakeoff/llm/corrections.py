"""Words by which replies take back what they said: ``A. Wait, B is better``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bakeoff import lazy

_STRONG = (
    r"(?:wait|hold\s+on)(?=\s*,(?!\s*(?:then|and)\b)|\s*[.!:;…—–-]|\s+(?:no|let|that|actually|i)\b|\s*$)"
    r"|(?:up)?on\s+(?:second|further)\s+thoughts?|(?:up)?on\s+(?:further\s+)?reflection|(?:scratch|strike)\s+that"
    r"|correction\b(?=\s*[,.:;!—–-])|let\s+me\s+(?:re-?think|re-?consider|re-?check|re-?evaluate|re-?examine|correct|revise)"
    r"|i\s+(?:made\s+(?:a\s+mistake|an\s+error)|was\s+wrong|stand\s+corrected|take\s+(?:that|it)\s+back|misread"
    r"|(?:have\s+)?changed?\s+my\s+mind)|my\s+(?:mistake|bad)\b|oops\b|i\s+mean(?:t)?\b|make\s+that\b|never\s*mind\b"
    r"|(?:nein,?\s+)?warte\b|moment(?=\s*[,!.:])|korrektur\b|attends\b|attendez\b|espera\b|corrección\b|corrigendum\b"
    r"|等等|等一下|不对|不對|更正|いや[、,，]|待って|訂正|잠깐|아니[,.]|подождите|погоди|стоп\b"
)
_WEAK = (
    r"(?:actually|in\s+fact|hmm+|sorry|(?:or\s+)?rather|instead|better|eigentlich|en\s+fait|en\s+realidad"
    r"|其实|实际上|実は|実際)(?=[\s,.:;!…—–-])|(?:no|nope|nein|non|нет)(?=\s*[,.:;!…—–-])"
    r"|that(?:['’]s|\s+is|\s+was)\s+(?:wrong|incorrect|not\s+(?:right|correct))\b(?=\s*[.!,]|\s*$)"
)
_TAKES_BACK = lazy.pattern(
    rf"(?:^|(?<=[.!?;:,…\n)\]*_\"'”’—–。，！？、-])|(?<=\s-\s)|(?<=\bno\s)|(?<=\boh\s)|(?<=\bhmm\s))[\s*_(\[\"“]*"
    rf"(?:and\s+|but\s+|so\s+|then\s+)?(?:(?P<strong>{_STRONG})|(?P<weak>{_WEAK}))",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = lazy.pattern(r"\"[^\"\n]{0,300}\"|“[^”\n]{0,300}”|«[^»\n]{0,300}»|(?<!\w)'[^'\n]{0,300}'(?!\w)")


@dataclass(frozen=True)
class Correction:
    """Words that take back what a reply said before them.

    Attributes:
        before: text before them.
        after: text after them.
        is_certain: False for words such as ``actually``, which correct only if another answer follows.
    """

    before: str
    after: str
    is_certain: bool


def corrections(text: str) -> list[Correction]:
    """Corrections at the start of a sentence or clause, outside of quotations; the last one first."""
    unquoted = _QUOTED.sub(lambda quotation: "_" * len(quotation[0]), text)
    return [
        Correction(text[: match.start()], text[match.end() :], match["strong"] is not None)
        for match in reversed(list(_TAKES_BACK.finditer(unquoted)))
    ]
