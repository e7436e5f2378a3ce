"""Claims of requests: locks on single bytes of a file, shared by all processes of a user."""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Claims:
    """Locked bytes of a file. The system frees those of a process when it ends.

    Threads of one process share a claim: they hold it together, and the last one frees it.

    Args:
        descriptor: of the open file. The process must not open the file again: closing it would free every lock.
        process: that opened it; locks do not survive a fork.
    """

    descriptor: int
    process: int
    _holders: Counter[int] = field(default_factory=Counter)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, file: Path) -> Self | None:
        """Open the file, or create it; None on a system without locks on parts of files."""
        try:
            import fcntl  # noqa: F401
        except ImportError:
            return None
        return cls(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), os.getpid())

    def take(self, byte: int) -> bool:
        """Lock a byte, unless another process holds it. Returns whether it is held now."""
        import fcntl

        with self._guard:
            if not self._holders[byte]:
                try:
                    fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
                except (BlockingIOError, PermissionError):
                    return False
                except OSError:
                    pass  # a file system without locks: the request may be sent twice, and is not held up
            self._holders[byte] += 1
            return True

    def leave(self, byte: int) -> None:
        """Free a byte, if this process holds it and no other thread does."""
        import fcntl
        from contextlib import suppress

        with self._guard:
            if not self._holders[byte]:
                return
            self._holders[byte] -= 1
            if not self._holders[byte]:
                del self._holders[byte]
                with suppress(OSError):
                    fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, byte)
