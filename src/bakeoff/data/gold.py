"""Gold labels of a question in the forms people write: one answer or several, documents with or without grades."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from bakeoff.data.records import Record, nearest, parsed, plain
from bakeoff.errors import DataError

ANSWERS = ("answers", "answer", "generation_gt")
DOCUMENTS = ("documents", "document", "relevance", "retrieval_gt")
"""Columns of the truth. The last of each are those of AutoRAG, whose ``retrieval_gt`` are lists of lists of ids."""
ROLES = ("user", "assistant")


def answers(record: Record, key: str) -> list[str]:
    """The gold answers, each once; none: not answerable.

    ``answers`` may be a list, in text as JSON, or an object with the list ``text``, as in tables of SQuAD; anything
    else is one answer, and ``answer`` always is when it is text.

    Raises:
        DataError: they are neither text nor numbers.
    """
    name = record.only(ANSWERS, key)
    if name is None:
        return []
    value = record.values[name]
    if name != "answer":
        value = _opened(value, "[{", record, name, key)
    if isinstance(value, Mapping) and "text" in value:
        value = value["text"]
    where = f'{key}: "{name}" of {record.place}'
    texts = [plain(answer, where) for answer in value] if isinstance(value, list) else [plain(value, where)]
    return list(dict.fromkeys(answer for answer in texts if answer.strip()))


def relevance(record: Record, key: str, known: Sequence[str], ids: Container[str]) -> dict[str, int]:
    """Document id → grade; 0 and less is irrelevant.

    One id or a list of them, of grade 1, or an object; in text as JSON.

    Args:
        record: the question.
        key: the config key that named its file.
        known: ids of all documents, to name the nearest.
        ids: the same, to look up.

    Raises:
        DataError: an id is not in the corpus, or a grade is no whole number.
    """
    name = record.only(DOCUMENTS, key)
    if name is None:
        return {}
    where = f'{key}: "{name}" of {record.place}'
    value = _opened(record.values[name], "[{", record, name, key)
    if isinstance(value, Mapping):
        # A struct of Parquet has the keys of all rows, empty in most.
        graded = {str(document): _grade(grade, where) for document, grade in value.items() if grade is not None}
    else:
        graded = {plain(document, where): 1 for document in _flat(value)}
    for document in graded:
        if document not in ids:
            raise DataError(
                f'{key}: {record.place} names the document "{document}", which is not in the corpus.'
                f"{nearest(document, known)}"
            )
    return graded


def history(record: Record, key: str) -> list[dict[str, str]]:
    """The turns before the question, each with role and content.

    Raises:
        DataError: it is no list of such turns, or a role is not known.
    """
    if "history" not in record.values:
        return []
    where = f'{key}: "history" of {record.place}'
    turns = _opened(record.values["history"], "[", record, "history", key)
    if not isinstance(turns, list):
        raise DataError(f'{where} is not a list of turns such as [{{"role": "user", "content": "…"}}].')
    cleaned = []
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, Mapping) or not {"role", "content"} <= turn.keys():
            raise DataError(f'{where}: turn {number} is not of the form {{"role": "user", "content": "…"}}.')
        if turn["role"] not in ROLES:
            raise DataError(f'{where}: the role of turn {number} is "{turn["role"]}". Allowed: {", ".join(ROLES)}.')
        cleaned.append({"role": str(turn["role"]), "content": plain(turn["content"], where)})
    return cleaned


def _flat(value: Any) -> list[Any]:
    """The items of a list, and of lists in it; anything else as the only item."""
    return [item for part in value for item in _flat(part)] if isinstance(value, list) else [value]


def _grade(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise DataError(f"{where}: the grade {value!r} is not a whole number. 0 is irrelevant, the higher the better.")
    return int(value)


def _opened(value: Any, begins: str, record: Record, name: str, key: str) -> Any:
    """The value of a cell that holds JSON; the cell itself where it does not begin so."""
    is_json = isinstance(value, str) and value.lstrip().startswith(tuple(begins))
    return parsed(value, f'"{name}" of {record.place}', key) if is_json else value
