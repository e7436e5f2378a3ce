"""Words by which replies deny a choice that they name: ``not spam``, ``spam: no``, ``スパムではない``."""

from __future__ import annotations

import re

from bakeoff import lazy

_CLAUSE = lazy.pattern(
    r"[;:!?。，；：！？\n]|(?<!\d)[.,]|[.,](?!\d)"
    r"|\b(?:(?<!anything )but|so|however|therefore|hence|thus|because|since|sondern|aber|mais|sino)\b",
    re.IGNORECASE,
)
_DENIES = lazy.pattern(
    r"\b(?:not|no|nor|never|neither|cannot|can['’]?t|hardly|barely|scarcely|without|unlikely|rather\s+than|instead\s+of"
    r"|doubt\w*|(?:less|least)\s+likely|improbabl[ey]|rarely|seldom|except(?:ing)?|excluding|apart\s+from"
    r"|(?:low|small|slim|little|minimal|negligible)\s+(?:chance|probability|likelihood|risk|odds)|far\s+from|anything\s+but|opposite\s+of|other\s+than|rul(?:e|es|ed|ing)\s+out|nicht|kein\w*|weder|noch|nie|niemals|ohne|pas|ni|jamais|sans|nunca|tampoco|non|senza"
    r"|не|нет|ни|ليس|ليست|ليسا|وليس|وليست|ولا|غير|ולא|לא|אינו|niet|geen|inte|ikke|não|nem|δεν|bukan|tidak|không|nie|není"
    r")\b|n['’]t\b|\b(?:half|partly|partially)-?$|(?<![\d.,])[0-4]?\d(?:[.,]\d+)?\s*%\s*(?:(?:likely|probable|chance|probability|certain|sure|confident|to|be|of|that|it|is)\s*)*$|不是|并非|並非|不属于|没有|不算|[不未没無无難难][^\s]{0,6}$|非$|ไม่",
    re.IGNORECASE,
)
_DENIED = lazy.pattern(
    r"^[\"'”’»*_`]*\s*(?:\w+\s+)?(?:(?:is|are|was|seems?|would(?:\s+be)?|does|do|did|can|could|will|ist)\s*(?:\bnot\b|n['’]t\b|\bnicht\b))"
    r"|^[\"'”’»*_`]*\s*(?:(?:is|are|was|seems?|would\s+be|ist)\s+)?(?:wrong|incorrect|unlikely|false|excluded|falsch)\b"
    r"|^[\"'”’»*_`]*\s*(?:nor\b|değil|नहीं)"
    r"|^[\"'”’»*_`]*\s+(?:answer|response|choice|option)\s*(?:is\b|was\b|would\b|[:=])"  # the correct answer is Paris
    r"|^[\"'”’」』*_`]*\s*(?:的?(?:では|じゃ)(?:ない|なく|ありません)|이?\s*아[니닙닌])"
    r"|^[\"'”’»*_`]*\s*(?:nicht|not|pas|no)\s*[!.]*$|^\s*[,.…]+\s*not\s*[!.]*$"
    r"|^[\"'”’»*_`]*\s*(?:probability|likelihood|score|chance|risk|odds|confidence)\b[^.\n]{0,24}?(?:\b(?:low|small|slim|little|minimal"
    r"|negligible|zero)\b|(?<![\d.,])0?[.,][0-4]\d*(?!\d*\s*%)|(?<![\d.,])[0-4]?\d(?:[.,]\d+)?\s*%)"
    r"|^[\"'”’»*_`]*\s*(?:is|seems|looks)\s+(?:\w+ly\s+)?(?:low|small|slim|minimal|negligible|improbable)\b"
    r"|^[\"'”’»*_`]*\s+(?:is|are|seems?)\s+(?:(?:more|most)\s+(?:likely|apt|prone)\s+to\s+(?!be\b)|best\s+(?:known|reserved|kept)\b)"
    r"|^[\"'”’»*_`]*[\s,]*(?:however\s*,\s*)?only\s+(?:if|with|when|where)\b"
    r"|^[\"'”’»*_`]*\s+(?:would|could|might)\s+(?:be|fit|apply)\b[^.!?;\n]{0,40}(?<!even)\s+if\b"
    r"|^[^\s。、，,.!?！？]{0,10}?(?:ない|なく|ません)",
    re.IGNORECASE,
)
NEGATED = lazy.pattern(
    r"[\"'”’»)*_`]*\s*[:=?(–—-]+[*_`\"'\s]*(?:(?:no|false|unlikely)\s*(?:[.,;!)\n]|$)"
    r"|(?:0?[.,][0-4]\d*|[0-4]?\d(?:[.,]\d+)?\s*%)\s*(?:probab|likel|confiden|chance|certain|sure)\w*)"
    r"|\s*[,.…]+\s*not\s*[!.]*\s*$",
    re.IGNORECASE,
)
"""Text after a choice that denies it, or gives it less than half of the probability."""
WITHIN = 300
"""Characters before and after a mention within which words deny it."""


_PARTLY = lazy.pattern(r"\b(?:mostly|largely|nearly|almost|somewhat|not\s+fully|not\s+entirely)\s*$", re.IGNORECASE)
_IN_PART = lazy.pattern(
    r"^\s*(?:in\s+parts?\b|only\s+(?:in\s+part|partly|partially)\b|to\s+some\s+extent\b)", re.IGNORECASE
)
_TRUTHS = frozenset(("true", "false", "correct", "incorrect", "right", "wrong", "yes", "no", "supported", "entailed"))
"""Choices that hold as a whole or not at all."""
_REJECTED = lazy.pattern(
    r"\b(?:wrong|incorrect|false|previous|old|former|rejected|excluded)\b[^.!?\n]{0,24}:[\s\"'„“«*_`]*$", re.IGNORECASE
)
"""Text before a choice that rejects it: ``Wrong label: spam``."""
_WOULD = lazy.pattern(
    r"\b(?:could|would|might|should)\s+(?:\w+\s+)?have\s+been\b|(?:^|[.,;\n]\s*)to\s+be\b|\bfor\s+(?:it|this)\s+to\s+be\b"
    r"|(?:^|[.,;:\n]\s*)(?:were|had)\s+(?:it|this|there)\b|\bif\s+(?:it|this|there|the\s+\w+)\s+(?:were|was|had|did)\b",
    re.IGNORECASE,
)
_ONLY_IF = lazy.pattern(
    r"^[^.!?\n,;]{0,24}(?:(?<!even )if|unless|had|were)\s+(?:it|this|there|the\s+\w+)\b", re.IGNORECASE
)
_CONDITIONAL = lazy.pattern(r"\b(?:would|could|might)\b", re.IGNORECASE)


def _is_hypothetical(before: str, after: str) -> bool:
    """Return whether a choice is named for a case that is not given: ``it would be spam if it had a link``."""
    sentence = re.split(r"[.!?。！？\n;]", before)[-1]
    return bool(_WOULD.search(sentence)) or bool(_CONDITIONAL.search(sentence) and _ONLY_IF.match(after))


def is_denied(text: str, start: int, end: int) -> bool:
    """Return whether a mention is denied within its clause, or is part of a question or of a condition."""
    before, after = text[max(0, start - WITHIN) : start].rstrip(" \t"), text[end : end + WITHIN]
    clause = _CLAUSE.split(before)[-1]
    sentence_end = re.search(r"[.!?。！？\n]", after)
    is_question = sentence_end is not None and sentence_end[0] in "?？"
    if text[start:end].casefold() in _TRUTHS and (_PARTLY.search(clause) or _IN_PART.match(after)):
        return True
    if is_question or _is_hypothetical(before, after) or _REJECTED.search(before):
        return True
    return bool(_DENIES.search(clause) or _DENIED.match(after) or NEGATED.match(after))
