"""The few exceptions meant for users, and suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bakeoff.llm.transcript import Transcript


class BakeoffError(Exception):
    """Base of every error whose message is complete in itself: no traceback is shown for it."""


class ConfigError(BakeoffError):
    """The request is wrong: an option, a key, a value or a combination of them."""


class DataError(BakeoffError):
    """The data cannot serve as asked: a missing file, a wrong column, a split that leaves nothing to test."""


class AssetError(BakeoffError):
    """A pinned asset cannot be fetched, or is not what was pinned."""


class LLMError(BakeoffError):
    """A language model cannot be called: its key is rejected, it does not exist, or the server does not respond.

    Attributes:
        transcripts: of requests that were made all the same.
    """

    def __init__(self, message: str, transcripts: Sequence[Transcript] = ()) -> None:
        super().__init__(message)
        self.transcripts = tuple(transcripts)


class Unavailable(LLMError):
    """A language model serves no request for now, such as with an empty account or a server that is not there."""


class Unfinished(Unavailable):
    """Rows were lost to something that may pass, such as an empty account: the same command goes on later."""


class VariantsFailed(BakeoffError):
    """Some variant failed; the others were compared.

    Attributes:
        folders: the run folders of all variants that were asked for, where they are known.
    """

    def __init__(self, message: str, folders: Sequence[Path] = ()) -> None:
        super().__init__(message)
        self.folders = tuple(folders)


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return `` Did you mean "x"?`` for the allowed name nearest to ``name``, or an empty string."""
    by_lower = {option.lower(): option for option in allowed}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f' Did you mean "{by_lower[near[0]]}"?' if near else ""
