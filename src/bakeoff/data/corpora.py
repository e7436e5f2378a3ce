"""Sources of questions over documents: SQuAD and BEIR files, and the user's own files.

Every source brings a table of questions with the columns ``id``, ``question``, ``history`` (JSON list of turns),
``answers`` (JSON list of strings; empty: not answerable), ``relevance`` (JSON object, document id → grade; 0 and less
is irrelevant), ``itself`` where queries are documents, and whatever else the file has; and a table of documents with
the columns ``id``, ``title``, ``text`` and metadata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.data import documents, gold, records
from bakeoff.data.files import existing
from bakeoff.data.records import Record
from bakeoff.data.sources import File, Rows
from bakeoff.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "question", "history", "answers", "relevance")
IDS, QUESTIONS = ("id", "qid"), ("question", "query")
"""Columns of a table of questions; the second of each are AutoRAG's."""
ITSELF = "itself"
"""Column with the id of the document that is the query itself, as in ArguAna and Quora."""


@dataclass(frozen=True)
class Questions:
    """Questions and documents of your own.

    Args:
        questions: a jsonl, csv, tsv or parquet file with the columns ``question``, ``answers`` (or ``answer``),
            ``documents`` (ids, or id → grade) and ``history`` (turns); the last three may be missing or empty. Or
            the columns of AutoRAG: ``qid``, ``query``, ``generation_gt``, ``retrieval_gt``.
        corpus: the documents: such a file with ``id``, ``title`` and ``text``, or AutoRAG's ``doc_id`` and
            ``contents``; or a folder of md, txt, html and pdf.
        test_questions: a second file, whose questions are the test rows.
    """

    questions: str
    corpus: str
    test_questions: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.questions).name

    def read(self) -> Rows:
        """All questions and documents."""
        path = existing(self.questions, "data.questions")
        corpus = existing(self.corpus, "data.corpus")
        test = None if self.test_questions is None else existing(self.test_questions, "data.test_questions")
        read = documents.read(corpus, "data.corpus")
        known = list(read.table["id"])
        return Rows(
            _asked(path, "data.questions", known),
            None if test is None else _asked(test, "data.test_questions", known),
            read.table,
            notes=read.notes,
        )


@dataclass(frozen=True)
class Squad(File):
    """Questions on paragraphs in the JSON of SQuAD 1.1 and 2.0. Each different paragraph is a document.

    A table with the columns ``context``, ``question`` and ``answers``, as hubs offer SQuAD, is read too.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose questions are the test rows; its paragraphs join the corpus.
    """

    def read(self) -> Rows:
        """All questions and paragraphs of the file or files."""
        file = existing(self.path, "data.path")
        test_file = None if self.test_path is None else existing(self.test_path, "data.test_path")
        paragraphs = _Paragraphs()
        frame = _frame(_squad(file, "data.path", paragraphs))
        test = None if test_file is None else _frame(_squad(test_file, "data.test_path", paragraphs))
        return Rows(frame, test, documents.frame(paragraphs.found))


@dataclass(frozen=True)
class Beir:
    """Queries and graded relevance in a folder laid out as those of BEIR (Thakur et al. 2021).

    It holds ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<name>.tsv``. Queries that these do not name are left out.

    Args:
        path: the folder; relative to the working directory, ``~`` expands.
        qrels: which of them are the test rows. Those of ``train`` and ``dev``, if any, are for development.
    """

    path: str
    qrels: str = "test"

    @property
    def name(self) -> str:
        """The folder's name."""
        return Path(self.path).name

    def read(self) -> Rows:
        """All documents, and the queries of each split."""
        folder = existing(self.path, "data.path")
        corpus, queries, tables = (
            existing(str(folder / name), "data.path") for name in ("corpus.jsonl", "queries.jsonl", "qrels")
        )
        files = {file.stem: file for file in sorted(tables.glob("*.tsv"))}
        if self.qrels not in files:
            raise DataError(
                f'data.qrels: there is no "{self.qrels}.tsv" in {tables}. There are: {", ".join(files)}.'
                f"{did_you_mean(self.qrels, files)}"
            )
        table = documents.table(corpus, "data.path")
        query_of = {record.text("_id", "data.path"): record for record in records.read(queries, "data.path")}
        known = dict(zip(table["id"], table["text"], strict=True))
        learnt_from = [name for name in ("train", "dev") if name in files]
        development = [row for name in learnt_from for row in _judged(files[name], query_of, known)]
        # A query may be judged in both, and both may be one file; it is then the test's.
        test = _judged(files[self.qrels], query_of, known)
        test_ids = {row["id"] for row in test}
        rest = {row["id"]: row for row in development if row["id"] not in test_ids}
        return Rows(*_alike(_frame(rest.values()), _frame(test)), table)


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Questions as a table; with its columns even where there are none."""
    import pandas as pd

    records = list(rows)
    return pd.DataFrame(records) if records else pd.DataFrame(columns=list(COLUMNS))


def _alike(frame: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give both tables the columns of both: metadata may be absent from all queries of a part."""
    names = list(dict.fromkeys([*frame.columns, *test.columns]))
    return frame.reindex(columns=names), test.reindex(columns=names)


def _row(id: str, question: str, answers: Any, relevance: Any, history: Any = (), **other: Any) -> dict[str, Any]:
    encoded = (json.dumps(value, ensure_ascii=False) for value in (list(history), answers, relevance))
    return dict(zip(COLUMNS, (id, question, *encoded), strict=True)) | other


def _asked(path: Path, key: str, known: Sequence[str]) -> pd.DataFrame:
    ids = set(known)
    rows = []
    for number, record in enumerate(records.read(path, key), 1):
        name, question = record.first(IDS), record.first(QUESTIONS)
        used = (name, question, "history", *gold.ANSWERS, *gold.DOCUMENTS)
        rows.append(
            _row(
                record.text(name, key) if name in record.values else str(number),
                record.text(question, key),
                gold.answers(record, key),
                gold.relevance(record, key, known, ids),
                gold.history(record, key),
                **record.others(used),
            )
        )
    if not any(row["answers"] != "[]" or row["relevance"] != "{}" for row in rows):
        raise DataError(
            f'{key}: no question of {path.name} has an answer or a document. Name these columns "answers" and '
            f'"documents".'
        )
    return _frame(rows)


class _Paragraphs:
    """The different paragraphs read so far, in the order in which they came."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._of_title: dict[str, int] = {}
        self.found: list[dict[str, str]] = []

    def id(self, title: str, text: str) -> str:
        """The id of a paragraph: its article and its number in it."""
        if text not in self._ids:
            number = self._of_title.get(title, 0)
            self._of_title[title] = number + 1
            self._ids[text] = f"{title}/{number}"
            self.found.append({"id": self._ids[text], "title": title.replace("_", " "), "text": text})
        return self._ids[text]


def _squad(path: Path, key: str, paragraphs: _Paragraphs) -> Iterator[dict[str, Any]]:
    if path.suffix.lower() not in (".json", ""):
        yield from _squad_table(path, key, paragraphs)
        return
    content = records.read_json(path, key)
    for article in _items(_object(content, path.name, key), "data", key):
        title = str(article.values.get("title", path.stem))
        for paragraph in _items(article, "paragraphs", key):
            document = paragraphs.id(title, paragraph.text("context", key))
            for entry in _items(paragraph, "qas", key):
                yield _of_paragraph(entry, document, title.replace("_", " "), key)


def _squad_table(path: Path, key: str, paragraphs: _Paragraphs) -> Iterator[dict[str, Any]]:
    """The rows of a table with a question and its paragraph in each."""
    for number, record in enumerate(records.read(path, key), 1):
        title = record.text("title", key) if "title" in record.values else path.stem
        document = paragraphs.id(title, record.text("context", key))
        answers = gold.answers(record, key)
        yield _row(
            record.text("id", key) if "id" in record.values else str(number),
            record.text("question", key),
            answers,
            {document: 1} if answers else {},
            title=title.replace("_", " "),
        )


def _of_paragraph(entry: Record, document: str, title: str, key: str) -> dict[str, Any]:
    name, question = entry.text("id", key), entry.text("question", key)
    if entry.values.get("is_impossible") is True:
        # The paragraph is on the subject and does not answer: it is no document to be found.
        return _row(name, question, [], {}, title=title)
    answers = list(dict.fromkeys(answer.text("text", key) for answer in _items(entry, "answers", key)))
    if not answers:
        raise DataError(f'{key}: {entry.place}, id "{name}", has no answer and is not marked "is_impossible".')
    return _row(name, question, answers, {document: 1}, title=title)


def _items(record: Record, name: str, key: str) -> Iterator[Record]:
    """The objects of a list in JSON, each with its path as its place."""
    items = record.required(name, key)
    if not isinstance(items, list):
        raise DataError(f'{key}: "{name}" of {record.place} is not a list. Is this a file in the format of SQuAD?')
    for i, value in enumerate(items):
        yield _object(value, f"{record.place}, {name}[{i}]", key)


def _object(value: Any, place: str, key: str) -> Record:
    if not isinstance(value, dict):
        raise DataError(f"{key}: {place} is not a JSON object. Is this a file in the format of SQuAD?")
    return Record(place, value)


def _judged(path: Path, query_of: Mapping[str, Record], known: Mapping[str, str]) -> list[dict[str, Any]]:
    """The queries that a file of qrels names, in its order, with what is relevant to each.

    Args:
        path: the file.
        query_of: all queries by id.
        known: the text of each document by id.
    """
    graded: dict[str, dict[str, int]] = {}
    for place, query, document, grade in _qrels(path):
        if query not in query_of:
            raise DataError(f'data.path: {place} names the query "{query}", which is not in queries.jsonl.')
        if document not in known:
            raise DataError(f'data.path: {place} names the document "{document}", which is not in corpus.jsonl.')
        if graded.setdefault(query, {}).setdefault(document, grade) != grade:
            raise DataError(
                f'data.path: {place} gives "{document}" the grade {grade} for "{query}", and a line above '
                f"{graded[query][document]}. Keep one of them."
            )
    # Where a query's own id is relevant to it, queries and documents may merely be numbered alike.
    are_numbered_alike = any(judged.get(name, 0) > 0 for name, judged in graded.items())
    rows = []
    for name, judged in graded.items():
        is_document = name in known and (
            not are_numbered_alike or query_of[name].text("text", "data.path").strip() == known[name].strip()
        )
        itself = {ITSELF: name} if is_document else {}
        rows.append(
            _row(name, query_of[name].text("text", "data.path"), [], judged, **_metadata_of(query_of[name]) | itself)
        )
    return rows


def _metadata_of(query: Record) -> dict[str, Any]:
    return documents.metadata(query, ("_id", "text", *COLUMNS))


def _qrels(path: Path) -> Iterator[tuple[str, str, str, int]]:
    """Place, query id, document id and grade of each line; the first is a header where it holds no grade.

    Columns are separated by tabs, or by spaces as in TREC, where a column without meaning stands before the document.
    """
    for number, line in enumerate(records.read_text(path, "data.path").splitlines(), 1):
        place = f"line {number} of {path.name}"
        cells = line.split("\t")
        if len(cells) == 1 and len(line.split()) == 4:
            query, _, document, grade = line.split()
            cells = [query, document, grade]
        if not line.strip() or (number == 1 and not _is_whole(cells[-1])):
            continue
        if len(cells) != 3 or not _is_whole(cells[2]):
            raise DataError(
                f"data.path: {place} is not a query id, a document id and a whole number, separated by tabs."
            )
        yield place, cells[0], cells[1], int(float(cells[2]))


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"\s*-?\d+(\.0+)?\s*", text) is not None
