"""Transcripts of a run: every request to a language model for a test row, with its raw reply.

The columns are a contract, documented in docs/comparison.md; ``VERSION`` says which. The file is written in row groups,
so that a long run needs no second copy of its texts in memory, and read back batch by batch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.errors import DataError
from bakeoff.llm.base import Completion, LLMRequest, Message
from bakeoff.llm.transcript import ShownPassage, Transcript
from bakeoff.record import integrity
from bakeoff.record.names import TRANSCRIPTS
from bakeoff.record.writing import write_file

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

VERSION = "1"
KEY = b"bakeoff.transcripts"
AT_ONCE = 256
"""Requests in a row group: with prompts of 100 kB, 25 MB."""
_IMAGE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=_-]+")


def write_transcripts(folder: Path, ids: Sequence[Any] | NDArray[Any], transcripts: Sequence[Transcript]) -> None:
    """Write the transcripts of a run, one row a request, in the order of the test rows. No file if there are none.

    Args:
        folder: the run folder.
        ids: of the test rows, by position.
        transcripts: of the requests; those that belong to no row come last, with ``id`` null.
    """
    from pyarrow import parquet

    if not transcripts:
        return
    ordered = sorted(transcripts, key=lambda t: len(ids) if t.row is None else t.row)
    schema = _schema()

    def write(path: Path) -> None:
        import pyarrow as pa

        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for start in range(0, len(ordered), AT_ONCE):
                batch = ordered[start : start + AT_ONCE]
                rows = [_row(None if t.row is None else str(ids[t.row]), t) for t in batch]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))

    write_file(folder / TRANSCRIPTS, write)


def has_transcripts(folder: Path) -> bool:
    """Return whether a run folder holds transcripts."""
    return (folder / TRANSCRIPTS).is_file()


def read_transcripts(folder: Path, ids: Collection[str] | None = None) -> Iterator[tuple[str | None, Transcript]]:
    """Read the transcripts of a run in their order, each with the id of its test row. Their ``row`` is None.

    Args:
        folder: the run folder.
        ids: of the rows to read; None: all requests.

    Raises:
        DataError: there are none, they are damaged, or a later version of bakeoff wrote them.
    """
    from pyarrow import parquet

    file = folder / TRANSCRIPTS
    if not integrity.check_file(file):
        raise DataError(f"{folder}: there is no {TRANSCRIPTS}.")
    wanted = None if ids is None else frozenset(ids)
    with integrity.readable(file), parquet.ParquetFile(file) as content:
        version = (content.schema_arrow.metadata or {}).get(KEY, b"").decode()
        if version != VERSION:
            raise DataError(f'{file}: its version is "{version}", and this bakeoff reads version {VERSION}.')
        for batch in content.iter_batches(AT_ONCE):
            for row in batch.to_pylist():
                if wanted is None or row["id"] in wanted:
                    yield row["id"], _transcript(row)


def read_transcript_ids(folder: Path) -> Iterator[str | None]:
    """Read the test row of each transcript of a run, without the texts. Raises ``DataError`` if there are none."""
    from pyarrow import parquet

    file = folder / TRANSCRIPTS
    if not integrity.check_file(file):
        raise DataError(f"{folder}: there is no {TRANSCRIPTS}.")
    with integrity.readable(file):
        ids = parquet.read_table(file, columns=["id"])["id"].to_pylist()
    yield from ids


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number, texts = pa.string(), pa.float64(), pa.list_(pa.string())
    message = pa.struct([("role", text), ("content", text)])
    passage = pa.struct([("document", text), ("title", text), ("text", text)])
    return pa.schema(
        [
            ("id", text), ("stage", text), ("messages", pa.list_(message)), ("passages", pa.list_(passage)),
            ("choices", texts), ("schema", text), ("max_tokens", pa.int32()),
            ("reply", text), ("unusable", texts), ("reasoning", text), ("refusal", text), ("finish", text),
            ("is_cut", pa.bool_()), ("status", text), ("reason", text), ("error", text), ("read", text),
            ("model", text), ("fingerprint", text), ("tries", pa.int32()), ("input_tokens", number),
            ("output_tokens", number), ("cost_usd", number), ("seconds", number), ("cached", pa.bool_()),
        ],
        metadata={KEY: VERSION.encode()},
    )  # fmt: skip


def _row(identity: str | None, transcript: Transcript) -> dict[str, Any]:
    request, completion = transcript.request, transcript.completion
    messages = [{"role": m.role, "content": _storable(m.content)} for m in request.messages]
    if completion.added:
        messages[-1]["content"] += completion.added
    return {
        "id": identity,
        "stage": request.stage,
        "messages": messages,
        "passages": [
            {"document": p.document, "title": _storable(p.title), "text": _storable(p.text)}
            for p in transcript.passages
        ],
        "choices": list(request.choices),
        "schema": None if request.schema is None else json.dumps(request.schema, ensure_ascii=False),
        "max_tokens": request.max_tokens,
        "reply": None if completion.raw is None else _storable(completion.raw),
        "unusable": list(completion.unusable),
        "reasoning": completion.reasoning,
        "refusal": completion.refusal,
        "finish": completion.finish,
        "is_cut": completion.is_cut,
        "status": completion.status,
        "reason": completion.reason,
        "error": completion.error,
        "read": _read(completion),
        "model": completion.model,
        "fingerprint": completion.fingerprint,
        "tries": completion.tries,
        "input_tokens": completion.input_tokens,
        "output_tokens": completion.output_tokens,
        "cost_usd": completion.cost_usd,
        "seconds": completion.seconds,
        "cached": completion.is_cached,
    }


def _read(completion: Completion) -> str | None:
    """Content read from a reply: its text without thoughts, the choice, or the JSON value; None if nothing was."""
    if completion.status != "ok":
        return None
    return completion.text if completion.parsed is None else json.dumps(completion.parsed, ensure_ascii=False)


def _transcript(row: dict[str, Any]) -> Transcript:
    return Transcript(
        None,
        LLMRequest(
            tuple(Message(**message) for message in row["messages"]),
            None if row["schema"] is None else json.loads(row["schema"]),
            tuple(row["choices"]),
            row["max_tokens"],
            stage=row["stage"],
        ),
        Completion(
            row["status"],
            text=row["read"] or "",
            raw=row["reply"],
            is_cached=row["cached"],
            unusable=tuple(row["unusable"]),
            **{name: row[name] for name in _AS_THEY_ARE},
        ),
        tuple(ShownPassage(**passage) for passage in row["passages"]),
    )


_AS_THEY_ARE = (
    "reasoning", "refusal", "finish", "is_cut", "reason", "error", "model", "fingerprint", "tries", "input_tokens",
    "output_tokens", "cost_usd", "seconds",
)  # fmt: skip


def _storable(text: str) -> str:
    """The text with a hash in place of each embedded image, and without half surrogate pairs."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "data:image/" not in text:
        return text
    return _IMAGE.sub(lambda image: f"[image sha256:{hashlib.sha256(image[0].encode()).hexdigest()}]", text)
