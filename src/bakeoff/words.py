"""The words of a text, as answers are compared by them."""

from __future__ import annotations

import re
import string
from collections import Counter

_STOP = """
a about after all also an and any are as at be because been before being but by can could did do does doing done else
ever for from get give had has have having he her here him his how i if in into is it its itself just may me might more
most much must my no not of on one only or other our out over own please same she should since so some such tell than
that the their them then there these they this those through to too under until up us use very was way we were what
when where which while who whom whose why will with would you your yes
"""
STOP = frozenset(_STOP.split())
"""English words that carry no meaning of their own, in lower case."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"[^\W_]+")


def normalised(text: str) -> str:
    """In lower case, without punctuation, articles and needless space, as the official script of SQuAD does it.

    Where nothing is left, as of ``**`` or ``a``, the text itself in lower case: else all such answers were equal.
    """
    plain = " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())
    return plain or " ".join(text.lower().split())


def words(text: str) -> list[str]:
    """Letters and digits in a row, in lower case; of a text that has none, what stands between spaces."""
    lower = text.lower()
    return _WORD.findall(lower) or lower.split()


def token_overlap(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall of the normalised words (Rajpurkar et al. 2016)."""
    given, wanted = normalised(answer).split(), normalised(gold).split()
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted)) if common else 0.0


def support(answer: str, evidence: str) -> float:
    """Share of the answer's content words, each once, that stand in the evidence; of all words where none is."""
    said = set(words(answer))
    content = said - STOP or said
    # Words of signs alone, as **, are no words of the evidence: they are looked for as they stand.
    known = {*words(evidence), *evidence.lower().split()}
    return sum(word in known or (not _WORD.search(word) and word in evidence) for word in content) / len(content)
