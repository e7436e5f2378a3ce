"""Words by which replies take back what they said: ``A. Wait, B is better``."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
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
    rf"(?:^|(?<=[.!?;:,…\n)\]*_\"'”’—–。，！？、-])|(?<=\s-\s)|(?<=\bno\s)|(?<=\boh\s)|(?<=\bhmm\s))[\s*_(\[\"“]{{0,40}}"
    rf"(?:and\s+|but\s+|so\s+|then\s+)?(?:(?P<strong>{_STRONG})|(?P<weak>{_WEAK}))",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = lazy.pattern(
    r"\"[^\"\n]{0,300}\"|“[^”\n]{0,300}”|«[^»\n]{0,300}»|(?<!\w)'(?:[^'\n]|'(?=\w)){0,300}'(?!\w)"
    r"|‘(?:[^’\n]|’(?=\w)){0,300}’(?!\w)|`[^`\n]{0,300}`|(?<=\w\s)\*(?=\S+\s+\S+\s+\S)[^*\n]{1,300}\*(?!\*)"
)
MOST = 1_000
"""Corrections of a text that are looked at: the last ones."""
_GAP = lazy.pattern(r"[\s,.:;!…—–-]*")
_SENTENCE = lazy.pattern(r"[^.!?。！？\n]{0,300}")
_STANDS_ALONE = lazy.pattern(
    r"(?!\s+\w)|\s+(?:is|was|seems|looks|fits|because|since|then|instead|stars?|points?|or|and|not)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Correction:
    """Words that take back what a reply said before them.

    Attributes:
        start: where they begin.
        end: where they end.
        is_certain: False for words such as ``actually``, which correct only if another answer follows.
    """

    start: int
    end: int
    is_certain: bool


def corrections(text: str) -> list[Correction]:
    """Corrections at the start of a sentence or clause, outside of quotations; the last one first."""
    unquoted = _QUOTED.sub(lambda quotation: "_" * len(quotation[0]), text)
    return [
        Correction(*match.span(), match["strong"] is not None)
        for match in reversed(deque(_TAKES_BACK.finditer(unquoted), MOST))
    ]


def is_corrected_by(
    text: str, weak: Correction, undenied: Sequence[tuple[int, int, str]], named_before: str | None = None
) -> bool:
    """Return whether the sentence after words such as ``actually`` names another choice than the text before them.

    Args:
        text: reply.
        weak: these words.
        undenied: start, end and choice of the mentions in the text that it does not deny.
        named_before: choice that the reply names before the text.
    """
    gap = _GAP.match(text, weak.end)
    sentence = _SENTENCE.match(text, gap.end() if gap else weak.end)
    end = sentence.end() if sentence else weak.end
    others = {
        one
        for start, stop, one in undenied
        if weak.end <= start <= end and (_is_a_word(one) or _STANDS_ALONE.match(text, stop))
    }
    if not others:
        return False
    named = {one for start, _, one in undenied if start < weak.start}
    named |= {named_before} if named_before else set()
    return bool(named) and others != named


def _is_a_word(one: str) -> bool:
    return len(one) > 1 and not one.isdecimal()
