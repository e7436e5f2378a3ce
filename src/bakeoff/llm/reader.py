"""Reading of answers in free text: thoughts, wrapping and small talk around an answer are stripped.

Everything here is a pure function of the text, so a reply can be read again without asking for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bakeoff import lazy
from bakeoff.llm.choices import plain_of
from bakeoff.llm.corrections import corrections
from bakeoff.llm.phrases import ABSTAINS, CONTINUES, REFUSES
from bakeoff.llm.wrapping import FENCE, TAGGED, json_values, lines_of, unwrapped, visible

_ITEM = lazy.pattern(r"^\s*(?:[-*•‣–]|\(?\d{1,3}[.)]|[a-z]\))\s+(.*\S)\s*$")
_ANSWER = r"answer|antwort|réponse|reponse|respuesta|risposta|resposta|ответ|回答|答案|答え|正解|答|الإجابة|الجواب"
_NAMES = rf"{_ANSWER}|response"
_BEST = r"(?:the\s+)?(?:(?:final|correct|short|best|my)\s+)?"
_HEADING = lazy.pattern(rf"{_BEST}(?:{_NAMES})[\s:：*_]*", re.IGNORECASE)
_PRELUDE = lazy.pattern(
    r"^(?:(?:sure|certainly|of course|okay|ok|absolutely|great question)\b[^\n:]{0,80}[:!.,]"
    r"|here(?:'s| is| are)\b[^\n]{0,80}:"
    r"|(?:based on|according to) (?:the|these|this)\b[^\n]{0,80}(?:,|:)(?=\s*\n)"
    r"|(?:gerne|natürlich|klar|hier ist)\b[^\n]{0,80}[:!])\s*(?=\n)",
    re.IGNORECASE,
)
_LABEL = lazy.pattern(
    rf"^(?:{_BEST}(?:{_NAMES}|result|output|class|label|category)"
    r"\s*(?:(?:is|are|ist|es|est|è|would be|should be|は|是|[:：=])+\s*[:：]?|-(?=\s))\s*|a\s*[:：]\s*"
    rf"|here(?:['’]s|\s+is)\s+{_BEST}answer\s*[:：]\s*)",
    re.IGNORECASE,
)
_STATED = lazy.pattern(
    rf"^\W*(?:(?:so|thus|therefore|hence|also)\s*,?\s+)?(?P<label>{_BEST}(?:{_ANSWER})"
    r"(?:\s+to\s+[^:\n]{1,60}?)?\s*(?:[*_]*\s*[:：]|(?:\s+is\b|\s+ist\b)\s*:?))\s*[*_]*\s*(?P<said>.*)$",
    re.IGNORECASE,
)
_FINAL = lazy.pattern(r"\bfinal\b|\bendgültig", re.IGNORECASE)
_NEXT_TURN = lazy.pattern(r"^\W*(?:question|q|user|human|frage|问题|질문)\s*[:：]", re.IGNORECASE)
_TURN = lazy.pattern(r"^\W*a\s*[:：]", re.IGNORECASE)
_CITATION = lazy.pattern(
    r"(?:\s*【[^】]*】)+(?=\.?$)|(?<=[\w.!?\"'”’)])\s+(?:\[[1-9]\d?\])+(?=\.?$)"
    r"|\s+[(\[](?:passages?|sources?|see passages?)\s+[\d, and]+[)\]](?=\.?$)",
    re.IGNORECASE,
)
_ANSWER_KEYS = ("answer", "response", "short_answer", "final_answer", "antwort")
_IS_THE_ANSWER = lazy.pattern(r"[;,.]\s*\S.*\bis\s+the\s+answer\b", re.IGNORECASE)
_APART = lazy.pattern(r"\s+[-–—]\s+|\s*[(;:]\s*|[.,]\s+|\n")
_ANOTHER = lazy.pattern(rf"[\s,:]*{_BEST}(?:right\s+)?(?:{_NAMES})\b", re.IGNORECASE)
_ENDS_A_SENTENCE = lazy.pattern(r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bMrs)(?:[.!?…。！？)\n—–-]|\w\s*$)[*_\"'”’]*$")
_PUNCTUATION = lazy.pattern(r"\s*[,.:;!…—–-]")
_IT_IS = lazy.pattern(
    r"^(?:(?:no|sorry|actually)[\s,.]+)*(?:(?:it|that)(?:['’]s|\s+(?:is|was))\s+(?=\w))?", re.IGNORECASE
)
_FEW = 3  # words of an answer that stands alone
_LONGEST_PHRASE = 300  # characters: a long text that begins so goes on to say something


def whole_answer(text: str) -> str:
    """All of an answer in free text, without thoughts, a fence around it, ``Answer:`` and a line of small talk."""
    text = _own_turn(visible(text)[0])
    before = None
    while before != text:
        before = text
        if fence := FENCE.fullmatch(text):
            text = fence[1].strip()
        if prelude := _PRELUDE.match(text):
            text = text[prelude.end() :].strip()
        if len(lines := lines_of(text)) > 1 and _HEADING.fullmatch(unwrapped(lines[0]).strip("*_ ")):
            text = text[text.index(lines[0]) + len(lines[0]) :].strip()
        text = _tagged(text)
    return _unlabelled(text) if len(lines_of(text)) < 2 else text


def _own_turn(text: str) -> str:
    """The text without a question that it repeats first, and without further questions that it makes up."""
    lines = text.splitlines()
    turns = [i for i, line in enumerate(lines) if _NEXT_TURN.match(line)]
    if turns and not any(line.strip() for line in lines[: turns[0]]):
        after = range(turns[0] + 1, len(lines))
        answer = next((i for i in after if _STATED.match(lines[i]) or _TURN.match(lines[i])), None)
        if answer is None:
            return text
        lines = lines[answer:]
        turns = [i for i, line in enumerate(lines) if _NEXT_TURN.match(line)]
    if turns and any(_STATED.match(line) for line in lines[turns[0] :]):
        lines = lines[: turns[0]]
    return "\n".join(lines).strip()


def _tagged(text: str) -> str:
    """The answer between tags or in a box, where there is one; else the text."""
    answers = set(_tagged_answers(text))
    return answers.pop() if len(answers) == 1 else text


def _tagged_answers(text: str) -> list[str]:
    return [str(match[1] if match[1] is not None else match[2]).strip() for match in TAGGED.finditer(text)]


def short_answer(text: str) -> str:
    """The short form of an answer, for metrics that compare a few words.

    It is the answer that the text states in a line of its own, the items of its list, or its first line.
    """
    text = whole_answer(text)
    lines = lines_of(text)
    if not lines:
        return ""
    if stated := stated_answers(text):
        return stated[-1]
    items = [item for line in lines if (item := _ITEM.match(line))]
    if len(items) > 1 and (_ITEM.match(lines[0]) or lines[0].rstrip("*").endswith((":", "："))):
        return ", ".join(unwrapped(item[1]) for item in items)
    if fence := FENCE.search(text):
        inside = lines_of(fence[1])
        if len(inside) == 1 and text[: fence.start()].strip().endswith(":"):
            return unwrapped(inside[0])
    first = lines[1] if len(lines) > 1 and lines[0].rstrip("*").endswith((":", "：")) else lines[0]
    return _uncited(unwrapped(_unlabelled(unwrapped(first))))


def stated_answers(text: str) -> list[str]:
    """The different answers that lines of a longer text state, as ``Final answer: Paris`` after a derivation.

    Final ones replace the others.
    """
    lines = lines_of(text)
    if len(lines) < 2:
        return []
    stated: list[tuple[bool, str]] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        match = _STATED.match(line)
        if match is None:
            continue
        said = _uncited(unwrapped(_unlabelled(unwrapped(match["said"].strip() or following))))
        if said:
            stated.append((_FINAL.search(match["label"]) is not None, said))
    chosen = [said for is_final, said in stated if is_final] or [said for _, said in stated]
    by_words = {plain_of(said): said for said in chosen}
    return list(by_words.values())


def _unlabelled(text: str) -> str:
    """Strip a leading ``Answer:`` or ``The answer is``, in whatever emphasis."""
    plain = re.sub(r"^([*_]{1,2})([^*_\n]{1,30}?[:：])\1|^([*_]{1,2})([^*_\n]{1,30})\3(?=\s*[:：])", r"\2\4", text)
    stripped = _LABEL.sub("", plain, count=1).strip()
    return unwrapped(stripped) if stripped and stripped != plain.strip() else unwrapped(text)


def _uncited(text: str) -> str:
    """Strip citations at the end: ``【1†source】``, ``(passage 2)``."""
    return _CITATION.sub("", text).strip()


def _in_json(text: str) -> str | None:
    """The answer in the one JSON object of a reply; None where there is none."""
    objects = [value for value in json_values(text) if isinstance(value, Mapping)]
    found = [value[key] for value in objects for key in value if str(key).lower() in _ANSWER_KEYS]
    if len(objects) != 1 or len(found) != 1:
        return None
    return _as_text(found[0])


def _as_text(value: Any) -> str | None:
    if isinstance(value, list) and value and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)
    if value is None or value == []:
        return ""
    return None if isinstance(value, list | Mapping) else str(value).strip()


@dataclass(frozen=True)
class Answer:
    """Answer parsed from a free-text reply.

    Attributes:
        status: ok; withheld (it says that it does not know); refused (it declines to answer); unreadable (it states
            several answers, or says that it does not know and answers all the same).
        whole: all of the answer, for judges and ROUGE; empty unless ok.
        short: its short form, for metrics that compare a few words; empty unless ok.
    """

    status: Literal["ok", "withheld", "refused", "unreadable"]
    whole: str = ""
    short: str = ""


@dataclass(frozen=True)
class Reader:
    """Reads answers in free text.

    Args:
        abstention: the exact word with which the prompt lets a model abstain; templates see it as
            ``unknown``. A reply that is this word alone, in any case and wrapping, is an abstention.
        phrases: whether sentences such as "The passages do not mention this." are abstentions, and "I'm sorry, I can't
            help with that." is a refusal; False: the exact word alone counts.
    """

    abstention: str = "unknown"
    phrases: bool = True

    def answer(self, text: str) -> Answer:
        """Read an answer. An empty text has no answer: it is ok with nothing in it."""
        raw = visible(text)[0]
        if "{" in raw and (in_json := _in_json(raw)) is not None:
            raw = in_json
        whole, short = whole_answer(raw), short_answer(raw)
        if (withheld := self._withheld(raw, whole, short)) is not None:
            return withheld
        if len(stated_answers(whole)) > 1 or len(set(map(str.casefold, _tagged_answers(raw)))) > 1:
            return Answer("unreadable")
        if len(whole) <= _LONGEST_PHRASE and _is_corrected(whole):
            return Answer("unreadable")
        return Answer("ok", whole, short)

    def _withheld(self, raw: str, whole: str, short: str) -> Answer | None:
        """An abstention, a refusal, or one that is followed by an answer; None for an answer."""
        sentinel = plain_of(self.abstention)
        if plain_of(whole) == sentinel:
            return Answer("withheld")
        head, rest = _parted(whole)
        if plain_of(head) == sentinel or plain_of(short) == sentinel:
            if CONTINUES.match(rest):
                return Answer("unreadable")
            if plain_of(short) == sentinel or ABSTAINS.match(rest.strip(" ()[]")):
                return Answer("withheld")
        if not self.phrases or len(whole) > _LONGEST_PHRASE:
            return None
        for candidate in (whole, raw.strip()):
            if REFUSES.match(candidate):
                return Answer("refused")
            if match := ABSTAINS.match(candidate):
                goes_on = CONTINUES.search(candidate[match.end() :]) or _IS_THE_ANSWER.search(candidate)
                return Answer("unreadable" if goes_on else "withheld")
        return None


def _is_corrected(text: str) -> bool:
    """Return whether a text takes back the answer that it gave first, and states no other in a line of its own."""
    for one in corrections(text):
        before, after = text[: one.start].strip(), text[one.end :]
        if not _ENDS_A_SENTENCE.search(before) or not re.search(r"\w", after) or stated_answers(after):
            continue
        words = text[one.start : one.end].strip()
        is_clear = one.is_certain and (" " in words or _PUNCTUATION.match(after))
        if is_clear or _ANOTHER.match(after) or (not one.is_certain and _is_another(before, after)):
            return True
    return False


def _is_another(before: str, after: str) -> bool:
    """Return whether a few words of an answer are followed by others: ``Paris``, then ``Actually, Lyon``."""
    other = _IT_IS.sub("", after.lstrip(" ,.:;!…—–-"))
    words = re.findall(r"\w+", other.casefold())
    given = re.findall(r"\w+", before.casefold())
    is_name = len(words) == 1 or other[:1].isupper() or other[:1].isdigit()
    return 0 < len(words) <= _FEW and is_name and len(given) <= 2 * _FEW and not set(words) & set(given)


def _parted(text: str) -> tuple[str, str]:
    """Split a text at the first separator."""
    separator = _APART.search(text)
    return (text, "") if separator is None else (text[: separator.start()], text[separator.end() :])
