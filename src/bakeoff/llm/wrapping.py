"""Wrapping of replies: thoughts, marks of chat templates, fences, emphasis and quotes around what was said.

Pure functions of the text, so that a reply can be read again without asking for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bakeoff import lazy

_TAG = r"think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|rationale|seed:think"
_PAIRS = (
    rf"<({_TAG})>.*?</\1>",
    r"◁think▷.*?◁/think▷",
    r"\[THINK\].*?\[/THINK\]",
    r"<\|begin_of_thought\|>.*?<\|end_of_thought\|>",
)
_THINK = lazy.pattern("|".join(_PAIRS), re.DOTALL | re.IGNORECASE)
_THINK_START = lazy.pattern(rf"<(?:{_TAG})>|◁think▷|\[THINK\]|<\|begin_of_thought\|>", re.IGNORECASE)
_THINK_END = lazy.pattern(
    rf"</(?:{_TAG})>|◁/think▷|\[/THINK\]|<\|end_of_thought\|>|^\.\.\.done thinking\.?$", re.IGNORECASE | re.MULTILINE
)
_FINAL_CHANNEL = lazy.pattern(r"<\|channel\|>final<\|message\|>(.*?)(?:<\|return\|>|<\|end\|>|$)", re.DOTALL)
_TEMPLATE = (
    r"<\|(?:im_start|im_end|eot_id|end|endoftext|end_of_text|begin_of_text|assistant|return|start_header_id"
    r"|end_header_id|end_of_turn|eom_id|begin_of_solution|end_of_solution)\|>|</?s>|<(?:start|end)_of_turn>|<eos>"
    r"|\[/?INST\]"
)
_AT_START = lazy.pattern(rf"^(?:\s*(?:{_TEMPLATE})\s*(?:(?:assistant|model)\b\s*)?)+", re.IGNORECASE)
_AT_END = lazy.pattern(rf"(?:\s*(?:{_TEMPLATE}))+\s*$", re.IGNORECASE)
_ROLE = lazy.pattern(r"^(?:assistant\s*\n\s*|assistant\s*[:：]\s*)(?=\S)", re.IGNORECASE)
FENCE = lazy.pattern(r"```[\w+-]*[ \t]*\n?(.*?)\n?[ \t]*```", re.DOTALL)
TAGGED = lazy.pattern(r"<answer>\s*(.*?)\s*</answer>|\\boxed\{(?:\\text\{)?([^{}]*)\}?\}", re.DOTALL | re.IGNORECASE)
"""An answer between tags, or in a box."""
_WHOLE_TAGGED = lazy.pattern(rf"\$?(?:{TAGGED.pattern})\$?\.?", re.DOTALL | re.IGNORECASE)
_QUOTES = {
    '"': '"', "'": "'", "“": "”", "‘": "’", "„": "“", "‚": "‘", "«": "»", "»": "«", "‹": "›", "›": "‹",
    "「": "」", "『": "』", "《": "》", "`": "`",
}  # fmt: skip
_NUMBER = lazy.pattern(
    r"(?:(?:the\s+)?(?:value|answer|estimate|prediction|result)\s*(?:is|[:：=])\s*)?([-+]?\d+(?:\.\d+)?)", re.IGNORECASE
)
_THOUSANDS = lazy.pattern(r"[-+]?[1-9]\d{0,2}\.\d{3}")
_MARKS = ("***", "**", "*", "~~", "__")


def visible(text: str) -> tuple[str, str, bool]:
    """A reply without its thoughts, these thoughts, and whether it ended within them."""
    if final := _FINAL_CHANNEL.search(text):
        return final[1].strip(), text[: final.start()].strip(), False
    thoughts = "\n".join(match[0] for match in _THINK.finditer(text))
    rest = _THINK.sub("", text)
    if start := _THINK_START.search(rest):
        return _without_template(rest[: start.start()]), f"{thoughts}{rest[start.start() :]}", True
    if end := _last(_THINK_END, rest):  # templates put the opening tag into the prompt
        return _without_template(rest[end.end() :]), f"{thoughts}{rest[: end.start()]}", False
    return _without_template(rest), thoughts, False


def _without_template(text: str) -> str:
    """The text without marks of a chat template around it, as servers with a wrong template leave them."""
    return _ROLE.sub("", _AT_END.sub("", _AT_START.sub("", text)).strip(), count=1)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(reversed(list(pattern.finditer(text)))), None)


def unwrapped(text: str) -> str:
    """A text without fence, emphasis, heading, quotes and full stop around the whole of it; signs within stay."""
    before = None
    text = text.strip()
    while before != text:
        before = text
        if fence := FENCE.fullmatch(text):
            text = fence[1].strip()
        text = _without_emphasis(text)
        text = re.sub(r"^(?:#{1,6}|[-•]|>(?!>))\s+", "", text) if "\n" not in text else text
        text = _without_quotes(text)
        if match := _WHOLE_TAGGED.fullmatch(text):
            text = match[1] if match[1] is not None else match[2]
        if text.endswith((".", "。")) and not text.endswith("..") and len(text) > 1 and not re.search(r"\b\w\.$", text):
            text = text[:-1]
        text = text.strip()
    return text


def _without_emphasis(text: str) -> str:
    for mark in _MARKS:
        whole = text.rstrip(".")
        if len(text) > 2 * len(mark) and text.startswith(mark) and whole.endswith(mark):
            inner = whole[len(mark) : -len(mark)]
            is_name = mark == "__" and re.fullmatch(r"\w+", inner) is not None  # as __init__
            if mark[0] not in inner and inner == inner.strip() and not is_name:
                return inner
    return text


def _without_quotes(text: str) -> str:
    if len(text) > 2 and text[0] in _QUOTES and text.rstrip(".").endswith(_QUOTES[text[0]]):
        inner = text.rstrip(".")[1:-1]
        if text[0] not in inner and _QUOTES[text[0]] not in inner:
            return inner
    return text


def lines_of(text: str) -> list[str]:
    """Lines with something in them, without the marks of fences."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("```")]


def json_values(text: str) -> Iterator[Any]:
    """The JSON values in a text: the whole of it, what stands in fences, objects within prose; the last one first.

    Line breaks within strings are allowed: models write them.
    """
    for whole in (text.strip(), *(fence[1].strip() for fence in reversed(list(FENCE.finditer(text))))):
        try:
            yield json.loads(whole, strict=False)
            return
        except (ValueError, RecursionError):
            continue
    decoder, at, values = json.JSONDecoder(strict=False), 0, []
    while (start := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
            values.append(value)
        except (ValueError, RecursionError):
            at = start + 1
    yield from reversed(values)


def value(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in a reply that follows a schema.

    Raises:
        ValueError: there is none, or there are several that differ; it says why.
    """
    from jsonschema import ValidationError, validate

    reason = "it holds no JSON"
    valid: list[Any] = []
    text = visible(text)[0]
    for candidate in (*json_values(text), unwrapped(text)):
        candidate = _of_number(candidate, schema)
        if isinstance(candidate, str):
            continue
        try:
            validate(candidate, dict(schema))
        except (ValidationError, RecursionError) as error:
            reason = error.message if isinstance(error, ValidationError) else "it is nested too deeply"
            continue
        if candidate not in valid:
            valid.append(candidate)
    if not valid:
        raise ValueError(reason[:200])
    if len(valid) > 1:
        raise ValueError(f"it holds {len(valid)} different answers")
    return valid[0]


def _of_number(candidate: Any, schema: Mapping[str, Any]) -> Any:
    """A number that stands alone, or as a string, in the form of a schema that asks for nothing but a number.

    Units and separators of thousands are not read: ``1.234`` may be either.
    """
    properties = schema.get("properties", {})
    if len(properties) != 1 or next(iter(properties.values())).get("type") != "number":
        return candidate
    (key,) = properties
    number = candidate.get(key) if isinstance(candidate, Mapping) else candidate
    match = _NUMBER.fullmatch(number.strip()) if isinstance(number, str) else None
    if match is not None and not _THOUSANDS.fullmatch(match[1]):
        return {key: float(match[1])}
    return candidate
