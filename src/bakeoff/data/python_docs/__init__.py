"""Questions over Python's language reference; the reference itself is in every Python, as ``pydoc_data.topics``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff.data.sources import Rows

QUESTIONS = Path(__file__).with_name("questions.jsonl")
JUDGED = Path(__file__).with_name("judged.jsonl")
AS_JSON = ("history", "answers")


@dataclass(frozen=True)
class PythonDocs:
    """The topics of the running Python's language reference, and questions with short answers over them.

    The questions are described in ``README.md`` beside them.
    """

    @property
    def name(self) -> str:
        """Name of the source in messages."""
        return "python_docs"

    def read(self) -> Rows:
        """All questions, and the topics as documents."""
        import pandas as pd

        questions = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
        return Rows(pd.DataFrame([_row(question) for question in questions]), corpus=documents())


def documents() -> Any:
    """The topics as a frame: ``id`` is the topic, ``title`` its first heading."""
    from pydoc_data.topics import topics

    import pandas as pd

    return pd.DataFrame(
        [{"id": name, "title": text.strip().splitlines()[0], "text": text} for name, text in sorted(topics.items())]
    )


def _row(question: dict[str, Any]) -> dict[str, Any]:
    encoded = {key: json.dumps(question.pop(key), ensure_ascii=False) for key in AS_JSON}
    encoded["relevance"] = json.dumps(question.pop("documents"))
    return {key: value for key, value in question.items() if isinstance(value, str)} | encoded
