"""Sentences of a row's text, shared by extractive summarisers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bakeoff.errors import ConfigError
from bakeoff.models.qa.sentences import sentences
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd


def check_text(schema: Schema) -> None:
    """Raise ``ConfigError`` if there is no text to take sentences from."""
    if not schema.of_kind("text"):
        raise ConfigError("data.text: no column holds free text to take sentences from. Add data.text=[…].")


def sentences_of(X: pd.DataFrame, schema: Schema) -> list[list[str]]:
    """The sentences of the text columns of each of n rows, in order."""
    columns = [X[name] for name in schema.of_kind("text")]
    return [
        [sentence for text in row if isinstance(text, str) for sentence in sentences(text)]
        for row in zip(*columns, strict=True)
    ]
