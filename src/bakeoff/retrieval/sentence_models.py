"""Folders of sentence-transformers models: they name classes, and those on a list are the only ones that are loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakeoff.errors import ConfigError

MODULES = re.compile(
    r"sentence_transformers\.(models|base\.modules|sentence_transformer\.modules)(\.\w+)?\."
    r"(Transformer|Pooling|Normalize|Dense|LayerNorm|Dropout|WeightedLayerPooling|StaticEmbedding)"
)
"""Modules that compute with weights alone; others read files of their own, or are code in the folder."""
ACTIVATION = re.compile(
    r"torch\.nn\.(modules\.(activation|linear)\.)?(Identity|Tanh|ReLU|GELU|Sigmoid|SiLU|Softmax|ELU)"
)


def check(model: str, where: str) -> None:
    """Refuse a folder of a model whose files name other classes than those on the list.

    A model of the hub is held to the same by sentence-transformers, which loads no class outside its own package.

    Raises:
        ConfigError: it does, or a file of it cannot be read.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return
    for file in sorted([*folder.glob("modules.json"), *folder.glob("config.json"), *folder.glob("*/config.json")]):
        try:
            content = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"{where}: {file} cannot be read: {error}.") from None
        for name in _refused(content):
            raise ConfigError(
                f"{where}: {file} names {name!r:.80}, which is none of the modules of sentence-transformers that "
                "bakeoff loads. A model with code of its own belongs into a plugin. See docs/safety.md."
            )


def _refused(value: Any, key: str = "") -> Iterator[Any]:
    """The classes that a file of a model names and that are not on the list, at any depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "auto_map":
                yield item
            yield from _refused(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _refused(item, key)
    elif isinstance(value, str) and "." in value:
        listed = MODULES if key == "type" else ACTIVATION if "activation" in key else None
        if listed is not None and not listed.fullmatch(value):
            yield value
