"""Graders of predictions, under the names that configs use."""

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    from bakeoff.grading.judge import Judge as Judge
    from bakeoff.grading.similarity import SemanticSimilarity as SemanticSimilarity
    from bakeoff.grading.support import InputSupport as InputSupport
    from bakeoff.grading.texts import TextJudge as TextJudge
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
