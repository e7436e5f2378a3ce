"""Metrics of generated texts, in addition to those shared with question answering."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache, partial

from bakeoff.metrics.answers import reference_metric
from bakeoff.metrics.defined import mean_of_defined, over
from bakeoff.metrics.definition import is_generation, metric
from bakeoff.metrics.resampling import Floats
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

LONGEST, BETA = 6, 2.0
"""Characters of the longest n-gram, and how much recall weighs against precision: chrF2 (Popović 2015, 2016)."""


def chrf_of(output: str, reference: str) -> float:
    """Character n-gram F-score of two texts, from 0 to 1, as sacrebleu's sentence chrF2 divided by 100.

    Whitespace is left out, precision and recall are averaged over the n-gram lengths of which both texts have any.
    """
    precisions, recalls = [], []
    for output_ngrams, reference_ngrams in zip(_ngrams(output), _ngrams(reference), strict=True):
        if not output_ngrams or not reference_ngrams:
            continue
        common = sum(min(count, reference_ngrams[ngram]) for ngram, count in output_ngrams.items())
        precisions.append(common / output_ngrams.total())
        recalls.append(common / reference_ngrams.total())
    if not sum(precisions):
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


@lru_cache(maxsize=4096)
def _ngrams(text: str) -> tuple[Counter[str], ...]:
    characters = "".join(text.split())
    return tuple(Counter(characters[i : i + n] for i in range(len(characters) - n + 1)) for n in range(1, LONGEST + 1))


def _chrf_scores(table: PredictionTable) -> Floats:
    closeness: Floats = kinds.get(table.schema.kind).closeness(table.predictions.output, table.target, chrf_of)
    return closeness


def _support_grades(table: PredictionTable) -> Floats:
    return table.grades["support"]


_chrf, _input_support = mean_of_defined(_chrf_scores), mean_of_defined(_support_grades)
generation_metric = partial(metric, direction="maximize", greatest=1.0, margin="0.01", applies=is_generation)


@reference_metric("chrf", resample=_chrf)
def chrf(table: PredictionTable) -> float:
    """Mean character n-gram F-score with the nearest reference (chrF2, Popović 2016), from 0 to 1."""
    return over(table, _chrf)


@generation_metric("input_support", needs=("grade:support",), resample=_input_support)
def input_support(table: PredictionTable) -> float:
    """Mean share of an output's content words that stand in the input: low where a model makes things up.

    It needs no reference. A model that copies from its input has 1 by construction.
    """
    return over(table, _input_support)
