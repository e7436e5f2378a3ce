"""Cards: typed values, licences as SPDX expressions, and what the parts of a variant state together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.config import cards
from bakeoff.config.cards import ORDERED, Card
from bakeoff.config.component import read
from bakeoff.errors import ConfigError

OPEN = {
    "family": "rules", "licence": "MIT", "source": "open", "hosting": "local", "data_leaves_network": False,
    "training_data": "own", "commercial_use": "yes",
}  # fmt: skip


def component(card: dict[str, Any] | None, *parts: dict[str, Any], target: str = "bakeoff.models.X") -> dict[str, Any]:
    return {"_target_": target, "parts": list(parts), **({} if card is None else {"card": card})}


def joint(node: dict[str, Any]) -> dict[str, Any]:
    return cards.joint_card(read(node))


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"hosting": "cloud"}, r"card\.hosting: 'cloud' is not allowed\. Allowed: local, api"),
        ({"data_leaves_network": "no"}, r"data_leaves_network: 'no' is not allowed\. Allowed: false, true"),
        ({"commercial_use": "condition"}, 'Did you mean "conditions"'),
    ],
)
def test_card_with_a_value_that_no_veto_could_decide_by_is_refused(card: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Card.from_config(card)


def test_yaml_reads_yes_as_true_and_the_card_as_yes() -> None:
    assert Card.from_config({"commercial_use": True}).commercial_use == "yes"


@pytest.mark.parametrize(
    ("licence", "use"),
    [
        ("mit", "yes"),
        ("Apache-2.0 AND BSD-3-Clause", "yes"),
        ("GPL-3.0-only", "conditions"),
        ("MIT OR GPL-3.0-only", "yes"),
        ("MIT AND (GPL-3.0-only OR CC-BY-NC-4.0)", "conditions"),
        ("MIT AND CC-BY-NC-4.0", "no"),
        ("LicenseRef-provider-terms", None),
        ("MIT AND LicenseRef-provider-terms", None),
    ],
)
def test_commercial_use_follows_from_the_licence(licence: str, use: str | None) -> None:
    assert cards.commercial_use(licence) == use


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        ("MIT AND Apache-2.0", []),
        ("MIT, GPL-3.0-only", ["GPL-3.0-only"]),
        ("GPL-3.0-only OR Apache-2.0", []),
        ("GPL-3.0-only OR (MIT AND GPL-2.0-only)", ["(GPL-3.0-only OR (MIT AND GPL-2.0-only))"]),
        ("GPL-3.0-only OR (MIT AND Apache-2.0)", []),
        ("(MIT)", []),
        ("as the file says", ["LicenseRef-as-the-file-says"]),
    ],
)
def test_every_part_of_an_expression_must_be_allowed(licence: str, refused: list[str]) -> None:
    assert cards.refused_licences(licence, ["MIT", "apache-2.0"]) == refused


def test_licence_that_is_no_spdx_expression_is_named() -> None:
    node = read({"model": component({"licence": "MIT License"}), "llm": component({"licence": "MIT"})})
    assert cards.faults(node) == [
        'model.card.licence: "MIT License" is not an SPDX expression; it counts as LicenseRef-MIT-License.'
    ]


def test_required_licence_that_is_no_spdx_name_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'"Apache 2\.0" is not the SPDX name.*Did you mean "Apache-2\.0"'):
        cards.check_required("licence", ["MIT", "Apache 2.0"])
    with pytest.raises(ConfigError, match=r"decision\.require\.hosting: 'onsite' is not allowed"):
        cards.check_required("hosting", "onsite")


def test_card_of_a_variant_keeps_its_family_and_adds_up_licences() -> None:
    part = {**OPEN, "family": "llm", "licence": "BSD-3-Clause OR GPL-2.0-only", "hosting": "api"}
    card = joint(component(OPEN, component(part)))
    assert (card["family"], card["hosting"]) == ("rules", "api")
    assert card["licence"] == "MIT AND (BSD-3-Clause OR GPL-2.0-only)"


@pytest.mark.parametrize("target", ["bakeoff.llm.OpenAICompatible", "acme.Retriever"])
def test_part_without_a_card_leaves_unknown_what_the_whole_does(target: str) -> None:
    card = joint(component(OPEN, component(None, target=target)))
    assert card == {"family": "rules", "licence": f"MIT AND {cards.NOT_STATED}"}


def test_part_of_a_known_library_needs_no_card() -> None:
    assert joint(component(OPEN, component(None, target="sklearn.svm.SVC"))) == OPEN


values = st.fixed_dictionaries(
    {
        "licence": st.sampled_from(["MIT", "Apache-2.0", "GPL-3.0-only", "MIT OR GPL-3.0-only", "my own", None]),
        **{key: st.sampled_from([*allowed, None]) for key, allowed in ORDERED.items()},
    }
)
nested = st.recursive(values.map(component), lambda inner: st.builds(component, values, inner, inner), max_leaves=6)


def all_cards(node: dict[str, Any]) -> list[Card]:
    own = Card.from_config(node["card"])
    inner = [card for part in node["parts"] for card in all_cards(part)]
    return ([] if own.is_silent else [own]) + inner


@given(nested)
def test_no_part_at_any_depth_can_be_shipped_around(node: dict[str, Any]) -> None:
    whole, parts = Card.from_config(joint(node)), all_cards(node)
    for key, order in ORDERED.items():
        stated = [getattr(card, key) for card in parts]
        if order[-1] in stated:
            assert getattr(whole, key) == order[-1]
        elif None in stated:
            assert getattr(whole, key) is None
        elif stated and getattr(whole, key) is not None:
            assert getattr(whole, key) == max(stated, key=order.index)
    allowed = ["MIT", "Apache-2.0"]
    is_allowed = [not cards.refused_licences(card.licence or cards.NOT_STATED, allowed) for card in parts]
    if parts and whole.licence:
        assert (not cards.refused_licences(whole.licence, allowed)) == all(is_allowed)
