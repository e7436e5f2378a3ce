"""Chapters of the long report, each made by functions of the material that return blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bakeoff.report.chapters import brief, comparing, documents, effort, labels, method, money, rows, stages, values
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block

Content = Callable[[Material], Sequence[Block]]


@dataclass(frozen=True)
class Part:
    """A chapter before its content is made.

    Attributes:
        title: its heading.
        about: a sentence on what it shows and how to read it.
        contents: functions that make its blocks, in their order; a chapter without blocks is left out.
        is_of_rows: whether it is made of single test rows, which are sampled where there are very many.
    """

    title: str
    about: str
    contents: tuple[Content, ...]
    is_of_rows: bool = False


PARTS = (
    Part("In brief", "", (brief.in_brief,)),
    Part("Leaderboard", "All variants, best first. An interval shows how much a score could vary with other test rows.",
         (comparing.leaderboard,)),
    Part("Differences", "If a whole bar lies beyond the grey band on the better side, the improvement is large enough "
         "to matter.", (comparing.differences,)),
    Part("Quality against cost and latency", "Further left is cheaper or faster; boxes show "
         "uncertainty. No other variant is both better and cheaper (or faster) than those on the dashed line.",
         (comparing.trade_offs,)),
    Part("Value of a month", "Business value less cost, at the declared number of predictions (business.per_month).",
         (money.value,)),
    Part("Threshold against value", "The same variants, had they predicted the positive class from another "
         "probability on.", (money.thresholds,), is_of_rows=True),
    Part("Break-even", "Local variants rent whole machines by the month, each busy for a share of its time "
         "(cost.utilisation); others pay their requests and the seconds of a shared machine.", (money.break_even,)),
    Part("Slices", "A variant may be good on the whole and fail on a part. Darker cells hold higher values.",
         (comparing.slices,)),
    Part("Stages", "Share of the rows that each stage predicted, with accuracy, time and price.", (stages.stages,)),
    Part("Errors", "", (labels.confusion, values.residuals, values.forecasts, documents.found, documents.unanswered),
         is_of_rows=True),
    Part("Probabilities and confidence", "", (labels.ranking, labels.calibration, labels.abstaining),
         is_of_rows=True),
    Part("Rows side by side", "Single test rows with the output of each variant.", (rows.side_by_side,),
         is_of_rows=True),
    Part("Searches", "Trials were judged on validation rows; the test rows were not seen.",
         (effort.searches, effort.race)),
    Part("Training", "", (effort.training,)),
    Part("Latency and time", "", (effort.latency, effort.seconds), is_of_rows=True),
    Part("Data", "", (method.data,)),
    Part("Method checks", "Each check asks one question about the method; a finding is a reason for caution.",
         (method.checks,)),
    Part("Licences and hosting", "", (method.cards,)),
    Part("Parameters", "", (method.settings,)),
    Part("How it was made", "", (method.provenance,)),
)  # fmt: skip
