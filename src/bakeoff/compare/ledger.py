"""Ledger of looks at test rows: a small SQLite file of the user's, beside the copies in bake-off folders."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bakeoff import assets
from bakeoff.compare.looks import Key, Looks, Question, numbered
from bakeoff.config.settings import DecisionSettings
from bakeoff.record import Run

FILE = "looks.sqlite"
FOLDER_VARIABLE = "BAKEOFF_LEDGER"
BUSY_SECONDS = 20
DAMAGED = (11, 26)  # SQLite's codes of a file that is malformed, or no database
TABLE = """
CREATE TABLE IF NOT EXISTS looks (
    test TEXT, metric TEXT, incumbent TEXT, challenger TEXT, number INTEGER NOT NULL,
    at TEXT, folder TEXT, incumbent_name TEXT, challenger_name TEXT,
    PRIMARY KEY (test, metric, incumbent, challenger)
) WITHOUT ROWID
"""

log = logging.getLogger("bakeoff.repairs")


@dataclass
class Ledger:
    """The ledger: a small SQLite file of the user's, and copies in bake-off folders.

    It never stops a comparison: where the file cannot be read or written, ``problems`` says so, and looks are counted
    from what is known.

    Args:
        file: the file; None: nothing but ``copies`` is known, and nothing is kept.
        copies: questions that bake-off folders recorded; they keep their numbers, on whatever machine.
        folder: of the bake-off that asks.
    """

    file: Path | None = None
    copies: Sequence[Looks] = ()
    folder: str = ""
    problems: list[str] = field(default_factory=list)

    @classmethod
    def for_folder(cls, folder: Path, copies: Sequence[Looks] = ()) -> Ledger:
        """The ledger of this user, asked by a bake-off folder."""
        own = os.environ.get(FOLDER_VARIABLE)
        file = (Path(own) if own else assets.cache_folder() / "ledger") / FILE
        return cls(file, copies, str(folder.absolute()))

    def look(self, runs: Sequence[Run], questions: Mapping[str, Question], settings: DecisionSettings) -> Looks:
        """Take the look of a comparison.

        Args:
            runs: finished runs of the comparison.
            questions: challenger → question.
            settings: settings of the verdict.
        """
        described = next((run.task for run in runs if run.task), {})
        # A run of an earlier version knows its task, not its test rows.
        test = str(described.get("test") or runs[0].fingerprint or "")
        all_questions = self.take(test, list(questions.values()))
        numbers = {question.key: question.number for question in all_questions}
        of_challengers = {name: numbers[question.key] for name, question in questions.items()}
        return Looks(test, of_challengers, round(1 - settings.confidence, 12), settings.ledger, tuple(all_questions))

    def take(self, test: str, questions: Sequence[Question]) -> list[Question]:
        """Number the questions of one comparison, and record the new ones.

        Args:
            test: digest of the test rows.
            questions: of the comparison.

        Returns:
            All questions that were asked of these rows, those of this comparison among them.
        """
        at = "" if self.file is None else datetime.now(UTC).isoformat(timespec="seconds")
        questions = [replace(question, at=at, folder=self.folder) for question in questions]
        copied = {q.key: q for copy in self.copies if copy.test == test for q in copy.asked}
        recorded: dict[Key, Question] = {}
        try:
            with self._transaction() as connection:
                recorded = _read(connection, test)
                all_questions = _all(questions, {**recorded, **copied})
                new = [(test, *astuple(q)) for key, q in all_questions.items() if key not in recorded]
                if connection is not None and new:
                    connection.executemany(f"INSERT INTO looks VALUES ({', '.join('?' * 9)})", new)
        except (sqlite3.Error, OSError, Timeout) as error:
            self.problems.append(
                f"The look at these test rows could not be recorded: {self.file}: {error}. It is counted from "
                f"what is known; {FOLDER_VARIABLE} names another folder for the ledger."
            )
            all_questions = _all(questions, {**(recorded or self._readable(test)), **copied})
        return sorted(all_questions.values(), key=lambda q: (q.number, q.key))

    def known(self, test: str) -> list[Question]:
        """Questions that were asked of test rows before, the first one first; nothing is recorded."""
        return sorted(self._readable(test).values(), key=lambda q: (q.number, q.key))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection | None]:
        """Hold the file: looks of several processes are numbered one after another."""
        if self.file is None:
            yield None
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.file.with_suffix(".lock"), timeout=BUSY_SECONDS), closing(_sound(self.file)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _readable(self, test: str) -> dict[Key, Question]:
        """Recorded questions about test rows; none where the file cannot be read."""
        with suppress(sqlite3.Error, OSError):
            if self.file is not None and self.file.is_file():
                with closing(sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                    return _read(connection, test)
        return {}


def _all(questions: Sequence[Question], known: Mapping[Key, Question]) -> dict[Key, Question]:
    """Known and new questions by key; known ones as they were first asked."""
    return {**{q.key: q for q in numbered(questions, known.values())}, **known}


def _read(connection: sqlite3.Connection | None, test: str) -> dict[Key, Question]:
    if connection is None:
        return {}
    names = ", ".join(f.name for f in fields(Question))
    rows = connection.execute(f"SELECT {names} FROM looks WHERE test = ?", (test,)).fetchall()
    return {(question := Question(*row)).key: question for row in rows}


def _sound(file: Path) -> sqlite3.Connection:
    """Connect to the file; one that is damaged is set aside, and what can be read of it is taken over."""
    rows: list[tuple[object, ...]] = []
    try:
        connection = _opened(file)
        fault = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        if fault == "ok":
            return connection
        with suppress(sqlite3.Error):
            rows = connection.execute("SELECT * FROM looks").fetchall()
        connection.close()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in DAMAGED:
            raise
        fault = str(error)
    file.replace(file.with_suffix(".damaged"))
    connection = _opened(file)
    with connection:
        connection.executemany(f"INSERT OR IGNORE INTO looks VALUES ({', '.join('?' * 9)})", rows)
    log.warning(
        "%s: the ledger of looks at test rows is damaged (%s). %d entries could be read and are kept; bake-off folders "
        "hold copies of theirs.", file, fault, len(rows),
    )  # fmt: skip
    return connection


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute(TABLE)
    return connection
