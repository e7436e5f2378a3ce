"""Lists of choices that replies give: several labels of a row, found without a guess."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bakeoff import lazy
from bakeoff.llm.choices import alone, at_head, is_named, plain_of
from bakeoff.llm.corrections import corrections
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
_BETWEEN = lazy.pattern(r"\s*[,;、，；|]\s*(?:and\s+|und\s+|et\s+|y\s+)?|\s+(?:and|und|et|y|&)\s+", re.IGNORECASE)
_BOX = lazy.pattern(r"^\s*(?:[-*•]\s*)?\[(?P<mark>[ xX✓✔]?)\]\s*(?P<item>\S.*)$")
_DECIDED = lazy.pattern(
    r"^\s*(?:[-*•]\s*)?(?P<item>\S.*?)\s*[:=–—-]\s*(?P<mark>yes|no|true|false)\.?\s*$", re.IGNORECASE
)
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
        matches = [match for line in lines if (match := pattern.match(line))]
        named = [alone(match["item"], choices) for match in matches]
        others = [line for line in lines if not pattern.match(line)]
        is_whole = not any(is_named(line, label) for line in others for label in choices)
        if matches and None not in named and len(set(named)) == len(named) and is_whole:
            marks = [match["mark"].casefold() in ("x", "✓", "✔", "yes", "true") for match in matches]
            return tuple(name for name, is_marked in zip(named, marks, strict=True) if is_marked and name is not None)
    return None


def _is_corrected(text: str, choices: Sequence[str]) -> bool:
    """Return whether a text takes back labels outside of its JSON, or names others after it said ``actually``."""
    prose = text[max(text.rfind("}"), text.rfind("]")) + 1 :]
    for one in corrections(prose):
        is_list_before = prose != text or any(is_named(one.before, label) for label in choices)
        if is_list_before and (one.is_certain or any(is_named(one.after, label) for label in choices)):
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
                yield None
                continue
            value = value[keys[0] if keys else next(iter(value))]
        yield _of_items(value if isinstance(value, list) else [value], choices)


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
    if any(at_head(line, choices) for line in lines[lines.index(lead) + 1 :] if line != rest):
        return None  # the list goes on in other lines
    if (whole := alone(rest, choices)) is not None:  # a choice may hold a separator
        return (whole,)
    return _all_named([part for part in _BETWEEN.split(unwrapped(rest)) if part.strip()], choices)


def _all_named(items: Sequence[str], choices: Sequence[str]) -> tuple[str, ...] | None:
    """The choices that items name, one each; None where one names none or several."""
    named = [at_head(item, choices) for item in items]
    if any(len(names) != 1 for names in named):
        return None
    return tuple(dict.fromkeys(names[0] for names in named))
