"""Questions over documents: read, checked, and validated against the corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.data import columns, roles
from bakeoff.data.corpora import ITSELF
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Rows, Source
from bakeoff.data.splits import Traits
from bakeoff.data.table import Table
from bakeoff.errors import DataError, did_you_mean
from bakeoff.task import HISTORY, QUESTION, Corpus, DataNote, Gold, NoteRank, Schema

ANSWERS, RELEVANCE = "answers", "relevance"
TURN, ANSWERABLE = "turn", "answerable"
OF_DOCUMENTS = ("id", "title", "text")


def read(source: Source, settings: DataSettings) -> Table:
    """Read questions and corpus. Slices may name ``turn`` (first or follow-up) and ``answerable``, which are made here.

    Raises:
        DataError: a column is missing, a question is empty, or names a document that the corpus does not have.
    """
    where = source.name
    rows = source.read()
    if rows.corpus is None:
        raise DataError(f"data.kind: {settings.kind} looks for answers in documents, and {where} brings none.")
    corpus = _corpus(rows.corpus, where)
    frame, is_test = _stacked(rows, where)
    for name in (QUESTION, ANSWERS, RELEVANCE):
        if name not in frame:
            raise DataError(f'data: {where} has no column "{name}". Columns: {", ".join(frame.columns)}.')
    _refuse_empty(frame[QUESTION], where)
    X = {QUESTION: frame[QUESTION].astype("str")}
    X[HISTORY] = frame[HISTORY].astype("str") if HISTORY in frame else pd.Series("[]", index=frame.index, dtype="str")
    y = _gold(frame, corpus, where)
    known: dict[str, Any] = {
        TURN: np.where(X[HISTORY] == "[]", "first", "follow-up"),
        ANSWERABLE: ["yes" if gold.is_answerable else "no" for gold in y],
    }
    frame = frame.assign(**known)
    roles.features(frame.assign(**{settings.target: ""}), settings, where)
    ids = roles.ids(frame, settings.id, is_test, where)
    part, is_test = roles.assigned(frame, settings.split, is_test, where)
    traits = Traits(
        columns.row_hashes(X, len(ids)),
        None,
        roles.groups(frame, settings.group, where),
        roles.times(frame, settings.time, where),
        is_test,
        part,
    )
    schema = Schema(settings.kind, settings.target, {QUESTION: "text", HISTORY: "text"})
    read = columns.read(frame, settings.slices, {}, where) if settings.slices else None
    slices = pd.DataFrame({} if read is None else dict(read.values), index=frame.index)
    return Table(schema, X, y, ids, slices, traits, (*rows.notes, *_notes(corpus, y)), corpus)


def _notes(corpus: Corpus, y: NDArray[Any]) -> tuple[DataNote, ...]:
    """Notes on the corpus and the questions that a reader of ranking metrics needs."""
    textless = int((corpus.documents["text"].str.strip() == "").sum())
    none_relevant = sum(gold.none_relevant for gold in y)
    themselves = sum(bool(gold.itself) for gold in y)
    notes = [
        (textless, f"{textless:,} of {len(corpus):,} documents have no text and stay in the corpus.", NoteRank.VALUES),
        (
            none_relevant,
            f"{none_relevant:,} of {len(y):,} questions were judged to have no relevant document: each counts 0.",
            NoteRank.CHOICES,
        ),
        (
            themselves,
            f"{themselves:,} of {len(y):,} queries are documents themselves: a query's own document is no hit.",
            NoteRank.CHOICES,
        ),
        (len(corpus), f"The corpus has {len(corpus):,} documents.", NoteRank.FACTS),
    ]
    return tuple(DataNote(text, rank=rank) for count, text, rank in notes if count)


def _corpus(documents: pd.DataFrame, where: str) -> Corpus:
    for name in OF_DOCUMENTS:
        if name not in documents:
            raise DataError(f'data: the documents of {where} have no column "{name}".')
    if documents.empty:
        raise DataError(f"data: {where} has no documents.")
    documents = documents.reset_index(drop=True)
    documents = documents.assign(**{name: documents[name].astype("str") for name in OF_DOCUMENTS})
    twice = documents["id"][documents["id"].duplicated()]
    if len(twice):
        raise DataError(f'data: two documents of {where} have the id "{twice.iloc[0]}".')
    digest = hashlib.sha256(json.dumps([str(name) for name in documents.columns]).encode())
    for name in documents.columns:
        digest.update(pd.util.hash_array(documents[name].astype("str").to_numpy(dtype=object)).tobytes())
    return Corpus(documents, digest.hexdigest())


def _stacked(rows: Rows, where: str) -> tuple[pd.DataFrame, NDArray[np.bool_] | None]:
    """All questions as one table; there may be none but those for the test."""
    if rows.test is not None and rows.frame.empty:
        return rows.test.reset_index(drop=True), np.ones(len(rows.test), dtype=bool)
    return roles.stack(rows, where)


def _refuse_empty(texts: pd.Series, where: str) -> None:
    empty = np.flatnonzero(texts.isna() | (texts.astype("str").str.strip() == ""))
    if len(empty):
        raise DataError(f"data: question {empty[0]} of {where}, counting from 0, is empty.")


def _gold(frame: pd.DataFrame, corpus: Corpus, where: str) -> NDArray[Any]:
    known = set(corpus.documents["id"])
    texts = dict(zip(corpus.documents["id"], corpus.documents["text"].str.strip(), strict=True))
    same_text: dict[str, list[str]] = {}
    for name, text in texts.items():
        same_text.setdefault(text, []).append(name)
    own = frame[ITSELF].fillna("").astype("str") if ITSELF in frame else [""] * len(frame)
    golds = np.empty(len(frame), dtype=object)
    for i, (answers, relevance, itself) in enumerate(zip(frame[ANSWERS], frame[RELEVANCE], own, strict=True)):
        judged = {str(document): int(grade) for document, grade in json.loads(relevance).items()}
        _refuse_unknown(judged, known, i, where)
        graded = {document: grade for document, grade in judged.items() if grade > 0}
        twins = {
            twin: document
            for document in graded
            if texts[document]
            for twin in same_text[texts[document]]
            if twin not in graded
        }
        is_none_relevant = bool(judged) and not graded
        golds[i] = Gold(tuple(str(answer) for answer in json.loads(answers)), graded, is_none_relevant, itself, twins)
    return golds


def _refuse_unknown(names: Iterable[str], known: set[str], row: int, where: str) -> None:
    for document in names:
        if document not in known:
            raise DataError(
                f'data: question {row} of {where}, counting from 0, names the document "{document}", which is not in '
                f"the corpus.{did_you_mean(document, known)}"
            )
