"""Cards: licence, hosting and data flow of a component, and of a variant with all of its parts.

Licences are SPDX expressions (https://spdx.org/licenses), such as ``MIT`` or ``Apache-2.0 AND BSD-3-Clause``; terms
without an SPDX name are a ``LicenseRef-…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bakeoff.config.component import Component, walk
from bakeoff.errors import ConfigError, did_you_mean

ORDERED: Mapping[str, tuple[Any, ...]] = {
    "source": ("open", "commercial"),
    "hosting": ("local", "api"),
    "data_leaves_network": (False, True),
    "training_data": ("none", "own", "public", "undisclosed"),
    "commercial_use": ("yes", "conditions", "no"),
}
"""Keys of cards with their values, from the least to the most restrictive."""

NOT_STATED = "LicenseRef-not-stated"
"""Licence of a part whose card does not state one."""

PERMISSIVE = frozenset(
    (
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT", "MIT-0",
        "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    )
)  # fmt: skip
CONDITIONAL = re.compile(r"(A|L)?GPL-|MPL-|EPL-|CDDL-|EUPL-|CC-BY-SA-|OpenRAIL|LicenseRef-(llama|gemma)", re.IGNORECASE)
NON_COMMERCIAL = re.compile(r"CC-BY-NC|NonCommercial|PolyForm-Noncommercial", re.IGNORECASE)

KNOWN_PACKAGES = frozenset(("bakeoff", "sklearn", "skrub", "catboost", "torch", "lightning", "numpy", "scipy"))
"""Packages whose components need no card of their own inside another component: they send nothing anywhere."""
NEED_CARDS = ("bakeoff.llm.",)
"""Components of bakeoff itself that need a card wherever they are: what they run is chosen by their arguments."""


@dataclass(frozen=True)
class Card:
    """Licence, hosting and data flow of a component. None: not stated.

    Attributes:
        family: family of models.
        licence: SPDX expression of the licences of code and weights.
        source: whether code and weights are ``open`` or ``commercial``.
        hosting: ``local``, or ``api`` where someone else runs it.
        data_leaves_network: whether rows are sent to others.
        training_data: of the weights that it starts from: ``none``, ``own`` (the rows of the task alone), ``public``
            (a published corpus), or ``undisclosed``.
        commercial_use: ``yes``, ``no``, or under ``conditions``; follows from the licence where it is not stated.
        summary: in a line.
        source_url: address of its source.
    """

    family: str | None = None
    licence: str | None = None
    source: str | None = None
    hosting: str | None = None
    data_leaves_network: bool | None = None
    training_data: str | None = None
    commercial_use: str | None = None
    summary: str | None = None
    source_url: str | None = None

    @classmethod
    def from_config(cls, node: Mapping[str, Any] | None, where: str = "card") -> Card:
        """Read a card.

        Raises:
            ConfigError: a value is none of those that are allowed, so that a veto could not be decided by it.
        """
        values = {str(key): value for key, value in (node or {}).items() if value not in (None, "")}
        if isinstance(values.get("commercial_use"), bool):  # YAML reads yes and no so
            values["commercial_use"] = "yes" if values["commercial_use"] else "no"
        for key, allowed in ORDERED.items():
            if key in values and values[key] not in allowed:
                words = [str(value).lower() for value in allowed]
                raise ConfigError(
                    f"{where}.{key}: {values[key]!r} is not allowed. Allowed: {', '.join(words)}."
                    f"{did_you_mean(str(values[key]), words)}"
                )
        known = {field.name for field in fields(cls)}
        card = cls(**{key: value for key, value in values.items() if key in known})
        if card.licence is not None:
            card = replace(card, licence=expression(card.licence))
            if card.commercial_use is None:
                card = replace(card, commercial_use=commercial_use(str(card.licence)))
        return card

    @property
    def is_silent(self) -> bool:
        """True if it says nothing about licence or data: that of a prompt or a reader."""
        return self.licence is None and all(getattr(self, key) is None for key in ORDERED)

    def joined(self, part: Card) -> Card:
        """The card of a component and a part of it: the most restrictive value wins, and what is unknown stays so."""
        values: dict[str, Any] = {}
        for key, order in ORDERED.items():
            pair = (getattr(self, key), getattr(part, key))
            values[key] = order[-1] if order[-1] in pair else None if None in pair else max(pair, key=order.index)
        licences = list(dict.fromkeys(one for card in (self, part) for one in alternatives(card.licence or NOT_STATED)))
        return replace(self, licence=" AND ".join(licences), **values)

    def to_config(self) -> dict[str, Any]:
        """The keys that are stated, as they stand in a config and a record."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}


def joint_card(component: Any, others: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Card of a component with all that it holds at any depth, and with other cards; the most restrictive value wins.

    A part without a card is passed over where it belongs to a known library or to the package of the component around
    it; of any other part nothing is known, and so nothing is of the whole.

    Args:
        component: a component; a value that holds some.
        others: cards of recorded parts.

    Raises:
        ConfigError: a card is wrong.
    """
    joint: Card | None = None
    packages: dict[str, str] = {}  # key of a component that states something → its package
    for where, part in walk(component):
        card = Card.from_config(part.card, f"{where}.card" if where else "card")
        package = part.target.partition(".")[0]
        outer = [key for key in packages if not key or where.startswith(f"{key}.")]
        around = packages[max(outer, key=len)] if outer else None
        if card.is_silent and joint is not None and not _needs_card(part, around):
            continue
        packages[where] = package
        joint = card if joint is None else joint.joined(card)
    joint = joint or Card()
    for other in others:
        joint = joint.joined(Card.from_config(other))
    return joint.to_config()


def _needs_card(part: Component, around: str | None) -> bool:
    package = part.target.partition(".")[0]
    return part.target.startswith(NEED_CARDS) or (package not in KNOWN_PACKAGES and package != around)


def _canonical(text: str) -> str | None:
    """An SPDX expression in its usual spelling; None for a text that is none."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return None


def expression(licence: str) -> str:
    """The licence as an SPDX expression; a text that is none becomes a ``LicenseRef-…`` of its words."""
    text = licence.replace(", ", " AND ")  # as runs of earlier versions recorded several
    return _canonical(text) or " AND ".join(dict.fromkeys(_single(part.strip()) for part in text.split(" AND ")))


def _single(text: str) -> str:
    return _canonical(text) or f"LicenseRef-{re.sub('[^A-Za-z0-9.]+', '-', text).strip('-') or 'unnamed'}"


def alternatives(licence: str) -> list[str]:
    """The parts of an expression that must all be kept: single licences, and choices in parentheses."""
    parts, depth, start = [], 0, 0
    tokens = list(re.finditer(r"\(|\)|[^()\s]+", licence))
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0 and token[0].upper() == "AND":
            parts.append(licence[start : token.start()].strip())
            start = token.end()
    parts.append(licence[start:].strip())
    if len(parts) > 1:
        return [inner for part in parts for inner in alternatives(part)]
    if parts[0].startswith("(") and _closes_at_end(parts[0]):
        return alternatives(parts[0][1:-1])
    return [f"({parts[0]})"] if any(token[0].upper() == "OR" for token in tokens) else parts


def _closes_at_end(text: str) -> bool:
    """Return whether the first parenthesis is closed by the last character."""
    depth = 0
    for i, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return i == len(text) - 1
    return False


def _choices(part: str) -> list[str]:
    """Alternatives of a part of an expression, of which one must be kept."""
    inner = part[1:-1] if part.startswith("(") and _closes_at_end(part) else part
    choices, depth, start = [], 0, 0
    for token in re.finditer(r"\(|\)|[^()\s]+", inner):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0 and token[0].upper() == "OR":
            choices.append(inner[start : token.start()].strip())
            start = token.end()
    return [*choices, inner[start:].strip()]


def refused_licences(licence: str, allowed: Sequence[str]) -> list[str]:
    """Parts of a licence expression that none of the allowed licences meets; of a choice one alternative is enough."""
    known = {_single(str(one)).lower() for one in allowed}
    refused = []
    for part in alternatives(expression(licence)):
        choices = _choices(part)
        if len(choices) > 1:
            is_met = any(not refused_licences(choice, allowed) for choice in choices)
        else:
            is_met = choices[0].lower() in known
        refused += [] if is_met else [part]
    return refused


def commercial_use(licence: str) -> str | None:
    """Whether an SPDX expression allows commercial use: ``yes``, ``no``, ``conditions``; None if that is unknown."""
    order = ORDERED["commercial_use"]
    joint: str | None = "yes"
    for part in alternatives(expression(licence)):
        choices = _choices(part)
        known = [commercial_use(choice) for choice in choices] if len(choices) > 1 else [_of_single(choices[0])]
        best = min((one for one in known if one is not None), key=order.index, default=None)
        joint = "no" if "no" in (joint, best) else None if None in (joint, best) else max(joint, best, key=order.index)
    return joint


def _of_single(licence: str) -> str | None:
    if NON_COMMERCIAL.match(licence):
        return "no"
    if CONDITIONAL.match(licence):
        return "conditions"
    return "yes" if licence in PERMISSIVE else None


def faults(component: Any) -> list[str]:
    """Sentences on licences in cards that are no SPDX expressions, so that no requirement can allow them."""
    texts = {where: str((part.card or {}).get("licence") or "") for where, part in walk(component)}
    return [
        f'{where}{"." if where else ""}card.licence: "{text}" is not an SPDX expression; it counts as '
        f"{expression(text)}."
        for where, text in texts.items()
        if text and _canonical(text.replace(", ", " AND ")) is None
    ]


def check_required(key: str, wanted: Any) -> None:
    """Raise ``ConfigError`` for a value of ``decision.require`` that no card can have."""
    values = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if key == "licence":
        for value in values:
            if _single(str(value)).lower() != str(value).lower():
                near = _single(str(value).replace(" ", "-"))
                hint = "" if near.startswith("LicenseRef-") else f' Did you mean "{near}"?'
                raise ConfigError(
                    f'decision.require.licence: "{value}" is not the SPDX name of a licence (https://spdx.org/licenses)'
                    f", such as Apache-2.0.{hint}"
                )
    elif key in ORDERED:
        for value in values:
            Card.from_config({key: value}, "decision.require")
