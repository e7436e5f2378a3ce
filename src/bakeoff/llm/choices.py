"""Choices that replies name: one label of several, found without a guess.

A reply that names no choice, several, or one that it may deny is not read: a lost row is counted, a wrong label is not.
"""

from __future__ import annotations

import html
import itertools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bakeoff import lazy
from bakeoff.llm.corrections import corrections, is_corrected_by
from bakeoff.llm.denials import NEGATED, WITHIN, is_denied
from bakeoff.llm.phrases import ABSTAINS, REFUSES
from bakeoff.llm.wrapping import TAGGED, json_values, lines_of, unwrapped, visible
from bakeoff.words import STOP

ANSWER = "answer"
"""The key under which a choice comes as JSON."""
_KEYS = (
    ANSWER,
    "label",
    "class",
    "category",
    "choice",
    "value",
    "prediction",
    "result",
    "output",
    "sentiment",
    "rating",
)
_IS_A_MEASURE = lazy.pattern(r"confiden|probab|likel|certain|score|index|^id$", re.IGNORECASE)
_IS_NO_ANSWER = lazy.pattern(
    r"reason|expla|rationale|thought|text|message|input|question|example|note|wrong|reject|other|alternative|second|previous|not",
    re.IGNORECASE,
)
_HEAD = (
    r"(?:the\s+|my\s+|so\s*,?\s+|therefore\s*,?\s+|thus\s*,?\s+|hence\s*,?\s+|but\s+){0,5}"
    r"(?:(?:final|correct|short|best|right|predicted|overall)\s+)?"
    r"(?:answer|response|result|output|class|classification|label|category|rating|score|sentiment|verdict|prediction|choice"
    r"|option|antwort|klasse|kategorie|etikett|label|bewertung|ergebnis|réponse|reponse|catégorie|respuesta|clase|categoría"
    r"|etiqueta|risposta|resposta|ответ|回答|答案|标签|類別|类别|分类|ラベル|答)"
)
_STATED = lazy.pattern(
    rf"(?:^|(?<=[.!?;:,\n]))[*_`#>\s-]{{0,40}}{_HEAD}[*_`\s]{{0,40}}"
    r"(?:to\s+\w+(?:\s+\w+){0,4}\s+)?(?:(?:is|are|ist|es|est|è|é|would\s+be|should\s+be|是)\b\s*[:：]?|[:：=])"
    r"[*_`\s]*(?P<said>[^\n]+)",
    re.IGNORECASE,
)
_GIVEN = lazy.pattern(
    r"(?:^|(?<=[.!?,\n]))[*_\s]{0,40}(?:(?:so|thus|therefore|hence|overall|and|but|then)\s*,?\s+)?(?:i|we)(?:['’](?:d|ll)|\s+(?:would|will))?\s+(?:(?:give|rate|score|assign|choose|chose|pick|select|predict|classify|label)\w*"
    r"|(?:go|went)\s+(?:with|for)|opt(?:ed)?\s+for)\s+(?:(?:it|this|that|the\s+\w+)\s+)?"
    r"(?:(?:an?|as)\s+)?(?:(?:rating|score|grade)\s+of\s+)?(?P<said>[^\n]+)",
    re.IGNORECASE,
)
_SUPPOSED = lazy.pattern(r"\b(?:if|suppose|supposing|assum(?:e|ing)|when|should|unless)\b", re.IGNORECASE)
_IS_PREFERRED = lazy.pattern(
    r"[\"'”’»)*_`]*\s+(?:is|seems|looks|appears\s+to\s+be|fits)\s+(?:\w+ly\s+|clearly\s+|much\s+|still\s+)?(?:(?:the|an?)\s+)?"
    r"(?:better|best|right|correct|(?:more|most)\s+(?:likely|appropriate|fitting|suitable|accurate|plausible|probable)"
    r"|(?:final\s+)?(?:answer|choice))(?:\s+(?:answer|choice|option|label|one|class|category|fit))?"
    r"[\"'”’»)*_`]*\s*(?:[.!;\n]|,(?!\s*(?:but|though|although|only|if)\b)|$|(?:than|because|since|here)\b)",
    re.IGNORECASE,
)
_BEGINS = lazy.pattern(
    r"(?:^|[.!?\n]|\b(?:option|answer|choice))[\s*_(\"'“]*(?:(?:so|thus|therefore|hence|then|i\s+(?:think|believe))\s*,?\s+(?:that\s+)?)?"
    r"[*_(\"'“]*$",
    re.IGNORECASE,
)
_ABSTAINS_THEN = lazy.pattern(
    r"\s*[,;:–—-]\s*(?:(?:i|we)\s*(?:cannot|can['’]?t|can\s+not|(?:am|are|['’]m|['’]re)\s+(?:un|not\s+)able\s+to)\s+(?:determine|tell|answer)"
    r"|not\s+enough\s+information)\b",
    re.IGNORECASE,
)
_ASKED = lazy.pattern(r"\s*[?？]\s*\S")
_JOINED = lazy.pattern(
    r"^[\s,;:.!?/|&()\[\]–—→>+*_\"'`，。、-]*(?:(?:and|or|then|but|maybe|perhaps|possibly|probably|even|also|both|oder|und|aber|ou|et|mais|o|y"
    r"|或|和)[\s,.:…]+)*",
    re.IGNORECASE,
)
_OBJECT = lazy.pattern(r"\s*(?:```\w*\s*)?\{\s*[\"'\w]")
_PAIR = lazy.pattern(
    r"(?<!\w)(?P<key>\w{1,40})\b[\"']?\s*:\s*(?P<quote>[\"']?)(?P<said>[^\"'\n{}]+?)(?P=quote)\s*(?:,|\}|\n|$)"
)
_UNITS = r"(?:stars?|stern(?:en?)?|points?|punkt(?:en?)?|étoiles?|estrellas?|⭐️?)"
_OUT_OF = lazy.pattern(
    rf"(?<![\d.,])(\d+)\s*{_UNITS}?\s*(?:/|\(?out\s+of|von|sur|de)\s*(\d+)(?![\d.,]*\d)(?:\s*{_UNITS})?", re.IGNORECASE
)
_SCALE = lazy.pattern(
    r"\(\s*\d+\s*(?:-|–|to)\s*(?P<most>\d+)\s*\)"
    r"|(?:on\s+)?(?:a\s+|the\s+)?scale\s+(?:of|from)\s+\d+\s*(?:-|–|to)\s*(?P<top>\d+)",
    re.IGNORECASE,
)
_UNIT = lazy.pattern(rf"^(\d+)\s*{_UNITS}$", re.IGNORECASE)
_SHARE = r"[\"'”’»)*_`]*\s*[:=(–—|-]+[*_`\"'\s]*(?P<share>\d{1,3}(?:[.,]\d+)?|[.,]\d+)(?P<percent>\s*%)?"
_HAS_SHARE = lazy.pattern(rf"{_SHARE}(?![\d.,]*\d|\s*/)")
_STANDS_AT_SHARE = lazy.pattern(
    rf"(?:\s*,(?=\s*[\d.]))?{_SHARE.replace('+[*_', '*[*_')}\s*[*_`\"']*(?:[,;)\n]|\.?\s*$)"
)
_FINAL = lazy.pattern(r"\bfinal\b|\bendgültig", re.IGNORECASE)
_NEXT_EXAMPLE = lazy.pattern(
    r"^\W*(?:text|input|message|review|question|sentence|document|ticket|e-?mail|tweet|comment|title|example|user|human|q)"
    r"\s*\d*\s*[*_]*\s*[:：]",
    re.IGNORECASE,
)
_JOINT = "[\\s_\u2010\u2011-]"
_BETWEEN_LETTERS = lazy.pattern(rf"(?<=[^\W\d_]){_JOINT}+(?=\w)|(?<=\w){_JOINT}+(?=[^\W\d_])")
_UNSPACED = lazy.pattern("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""A letter of a script that writes no space between words."""
_AROUND = " \t\"'`´*_.!?:;,()[]{}<>«»‹›„“”‚‘’「」『』《》【】|✅✔👉。！？：；，、"
_HEADED = lazy.pattern(rf"^{_HEAD}\s+", re.IGNORECASE)
_EXPLAINED = lazy.pattern(
    r"(?<!\s)\s+[-–—(|]|[,;:.!?。，；：！？]+(?:\s|$)|\)(?:\s|$)|(?<!\s)\s*（|(?<!\s)\s+(?:because|since|as|weil|da|car|porque)\s"
)
MOST_ADDED = 20
"""Characters beyond twice the longest choice, up to which a reply can be a choice whose words are joined otherwise."""
SHORTEST_START = 3
"""Letters of a reply that may stand for the one choice that begins with them."""


def choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a reply names; None where it names none, or more than one, or may deny it.

    A choice is looked for in the reply as a whole, in its JSON, in what it states as its answer, in its first and last
    line, then within the text. Case, width, articles and wrapping do not matter, unless choices differ by them.
    """
    text = visible(text)[0]
    if not any("&" in one and html.unescape(one) != one for one in choices):
        text = html.unescape(text)
    if (named := alone(text, choices)) is not None:
        return named
    if REFUSES.match(text) or ABSTAINS.match(text):
        return None
    boxes = list(TAGGED.finditer(text))
    tagged = {match[1] if match[1] is not None else match[2] for match in boxes}
    if len(tagged) == 1 and (named := alone(tagged.pop(), choices)) is not None:
        if any(is_denied(text, *match.span()) for match in boxes):
            return None
        return _only(_corrected(text[boxes[-1].end() :], choices, named) or [named])
    text = _without_next_example(text, choices)
    named_in_json = list(_in_json(text, choices))
    if named_in_json:
        named = _only(named_in_json)
        return _only(_corrected(text[text.rfind("}") + 1 :] if "}" in text else "", choices, named) or [named])
    if _OBJECT.match(text):  # that is broken or cut: words of its reasons are no answer
        return _only(_in_broken_object(text, choices) or [None])
    if all(one.isdecimal() for one in choices):
        text = _without_scale(text, max(map(int, choices)))
    if corrected := _corrected(text, choices):
        return _only(corrected)
    if len(shares := _shares(text, choices)) == len(choices):
        return _only([one for one, share in shares.items() if share == max(shares.values())])
    if stated := _stated(text, choices):
        return _only(stated)
    if named_there := [*_in_lines(text, choices), *_preferred(text, choices)]:
        return _only(named_there)
    if named_there := _within(text, choices):
        return _only(named_there)
    return _begun(text, choices)


def _only(named: Sequence[str | None]) -> str | None:
    """The choice named, if it is one; None also where a value that must be a choice is none."""
    distinct = set(named)
    return distinct.pop() if len(distinct) == 1 else None


def _corrected(text: str, choices: Sequence[str], named_before: str | None = None) -> list[str | None]:
    """Choices that a reply names after it has taken one back; None stands for a correction that names none.

    Empty where nothing is taken back.
    """
    taken_back = corrections(text)
    mentions = mentions_of(text, choices) if taken_back else []
    undenied = [mention for mention in mentions if not is_denied(text, *mention[:2])]
    for correction in taken_back:
        named = {one for start, _, one in mentions if start < correction.start}
        named |= {named_before} if named_before else set()
        if not named:
            break
        if not correction.is_certain and not is_corrected_by(text, correction, undenied, named_before):
            continue
        after = text[correction.end :].lstrip(" ,.:;…—–-")
        last = next(iter(lines_of(after)[-1:]), "")
        stated = _stated(after, choices) or _preferred(after, choices)
        return [alone(after, choices) or _only(stated) or alone(last, choices)]
    return []


def is_named(text: str, one: str) -> bool:
    """Return whether a text names a choice at all; a single letter only as it is written."""
    return any(len(one) > 1 or match[0] == one for match in _pattern(one).finditer(text))


def alone(text: str, choices: Sequence[str]) -> str | None:
    """The choice that is the whole text, whatever is wrapped around it."""
    for candidate in (text.strip(), unwrapped(text), unwrapped(unwrapped(text).rstrip("!！、,;"))):
        if (named := _same(candidate, choices)) is not None:
            return named
    return None


def _same(candidate: str, choices: Sequence[str]) -> str | None:
    if candidate in choices:
        return candidate
    folded, plain = _folded(candidate), plain_of(candidate)
    alike = [c for c in choices if _folded(c) == folded]
    alike = alike or [c for c in choices if plain and plain_of(c) == plain]
    if not alike and plain and len(plain) <= 2 * max(map(len, choices), default=0) + MOST_ADDED:
        joined = _joined(plain)
        alike = [c for c in choices if _joined(plain_of(c)) == joined]
        alike = alike or [c for c in choices if c.isdecimal() and re.fullmatch(rf"{c}[.,]0{{1,2}}", plain)]
    return alike[0] if len(alike) == 1 else None


def _joined(plain: str) -> str:
    """A text without spaces, hyphens and underscores between its words: ``not_spam`` is ``not spam``."""
    return _BETWEEN_LETTERS.sub("", plain)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def plain_of(text: str) -> str:
    """A text in lower case and of one width, without articles and surrounding punctuation."""
    plain = _folded(text).strip(_AROUND)
    return re.sub(r"^(?:[-–—•→]\s+)?(?:(?:an?|the)\s+)?", "", plain).strip(_AROUND)


def _in_json(text: str, choices: Sequence[str]) -> Iterator[str | None]:
    """The choice that each JSON value in a text names; None for an answer that is no choice."""
    for value in json_values(text):
        if isinstance(value, Mapping):
            yield from _in_object(value, choices)
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            yield from _in_object(value[0], choices)
        elif isinstance(value, list) and len(value) == 1:
            yield _of_value(value[0], choices)
        elif isinstance(value, str | int | float):
            yield _of_value(value, choices)


def _in_object(value: Mapping[Any, Any], choices: Sequence[str]) -> Iterator[str | None]:
    keys = [key for key in value if str(key).lower() in _KEYS]
    flags = {_same(str(key), choices): flag for key, flag in value.items()}
    decided = {name: flag for name, flag in flags.items() if name is not None and isinstance(flag, bool)}
    if keys:
        yield _of_value(value[keys[0]], choices)
    elif decided:
        yield _only([name for name, flag in decided.items() if flag])
    elif len(value) == 1:
        yield _of_value(next(iter(value.values())), choices)
    else:  # an answer that it may hold is under a key that is not known
        names = {key: _of_value(one, choices) for key, one in value.items() if not _IS_A_MEASURE.search(str(key))}
        named = {key: name for key, name in names.items() if name is not None}
        yield None if all(_IS_NO_ANSWER.search(str(key)) for key in named) else _only(list(named.values()))


def _in_broken_object(text: str, choices: Sequence[str]) -> list[str | None]:
    """Choices under the keys of answers in an object that is no valid JSON, such as a Python dict or one cut short."""
    return [alone(match["said"], choices) for match in _PAIR.finditer(text) if match["key"].lower() in _KEYS]


def _of_value(value: Any, choices: Sequence[str]) -> str | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return alone(value, choices)
    return _same(json.dumps(value), choices) if isinstance(value, bool | int | float) else None


def _without_scale(text: str, largest: int) -> str:
    """A rating without its scale: ``4/5`` and ``4 out of 5`` are 4 where the largest choice is 5."""
    text = _SCALE.sub(lambda match: "" if int(match["most"] or match["top"]) == largest else match[0], text)
    return _OUT_OF.sub(lambda match: match[1] if int(match[2]) == largest else match[0], text)


def _without_next_example(text: str, choices: Sequence[str]) -> str:
    """The text up to a further example that the model makes up, where the choice stands in its first line."""
    lines = lines_of(text)
    if len(lines) < 2 or alone(lines[0], choices) is None or not any(map(_NEXT_EXAMPLE.match, lines[1:])):
        return text
    return "\n".join(itertools.takewhile(lambda line: not _NEXT_EXAMPLE.match(line), lines))


def _stated(text: str, choices: Sequence[str]) -> list[str]:
    """Choices that the reply states as its answer: ``Label: spam``, ``so the answer is spam``.

    Final ones replace the others. A choice that is the first line was stated too.
    """
    stated: list[tuple[bool, str]] = []
    for match in _STATED.finditer(text):
        is_final = _FINAL.search(match[0][: match.start("said") - match.start()]) is not None
        stated += [(is_final, named) for named in at_head(match["said"], choices)]
    for match in _GIVEN.finditer(text):
        sentence = re.split(r"[.!?\n]", text[max(0, match.start() - WITHIN) : match.start()])[-1]
        if not _SUPPOSED.search(sentence) and not is_denied(text, match.start("said"), match.start("said")):
            stated += [(False, named) for named in at_head(match["said"], choices)]
    if not stated:
        return []
    first = alone(next(iter(lines_of(text)), ""), choices)
    return [named for is_final, named in stated if is_final] or [
        *([] if first is None else [first]),
        *(named for _, named in stated),
    ]


def _preferred(text: str, choices: Sequence[str]) -> list[str]:
    """Choices that a text calls better, likelier or right."""
    return [
        one
        for one in choices
        for match in _pattern(one).finditer(text)
        if _IS_PREFERRED.match(text, match.end())
        and not is_denied(text, *match.span())
        and (not _is_function_word(one) or (match[0] == one and _BEGINS.search(text[: match.start()][-WITHIN:])))
    ]


def _shares(text: str, choices: Sequence[str]) -> dict[str, float]:
    """Probabilities that follow choices, as in ``spam: 0.97, ham: 0.03``; letters and numbers have none."""
    shares: dict[str, float] = {}
    if any(_is_function_word(one) for one in choices):
        return shares
    for start, end, one in mentions_of(text, choices):
        if (match := _HAS_SHARE.match(text, end)) and one not in shares and not is_denied(text, start, end):
            shares[one] = float(match["share"].replace(",", ".")) / (100 if match["percent"] else 1)
    return shares if all(share <= 1 for share in shares.values()) else {}


def _is_improbable(rest: str, choices: Sequence[str]) -> bool:
    """Return whether a choice of two words is followed by less than half of the probability: ``spam (0.1)``."""
    if len(choices) != 2 or any(_is_function_word(one) for one in choices):
        return False
    match = _STANDS_AT_SHARE.match(rest)
    return match is not None and float(match["share"].replace(",", ".")) < (50 if match["percent"] else 0.5)


def _in_lines(text: str, choices: Sequence[str]) -> list[str]:
    """Choices that are the first or the last line, or begin the first with an explanation after it."""
    lines = lines_of(text)
    if not lines:
        return []
    whole = [named for line in (lines[0], lines[-1]) if (named := alone(line, choices)) is not None]
    if whole or not (first := at_head(lines[0], choices)):
        return whole
    # Lines that begin with other choices go through them one by one.
    return [*first, *(named for line in lines[1:] for named in at_head(line, choices))]


def at_head(line: str, choices: Sequence[str]) -> list[str]:
    """The choice at the beginning of a line, and others that the line names besides it."""
    head = _EXPLAINED.split(line, maxsplit=1)[0]
    bare = _HEADED.sub("", unwrapped(head))
    for candidate in dict.fromkeys((line, head, bare, _UNIT.sub(r"\1", bare))):
        if (named := alone(candidate, choices)) is not None:
            rest = line[len(head) :] if candidate != line else ""
            is_open = (
                NEGATED.match(rest)
                or _is_improbable(rest, choices)
                or _ASKED.match(rest)
                or (named.casefold() == "no" and _ABSTAINS_THEN.match(rest))
            )
            own = [] if is_open else [named]
            beside = alone(_EXPLAINED.split(_JOINED.sub("", rest, count=1), maxsplit=1)[0], choices)
            others = {other for other in _mentioned(rest, choices) if _is_rival(other, rest)}
            others |= {beside} if own and beside is not None else set()
            return [*own, *(other for other in choices if other in others and other != named)]
    return []


def _is_rival(other: str, rest: str) -> bool:
    """Return whether the rest of a line names another choice, and not just a word of its explanation."""
    alone = rf"(?:\b(?:but|or|and|aber|oder|und)\s+|[/.!?]\s*){re.escape(other)}\s*(?:[.!?,;]|$)"
    return not _is_function_word(other) or re.search(alone, rest, re.IGNORECASE) is not None


def _within(text: str, choices: Sequence[str]) -> list[str]:
    """Choices that stand in a text as words of their own and are not denied.

    Numbers, single letters and words such as ``no`` are not looked for: they stand in any text.
    """
    named = [one for one in _mentioned(text, choices) if not _is_function_word(one)]
    beside = [one for one in choices if _is_function_word(one) and any(_is_beside(one, other, text) for other in named)]
    return [*named, *beside]


def _is_beside(one: str, other: str, text: str) -> bool:
    """Return whether a text joins two choices by a stroke, a comma or a conjunction: ``C/C++``."""
    joint = r"\s*(?:[/|,&]|\b(?:and|or|oder|und)\b)\s*"
    pairs = (f"{re.escape(one)}{joint}{re.escape(other)}", f"{re.escape(other)}{joint}{re.escape(one)}")
    return any(re.search(rf"(?<![\w]){pair}(?!\w)", text) for pair in pairs)


def _is_function_word(one: str) -> bool:
    return one.isdecimal() or len(one) == 1 or one.casefold() in STOP


def _mentioned(text: str, choices: Sequence[str]) -> list[str]:
    """Choices that a text names and does not deny; the longest where they overlap."""
    named: dict[str, None] = {}
    for start, end, one in mentions_of(text, choices):
        if (
            one not in named
            and not is_denied(text, start, end)
            and not _is_improbable(text[end : end + WITHIN], choices)
        ):
            named[one] = None
    return list(named)


def mentions_of(text: str, choices: Sequence[str]) -> list[tuple[int, int, str]]:
    """Where a text names choices: start, end and choice; the longest where they overlap."""
    mentions: list[tuple[int, int, str]] = []
    covered: dict[int, tuple[int, int]] = {}
    written = set(choices)
    for one in sorted(choices, key=len, reverse=True):
        for match in _pattern(one).finditer(text):
            span = match.span()
            around = covered.get(span[0], span)
            if around != span and span[1] <= around[1]:
                continue
            if match[0] != one and (len(one) == 1 or match[0] in written):
                continue  # another choice is written in just these letters, or a single letter is no choice
            covered.update(dict.fromkeys(range(*span), span))
            mentions.append((*span, one))
    return mentions


@lru_cache(maxsize=10_000)
def _pattern(one: str) -> re.Pattern[str]:
    """Finds a choice as words of its own, whatever joins them."""
    words = [re.escape(word) for word in re.split(rf"{_JOINT}+", one)]
    is_joined = len(words) > 1 and all(word and word[0].isalpha() for word in words)
    inner = f"{_JOINT}*".join(words) if is_joined else re.escape(one)
    before = "" if _UNSPACED.match(one[:1]) else r"(?<![\w+#\u2010\u2011-])"
    after = "" if _UNSPACED.match(one[-1:]) else r"(?![\w+#\u2010\u2011-])"
    return re.compile(f"{before}{inner}{after}", re.IGNORECASE)


def _begun(text: str, choices: Sequence[str]) -> str | None:
    """The one choice that begins with the whole reply, as a reply of one token does."""
    start = unwrapped(text).strip("\"'.` ").casefold()
    if len(start) < SHORTEST_START or start in STOP or not start.isalnum():
        return None
    starts = [c for c in choices if c.casefold().startswith(start)]
    return starts[0] if len(starts) == 1 else None
