"""Read a ``.wandb`` file: a header, then records of W&B's protocol in blocks as LevelDB writes its log."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK = 32768
HEADER = struct.Struct("<4sHB")
CHUNK = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class Kept:
    """Contents of one offline file."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    artifacts: list[Any] = field(default_factory=list)
    exit_code: int | None = None
    folder: Path = Path()

    def table(self, name: str) -> dict[str, Any]:
        """The rows and columns of a table that the history refers to."""
        path = next(row[f"{name}/path"] for row in self.history if f"{name}/path" in row)
        return json.loads((self.folder / "files" / path).read_text())


def read(file: Path) -> Kept:
    from wandb.proto.wandb_internal_pb2 import Record

    kept = Kept(folder=file.parent)
    for payload in payloads(file.read_bytes()):
        record = Record.FromString(payload)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            kept.run = record.run
            kept.config |= values(record.run.config.update)
        elif kind == "config":
            kept.config |= values(record.config.update)
        elif kind == "history":
            kept.history.append(values(record.history.item))
        elif kind == "summary":
            kept.summary |= values(record.summary.update)
        elif kind == "files":
            kept.files += [file.path for file in record.files.files]
        elif kind == "artifact":
            kept.artifacts.append(record.artifact)
        elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
            kept.artifacts.append(record.request.log_artifact.artifact)
        elif kind == "exit":
            kept.exit_code = record.exit.exit_code
    return kept


def values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def payloads(data: bytes) -> list[bytes]:
    """Every record, whole; a wrong checksum is an error."""
    mark, magic, _ = HEADER.unpack_from(data)
    assert (mark, magic) == (b":W&B", 0xBEE1), "not a .wandb file"
    found, part, at = [], b"", HEADER.size
    while at < len(data):
        left = BLOCK - at % BLOCK
        if left < CHUNK.size:
            at += left
            continue
        checksum, length, kind = CHUNK.unpack_from(data, at)
        chunk = data[at + CHUNK.size : at + CHUNK.size + length]
        assert checksum == zlib.crc32(chunk, zlib.crc32(bytes([kind]))), f"broken at byte {at}"
        part = chunk if kind in (FULL, FIRST) else part + chunk
        if kind in (FULL, LAST):
            found.append(part)
        at += CHUNK.size + length
    return found
