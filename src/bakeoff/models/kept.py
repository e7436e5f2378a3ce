"""A model that is made of components, on disk: their configs, what was learnt, and the documents it answers from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.config import components
from bakeoff.models import state
from bakeoff.task import Corpus, Schema

if TYPE_CHECKING:
    import pandas as pd

PARTS = "parts.json"
CORPUS = "corpus.parquet"


@dataclass(frozen=True)
class Kept:
    """What a folder held.

    Attributes:
        schema: what the model was fitted for.
        arguments: of the model's constructor, components made anew.
        learnt: plain values.
        corpus: the documents; None where the model has none.
    """

    schema: Schema
    arguments: dict[str, Any]
    learnt: dict[str, Any]
    corpus: Corpus | None


def save(
    folder: Path, schema: Schema, arguments: Mapping[str, Any], corpus: Corpus | None = None, **learnt: Any
) -> None:
    """Write a model of components into an empty folder.

    Args:
        folder: to write into.
        schema: what the model was fitted for.
        arguments: of its constructor: plain values and components, which are dataclasses. Keys of accounts are no part
            of them, only the names of the variables that hold them.
        corpus: the documents it answers from.
        learnt: plain values.
    """
    described = {name: components.describe(value) for name, value in arguments.items()}
    (folder / PARTS).write_text(json.dumps(described, indent=1, ensure_ascii=False), encoding="utf-8")
    if corpus is not None:
        _storable(corpus.documents).to_parquet(folder / CORPUS, index=False)
        learnt = {**learnt, "corpus_fingerprint": corpus.fingerprint}
    state.write(folder, schema, **learnt)


def _storable(documents: pd.DataFrame) -> pd.DataFrame:
    """Documents with metadata of several types in one column as strings, as an index holds them too."""
    import pyarrow as pa

    for name in documents:
        try:
            pa.Array.from_pandas(documents[name])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            documents = documents.assign(**{str(name): documents[name].map(str, na_action="ignore")})
    return documents


def load(folder: Path) -> Kept:
    """Read back what ``save`` wrote. Raises ``ConfigError`` where a part is of a class that is not allowed."""
    described = json.loads((folder / PARTS).read_text(encoding="utf-8"))
    arguments = {name: components.instantiate(value, f"{folder / PARTS}: {name}") for name, value in described.items()}
    schema, learnt = state.read(folder)
    corpus = None
    if (folder / CORPUS).is_file():
        import pandas as pd

        corpus = Corpus(pd.read_parquet(folder / CORPUS), learnt.pop("corpus_fingerprint"))
    return Kept(schema, arguments, learnt, corpus)
