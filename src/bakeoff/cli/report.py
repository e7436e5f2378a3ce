"""``bakeoff report``: the long report of what is on disk."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bakeoff import record
from bakeoff.cli import options
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.report import terminal

EXAMPLE = "bakeoff report outputs/quickstart --open"
FORMATS = ("html", "md", "csv", "json")


def report(arguments: list[str]) -> None:
    """Write ``report.html`` into a bake-off folder, or print its contents in another format."""
    from bakeoff.report import markdown, page, pages
    from bakeoff.results import Bakeoff

    parsed = _Arguments.from_arguments(arguments)
    bake = Bakeoff(parsed.folder)
    document = pages.build(bake.comparison, [run.record for run in bake.values()], parsed.folder)
    if parsed.figures is not None:
        for name in pages.write_figures(document, parsed.figures):
            terminal.console().print(str(parsed.figures / name), soft_wrap=True)
    if parsed.format == "html":
        out = parsed.out or parsed.folder / pages.REPORT
        record.write_text(out, page.render(document))
        terminal.console().print(f"Report: {out}", soft_wrap=True)
        if parsed.opens:
            webbrowser.open(out.resolve().as_uri())
        return
    if parsed.format == "md":
        text = markdown.document(document)
    elif parsed.format == "csv":
        text = (parsed.folder / record.LEADERBOARD).read_text("utf-8")
    else:
        text = json.dumps(json.loads((parsed.folder / record.COMPARISON).read_text("utf-8")), indent=2) + "\n"
    if parsed.out is None:
        sys.stdout.write(text)
    else:
        record.write_text(parsed.out, text)


@dataclass(frozen=True)
class _Arguments:
    """Arguments of the verb.

    Attributes:
        folder: folder of the bake-off.
        format: one of ``FORMATS``.
        out: the file to write; None: report.html in the folder, or standard output for other formats.
        figures: folder for the figures as SVG files; None: none are written.
        opens: whether to open the page in a browser.
    """

    folder: Path
    format: str = "html"
    out: Path | None = None
    figures: Path | None = None
    opens: bool = False

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> _Arguments:
        folders, values = options.parted("report", arguments, ("--format", "--out", "--figures"), ("--open",))
        if len(folders) != 1:
            raise ConfigError(f"report: name one folder, e.g. {EXAMPLE}")
        form, out, figures = (options.single("report", values, f"--{name}") for name in ("format", "out", "figures"))
        form = form or "html"
        if form not in FORMATS:
            near = did_you_mean(form, FORMATS)
            raise ConfigError(f"report: there is no format {form!r}. Formats: {', '.join(FORMATS)}.{near}")
        if "--open" in values and form != "html":
            raise ConfigError(f"report: --open shows the page, and {form} is none. Leave out --format.")
        return cls(
            Path(folders[0]), form, Path(out) if out else None, Path(figures) if figures else None, "--open" in values
        )
