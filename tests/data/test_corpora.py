"""Questions and documents as people have them: files of their own, SQuAD, BEIR."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff import data
from bakeoff.data.corpora import Beir, Questions, Squad
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.errors import BakeoffError, ConfigError, DataError
from bakeoff.task import Gold, Question, Task, Turn, questions
from bakeoff.tasks.documents import read_gold, write_gold

HISTORY = [{"role": "user", "content": "What is a tuple?"}, {"role": "assistant", "content": "A sequence."}]
DOCUMENTS = [
    {"id": "a", "title": "A", "text": "Tuples do not change.", "year": 2020},
    {"id": "b", "title": "B", "text": "Lists do.", "metadata": {"year": 2024, "tags": ["x"]}},
]


def lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def asked(tmp_path: Path, *rows: dict[str, Any], documents: list[dict[str, Any]] | None = None) -> Questions:
    corpus = lines(tmp_path / "corpus.jsonl", DOCUMENTS if documents is None else documents)
    return Questions(lines(tmp_path / "asked.jsonl", list(rows)), corpus)


def gold(frame: pd.DataFrame) -> list[tuple[list[str], dict[str, int]]]:
    return [(json.loads(a), json.loads(r)) for a, r in zip(frame["answers"], frame["relevance"], strict=True)]


def loaded(source: Any, kind: str = "qa", **declared: Any) -> Task:
    return data.load(source, DataSettings(name="asked", target="answers", kind=kind, id="id", **declared))


class TestQuestions:
    def test_become_a_task(self, tmp_path):
        rows = [{"id": f"q{i}", "question": f"Is {i} even?", "answer": "yes", "documents": ["a"]} for i in range(10)]
        rows[4] |= {"history": HISTORY}
        task = loaded(asked(tmp_path, *rows), slices=["turn", "answerable"])
        examples = [task.development.examples, task.test]
        found = {
            name: question for part in examples for name, question in zip(part.ids, questions(part.X), strict=True)
        }
        assert found["q4"] == Question("Is 4 even?", tuple(Turn(**turn) for turn in HISTORY))
        assert list(task.test.y) == [Gold(("yes",), {"a": 1})] * 2
        assert list(task.development.corpus.documents["id"]) == ["a", "b"]

    def test_know_the_documents_with_the_text_of_a_gold_one(self, tmp_path):
        twins = [{"id": name, "title": "A", "text": "Tuples do not change."} for name in ("v1", "v2")]
        rows = [{"id": f"q{i}", "question": f"Is {i} even?", "answer": "yes", "documents": ["v2"]} for i in range(10)]
        task = loaded(asked(tmp_path, *rows, documents=[*twins, DOCUMENTS[1]]))
        assert task.test.y[0] == Gold(("yes",), {"v2": 1}, twins={"v1": "v2"})

    def test_may_have_answers_and_documents_in_several_forms(self, tmp_path):
        source = asked(
            tmp_path,
            {"question": "1?", "answer": "x", "documents": "a"},
            {"question": "2?", "answers": ["x", 7, "x", " "], "documents": ["a", "b"]},
            {"question": "3?", "answers": [], "documents": {}},
            {"question": "4?", "answer": "[1, 2]", "relevance": {"a": 2, "b": 0}},
            {"question": "5?", "answers": None, "documents": None, "history": None},
        )
        assert gold(source.read().frame) == [
            (["x"], {"a": 1}),
            (["x", "7"], {"a": 1, "b": 1}),
            ([], {}),
            (["[1, 2]"], {"a": 2, "b": 0}),
            ([], {}),
        ]

    @pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "ndjson"])
    def test_are_the_same_from_every_format(self, tmp_path, ending):
        rows = [
            {"id": "007", "question": 'Why, "so"?\nNow', "answers": ["x", "y"], "documents": {"a": 2}, "level": "easy"},
            {"id": "8", "question": "And?", "answers": [], "documents": {}, "history": HISTORY, "level": "hard"},
        ]
        expected = asked(tmp_path, *rows).read().frame
        path = tmp_path / f"other.{ending}"
        if ending == "parquet":
            pd.DataFrame([{**row, "history": row.get("history")} for row in rows]).to_parquet(path)
        elif ending == "ndjson":
            lines(path, rows)
        else:
            cells = [{k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()} for row in rows]
            pd.DataFrame(cells).to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
        found = Questions(str(path), str(tmp_path / "corpus.jsonl")).read().frame
        pd.testing.assert_frame_equal(found[expected.columns], expected)

    def test_keep_their_other_columns_for_slices_and_the_split(self, tmp_path):
        rows = [
            {"question": f"{i}?", "answer": "x", "level": "easy" if i % 2 else "hard", "split": part}
            for i, part in enumerate(["train"] * 6 + ["valid"] * 3 + ["test"] * 4)
        ]
        declared = {"slices": ["level"], "split": SplitSettings(column="split")}
        task = loaded(asked(tmp_path, *rows), **declared)
        assert (task.split["train"], task.split["valid"], task.split["test"]) == (6, 3, 4)
        assert list(task.test.slices["level"]) == ["easy", "hard", "easy", "hard"]

    def test_may_come_with_a_second_file_for_the_test(self, tmp_path):
        source = asked(tmp_path, *({"question": f"{i}?", "answer": "x"} for i in range(5)))
        test = lines(tmp_path / "test.jsonl", [{"question": "Last?", "answer": "y"}])
        task = loaded(Questions(source.questions, source.corpus, test))
        assert list(task.test.X["question"]) == ["Last?"]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (
                {"questoin": "?"},
                'data.questions: line 2 of asked.jsonl has no "question". It has: questoin. Did you mean',
            ),
            (
                {"question": "?", "answer": "x", "answers": ["y"]},
                'line 2 of asked.jsonl has both "answers" and "answer"',
            ),
            ({"question": "?", "answers": [True]}, '"answers" of line 2 of asked.jsonl is true, and not a string'),
            ({"question": "?", "documents": ["aa"]}, 'line 2 of asked.jsonl names the document "aa", which is not in'),
            ({"question": "?", "documents": {"a": 0.5}}, "the grade 0.5 is not a whole number"),
            ({"question": "?", "documents": {"a": float("inf")}}, "the grade inf is not a whole number"),
            ({"question": "?", "documents": '["a"'}, '"documents" of line 2 of asked.jsonl is not JSON'),
            ({"question": "?", "history": "hello"}, '"history" of line 2 of asked.jsonl is not a list of turns'),
            (
                {"question": "?", "history": [{"role": "bot", "content": "x"}]},
                'the role of turn 1 is "bot". Allowed: user',
            ),
            ({"question": "?", "history": [{"role": "user"}]}, "turn 1 is not of the form"),
            ({"question": ["?"]}, '"question" of line 2 of asked.jsonl is ["?"], and not a string'),
        ],
    )
    def test_that_are_wrong_are_named_by_file_and_line(self, tmp_path, row, message):
        with pytest.raises(DataError) as raised:
            asked(tmp_path, {"question": "1?", "answer": "x"}, row).read()
        assert message in str(raised.value)

    def test_without_any_truth_are_refused(self, tmp_path):
        with pytest.raises(DataError, match=r"no question of asked\.jsonl has an answer or a document"):
            asked(tmp_path, {"question": "?", "anwser": "x"}).read()

    def test_of_another_format_are_refused(self, tmp_path):
        (tmp_path / "asked.xlsx").write_text("x")
        source = asked(tmp_path, {"question": "?", "answer": "x"})
        with pytest.raises(DataError, match=r'"asked\.xlsx" ends in none of \.jsonl'):
            Questions(str(tmp_path / "asked.xlsx"), source.corpus).read()

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("q.jsonl", b'{"question": "?"}\n\n{', "line 3 of q.jsonl is not JSON"),
            ("q.jsonl", b"[1]", "line 1 of q.jsonl is not a JSON object"),
            ("q.jsonl", b"\n", "q.jsonl holds no rows"),
            ("q.jsonl", b'{"question": "\xe9"}', "q.jsonl is not utf-8: it holds the byte 0xe9"),
            ("q.csv", b"", "q.csv is empty"),
            ("q.csv", b"question,answer\na,b\na,b,c\n", "line 3 of q.csv has 3 fields"),
            ("q.csv", b"question,answer\na,b,c\na,b,c\n", "line 2 of q.csv has 3 fields"),
            ("q.parquet", b"x", "q.parquet cannot be read as Parquet"),
        ],
    )
    def test_in_a_broken_file_are_an_error_that_names_it(self, tmp_path, name, content, message):
        source = asked(tmp_path, {"question": "?", "answer": "x"})
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as raised:
            Questions(str(tmp_path / name), source.corpus).read()
        assert f"data.questions: {message}" in str(raised.value)

    def test_that_do_not_exist_are_named_with_the_nearest(self, tmp_path):
        source = asked(tmp_path, {"question": "?", "answer": "x"})
        with pytest.raises(
            DataError, match=r'data\.corpus: there is no file "corpsu\.jsonl".*Did you mean "corpus\.jsonl"'
        ):
            Questions(source.questions, str(tmp_path / "corpsu.jsonl")).read()

    cells = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.sampled_from(["a", "[]", "{}"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "role"]), inner, max_size=2),
        max_leaves=4,
    )

    @settings(max_examples=150, deadline=None)
    @given(row=st.dictionaries(st.sampled_from(["id", "answers", "answer", "documents", "history", "x"]), cells))
    def test_are_read_or_refused_in_words(self, tmp_path_factory, row: Mapping[str, Any]):
        folder = tmp_path_factory.mktemp("any")
        rows = [{"question": "1?", "answer": "x"}, {**row, "question": "2?"}]
        corpus = lines(folder / "corpus.jsonl", DOCUMENTS)
        try:
            frame = Questions(lines(folder / "asked.jsonl", rows), corpus).read().frame
        except BakeoffError as error:
            assert "line 2 of asked.jsonl" in str(error)
            return
        for answers, relevance in gold(frame):
            assert all(isinstance(answer, str) and answer.strip() for answer in answers)
            assert set(relevance) <= {"a", "b"}


class TestDocuments:
    def test_keep_their_metadata(self, tmp_path):
        corpus = asked(tmp_path, {"question": "?", "answer": "x"}).read().corpus
        assert list(corpus.columns) == ["id", "title", "text", "year", "tags"]
        assert list(corpus["year"]) == [2020, 2024]
        assert corpus["tags"][1] == '["x"]'

    def test_of_a_csv_file_have_numbers_to_filter_by(self, tmp_path):
        source = asked(
            tmp_path, {"question": "?", "answer": "x", "documents": "01"}, documents=[{"id": "01", "text": "x"}]
        )
        path = tmp_path / "corpus.csv"
        path.write_text("id,title,text,year,version,code\n01,NA,null,2020,3.9,007\n02,,x,,3.10,1\n")
        corpus = Questions(source.questions, str(path)).read().corpus
        assert list(corpus["id"]) == ["01", "02"]
        assert list(corpus["title"]) == ["NA", ""], "text is never taken for a missing value"
        assert corpus["year"][0] == 2020
        assert list(corpus["version"]) == ["3.9", "3.10"], "a version is no number"
        assert list(corpus["code"]) == ["007", "1"]

    @pytest.mark.parametrize(
        ("documents", "message"),
        [
            ([*DOCUMENTS, DOCUMENTS[0]], 'line 3 of corpus.jsonl has the id "a", as line 1 of corpus.jsonl has'),
            ([{"id": "a", "txt": "x"}], 'line 1 of corpus.jsonl has no "text". It has: id, txt. Did you mean "txt"?'),
            ([{"ID": "a", "text": "x"}], 'line 1 of corpus.jsonl has no "id"'),
        ],
    )
    def test_that_are_wrong_are_named(self, tmp_path, documents, message):
        with pytest.raises(DataError) as raised:
            asked(tmp_path, {"question": "?", "answer": "x"}, documents=documents).read()
        assert message in str(raised.value)


PAGE = b"""<!doctype html><html><head><meta charset="latin-1"><title>How  to
install</title><style>p {color: red}</style></head>
<body><!-- not this --><script>alert(1)</script><h1>Install</h1><p>Run <b>one</b>
command, p\xe2t\xe9:</p><pre>pip  install x
    --quiet</pre><h2>Then</h2><ul><li>first<li>second</ul>
<table><tr><td>1</td><td>2</td></tr></table>a<br>b &amp; c</body></html>"""


def pdf(text: str) -> bytes:
    """A file of one page, the smallest that readers take."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    content, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return content + b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(content),
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "docs"
    (made / "guide").mkdir(parents=True)
    (made / ".hidden").mkdir()
    (made / "guide" / "install.html").write_bytes(PAGE)
    (made / "readme.md").write_text("Intro.\n\n# What it *does* #\n\nMuch.\n", encoding="utf-8-sig")
    (made / "notes.txt").write_text("Grüße.")
    (made / "paper.pdf").write_bytes(pdf("Tuples do not change."))
    (made / "logo.png").write_bytes(b"x")
    (made / ".hidden" / "no.md").write_text("x")
    lines(tmp_path / "asked.jsonl", [{"question": "?", "answer": "x", "documents": "guide/install.html"}])
    return made


class TestFolder:
    def test_of_documents_is_a_corpus(self, folder):
        rows = Questions(str(folder.parent / "asked.jsonl"), str(folder)).read()
        corpus = rows.corpus.set_index("id")
        assert list(corpus.index) == ["guide/install.html", "notes.txt", "paper.pdf", "readme.md"]
        assert dict(corpus["title"]) == {
            "guide/install.html": "How to install",
            "notes.txt": "notes",
            "paper.pdf": "paper",
            "readme.md": "What it *does*",
        }
        assert corpus.loc["notes.txt", "text"] == "Grüße."
        assert corpus.loc["paper.pdf", "text"].strip() == "Tuples do not change."
        assert corpus.loc["readme.md", "text"].startswith("Intro."), "no byte order mark"
        assert dict(corpus["format"])["guide/install.html"] == "html"
        assert dict(corpus["folder"]) == {
            "guide/install.html": "guide",
            "notes.txt": ".",
            "paper.pdf": ".",
            "readme.md": ".",
        }

    def test_html_keeps_lines_headings_and_code_and_loses_the_rest(self, folder):
        corpus = Questions(str(folder.parent / "asked.jsonl"), str(folder)).read().corpus
        text = corpus["text"][0]
        assert [line for line in text.splitlines() if line] == [
            "# Install",
            "Run one command, pâté:",
            "pip  install x",
            "    --quiet",
            "## Then",
            "first",
            "second",
            "1 2",
            "a",
            "b & c",
        ]

    def test_without_text_in_a_document_is_refused_by_its_name(self, folder):
        (folder / "scan.pdf").write_bytes(pdf(""))
        with pytest.raises(DataError, match=r"data\.corpus: 1 of 5 documents have no text: scan\.pdf\. Recognise"):
            Questions(str(folder.parent / "asked.jsonl"), str(folder)).read()

    def test_with_files_of_other_formats_and_pages_without_text_says_so(self, folder):
        from pypdf import PdfReader, PdfWriter

        writer = PdfWriter()
        writer.append(PdfReader(folder / "paper.pdf"))
        writer.add_blank_page(100, 100)
        writer.write(folder / "paper.pdf")
        rows = Questions(str(folder.parent / "asked.jsonl"), str(folder)).read()
        pages, others = map(str, rows.notes)
        assert pages.startswith("1 of 2 pages of paper.pdf (2) have no text")
        assert others.startswith("1 file is left out of the corpus, which takes .md,") and "logo.png" in others
        assert "no.md" not in others, "hidden files are not meant to be documents"
        assert rows.corpus.set_index("id").loc["paper.pdf", "text"].strip() == "Tuples do not change."

    def test_with_utf16_or_undeclared_html_is_refused_and_not_guessed(self, folder):
        asked = Questions(str(folder.parent / "asked.jsonl"), str(folder))
        (folder / "notes.txt").write_bytes("The tower.".encode("utf-16-le"))
        with pytest.raises(DataError, match=r"notes\.txt holds the byte 0 at character 1: it is no text, or utf-16"):
            asked.read()
        (folder / "notes.txt").write_text("x")
        (folder / "page.html").write_bytes("<p>Столица</p>".encode("cp1251"))
        with pytest.raises(DataError, match=r"page\.html is not utf-8: byte 3 is 0xd1"):
            asked.read()
        (folder / "page.html").write_bytes('<meta charset="cp1251"><p>Столица</p>'.encode("cp1251"))
        assert asked.read().corpus.set_index("id").loc["page.html", "text"].strip() == "Столица"

    def test_with_western_html_of_no_declared_encoding_is_read_with_a_note(self, folder):
        asked = Questions(str(folder.parent / "asked.jsonl"), str(folder))
        (folder / "page.html").write_bytes("<p>Café déjà vu</p>".encode("cp1252"))
        rows = asked.read()
        assert rows.corpus.set_index("id").loc["page.html", "text"].strip() == "Café déjà vu"
        assert any("page.html: neither UTF-8 nor of a declared encoding, read as cp1252" in str(n) for n in rows.notes)
        (folder / "page.html").write_bytes("<p>Café déjà</p>".encode() + "<p>vu à Orléans</p>".encode("cp1252"))
        with pytest.raises(DataError, match=r"page\.html is not utf-8"):
            asked.read()

    def test_with_a_broken_document_names_it(self, folder):
        (folder / "paper.pdf").write_bytes(b"no pdf")
        with pytest.raises(DataError, match=r"data\.corpus: paper\.pdf cannot be read as PDF"):
            Questions(str(folder.parent / "asked.jsonl"), str(folder)).read()
        (folder / "paper.pdf").unlink()
        (folder / "notes.txt").write_bytes(b"Gr\xfc\xdfe")
        with pytest.raises(DataError, match=r"data\.corpus: notes\.txt is not utf-8: byte 2 is 0xfc"):
            Questions(str(folder.parent / "asked.jsonl"), str(folder)).read()

    def test_without_documents_is_refused(self, folder, tmp_path):
        (tmp_path / "none").mkdir()
        with pytest.raises(DataError, match=r"has no file that ends in \.md"):
            Questions(str(folder.parent / "asked.jsonl"), str(tmp_path / "none")).read()

    def test_needs_a_library_that_is_named(self, folder, monkeypatch):
        monkeypatch.setitem(sys.modules, "pypdf", None)  # as where it is not installed
        with pytest.raises(ConfigError, match=r'paper\.pdf needs pypdf.*pip install "bakeoff\[documents\]"'):
            Questions(str(folder.parent / "asked.jsonl"), str(folder)).read()


def squad(*paragraphs: tuple[str, list[dict[str, Any]]], title: str = "The_Title") -> dict[str, Any]:
    return {"data": [{"title": title, "paragraphs": [{"context": text, "qas": qas} for text, qas in paragraphs]}]}


def qa(name: str, *answers: str, **other: Any) -> dict[str, Any]:
    return {"id": name, "question": f"{name}?", "answers": [{"text": a, "answer_start": 0} for a in answers], **other}


class TestSquad:
    def test_paragraphs_are_the_documents(self, tmp_path):
        (tmp_path / "dev.json").write_text(
            json.dumps(
                squad(("One.", [qa("q1", "x", "y", "x"), qa("q2", is_impossible=True)]), ("Two.", [qa("q3", "z")]))
            )
        )
        rows = Squad(str(tmp_path / "dev.json")).read()
        assert rows.corpus.to_dict("records") == [
            {"id": "The_Title/0", "title": "The Title", "text": "One."},
            {"id": "The_Title/1", "title": "The Title", "text": "Two."},
        ]
        assert list(rows.frame["id"]) == ["q1", "q2", "q3"]
        assert gold(rows.frame) == [(["x", "y"], {"The_Title/0": 1}), ([], {}), (["z"], {"The_Title/1": 1})]
        assert set(rows.frame["title"]) == {"The Title"}
        assert rows.test is None

    def test_two_files_share_the_paragraphs_that_are_equal(self, tmp_path):
        (tmp_path / "train.json").write_text(json.dumps(squad(("One.", [qa("q1", "x")]), ("Two.", [qa("q2", "x")]))))
        (tmp_path / "dev.json").write_text(json.dumps(squad(("Two.", [qa("q3", "x")]), ("Three.", [qa("q4", "x")]))))
        rows = Squad(str(tmp_path / "train.json"), str(tmp_path / "dev.json")).read()
        assert list(rows.corpus["text"]) == ["One.", "Two.", "Three."]
        assert list(rows.corpus["id"]) == ["The_Title/0", "The_Title/1", "The_Title/2"]
        assert [relevance for _, relevance in gold(rows.test)] == [{"The_Title/1": 1}, {"The_Title/2": 1}]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "data.path: dev.json is not JSON"),
            ("[]", "dev.json is not a JSON object. Is this a file in the format of SQuAD?"),
            ('{"date": []}', 'dev.json has no "data". It has: date. Did you mean "date"?'),
            ('{"data": [{"paragraphs": {}}]}', '"paragraphs" of dev.json, data[0] is not a list'),
            (json.dumps(squad(("One.", [{"id": "q1"}]))), 'dev.json, data[0], paragraphs[0], qas[0] has no "question"'),
            (json.dumps(squad(("One.", [qa("q1")]))), 'id "q1", has no answer and is not marked "is_impossible"'),
        ],
    )
    def test_what_is_wrong_is_named_by_its_path(self, tmp_path, content, message):
        (tmp_path / "dev.json").write_text(content)
        with pytest.raises(DataError) as raised:
            Squad(str(tmp_path / "dev.json")).read()
        assert message in str(raised.value)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_a_byte_order_mark_decides_the_encoding(self, tmp_path, encoding):
        content = json.dumps(squad(("Eins ä.", [qa("q1", "ä")])), ensure_ascii=False)
        (tmp_path / "dev.json").write_bytes(content.encode(encoding))
        assert Squad(str(tmp_path / "dev.json")).read().corpus["text"].tolist() == ["Eins ä."]

    @pytest.mark.parametrize("ending", ["jsonl", "parquet"])
    def test_a_table_with_the_paragraph_in_each_row_is_read_too(self, tmp_path, ending):
        answers = [{"text": ["x"], "answer_start": [0]}, {"text": [], "answer_start": []}]
        rows = [
            {"id": f"q{i}", "title": "The_Title", "context": "One.", "question": f"{i}?", "answers": answers[i]}
            for i in range(2)
        ]
        file = tmp_path / f"dev.{ending}"
        pd.DataFrame(rows).to_parquet(file) if ending == "parquet" else lines(file, rows)
        found = Squad(str(file)).read()
        assert gold(found.frame) == [(["x"], {"The_Title/0": 1}), ([], {})]
        assert found.corpus["text"].tolist() == ["One."] and set(found.frame["title"]) == {"The Title"}


class TestAutoRAG:
    def test_its_tables_are_questions_and_documents(self, tmp_path):
        truth = {"retrieval_gt": [[["d1"], ["d2"]], [["d2"]]], "generation_gt": [["x", "y"], ["z"]]}
        pd.DataFrame({"qid": ["q1", "q2"], "query": ["1?", "2?"], **truth}).to_parquet(tmp_path / "qa.parquet")
        about = [{"prev_id": None, "next_id": "d2"}, {"prev_id": "d1", "next_id": None}]
        documents = pd.DataFrame({"doc_id": ["d1", "d2"], "contents": ["One.", "Two."], "metadata": about})
        documents.to_parquet(tmp_path / "corpus.parquet")
        found = Questions(str(tmp_path / "qa.parquet"), str(tmp_path / "corpus.parquet")).read()
        assert found.frame["id"].tolist() == ["q1", "q2"] and found.frame["question"].tolist() == ["1?", "2?"]
        assert gold(found.frame) == [(["x", "y"], {"d1": 1, "d2": 1}), (["z"], {"d2": 1})]
        assert found.corpus[["id", "text"]].to_numpy().tolist() == [["d1", "One."], ["d2", "Two."]]
        assert found.corpus["next_id"].tolist()[0] == "d2"

    def test_its_names_beside_ours_are_other_columns(self, tmp_path):
        documents = [{"id": "a", "doc_id": "old", "text": "Tuples.", "contents": "index"}]
        row = {"id": "1", "qid": "x", "question": "What?", "query": "what", "answer": "Tuples"}
        found = asked(tmp_path, row, documents=documents).read()
        assert found.frame.loc[0, ["id", "question", "qid", "query"]].tolist() == ["1", "What?", "x", "what"]
        assert found.corpus.loc[0, ["id", "text", "doc_id"]].tolist() == ["a", "Tuples.", "old"]


class TestOddCharacters:
    @pytest.mark.parametrize("place", ["context", "question", "answers"])
    def test_half_a_surrogate_pair_in_squad_is_refused_with_its_path(self, tmp_path, place):
        question = {"id": "q1", "question": "q1?", "answers": [{"text": "x"}]}
        content = squad(("One.", [question]))
        if place == "context":
            content["data"][0]["paragraphs"][0]["context"] = "One \ud83d"
        else:
            question[place] = "Why \udc00" if place == "question" else [{"text": "\ud83d"}]
        (tmp_path / "dev.json").write_text(json.dumps(content))
        with pytest.raises(DataError, match=rf'"data\[0\]\.paragraphs\[0\]\..*{place}.*" of dev\.json holds \\ud'):
            Squad(str(tmp_path / "dev.json")).read()

    def test_half_a_surrogate_pair_in_a_cell_of_json_is_refused_with_its_row(self, tmp_path):
        (tmp_path / "asked.csv").write_text('question,answers\nWhy?,"[""\\ud83d""]"\n')
        source = Questions(str(tmp_path / "asked.csv"), lines(tmp_path / "corpus.jsonl", DOCUMENTS))
        with pytest.raises(DataError, match=r'"answers" of row 1 of asked\.csv holds \\ud83d alone'):
            source.read()

    def test_a_pdf_with_a_password_is_named(self, tmp_path):
        import pypdf

        (tmp_path / "docs").mkdir()
        writer = pypdf.PdfWriter()
        writer.add_blank_page(100, 100)
        writer.encrypt("secret", algorithm="RC4-128")
        writer.write(tmp_path / "docs" / "secret.pdf")
        source = Questions(lines(tmp_path / "asked.jsonl", [{"question": "?", "answer": "x"}]), str(tmp_path / "docs"))
        with pytest.raises(
            DataError, match=r"data\.corpus: secret\.pdf is encrypted with a password\. Save it without"
        ):
            source.read()

    @pytest.mark.parametrize("is_document", [True, False])
    def test_half_a_surrogate_pair_is_refused_with_its_line(self, tmp_path, is_document):
        documents = [*DOCUMENTS, {"id": "c", "title": "C", "text": "Odd"}]
        questions = [{"question": "Why?", "answer": "x"}, {"question": "Odd", "answer": "x"}]
        source = asked(tmp_path, *questions, documents=documents)
        file = tmp_path / ("corpus.jsonl" if is_document else "asked.jsonl")
        file.write_text(file.read_text().replace("Odd", "Odd \\ud83d"))
        number, name = (3, "text") if is_document else (2, "question")
        with pytest.raises(DataError, match=rf'"{name}" of line {number} of {file.name} holds \\ud83d alone'):
            source.read()

    def test_a_whole_pair_is_a_character(self, tmp_path):
        source = asked(tmp_path, {"question": "Odd", "answer": "x"})
        file = tmp_path / "asked.jsonl"
        file.write_text(file.read_text().replace("Odd", "Odd \\ud83d\\ude00"))
        assert source.read().frame["question"][0] == "Odd \N{GRINNING FACE}"

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_a_file_name_that_is_not_utf_8_is_refused(self, tmp_path):
        (tmp_path / "names").mkdir()
        (tmp_path / "names" / os.fsdecode(b"caf\xe9.md")).write_text("The cafe opens at nine.")
        questions = lines(tmp_path / "asked.jsonl", [{"question": "When?", "answer": "at nine"}])
        with pytest.raises(DataError, match=r'the name of the file "caf\\xe9\.md" is not utf-8\. Rename it'):
            Questions(questions, str(tmp_path / "names")).read()

    def test_an_encrypted_pdf_that_takes_a_library_is_named(self, tmp_path, monkeypatch):
        """As where ``cryptography`` is not installed, which the machine that runs this may have."""
        import pypdf

        def lacks_library(path: Path) -> None:
            raise pypdf.errors.DependencyError("cryptography>=3.1 is required for AES algorithm")

        monkeypatch.setattr(pypdf, "PdfReader", lacks_library)
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "secret.pdf").write_bytes(b"%PDF-1.7")
        questions = lines(tmp_path / "asked.jsonl", [{"question": "When?", "answer": "at nine"}])
        with pytest.raises(ConfigError, match=r"data\.corpus: secret\.pdf is encrypted: cryptography>=3\.1"):
            Questions(questions, str(tmp_path / "docs")).read()

    def test_whole_numbers_that_a_missing_one_made_floats_are_whole(self, tmp_path):
        frame = pd.DataFrame({"question": ["1?", "2?", "3?"], "answer": [1800, 1807, None], "size": [1.5, 2.0, None]})
        frame.to_parquet(tmp_path / "asked.parquet")
        found = Questions(str(tmp_path / "asked.parquet"), lines(tmp_path / "corpus.jsonl", DOCUMENTS)).read().frame
        assert found["answers"].tolist() == ['["1800"]', '["1807"]', "[]"]
        assert found["size"].tolist()[:2] == [1.5, 2.0]


@pytest.fixture
def beir(tmp_path) -> Path:
    made = tmp_path / "scifact"
    (made / "qrels").mkdir(parents=True)
    documents = [{"_id": name, "title": "", "text": f"Text {name}.", "metadata": {}} for name in ("1", "2", "3")]
    documents.append({"_id": "4", "title": "All title", "text": ""})
    lines(made / "corpus.jsonl", documents)
    lines(made / "queries.jsonl", [{"_id": f"q{i}", "text": f"Query {i}", "metadata": {"n": i}} for i in range(6)])
    header = "query-id\tcorpus-id\tscore\n"
    (made / "qrels" / "test.tsv").write_text(f"{header}q1\t1\t2\nq1\t2\t1\nq0\t4\t1\nq1\t3\t0\n")
    (made / "qrels" / "train.tsv").write_text(f"{header}q2\t1\t1\nq3\t2\t1\nq1\t2\t1\n")
    return made


class TestBeir:
    def test_ranks_the_test_queries_and_leaves_the_others_to_tune_on(self, beir):
        rows = Beir(str(beir)).read()
        assert list(rows.test["id"]) == ["q1", "q0"]
        assert gold(rows.test) == [([], {"1": 2, "2": 1, "3": 0}), ([], {"4": 1})]
        assert list(rows.frame["id"]) == ["q2", "q3"], "q1 is judged in both: it is for the test"
        assert list(rows.corpus["text"]) == ["Text 1.", "Text 2.", "Text 3.", ""]
        assert list(rows.test["n"]) == [1, 0]

    def test_becomes_a_task(self, beir):
        task = loaded(Beir(str(beir)), kind="retrieval")
        assert list(task.test.y) == [Gold((), {"1": 2, "2": 1}), Gold((), {"4": 1})]
        assert len(task.development.corpus) == 4

    def test_has_queries_without_relevant_documents_queries_that_are_documents_and_documents_without_text(self, beir):
        with (beir / "qrels" / "test.tsv").open("a") as qrels:
            qrels.write("q4\t1\t0\nq4\t2\t-1\nq5\t1\t1\n")
        with (beir / "corpus.jsonl").open("a") as corpus:
            corpus.write('{"_id": "q5", "title": "", "text": "Query 5"}\n{"_id": "5", "title": "", "text": ""}\n')
        task = loaded(Beir(str(beir)), kind="retrieval")
        assert list(task.test.y[2:]) == [Gold((), {}, none_relevant=True), Gold((), {"1": 1}, itself="q5")]
        assert list(read_gold(pd.Series(write_gold(task.test.y)))) == list(task.test.y)
        notes = [str(note) for note in task.notes]
        assert any(note.startswith("2 of 6 documents have no text") for note in notes)
        assert any(note.startswith("1 of 6 questions were judged") for note in notes), notes
        assert any(note.startswith("1 of 6 queries are documents themselves") for note in notes)

    def test_queries_numbered_like_documents_are_no_documents(self, tmp_path):
        (tmp_path / "qrels").mkdir()
        lines(tmp_path / "corpus.jsonl", [{"_id": str(i), "text": f"Text {i}."} for i in range(3)])
        lines(tmp_path / "queries.jsonl", [{"_id": str(i), "text": t} for i, t in enumerate(["a", "b", "Text 2."])])
        (tmp_path / "qrels" / "test.tsv").write_text("0\t0\t1\n1\t2\t1\n2\t1\t1\n")
        task = loaded(Beir(str(tmp_path)), kind="retrieval")
        assert [gold.itself for gold in task.test.y] == ["", "", "2"], "of equal text it is the document"

    def test_ids_may_hold_spaces_where_tabs_separate(self, tmp_path):
        (tmp_path / "qrels").mkdir()
        lines(tmp_path / "corpus.jsonl", [{"_id": "d 0-0", "text": "tea"}, {"_id": "d 1", "text": "milk"}])
        lines(tmp_path / "queries.jsonl", [{"_id": "q 0", "text": "tea?"}, {"_id": "q1", "text": "milk?"}])
        (tmp_path / "qrels" / "test.tsv").write_text("q 0\td 0-0\t3\nq1\td 1\t1\nq1\td 0-0\t-1\n")
        task = loaded(Beir(str(tmp_path)), kind="retrieval")
        assert [dict(gold.relevance) for gold in task.test.y] == [{"d 0-0": 3}, {"d 1": 1}]

    def test_of_one_split_alone_has_nothing_to_tune_on(self, beir):
        (beir / "qrels" / "train.tsv").unlink()
        task = loaded(Beir(str(beir)), kind="retrieval")
        assert (len(task.test), len(task.development.examples)) == (2, 0)

    def test_may_be_tested_on_another_split(self, beir):
        rows = Beir(str(beir), qrels="train").read()
        assert list(rows.test["id"]) == ["q2", "q3", "q1"]
        assert rows.frame.empty, "the test queries are never for development"

    def test_a_query_without_metadata_that_others_have(self, beir):
        lines(
            beir / "queries.jsonl",
            [{"_id": "q1", "text": "1"}, *({"_id": f"q{i}", "text": "x", "n": i} for i in (0, 2, 3))],
        )
        assert len(loaded(Beir(str(beir)), kind="retrieval", slices=["n"]).test) == 2

    @pytest.mark.parametrize(
        ("content", "encoding"),
        [
            ("q1\t1\t2\nq0\t4\t1\n", "utf-8-sig"),
            ("query-id\tcorpus-id\tscore\r\nq1\t1\t2\r\nq0\t4\t1\r\n", "utf-16"),
            ("q1\t1\t2.0\nq0\t4\t1.0\n", "utf-8"),
            ("q1 0 1 2\nq0 0 4 1\n", "utf-8"),
            ("q1\t1\t2\nq0\t4\t1\nq1\t1\t2\n", "utf-8"),
        ],
        ids=["byte order mark", "utf-16", "whole floats", "trec", "twice alike"],
    )
    def test_judgements_are_read_as_other_tools_write_them(self, beir, content, encoding):
        (beir / "qrels" / "test.tsv").write_bytes(content.encode(encoding))
        assert gold(Beir(str(beir)).read().test) == [([], {"1": 2}), ([], {"4": 1})]

    def test_a_document_with_two_grades_for_a_query_is_refused(self, beir):
        (beir / "qrels" / "test.tsv").write_text("q1\t1\t2\nq1\t1\t0\n")
        with pytest.raises(DataError, match=r'line 2 of test\.tsv gives "1" the grade 0 for "q1", and a line above 2'):
            Beir(str(beir)).read()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("q1\t9\t1", 'line 2 of test.tsv names the document "9", which is not in corpus.jsonl'),
            ("q9\t1\t1", 'line 2 of test.tsv names the query "q9", which is not in queries.jsonl'),
            ("q1 1 1", "line 2 of test.tsv is not a query id, a document id and a whole number"),
            ("q1\t1\t0.5", "line 2 of test.tsv is not a query id, a document id and a whole number"),
        ],
    )
    def test_wrong_judgements_are_named(self, beir, line, message):
        (beir / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{line}\n")
        with pytest.raises(DataError) as raised:
            Beir(str(beir)).read()
        assert message in str(raised.value)

    def test_an_unknown_split_is_named_with_the_nearest(self, beir):
        with pytest.raises(DataError, match=r'data\.qrels: there is no "tset\.tsv".*Did you mean "test"'):
            Beir(str(beir), qrels="tset").read()
