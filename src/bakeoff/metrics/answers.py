"""Metrics of answers and generated texts: correctness, citations, groundedness and abstention.

A question that the corpus does not answer counts as in SQuAD 2.0 (Rajpurkar et al. 2018): abstaining is worth 1, any
answer 0. Abstaining from a question that has an answer is worth 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics.defined import mean_of_defined, over
from bakeoff.metrics.definition import has_references, is_graded, is_qa, metric
from bakeoff.metrics.resampling import Floats
from bakeoff.task import WITHHELD, Gold, PredictionTable
from bakeoff.tasks import kinds
from bakeoff.words import normalised, support, token_overlap, words

answer_metric = partial(metric, direction="maximize", greatest=1.0, applies=is_qa, margin="0.01")
reference_metric = partial(metric, direction="maximize", greatest=1.0, applies=has_references, margin="0.01")
grade_metric = partial(metric, direction="maximize", greatest=1.0, applies=is_graded, margin="0.01")

Closeness = Callable[[str, str], float]


def _is_same(answer: str, gold: str) -> float:
    return float(normalised(answer) == normalised(gold))


def _abstained(table: PredictionTable) -> NDArray[np.bool_]:
    is_empty = np.array([not str(output).strip() for output in table.predictions.output], dtype=bool)
    return np.asarray(is_empty | (table.predictions.status == WITHHELD), dtype=np.bool_)


def _short(table: PredictionTable) -> NDArray[Any]:
    """Short outputs, as compared by metrics of a few words, shape (n,)."""
    return table.predictions.output if table.predictions.short is None else table.predictions.short


def _answerable(table: PredictionTable) -> NDArray[np.bool_]:
    return np.array([gold.is_answerable for gold in table.target], dtype=bool)


def _best(table: PredictionTable, closeness: Closeness, outputs: NDArray[Any]) -> Floats:
    """Closeness of each output to the target, as the task kind defines it, shape (n,)."""
    compared = kinds.get(table.schema.kind).closeness(outputs, table.target, closeness)
    return np.asarray(compared, dtype=np.float64)


def _matches(table: PredictionTable) -> Floats:
    return _best(table, _is_same, _short(table))


def _overlaps(table: PredictionTable) -> Floats:
    return _best(table, token_overlap, _short(table))


def _subsequence(answer: str, gold: str) -> float:
    """F-measure of the longest common subsequence of the words."""
    from rapidfuzz.distance import LCSseq

    answer_words, gold_words = words(answer), words(gold)
    common = LCSseq.similarity(answer_words, gold_words)
    return 2 * common / (len(answer_words) + len(gold_words)) if common else 0.0


def _subsequences(table: PredictionTable) -> Floats:
    return _best(table, _subsequence, table.predictions.output)


_exact_match = mean_of_defined(_matches)
_token_f1 = mean_of_defined(_overlaps)
_rouge_l = mean_of_defined(_subsequences)


@reference_metric("exact_match", resample=_exact_match)
def exact_match(table: PredictionTable) -> float:
    """Share of outputs that are a gold answer or reference, once both are normalised as in SQuAD."""
    return over(table, _exact_match)


@reference_metric("token_f1", resample=_token_f1)
def token_f1(table: PredictionTable) -> float:
    """Mean F-measure of the words that an output shares with the nearest gold answer or reference."""
    return over(table, _token_f1)


@reference_metric("rouge_l", resample=_rouge_l)
def rouge_l(table: PredictionTable) -> float:
    """Mean F-measure of the longest common subsequence of words with the nearest reference (Lin 2004), unstemmed."""
    return over(table, _rouge_l)


def _cited(table: PredictionTable) -> list[tuple[Gold, set[str]]]:
    cited = table.predictions.cited
    assert cited is not None
    pairs = zip(table.target, cited, strict=True)
    # A document with the text of a gold one is as good a source as that.
    return [(gold, {gold.twins.get(str(name), str(name)) for name in ids}) for gold, ids in pairs]


def _right_citations(table: PredictionTable) -> Floats:
    """Share of the citations that are relevant; NaN if nothing is cited, or relevance is unknown."""
    return np.array(
        [
            len(ids & gold.relevance.keys()) / len(ids)
            if ids and (gold.relevance or not gold.is_answerable)
            else np.nan
            for gold, ids in _cited(table)
        ]
    )


def _found_citations(table: PredictionTable) -> Floats:
    """Share of the relevant documents that are cited; NaN where none is relevant."""
    return np.array(
        [
            len(ids & gold.relevance.keys()) / len(gold.relevance) if gold.relevance else np.nan
            for gold, ids in _cited(table)
        ]
    )


_citation_precision = mean_of_defined(_right_citations)
_citation_recall = mean_of_defined(_found_citations)


@answer_metric("citation_precision", needs=("cited",), resample=_citation_precision)
def citation_precision(table: PredictionTable) -> float:
    """Mean share of an answer's citations that are gold documents, over the answers that cite.

    Every citation for a question that has no answer is wrong. Questions that have one but no gold documents are left
    out.
    """
    return over(table, _citation_precision)


@answer_metric("citation_recall", needs=("cited",), resample=_citation_recall)
def citation_recall(table: PredictionTable) -> float:
    """Mean share of a question's gold documents that are cited, over the questions that have any."""
    return over(table, _citation_recall)


def _supports(table: PredictionTable) -> Floats:
    evidence = table.predictions.evidence
    assert evidence is not None
    return np.array(
        [
            np.nan if abstained else support(str(output), str(text or ""))
            for output, text, abstained in zip(table.predictions.output, evidence, _abstained(table), strict=True)
        ]
    )


_groundedness = mean_of_defined(_supports)


@answer_metric("groundedness", needs=("evidence",), resample=_groundedness)
def groundedness(table: PredictionTable) -> float:
    """Mean share of an answer's content words that stand in the text it cites, over the answers given.

    Words are compared in lower case as they stand, English stop words aside. An answer that cites nothing rests on
    nothing: it counts 0.
    """
    return over(table, _groundedness)


def _right_abstentions(table: PredictionTable) -> Floats:
    return np.where(_abstained(table), ~_answerable(table), np.nan)


def _found_abstentions(table: PredictionTable) -> Floats:
    return np.where(_answerable(table), np.nan, _abstained(table))


def _answered(table: PredictionTable) -> NDArray[np.bool_]:
    return ~_abstained(table)


_abstention_precision = mean_of_defined(_right_abstentions)
_abstention_recall = mean_of_defined(_found_abstentions)
_coverage = mean_of_defined(_answered)


@answer_metric("abstention_precision", resample=_abstention_precision)
def abstention_precision(table: PredictionTable) -> float:
    """Share of the abstentions that are from questions without an answer; NaN for a model that never abstains."""
    return over(table, _abstention_precision)


@answer_metric(
    "abstention_recall",
    resample=_abstention_recall,
    cannot_decide="a model that never answers has the highest value",
)
def abstention_recall(table: PredictionTable) -> float:
    """Share of the questions without an answer from which the model abstains; NaN where every question has one."""
    return over(table, _abstention_recall)


@answer_metric(
    "coverage", resample=_coverage, cannot_decide="a model that always answers, right or wrong, has the highest value"
)
def coverage(table: PredictionTable) -> float:
    """Share of the questions that the model answers, right or wrong: the rest goes to a person."""
    return over(table, _coverage)


def _grades(table: PredictionTable, name: str) -> Floats:
    grades: Mapping[str, Floats] = table.grades
    return grades[name]


_semantic_similarity = mean_of_defined(partial(_grades, name="similarity"))
_judge = mean_of_defined(partial(_grades, name="judge"))


@grade_metric("semantic_similarity", needs=("grade:similarity",), resample=_semantic_similarity)
def semantic_similarity(table: PredictionTable) -> float:
    """Mean of what the grader ``similarity`` gives: the cosine to the nearest gold answer, where there is one."""
    return over(table, _semantic_similarity)


@grade_metric("judge", needs=("grade:judge",), resample=_judge)
def judge(table: PredictionTable) -> float:
    """Mean of what the grader ``judge`` gives: an LLM's opinion, over the answers that it graded."""
    return over(table, _judge)
