"""The page of a report: whole in one file, harmless whatever the data hold, and small."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from bakeoff.record import Score
from bakeoff.report import page
from bakeoff.report.blocks import Column, Table, Text
from bakeoff.report.document import Chapter, Document
from bakeoff.report.figures import Chart, Flow, Intervals, Matrix, Parallel, Point, Points

ATTACKS = (
    "<script>document.body.dataset.owned=1</script>",
    "<img src=x onerror=\"document.body.dataset.owned=1\">",
    "\"><svg onload=document.body.dataset.owned=1>",
    "' onmouseover='document.body.dataset.owned=1' x='",
    "</title></style></script><script>document.body.dataset.owned=1</script>",
    "<iframe srcdoc='<script>parent.document.body.dataset.owned=1</script>'></iframe>",
    "<a href='javascript:document.body.dataset.owned=1'>x</a>",
    "<meta http-equiv=refresh content='0;url=https://example.org'>",
    "<base href=https://example.org><link rel=stylesheet href=//example.org/x.css>",
    "<style>*{display:none}</style>",
    "<!-- ", "]]>", "&#x3c;script&#x3e;", "{{7*7}}", "${7*7}", "`",
    "\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe", "\u2066left\u2069", "\x00null", "\ud800", "a\u0300" * 300,
    "=HYPERLINK(\"https://example.org\")", "W" * 200_000,
)  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def browsed(file: Path, folder: Path, *options: str) -> str:
    """The document of a page as Chromium has it after two seconds of its scripts' time."""
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000",
         *options, "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def hostile(text: str) -> Document:
    """A document that holds a text wherever foreign text may stand."""
    table = Table((Column(text, text), Column("v", text, "interval")), ((text, Score(1.0, 0.5, 2.0)),), text, text)
    figures = (
        Chart(text, (text, "b"), {text: (1.0, 2.0)}, text, text, "bar"),
        Chart(text, (1.0, 2.0), {text: (1.0, 2.0)}, text, text),
        Intervals(text, ((text, Score(1.0, 0.5, 2.0)),), text),
        Points(text, (Point(text, Score(1.0), Score(2.0)),), text, text, outstanding=text),
        Matrix(text, (text,), (text,), ((1.0,),), text, text),
        Flow(text, ((text, 1.0, 0.5, text),)),
        Parallel(text, (text, "f1"), ((text, 0.5), ("b", 0.6))),
    )
    blocks = (
        Text((text,), text),
        Text((text,), text, is_folded=True),
        Text((text, text), style="warning"),
        table,
        *figures,
    )
    return Document(text, text, "good", text, (text,), (Chapter(text, blocks, text),))


class Tags(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_foreign_text_adds_no_element_no_handler_and_no_link(attack: str) -> None:
    plain, drawn = Tags(page.render(hostile("plain"))), Tags(page.render(hostile(attack)))
    assert drawn.tags <= plain.tags
    assert not {name for name, _ in drawn.attributes if name.startswith("on") or name in ("src", "srcdoc", "style")}
    assert all((value or "").startswith("#") for name, value in drawn.attributes if name == "href")


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_no_control_or_direction_character_reaches_the_page(attack: str) -> None:
    text = page.render(hostile(attack))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    text.encode()


def test_long_texts_are_cut_and_the_rest_is_counted() -> None:
    text = page.render(hostile("W" * 200_000))
    assert len(text) < 200_000
    assert "198,000 more characters" in text


def test_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    text = page.render(hostile("plain"))
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", text, re.S)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"https?://", re.sub(r"http://www\.w3\.org\S*", "", text))


def test_page_can_be_read_without_a_script() -> None:
    text = re.sub("<script>.*?</script>", "", page.render(hostile("plain")), flags=re.S)
    assert text.count("<table") == text.count("<figure>") + 1
    assert "<h1>plain</h1>" in text


def test_headings_tables_and_landmarks_are_marked_as_such() -> None:
    drawn = Tags(page.render(hostile("plain")))
    assert {
        "header",
        "nav",
        "main",
        "section",
        "h1",
        "h2",
        "h3",
        "th",
        "figcaption",
        "details",
        "summary",
    } <= drawn.tags
    assert {("scope", "col"), ("scope", "row"), ("lang", "en"), ("role", "img")} <= drawn.attributes


def test_figure_alone_is_an_svg_file_with_its_colours() -> None:
    drawn = page.standalone(Chart("t", (1.0, 2.0), {"a": (1.0, 2.0)}))
    assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "--s0:" in drawn
    assert drawn.count("<style>") == 1


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_attacks_run_nothing_in_a_browser(tmp_path: Path) -> None:
    together = [hostile(attack) for attack in ATTACKS if "\ud800" not in attack]
    chapters = tuple(chapter for document in together for chapter in document.chapters)
    document = Document("attacks", "keep", "neutral", "all of them", (), chapters)
    file = tmp_path / "attacks.html"
    file.write_text(page.render(document), "utf-8")
    dom = browsed(file, tmp_path)
    assert "<h1>attacks</h1>" in dom
    assert "<body>" in dom  # an attack that ran would have left a mark on it
    assert dom.count("<section") == len(chapters)
    assert "<button" in dom  # the page's own script did run


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(tmp_path: Path, scheme: str) -> None:
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    run = "axe.run().then(found => document.body.dataset.axe = JSON.stringify(found.violations.map(v => v.id)))"
    text = re.sub("<meta http-equiv=[^>]*>", "", page.render(hostile("plain")))
    file = tmp_path / "axe.html"
    file.write_text(text.replace("</body>", f"<script>{axe}</script><script>{run}</script></body>"), "utf-8")
    done = browsed(file, tmp_path, f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}")
    violations = re.search('data-axe="([^"]*)"', done)
    assert violations is not None, "axe did not run"
    assert violations[1] == "[]"
