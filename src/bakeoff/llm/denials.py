"""Words by which replies deny a choice that they name: ``not spam``, ``spam: no``, ``スパムではない``."""

from __future__ import annotations

import re

from bakeoff import lazy

_CLAUSE = lazy.pattern(
    r"[.,;:!?。，；：！？\n]"
    r"|\b(?:(?<!anything )but|so|however|therefore|hence|thus|because|since|sondern|aber|mais|sino)\b",
    re.IGNORECASE,
)
_DENIES = lazy.pattern(
    r"\b(?:not|no|nor|never|neither|cannot|can['’]?t|hardly|barely|scarcely|without|unlikely|rather\s+than|instead\s+of"
    r"|doubt\w*|far\s+from|anything\s+but|opposite\s+of|other\s+than|rul(?:e|es|ed|ing)\s+out|nicht|kein\w*|weder|noch|nie|niemals|ohne|pas|ni|jamais|sans|nunca|tampoco|non|senza"
    r"|не|нет|ни|ليس|ليست|ليسا|وليس|وليست|ولا|غير|ולא|לא|אינו|niet|geen|inte|ikke|não|nem|δεν|bukan|tidak|không|nie|není"
    r")\b|n['’]t\b|\b(?:half|partly|partially)-?$|(?<![\d.,])[0-4]?\d(?:[.,]\d+)?\s*%\s*(?:\w+\s+){0,2}$|不是|并非|並非|不属于|没有|不算|[不未没無无難难][^\s]{0,6}$|非$|ไม่",
    re.IGNORECASE,
)
_DENIED = lazy.pattern(
    r"^[\"'”’»*_`]*\s*(?:\w+\s+)?(?:(?:is|are|was|seems?|would(?:\s+be)?|does|do|can|could|will|ist)\s*(?:\bnot\b|n['’]t\b|\bnicht\b))"
    r"|^[\"'”’»*_`]*\s*(?:(?:is|are|was|seems?|would\s+be|ist)\s+)?(?:wrong|incorrect|unlikely|false|excluded|falsch)\b"
    r"|^[\"'”’»*_`]*\s*(?:nor\b|değil|नहीं)"
    r"|^[\"'”’」』*_`]*\s*(?:的?(?:では|じゃ)(?:ない|なく|ありません)|이?\s*아[니닙닌])"
    r"|^[^\s。、，,.!?！？]{0,10}?(?:ない|なく|ません)",
    re.IGNORECASE,
)
NEGATED = lazy.pattern(
    r"\s*[:=?(–—-]+\s*(?:(?:no|false|unlikely)\s*(?:[.,;!)]|$)|(?:0?[.,][0-4]\d*|0(?:[.,]0+)?(?!\s*%))\s*(?:[,;)\n]|$)"
    r"|[0-4]?\d(?:[.,]\d+)?\s*%)",
    re.IGNORECASE,
)
"""What follows a choice that is denied, or has less than half of the probability."""


def is_denied(text: str, start: int, end: int) -> bool:
    """Return whether a mention is denied within its clause, or is part of a question."""
    clause = _CLAUSE.split(text[:start].rstrip())[-1]
    sentence_end = re.search(r"[.!?。！？\n]", text[end:])
    is_question = sentence_end is not None and sentence_end[0] in "?？"
    return is_question or bool(_DENIES.search(clause) or _DENIED.match(text[end:]) or NEGATED.match(text[end:]))
