"""Bare words that YAML reads as booleans, such as Yes, No, on and off, and their original spelling in the file."""

from __future__ import annotations

from collections.abc import Collection

_WORDS = {True: ("true", "yes", "on"), False: ("false", "no", "off")}


def spellings(value: bool) -> tuple[str, ...]:
    """Every text that YAML 1.1 reads as this boolean."""
    return tuple(text for word in _WORDS[value] for text in (word, word.capitalize(), word.upper()))


def written(value: object, texts: Collection[str]) -> list[str]:
    """The given texts that a value may have been written as in a config file: more than one only for a boolean.

    Args:
        value: as it was read: a boolean, or the string that became of one.
        texts: what the data hold, such as the classes.
    """
    if not isinstance(value, bool):
        exact = [text for text in texts if text == str(value)]
        if exact or str(value).lower() not in ("true", "false"):
            return exact
        if value not in ("True", "False"):  # typed as true; the column was read as booleans
            return [text for text in texts if text.lower() == str(value).lower()]
        value = value == "True"
    return [text for text in spellings(value) if text in texts]
