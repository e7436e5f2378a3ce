"""Languages of texts, detected offline by Google's Compact Language Detector 3. Needs the extra ``language``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError

UNSURE = "(unsure)"
"""Segment of texts without letters, and of those whose language is not sure."""
LEAST_PROBABILITY = 0.7  # below which CLD3 itself does not call its answer reliable
MOST_BYTES = 2_000


def require_detector() -> None:
    """Raise ``ConfigError`` where the detector is not installed."""
    _detector()


def detected(texts: Iterable[str]) -> NDArray[np.object_]:
    """BCP 47 code of the language of each text, such as ``de`` or ``zh``; ``UNSURE`` where it is not known."""
    return np.array([_language(str(text)) for text in texts], dtype=object)


def _language(text: str) -> str:
    if not any(letter.isalpha() for letter in text):
        return UNSURE
    found = _detector().FindLanguage(text=text)
    is_sure = found.is_reliable and found.probability >= LEAST_PROBABILITY
    return str(found.language) if is_sure else UNSURE


@cache
def _detector() -> Any:
    try:
        import gcld3
    except ImportError:
        raise ConfigError('model.by: language needs cld3-py. Install it: pip install "bakeoff[language]"') from None
    return gcld3.NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=MOST_BYTES)
