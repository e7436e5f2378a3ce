"""Words of a text, as used to compare answers."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable

from bakeoff import lazy

_STOP = """
a about after all also an and any are as at be because been before being but by can could did do does doing done else
ever for from get give had has have having he her here him his how i if in into is it its itself just may me might more
most much must my no not of on one only or other our out over own please same she should since so some such tell than
that the their them then there these they this those through to too under until up us use very was way we were what
when where which while who whom whose why will with would you your yes
"""
STOP = frozenset(_STOP.split())
"""English words that carry no meaning of their own, in lower case."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"  # CJK
)
"""Characters of scripts without spaces between words, or with particles; for a set in a regular expression."""
POLAR = frozenset(
    (
        *("yes", "no", "true", "false", "ja", "nein", "oui", "non", "sí", "si", "sì", "sim", "não", "да", "нет"),
        *(
            "evet",
            "hayır",
            "نعم",
            "لا",
            "是",
            "否",
            "不是",
            "对",
            "不对",
            "有",
            "没有",
            "はい",
            "いいえ",
            "예",
            "아니요",
        ),
    )
)
"""Whole answers that no passage states in these words."""

_ARTICLES = lazy.pattern(r"\b(a|an|the)\b")
_KEPT_POINT, _KEPT_MINUS, _KEPT_PLUS, _KEPT_SHARP, _KEPT_SLASH = "\ue000\ue001\ue002\ue003\ue004"
_RESTORED = str.maketrans("\ue000\ue001\ue002\ue003\ue004", ".-+#/")
_FRACTION = lazy.pattern(r"(?<![\d/])(\d+)[/\u2044](\d+)(?![\d/])")
_DECIMALS = lazy.pattern(r"(?<![\d.,])(\d+)[.,](?!\d{3}(?!\d))(\d+)(?![.,]?\d)")
"""A number with one point or comma that does not stand before three digits, as a separator of thousands would."""
_GROUPED_POINT = lazy.pattern(r"(?<![\d.,])\d{1,3}(?:,\d{3})+\.\d+(?![.,]?\d)")
_GROUPED_COMMA = lazy.pattern(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d+(?![.,]?\d)")
"""Numbers with separators of thousands and decimals, as 1,234.5 and 1.234,5."""
_MINUS = lazy.pattern(r"(?<![^\s(\[$€£])[-\u2212\u2013](?=[$€£]?\d)")
_SUFFIX = lazy.pattern(r"(?<=[a-z])(?:\+{1,2}|#)(?!\w)")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
_WORD = lazy.pattern(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_][{_MARKS}]*)+")
_ACCENTS = lazy.pattern("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_THOUSANDS = lazy.pattern(r"(?<=\d)[,\u00a0\u202f'’](?=\d{3}(?!\d))")
_CLAUSE = lazy.pattern(r"[,.;:!،。，；：！]\s*")
_GROUPS = lazy.pattern(r"(?<![\d.,])\d{1,3}(?:[. ]\d{3})+(?![\d.,]*\d)")
_RUN = lazy.pattern(rf"[{UNSPACED}]+")


def normalised(text: str) -> str:
    """In lower case, without punctuation, articles and needless space, as the official script of SQuAD does it.

    What makes another number or name of the same characters stays: the point of ``1.5`` (``15``) and of ``1,234.5``,
    which is ``1234.5``, the minus of ``-5``,
    the stroke of ``1/2``, the signs of ``C++``, ``C#`` and ``A+``. Where nothing is left, as of ``**`` or ``a``, the
    text itself in lower case: else all such answers were equal.
    """
    lower = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
    lower = _GROUPED_POINT.sub(lambda number: number[0].replace(",", "").replace(".", _KEPT_POINT), lower)
    lower = _GROUPED_COMMA.sub(lambda number: number[0].replace(".", "").replace(",", _KEPT_POINT), lower)
    lower = _FRACTION.sub(rf"\1{_KEPT_SLASH}\2", _DECIMALS.sub(rf"\1{_KEPT_POINT}\2", lower))
    lower = _MINUS.sub(_KEPT_MINUS, lower)
    lower = _SUFFIX.sub(lambda sign: sign[0].replace("+", _KEPT_PLUS).replace("#", _KEPT_SHARP), lower)
    lower = lower.translate(_PUNCTUATION)
    if not lower.isascii():
        lower = "".join(c for c in lower if not unicodedata.category(c).startswith("P"))
    plain = " ".join(_ARTICLES.sub(" ", lower).split()).translate(_RESTORED)
    return plain or " ".join(text.lower().split())


def words(text: str) -> list[str]:
    """Letters and digits in a row, in lower case; of a text that has none, what stands between spaces.

    A character of a script without spaces is a word of its own; separators of thousands are left out.
    """
    lower = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).lower())
    return _WORD.findall(lower) or lower.split()


def token_overlap(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall of the normalised words (Rajpurkar et al. 2016)."""
    answer_tokens, gold_tokens = _tokens(normalised(answer)), _tokens(normalised(gold))
    common = sum((Counter(answer_tokens) & Counter(gold_tokens)).values())
    return 2 * common / (len(answer_tokens) + len(gold_tokens)) if common else 0.0


def _tokens(text: str) -> list[str]:
    """Words between spaces; of scripts without spaces, characters (as MLQA and CMRC compare Chinese)."""
    return text.split() if text.isascii() else _RUN.sub(lambda run: f" {' '.join(run[0])} ", text).split()


def folded(text: str) -> str:
    """The text for a search: of any width, case and composition, without accents, vowel points and elongations."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ı", "i")
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", plain)))


def bigrams(text: str) -> str:
    """The text with each run of a script without spaces as overlapping pairs of characters, for a search by words."""

    def paired(run: re.Match[str]) -> str:
        signs = run[0]
        return f" {' '.join(signs[i : i + 2] for i in range(max(1, len(signs) - 1)))} "

    return text if text.isascii() else _RUN.sub(paired, text)


def is_english(texts: Iterable[str]) -> bool:
    """Return whether running text looks like English: every eighth word or more is one of its commonest.

    In English it is about every third, in its neighbours one in twenty. Texts of less than eight words, such as titles,
    have few of them in any language and are left out. True where less than 100 words are left, which say little.
    """
    running = [found for text in texts if len(found := words(text)) >= 8]
    counted = Counter(word in STOP for found in running for word in found)
    return counted.total() < 100 or counted[True] * 8 >= counted.total()


def is_polar(answer: str) -> bool:
    """Return whether an answer is yes or no, in any known language: no passage states it in these words."""
    return unicodedata.normalize("NFKC", answer).lower().strip(" .!。！\"'") in POLAR


def _compared(text: str) -> list[str]:
    """Words without accents, and with numbers such as 1.204 or 1 204 as 1204."""
    return words(folded(_GROUPS.sub(lambda number: re.sub(r"\D", "", number[0]), text)))


def support(answer: str, evidence: str) -> float:
    """Share of the answer's content words, each once, that stand in the evidence; of all words where none is.

    A yes or a no rests on any evidence, or on none: it is 1 or 0. What follows it is looked for: "No, at night."
    """
    first, _, rest = _CLAUSE.sub("\n", answer, count=1).partition("\n")
    if is_polar(answer) or (is_polar(first) and set(words(rest)) <= STOP):
        return float(bool(evidence.strip()))
    answer_words = set(_compared(rest if is_polar(first) else answer))
    content = answer_words - STOP or answer_words
    # Words of signs alone, as **, are no words of the evidence: they are looked for as they stand.
    known = {*_compared(evidence), *evidence.lower().split()}
    return sum(word in known or (not _WORD.search(word) and word in evidence) for word in content) / len(content)
