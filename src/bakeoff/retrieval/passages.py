"""A corpus cut into passages, and the table that holds them."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bakeoff.retrieval.base import Chunker, Passage
from bakeoff.task import Corpus

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

POSITION, BODY, VECTOR = OWN = "bakeoff_position", "bakeoff_body", "bakeoff_vector"
"""Columns of a table beside the metadata."""

FORMAT = 2  # of the tables; another number, and they are written anew

_cut: OrderedDict[tuple[str, str], Passages] = OrderedDict()


@dataclass(frozen=True, eq=False)
class Passages:
    """The passages of a corpus in order.

    Attributes:
        passages: n of them.
        metadata: the documents' columns beside the text, one row a passage. In the table, a dot in a name is an
            underscore.
        digest: hash of ids, texts and metadata.
    """

    passages: tuple[Passage, ...]
    metadata: pd.DataFrame = field(repr=False)
    digest: str

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def bodies(self) -> list[str]:
        """Texts to search and embed: the title of the document, and the passage."""
        return [body(p.title, p.text) for p in self.passages]

    def table(self) -> pa.Table:
        """Metadata, position and body, one row a passage."""
        import pyarrow as pa

        rows = pa.table(
            {str(name).replace(".", "_"): _column(self.metadata[name]) for name in self.metadata if name not in OWN}
        )
        rows = rows.append_column(POSITION, pa.array(range(len(self)), pa.int64()))
        return rows.append_column(BODY, pa.array(self.bodies, pa.string()))


def _column(values: pd.Series) -> pa.Array:
    """Metadata as LanceDB holds them; where they are of several types, as strings."""
    import pyarrow as pa

    try:
        return pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.Array.from_pandas(values.map(str, na_action="ignore"))


def body(title: str, text: str) -> str:
    """The passage below its title, unless it begins with it."""
    return text if not title or text.startswith(title) else f"{title}\n{text}"


def passages(corpus: Corpus, chunker: Chunker) -> Passages:
    """The passages of a corpus; cut once in a process. Their ids are ``<document>#<number>``."""
    key = (corpus.fingerprint, repr(chunker))
    if key not in _cut:
        _cut[key] = _passages(corpus, chunker)
        while len(_cut) > 8:
            _cut.popitem(last=False)
    _cut.move_to_end(key)
    return _cut[key]


def _passages(corpus: Corpus, chunker: Chunker) -> Passages:
    documents = corpus.documents
    passages: list[Passage] = []
    rows: list[int] = []
    for row, (name, title, text) in enumerate(zip(documents["id"], documents["title"], documents["text"], strict=True)):
        for i, part in enumerate(chunker.split(str(text))):
            passages.append(Passage(f"{name}#{i}", str(name), str(title or ""), part))
            rows.append(row)
    metadata = documents.drop(columns="text").iloc[rows].reset_index(drop=True)
    digest = hashlib.sha256(json.dumps([FORMAT, [(p.id, p.title, p.text) for p in passages]]).encode())
    digest.update(repr([str(kind) for kind in metadata.dtypes]).encode())
    digest.update(metadata.to_csv(index=False).encode("utf-8", "surrogatepass"))
    return Passages(tuple(passages), metadata, digest.hexdigest())
