"""Parsing of LLM replies: thoughts, wrapping and small talk around an answer are stripped.

Everything here is a pure function of the text, so a reply can be read again without asking for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bakeoff.llm.phrases import ABSTAINS, REFUSES

ANSWER = "answer"
"""The key under which a choice comes as JSON."""

_TAG = r"think|thinking|thought|reasoning|reflection"
_THINK = re.compile(rf"<({_TAG})>.*?</\1>|◁think▷.*?◁/think▷", re.DOTALL | re.IGNORECASE)
_THINK_START = re.compile(rf"<(?:{_TAG})>|◁think▷", re.IGNORECASE)
_THINK_END = re.compile(rf"</(?:{_TAG})>|◁/think▷", re.IGNORECASE)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>final<\|message\|>(.*?)(?:<\|return\|>|<\|end\|>|$)", re.DOTALL)
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n?(.*?)\n?[ \t]*```", re.DOTALL)
_ITEM = re.compile(r"^\s*(?:[-*•‣–]|\(?\d{1,3}[.)]|[a-z]\))\s+(.*\S)\s*$")
_HEADING = re.compile(
    r"(?:the\s+)?(?:(?:final|correct|short|best|my)\s+)?(?:answer|response|antwort|回答|答案)[\s:：*]*", re.IGNORECASE
)
_PRELUDE = re.compile(
    r"^(?:(?:sure|certainly|of course|okay|ok|absolutely|great question)\b[^\n:]{0,80}[:!.,]"
    r"|here(?:'s| is| are)\b[^\n]{0,80}:"
    r"|(?:based on|according to) (?:the|these|this)\b[^\n]{0,80}(?:,|:)(?=\s*\n)"
    r"|(?:gerne|natürlich|klar|hier ist)\b[^\n]{0,80}[:!])\s*(?=\n)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^(?:(?:the\s+)?(?:(?:final|correct|short|best|my)\s+)?"
    r"(?:answer|response|result|output|class|label|category|antwort|回答|答案|答)"
    r"\s*(?:is|are|ist|would be|should be|[:：=])+\s*[:：]?\s*|a\s*:\s*)",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?([^{}]*)\}?\}\.?|<answer>\s*(.*?)\s*</answer>", re.DOTALL)
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "„": "“", "«": "»", "「": "」", "『": "』", "`": "`"}

_NEGATED = re.compile(
    r"\b(?:not|nor|rather than|instead of)\s+(?:an?\s+|the\s+)?[\"'*`]*$|n['’]t\s+[\"'*`]*$", re.IGNORECASE
)
_LONGEST_PHRASE = 300  # characters: a long text that begins so goes on to say something


def visible(text: str) -> tuple[str, str, bool]:
    """A reply without its thoughts, these thoughts, and whether it ended within them."""
    if final := _FINAL_CHANNEL.search(text):
        return final[1].strip(), text[: final.start()].strip(), False
    thoughts = "\n".join(match[0] for match in _THINK.finditer(text))
    rest = _THINK.sub("", text)
    if start := _THINK_START.search(rest):
        return rest[: start.start()].strip(), f"{thoughts}{rest[start.start() :]}", True
    if end := _last(_THINK_END, rest):  # templates put the opening tag into the prompt
        return rest[end.end() :].strip(), f"{thoughts}{rest[: end.start()]}", False
    return rest.strip(), thoughts, False


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(reversed(list(pattern.finditer(text)))), None)


def unwrapped(text: str) -> str:
    """A text without fence, emphasis, heading, quotes and full stop around the whole of it; signs within stay."""
    before = None
    text = text.strip()
    while before != text:
        before = text
        if fence := _FENCE.fullmatch(text):
            text = fence[1].strip()
        for mark in ("***", "**", "*", "~~"):
            inner = text[len(mark) : -len(mark)]
            if len(text) > 2 * len(mark) and text.startswith(mark) and text.rstrip(".").endswith(mark):
                inner = text.rstrip(".")[len(mark) : -len(mark)]
                if mark[0] not in inner and inner == inner.strip():
                    text = inner
                    break
        text = re.sub(r"^(?:#{1,6}|[-•])\s+", "", text) if "\n" not in text else text
        if len(text) > 2 and text[0] in _QUOTES and text.rstrip(".").endswith(_QUOTES[text[0]]):
            inner = text.rstrip(".")[1:-1]
            if text[0] not in inner and _QUOTES[text[0]] not in inner:
                text = inner
        if match := re.fullmatch(
            r"\\boxed\{(?:\\text\{)?([^{}]*)\}?\}\.?|<answer>\s*(.*?)\s*</answer>", text, re.DOTALL
        ):
            text = match[1] if match[1] is not None else match[2]
        if text.endswith((".", "。")) and not text.endswith("..") and len(text) > 1 and not re.search(r"\b\w\.$", text):
            text = text[:-1]
        text = text.strip()
    return text


def whole_answer(text: str) -> str:
    """All of an answer in free text, without thoughts, a fence around it, ``Answer:`` and a line of small talk."""
    text = visible(text)[0]
    before = None
    while before != text:
        before = text
        if fence := _FENCE.fullmatch(text):
            text = fence[1].strip()
        if prelude := _PRELUDE.match(text):
            text = text[prelude.end() :].strip()
        if len(lines := _lines(text)) > 1 and _HEADING.fullmatch(unwrapped(lines[0])):
            text = text[text.index(lines[0]) + len(lines[0]) :].strip()
    return _unlabelled(text) if len(_lines(text)) < 2 else text


def short_answer(text: str) -> str:
    """The short form of an answer, for metrics that compare a few words: its first line, or the items of its list."""
    text = whole_answer(text)
    lines = _lines(text)
    if not lines:
        return ""
    items = [item for line in lines if (item := _ITEM.match(line))]
    if len(items) > 1 and (_ITEM.match(lines[0]) or lines[0].rstrip("*").endswith((":", "："))):
        return ", ".join(unwrapped(item[1]) for item in items)
    if fence := _FENCE.search(text):
        inside = _lines(fence[1])
        if len(inside) == 1 and text[: fence.start()].strip().endswith(":"):
            return unwrapped(inside[0])
    first = lines[1] if len(lines) > 1 and lines[0].rstrip("*").endswith((":", "：")) else lines[0]
    return unwrapped(_unlabelled(unwrapped(first)))


def _unlabelled(text: str) -> str:
    """Strip a leading ``Answer:`` or ``The answer is``, in whatever emphasis."""
    plain = re.sub(r"^\*{1,2}([^*\n]{1,30}?[:：])\*{1,2}|^\*{1,2}([^*\n]{1,30})\*{1,2}(?=\s*[:：])", r"\1\2", text)
    stripped = _LABEL.sub("", plain, count=1).strip()
    return unwrapped(stripped) if stripped and stripped != plain.strip() else unwrapped(text)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("```")]


def choice(text: str, choices: Sequence[str]) -> str | None:
    """The choice that a reply names; None where it names none, or more than one.

    A choice is looked for in the reply as it stands, unwrapped, in JSON, in its first and last line, then within the
    text: case, articles and wrapping do not matter, unless choices differ by them. The start of one choice alone
    stands for it, as a single token does.
    """
    text = visible(text)[0]
    lines = _lines(text)
    candidates = [text, unwrapped(text), *_in_json(text), *([short_answer(text), lines[0], lines[-1]] if lines else [])]
    candidates += [re.split(r"\s+[-–—(]|[,;:]\s", line, maxsplit=1)[0] for line in lines[:1]]
    for candidate in candidates:
        for said in (
            candidate.strip(),
            unwrapped(candidate),
            _unlabelled(candidate),
            unwrapped(_unlabelled(candidate)),
        ):
            if (named := _same(said, choices)) is not None:
                return named
    named_within = _within(short_answer(text), choices) or _within(text, choices)
    if len(named_within) == 1:
        return named_within[0]
    start = unwrapped(text).strip("\"'.` ").lower()
    starts = [c for c in choices if start and c.lower().startswith(start)]
    return starts[0] if len(starts) == 1 else None


def _same(said: str, choices: Sequence[str]) -> str | None:
    if said in choices:
        return said
    plain = _plain(said)
    alike = [c for c in choices if c.strip().casefold() == said.strip().casefold()]
    alike = alike or [c for c in choices if plain and _plain(c) == plain]
    return alike[0] if len(alike) == 1 else None


def _plain(text: str) -> str:
    """Lower-case a text, without articles and surrounding punctuation."""
    return re.sub(r"^(?:an?|the)\s+", "", text.casefold().strip(" \t\"'`*_.!?:;,()[]{}"))


def _within(text: str, choices: Sequence[str]) -> list[str]:
    """The choices that stand in a text as words of their own and are not negated; the longest where they overlap."""
    found: list[tuple[int, int, str]] = []
    for one in sorted(choices, key=len, reverse=True):
        pattern = rf"(?<![\w+#-]){re.escape(one)}(?![\w+#-])"
        for match in re.finditer(pattern, text, re.IGNORECASE):
            if _NEGATED.search(text[: match.start()]):
                continue
            span = match.span()
            if any(start <= span[0] and span[1] <= end and (start, end) != span for start, end, _ in found):
                continue
            if match[0] != one and any(c == match[0] for c in choices):
                continue  # another choice is written in just these letters
            found.append((*span, one))
    return list(dict.fromkeys(one for _, _, one in found))


def _in_json(text: str) -> Iterator[str]:
    """Answers found in a text's JSON: the value of ``answer``, the only value, or the value itself."""
    for value in json_values(text):
        if isinstance(value, Mapping):
            keys = [k for k in value if str(k).lower() in (ANSWER, "label", "class", "category", "choice", "value")]
            value = value[keys[0]] if keys else next(iter(value.values())) if len(value) == 1 else None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str):
            yield value
        elif isinstance(value, bool | int | float):
            yield json.dumps(value)


def json_values(text: str) -> Iterator[Any]:
    """The JSON values in a text: the whole of it, what stands in fences, objects within prose; the last one first."""
    for whole in (text.strip(), *(fence[1].strip() for fence in reversed(list(_FENCE.finditer(text))))):
        try:
            yield json.loads(whole)
            return
        except (ValueError, RecursionError):
            continue
    decoder, at, found = json.JSONDecoder(), 0, []
    while (start := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
            found.append(value)
        except (ValueError, RecursionError):
            at = start + 1
    yield from reversed(found)


def value(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in a reply that follows a schema. Raises ``ValueError`` where there is none, and says why."""
    from jsonschema import ValidationError, validate

    reason = "it holds no JSON"
    for found in json_values(visible(text)[0]):
        try:
            validate(found, dict(schema))
            return found
        except (ValidationError, RecursionError) as error:
            reason = error.message if isinstance(error, ValidationError) else "it is nested too deeply"
    raise ValueError(reason[:200])


@dataclass(frozen=True)
class Answer:
    """Answer parsed from a free-text reply.

    Attributes:
        status: ok, withheld (it says that it does not know) or refused (it declines to answer).
        whole: all of the answer, for judges and ROUGE; empty unless ok.
        short: its short form, for metrics that compare a few words; empty unless ok.
    """

    status: Literal["ok", "withheld", "refused"]
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
        whole, short = whole_answer(text), short_answer(text)
        if _plain(whole) == _plain(self.abstention) or _plain(short) == _plain(self.abstention):
            return Answer("withheld")
        if self.phrases and len(whole) <= _LONGEST_PHRASE:
            if REFUSES.match(whole):
                return Answer("refused")
            if ABSTAINS.match(whole):
                return Answer("withheld")
        return Answer("ok", whole, short)
