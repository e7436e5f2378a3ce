"""Lists of choices that replies give: several labels of a row, found without a guess."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bakeoff import lazy
from bakeoff.llm.choices import alone, at_head, is_named, mentions_of, plain_of
from bakeoff.llm.corrections import corrections, is_corrected_by
from bakeoff.llm.denials import is_denied
from bakeoff.llm.phrases import ABSTAINS, REFUSES
from bakeoff.llm.wrapping import json_values, lines_of, unwrapped, visible

LABELS = "labels"
"""Key of the list in an answer with several labels."""
_KEYS = (LABELS, "label", "tags", "tag", "classes", "categories", "topics", "answer", "answers", "result", "output")
NOTHING = frozenset(
    (
        *("none", "nothing", "no labels", "no label", "no tags", "no tag", "n/a", "null", "none of them"),
        *("none of the above", "none apply", "keine", "aucun", "aucune", "ninguna", "ninguno", "无", "没有"),
    )
)
"""Replies that list no choice."""
_ITEM = lazy.pattern(r"^\s*(?:[-*•‣–]|\(?\d{1,3}[.)])\s+(.*\S)\s*$")
_LEAD = lazy.pattern(
    r"^[*_\s]*(?:the\s+)?(?:labels?|tags?|answer|classes|categories|topics|kategorien|etiketten|étiquettes|etiquetas|标签)"
    r"[*_\s]*(?:[:：]|(?:are|is|sind)\b\s*[:：]?)[*_\s]*",
    re.IGNORECASE,
)
_BETWEEN = lazy.pattern(
    r"(?<!\s)\s*[,;、，；|]\s*(?:and\s+|und\s+|et\s+|y\s+)?|(?<!\s)\s+(?:and|und|et|y|&)\s+", re.IGNORECASE
)
_BOX = lazy.pattern(r"^\s*(?:[-*•]\s*)?\[(?P<mark>[ xX✓✔]?)\]\s*(?P<item>\S.*)$")
_DECIDED = lazy.pattern(
    r"^\s*(?:[-*•]\s*)?(?P<item>\S.*?)\s*[:=–—-]\s*(?P<mark>yes|no|true|false)\.?\s*$", re.IGNORECASE
)
LONGEST_LINE = 300
"""Characters of a line that may decide about one choice."""
_ARRAY = lazy.pattern(r"\[[^\[\]{}]*\]")


def listed(text: str, choices: Sequence[str]) -> tuple[str, ...] | None:
    """The choices that a reply lists, each once: in JSON, as items, or in a line with separators.

    Items of a JSON list that are no choices are dropped, as choices that the model invented. In prose, an item that is
    no choice may deny or qualify one: then nothing is read.

    Returns:
        The choices in their order in the reply; empty where it says that there are none; None where it cannot be read.
    """
    text = visible(text)[0]
    if _is_corrected(text, choices):
        return None
    if (decided := _decided(lines_of(text), choices)) is not None:
        return decided
    in_json = list(_in_json(text, choices))
    if in_json:
        distinct = {frozenset(one) if one is not None else None for one in in_json}
        return in_json[0] if len(distinct) == 1 else None
    if not text.strip() or text.lstrip().startswith(("{", "[")) or REFUSES.match(text) or ABSTAINS.match(text):
        return None
    return _in_prose(text, choices)


def _decided(lines: Sequence[str], choices: Sequence[str]) -> tuple[str, ...] | None:
    """Choices that a list marks, as ``[x] sports`` or ``sports: yes``, where it decides about them one by one."""
    for pattern in (_BOX, _DECIDED):
        matches = [match for line in lines if len(line) <= LONGEST_LINE and (match := pattern.match(line))]
        named = [alone(match["item"], choices) for match in matches]
        if not matches or None in named or len(set(named)) < len(named):
            continue
        decided = {match.string for match in matches}
        others = [line for line in lines if line not in decided]
        if not any(is_named(line, label) for line in others for label in choices):
            marks = [match["mark"].casefold() in ("x", "✓", "✔", "yes", "true") for match in matches]
            return tuple(name for name, is_marked in zip(named, marks, strict=True) if is_marked and name is not None)
    return None


def _is_corrected(text: str, choices: Sequence[str]) -> bool:
    """Return whether a text takes back labels outside of its JSON, or names others after it said ``actually``."""
    prose = text[max(text.rfind("}"), text.rfind("]")) + 1 :]
    taken_back = corrections(prose)
    mentions = mentions_of(prose, choices) if taken_back else []
    undenied = [mention for mention in mentions if not is_denied(prose, *mention[:2])]
    for one in taken_back:
        if prose == text and not any(start < one.start for start, _, _ in mentions):
            continue
        if one.is_certain or is_corrected_by(prose, one, undenied, LABELS if prose != text else None):
            return True
    return False


def _in_json(text: str, choices: Sequence[str]) -> Iterator[tuple[str, ...] | None]:
    objects = [value for value in json_values(text) if isinstance(value, Mapping | list)]
    if not objects:
        for match in _ARRAY.finditer(text):
            try:
                objects.append(json.loads(match[0]))
            except ValueError:
                continue
    for value in objects:
        if isinstance(value, Mapping):
            named = {alone(str(key), choices): flag for key, flag in value.items()}
            if None not in named and all(isinstance(flag, bool) for flag in named.values()) and named:
                yield tuple(str(name) for name, flag in named.items() if flag)
                continue
            keys = [key for key in value if str(key).casefold() in _KEYS]
            if not keys and len(value) != 1:
                yield _of_unknown_key(value, choices)
                continue
            value = value[keys[0] if keys else next(iter(value))]
        yield _of_items(value if isinstance(value, list) else [value], choices)


def _of_unknown_key(value: Mapping[Any, Any], choices: Sequence[str]) -> tuple[str, ...] | None:
    """The one list of an object that has several values, under keys that are not known."""
    lists = [_of_items(one, choices) for one in value.values() if isinstance(one, list)]
    return lists[0] if len(lists) == 1 else None


def _of_items(items: Sequence[Any], choices: Sequence[str]) -> tuple[str, ...] | None:
    texts = [str(item).strip() for item in items if item is not None and str(item).strip()]
    if len(texts) == 1 and plain_of(texts[0]) in NOTHING and alone(texts[0], choices) is None:
        return ()
    named = [name for item in texts if (name := alone(item, choices)) is not None]
    return tuple(dict.fromkeys(named)) if named or not texts else None


def _in_prose(text: str, choices: Sequence[str]) -> tuple[str, ...] | None:
    lines = lines_of(text)
    items = [item[1] for line in lines if (item := _ITEM.match(line))]
    if items:
        return _all_named(items, choices)
    lead = next((line for line in lines if _LEAD.match(line)), lines[0])
    rest = _LEAD.sub("", lead) or next(iter(lines[lines.index(lead) + 1 :]), "")
    if plain_of(unwrapped(rest)) in NOTHING:
        return ()
    if lead is lines[0] and len(lines) > 1 and all(alone(line, choices) is not None for line in lines):
        return _all_named(lines, choices)  # one a line
    if (whole := alone(rest, choices)) is not None:  # a choice may hold a separator
        named: tuple[str, ...] | None = (whole,)
    else:
        named = _all_named([part for part in _BETWEEN.split(unwrapped(rest)) if part.strip()], choices)
    others = {one for line in lines[lines.index(lead) + 1 :] if line != rest for one in at_head(line, choices)}
    return named if others <= set(named or ()) else None  # else the list goes on in other lines


def _all_named(items: Sequence[str], choices: Sequence[str]) -> tuple[str, ...] | None:
    """The choices that items name, one each; None where one names none or several."""
    named = [at_head(item, choices) for item in items]
    if any(len(names) != 1 for names in named):
        return None
    return tuple(dict.fromkeys(names[0] for names in named))
