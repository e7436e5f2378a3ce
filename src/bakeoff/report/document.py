"""Reports as data: the short one is a sequence of blocks, the long one a document of chapters."""

from __future__ import annotations

from dataclasses import dataclass

from bakeoff.report.blocks import Table, Text
from bakeoff.report.figures import Figure

Block = Text | Table | Figure


@dataclass(frozen=True)
class Report:
    """Blocks in the order in which they are read."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Chapter:
    """Blocks below one heading.

    Attributes:
        title: its heading.
        blocks: in the order in which they are read.
        about: a sentence on what it shows and how to read it; empty for none.
    """

    title: str
    blocks: tuple[Block, ...]
    about: str = ""


@dataclass(frozen=True)
class Document:
    """A report from verdict to provenance.

    Attributes:
        title: name of the bake-off.
        verdict: the verdict in one or two words.
        tone: how it is coloured: ``good``, ``neutral`` or ``warning``.
        reason: the reason for the verdict, in a sentence.
        facts: short facts beneath it: task, test rows, date.
        chapters: in the order in which they are read.
        names: names of the variants, best first: each has one colour in all figures.
    """

    title: str
    verdict: str
    tone: str
    reason: str
    facts: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    names: tuple[str, ...] = ()
