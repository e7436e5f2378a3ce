"""Limits on the reply of a server: its size, and the time that it may take to come in."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

MOST_PACKED_BYTES = 100_000
"""Size of a reply that is compressed otherwise than by gzip, and may unpack to a thousand times as much."""
LONGEST = 10
"""Times the time limit of a request that its reply may take to come in: some servers send blanks while they wait."""
_GZIP = 16 + zlib.MAX_WBITS


class EndlessReply(ValueError):
    """A server sends more than any reply has, or longer."""


def limiting(most_bytes: int, timeout_seconds: float) -> Callable[[Any], None]:
    """Return a hook for the responses of an HTTP client, which ends those that are too large or have no end.

    Args:
        most_bytes: maximum size of a reply.
        timeout_seconds: of the client, for each of its waits.
    """

    def limit(response: Any) -> None:
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        is_gzip = packing in ("gzip", "x-gzip")  # some servers send it unasked
        if is_gzip:  # unpacked here, where its size is seen
            del response.headers["content-encoding"]
        most = most_bytes if is_gzip or packing in ("", "identity") else min(most_bytes, MOST_PACKED_BYTES)
        response.stream = _limited(response.stream, most, time.monotonic() + LONGEST * timeout_seconds, is_gzip)

    return limit


def _limited(stream: Any, most_bytes: int, end: float, is_gzip: bool) -> Any:
    """A stream of the same kind, unpacked, which ends with an error beyond its limits."""
    (base,) = [cls for cls in type(stream).__mro__ if cls.__name__ == "SyncByteStream"]

    class Limited(base):  # type: ignore[misc, valid-type]
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            unpacker = zlib.decompressobj(_GZIP) if is_gzip else None
            for packed in stream:
                chunk = packed if unpacker is None else unpacker.decompress(packed, most_bytes - size + 1)
                size += len(chunk)
                if size > most_bytes:
                    raise EndlessReply(f"its reply has more than {most_bytes:,} bytes")
                if time.monotonic() > end:
                    raise EndlessReply("its reply has no end")
                yield chunk

        def close(self) -> None:
            stream.close()

    return Limited()
