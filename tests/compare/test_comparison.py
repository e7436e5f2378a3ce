"""Comparing run folders: the same rows, the same task, to a verdict that a file holds."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import record
from bakeoff.compare import folders
from bakeoff.compare.comparison import Comparison, compare
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError, DataError
from bakeoff.record import Run, Score
from bakeoff.task import Predictions, PredictionTable, Schema

BINARY = Schema("classification", "label", {"text": "text"}, ("ham", "spam"), "spam")
VALUES = Schema("regression", "price", {"rooms": "numeric"})
FAST = DecisionSettings(resamples=1000)
METRICS = {"accuracy": Score(0.5), "f1": Score(0.5), "fit_seconds": Score(2.0)}


def run(folder: Path, schema: Schema = BINARY, started: str = "", **changed: Any) -> Run:
    task = {
        "name": "mails",
        "schema": {
            "kind": schema.kind,
            "target": schema.target,
            "columns": dict(schema.columns),
            "classes": list(schema.classes),
            "positive": schema.positive,
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    made = Run(folder, folder.name, "classical", "ok", started, task, "same", metrics=METRICS)
    return replace(made, **changed)


def labelled(
    folder: Path, target: np.ndarray, output: np.ndarray, ids: np.ndarray | None = None, **changed: Any
) -> Run:
    """A run that answered so; 1 is spam."""
    names = np.array(BINARY.classes, dtype=object)
    n = len(target)
    ids = np.arange(n) if ids is None else ids
    table = PredictionTable(
        BINARY, ids, names[target], Predictions(names[output]), np.full(n, 0.001), pd.DataFrame(index=range(n))
    )
    made = run(folder, **changed)
    record.write_predictions(folder, table)
    return made


def valued(folder: Path, target: np.ndarray, output: np.ndarray, **changed: Any) -> Run:
    n = len(target)
    table = PredictionTable(
        VALUES, np.arange(n), target, Predictions(output), np.full(n, np.nan), pd.DataFrame(index=range(n))
    )
    made = run(folder, VALUES, **{"metrics": {"rmse": Score(1.0), "mae": Score(1.0)}, **changed})
    record.write_predictions(folder, table)
    return made


def noisy(target: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The truth, with a share of the answers wrong."""
    return np.where(np.random.default_rng(seed).random(len(target)) < share, 1 - target, target)


TRUTH = (np.arange(400) % 3 == 0).astype(int)


@pytest.fixture
def three(tmp_path: Path) -> list[Run]:
    """The incumbent is wrong in 20 of 100 cases, one challenger in 5, another in 40."""
    return [
        labelled(tmp_path / "old", TRUTH, noisy(TRUTH, 0.2, 1)),
        labelled(tmp_path / "bad", TRUTH, noisy(TRUTH, 0.4, 2)),
        labelled(tmp_path / "good", TRUTH, noisy(TRUTH, 0.05, 3)),
    ]


def names(compared: Comparison) -> list[str]:
    return [variant.name for variant in compared.variants]


def test_the_best_ships_and_the_leaderboard_begins_with_it(three: list[Run]) -> None:
    compared = compare(three, FAST, "old")
    assert (compared.verdict, compared.winner, compared.incumbent) == ("ship", "good", "old")
    assert names(compared) == ["good", "old", "bad"]
    assert (compared.task, compared.metric, compared.direction, compared.test_rows) == ("mails", "f1", "maximize", 400)
    assert compared.confidence == 0.95
    assert 0.95 < compared.joint_confidence <= 0.975, "two challengers share the 5 %"


def test_differences_are_to_the_incumbent_with_an_interval_that_holds_them(three: list[Run]) -> None:
    compared = compare(three, FAST, "old")
    value = {v.name: v.metrics["f1"].value for v in compared.variants}
    assert {d.variant for d in compared.differences} == {"good", "bad"}
    for d in compared.differences:
        assert d.low <= d.difference <= d.high
        if d.metric == "f1":
            assert d.difference == pytest.approx(value[d.variant] - value["old"])  # type: ignore[operator]


def test_a_smaller_metric_is_better_where_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=300)
    runs = [
        valued(tmp_path / name, target, target + rng.normal(scale=scale, size=300))
        for name, scale in (("old", 1.0), ("worse", 2.0), ("better", 0.5))
    ]
    compared = compare(runs, FAST, "old")
    assert (compared.verdict, compared.winner, compared.direction) == ("ship", "better", "minimize")
    assert names(compared) == ["better", "old", "worse"]
    assert compare(runs, FAST, "better").verdict == "keep"
    assert "better beats old on rmse" in compared.reason


def test_a_twin_is_kept_out_on_many_rows_and_open_on_few(tmp_path: Path) -> None:
    """Predictions that are the same on these rows may differ on others: the fewer rows, the more."""
    output = noisy(TRUTH, 0.2, 1)
    runs = [labelled(tmp_path / name, TRUTH, output) for name in ("old", "twin")]
    compared = compare(runs, FAST, "old")
    assert (compared.verdict, compared.winner) == ("keep", "old")
    few = [labelled(tmp_path / "few" / name, TRUTH[:60], output[:60]) for name in ("old", "twin")]
    assert compare(few, FAST, "old").verdict == "inconclusive"


@pytest.mark.parametrize("metric", ["f1", "accuracy", "mcc", "precision"])
def test_a_flawless_variant_ships_against_a_constant_on_60_rows(tmp_path: Path, metric: str) -> None:
    y = TRUTH[:60]
    runs = [labelled(tmp_path / "constant", y, 0 * y + (metric == "precision")), labelled(tmp_path / "flawless", y, y)]
    compared = compare(runs, replace(FAST, metric=metric), "constant")
    assert (compared.verdict, compared.winner) == ("ship", "flawless"), compared.reason


def test_a_flawless_variant_on_too_few_rows_is_told_what_is_missing(tmp_path: Path) -> None:
    y = np.arange(18) % 2
    runs = [labelled(tmp_path / "constant", y, 0 * y), labelled(tmp_path / "flawless", y, y)]
    assert compare(runs, FAST, "constant").reason == ("18 test rows are too few for a verdict; at least 20 are needed.")


@pytest.mark.parametrize("metric", ["f1", "precision", "recall", "f1_macro", "accuracy", "mcc"])
def test_noise_does_not_ship_against_a_constant(tmp_path: Path, metric: str) -> None:
    """F1 of a constant is 0 by construction: any noise has a better one."""
    noise = (np.random.default_rng(5).random(400) < 0.5).astype(int)
    runs = [labelled(tmp_path / "constant", TRUTH, np.zeros(400, int)), labelled(tmp_path / "noise", TRUTH, noise)]
    compared = compare(runs, replace(FAST, metric=metric), "constant")
    assert compared.verdict != "ship", compared.reason
    informed = [runs[0], labelled(tmp_path / "good", TRUTH, noisy(TRUTH, 0.05, 3))]
    compared = compare(informed, replace(FAST, metric=metric), "constant")
    if metric == "precision":
        assert compared.reason == "precision rests on only 0 test rows; a verdict needs at least 10."
    else:
        assert compared.winner == "good"


def test_without_a_declared_incumbent_the_one_that_ran_first_stands_in(three: list[Run]) -> None:
    compared = compare(three, FAST)
    assert compared.incumbent == "old"
    assert any("No incumbent was declared; old, which ran first" in note for note in compared.notes)
    assert compare(three[:1], FAST).notes == ()


def test_what_all_runs_note_is_said_once_and_what_some_do_with_their_names(three: list[Run]) -> None:
    sampled = [replace(one, notes=("Asked a sample.",)) for one in three]
    assert "Asked a sample." in compare(sampled, FAST, "old").notes
    assert "bad, good: Asked a sample." in compare([three[0], *sampled[1:]], FAST, "old").notes


def test_failed_trials_of_a_search_are_said(three: list[Run]) -> None:
    best, budget = {"trial": 0, "is_feasible": True}, {"trials": 3, "seconds": None}
    search = {"trials": 3, "failed": 2, "errors": ["ValueError: too many neighbours"], "best": best, "budget": budget}
    searched = [three[0], replace(three[1], search=search), *three[2:]]
    said = f"{three[1].variant}: 2 of 3 trials of its search failed, such as by ValueError: too many neighbours."
    assert said in compare(searched, FAST, "old").notes


def test_one_variant_alone_is_compared_with_nothing(three: list[Run]) -> None:
    compared = compare(three[:1], FAST)
    assert (compared.verdict, compared.winner, compared.differences) == ("inconclusive", None, ())
    assert "only variant with results" in compared.reason


def test_challengers_that_cannot_be_told_apart_are_named(tmp_path: Path) -> None:
    runs = [
        labelled(tmp_path / "old", TRUTH, noisy(TRUTH, 0.4, 1)),
        labelled(tmp_path / "a", TRUTH, noisy(TRUTH, 0.1, 2)),
        labelled(tmp_path / "b", TRUTH, noisy(TRUTH, 0.11, 3)),
    ]
    compared = compare(runs, FAST, "old")
    assert compared.verdict == "ship"
    assert any(
        "On f1, a is statistically indistinguishable from b" in note and "latency and cost" in note
        for note in compared.notes
    )


def test_an_incumbent_that_is_not_there_is_told(three: list[Run]) -> None:
    with pytest.raises(ConfigError, match=r'incumbent: there is no variant "god".*Did you mean "good"\?'):
        compare(three, FAST, "god")


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_an_incumbent_without_results_leaves_no_verdict(tmp_path: Path, three: list[Run], status: str) -> None:
    broken = run(tmp_path / "broken", status=status, metrics={}, error={"message": "no memory"}, fingerprint=None)
    compared = compare([broken, *three], FAST, "broken")
    assert (compared.verdict, compared.winner, compared.differences) == ("inconclusive", None, ())
    assert "broken, has no results" in compared.reason
    assert names(compared) == ["good", "old", "bad", "broken"]
    folders.write(compared, tmp_path)
    assert json.loads((tmp_path / record.COMPARISON).read_text())["smallest_difference"] is None


def test_a_challenger_without_results_is_listed_and_the_others_are_compared(tmp_path: Path, three: list[Run]) -> None:
    broken = run(
        tmp_path / "broken", status="failed", metrics={}, error={"message": "no memory"}, task=None, fingerprint=None
    )
    compared = compare([broken, *three], FAST, "old")
    assert compared.verdict == "ship"
    assert (compared.variants[-1].name, compared.variants[-1].status) == ("broken", "failed")
    assert compared.variants[-1].error == "no memory"
    assert compare([broken, *three], FAST).incumbent == "old", "the first that has results"


def test_runs_none_of_which_finished_are_listed(tmp_path: Path) -> None:
    runs = [run(tmp_path / name, status="failed", metrics={}, error={"message": "no"}) for name in "ab"]
    compared = compare(runs, FAST)
    assert (compared.verdict, compared.reason) == ("inconclusive", "no variant has results to compare.")
    folders.write(compared, tmp_path)
    assert len(list(csv.DictReader((tmp_path / record.LEADERBOARD).open()))) == 2


def test_runs_of_another_task_are_refused(three: list[Run]) -> None:
    other = replace(three[2], fingerprint="another")
    with pytest.raises(DataError, match="different tasks") as told:
        compare([*three[:2], other], FAST)
    assert str(other.folder) in str(told.value)
    assert "fingerprint another" in str(told.value)


def test_variants_are_compared_on_the_rows_that_all_of_them_answered(tmp_path: Path) -> None:
    """A challenger that answers easy rows only looks perfect; on these, the incumbent is perfect, too."""
    easy = np.arange(400) < 300
    old = np.where(easy, TRUTH, 1 - TRUTH)
    backwards = np.flatnonzero(easy)[::-1]
    runs = [
        labelled(tmp_path / "old", TRUTH, old),
        labelled(tmp_path / "new", TRUTH[backwards], TRUTH[backwards], ids=backwards),
    ]
    compared = compare(runs, FAST, "old")
    assert {d.rows for d in compared.differences} == {300}
    assert compared.verdict == "inconclusive", "both are perfect: nothing tells them apart"
    assert {v.name: v.rows for v in compared.variants} == {"new": 300, "old": 400}
    assert all(d.difference == 0 for d in compared.differences)
    assert compared.notes == ("new vs old: compared on the 300 test rows that both answered.",)


def test_sampled_variant_leaves_other_pairs_all_rows(tmp_path: Path) -> None:
    sample = np.sort(np.random.default_rng(0).permutation(400)[:120])
    runs = [
        labelled(tmp_path / "rules", TRUTH, noisy(TRUTH, 0.3, 1), started="1"),
        labelled(tmp_path / "trees", TRUTH, noisy(TRUTH, 0.05, 2), started="2"),
        labelled(tmp_path / "llm", TRUTH[sample], noisy(TRUTH, 0.2, 3)[sample], ids=sample, started="3"),
    ]
    compared = compare(runs, FAST, "rules")
    assert compared.test_rows == 400
    assert {d.variant: d.rows for d in compared.differences} == {"trees": 400, "llm": 120}
    alone = compare(runs[:2], FAST, "rules")
    width, width_alone = (
        next(d.high - d.low for d in c.differences if (d.variant, d.metric) == ("trees", "f1"))
        for c in (compared, alone)
    )
    assert width < 1.3 * width_alone, "the joint level widens it, the missing rows do not"
    assert "llm vs rules: compared on the 120 test rows that both answered." in compared.notes
    assert compared.winner == "trees"


def test_rows_of_one_group_are_drawn_together(tmp_path: Path) -> None:
    """Each row stands twice: intervals are as wide as on the half that is different."""
    once = noisy(TRUTH, 0.2, 1)
    widths = {}
    for name, units in (("single", None), ("twice", np.tile(np.arange(400), 2))):
        target, output = (TRUTH, once) if units is None else (np.tile(TRUTH, 2), np.tile(once, 2))
        names, n = np.array(BINARY.classes, dtype=object), len(target)
        table = PredictionTable(
            BINARY, np.arange(n), names[target], Predictions(names[output]), np.full(n, np.nan),
            pd.DataFrame(index=range(n)), units=units,
        )  # fmt: skip
        made = run(tmp_path / name)
        record.write_predictions(made.folder, table)
        compared = compare([made], FAST)
        score = compared.variants[0].metrics["accuracy"]
        widths[name] = score.high - score.low  # type: ignore[operator]
        in_words = [note for note in compared.notes if "800 test rows in 400 groups, worth about" in note]
        assert len(in_words) == (name == "twice")
        for note in in_words:
            worth = int(note.partition("worth about ")[2].split()[0])
            assert worth == pytest.approx(400, rel=0.12)
    assert widths["twice"] == pytest.approx(widths["single"], rel=0.1)


def test_variants_that_answered_no_row_in_common_are_not_compared(tmp_path: Path) -> None:
    rows = np.arange(400)
    runs = [labelled(tmp_path / name, TRUTH, TRUTH, ids=ids) for name, ids in (("a", rows), ("b", rows + 400))]
    compared = compare(runs, FAST, "a")
    assert (compared.verdict, compared.differences) == ("inconclusive", ())
    assert "b answered no test row that a answered, and cannot be compared with it." in compared.notes


def test_a_metric_that_a_variant_does_not_have_is_told(three: list[Run]) -> None:
    by_chance = replace(FAST, metric="roc_auc")
    compared = compare(three, by_chance, "old")
    assert compared.verdict == "inconclusive"
    assert compared.reason == "roc_auc is not defined for old."


def test_a_challenger_without_the_metric_is_not_overlooked(tmp_path: Path, three: list[Run]) -> None:
    with_proba = run(tmp_path / "sure")
    names_ = np.array(BINARY.classes, dtype=object)
    proba = np.column_stack([1 - TRUTH, TRUTH]) * 0.8 + 0.1
    table = PredictionTable(
        BINARY,
        np.arange(400),
        names_[TRUTH],
        Predictions(names_[TRUTH], proba),
        np.full(400, np.nan),
        pd.DataFrame(index=range(400)),
    )
    record.write_predictions(with_proba.folder, table)
    compared = compare([with_proba, three[2]], replace(FAST, metric="roc_auc"), "sure")
    assert compared.verdict == "inconclusive"
    assert compared.reason.startswith("roc_auc is not defined for good (a model may give no probabilities)")


def test_another_question_can_be_asked_of_the_same_runs(three: list[Run]) -> None:
    compared = compare(three, replace(FAST, metric="accuracy", smallest_difference="0.5", confidence=0.9), "old")
    assert (compared.metric, compared.smallest_difference, compared.verdict) == ("accuracy", 0.5, "keep")
    wide = next(v for v in compare(three, FAST, "old").variants if v.name == "old").metrics["accuracy"]
    narrow = next(v for v in compared.variants if v.name == "old").metrics["accuracy"]
    assert wide.low < narrow.low < narrow.high < wide.high  # type: ignore[operator]


KEYS = ["task", "metric", "direction", "smallest_difference", "confidence", "joint_confidence", "test_rows",
        "incumbent", "verdict", "winner", "reason", "variants", "differences", "notes", "checks", "of",
        "corrected_gain", "cost", "business", "is_one_money", "looks", "settings",
        "leaderboard_sha256", "sha256"]  # fmt: skip


def test_the_file_has_exactly_the_documented_keys(tmp_path: Path, three: list[Run]) -> None:
    folders.write(compare(three, FAST, "old"), tmp_path)
    content = json.loads((tmp_path / record.COMPARISON).read_text())
    assert list(content) == KEYS
    assert [list(c) for c in content["checks"]] == [["name", "asks", "findings", "severity", "state"]] * len(
        content["checks"]
    )
    assert [list(v) for v in content["variants"]] == [
        ["name", "family", "status", "metrics", "error", "trials", "rows"]
    ] * 3
    assert all(list(score) == ["value", "low", "high"] for v in content["variants"] for score in v["metrics"].values())
    assert {tuple(d) for d in content["differences"]} == {("variant", "metric", "difference", "low", "high", "rows")}
    assert (content["incumbent"], content["verdict"], content["winner"]) == ("old", "ship", "good")
    assert content["variants"][0]["metrics"]["fit_seconds"] == {"value": 2.0, "low": None, "high": None}


def test_the_file_holds_no_nan(tmp_path: Path) -> None:
    no_spam = np.zeros(50, dtype=int)
    runs = [labelled(tmp_path / name, no_spam, no_spam) for name in ("old", "new")]
    folders.write(compare(runs, FAST, "old"), tmp_path)
    text = (tmp_path / record.COMPARISON).read_text()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(text, parse_constant=refuse)


def test_what_is_written_is_read_back(tmp_path: Path, three: list[Run]) -> None:
    compared = compare(three, FAST, "old")
    folders.write(compared, tmp_path)
    assert folders.read(tmp_path) == compared
    (tmp_path / record.COMPARISON).write_text('{"task": "of another version"}')
    assert folders.read(tmp_path) is None


def test_a_comparison_is_made_again_only_when_runs_or_question_change(tmp_path: Path) -> None:
    for name, seed in (("old", 1), ("new", 2)):
        record.finish(labelled(tmp_path / name, *np.random.default_rng(seed).integers(0, 2, (2, 50))))
    first, _ = folders.compare_folder(tmp_path, FAST, "old")
    written = (tmp_path / record.COMPARISON).stat().st_mtime_ns
    again, _ = folders.compare_folder(tmp_path, FAST, "old")
    assert again.verdict == first.verdict
    assert (tmp_path / record.COMPARISON).stat().st_mtime_ns == written
    assert folders.compare_folder(tmp_path, FAST, "new")[0].incumbent == "new"
    assert (tmp_path / record.COMPARISON).stat().st_mtime_ns > written


def test_the_leaderboard_is_a_table_in_the_same_order(tmp_path: Path, three: list[Run]) -> None:
    failed = run(tmp_path / "broken", status="failed", metrics={}, error={"message": "no, really"}, fingerprint=None)
    compared = compare([*three, failed], FAST, "old")
    folders.write(compared, tmp_path)
    rows = list(csv.DictReader((tmp_path / record.LEADERBOARD).open()))
    assert [row["variant"] for row in rows] == names(compared)
    assert float(rows[0]["f1"]) == compared.variants[0].metrics["f1"].value
    assert {"f1_low", "f1_high", "fit_seconds"} <= rows[0].keys()
    assert (rows[-1]["status"], rows[-1]["f1"], rows[0]["fit_seconds_low"]) == ("failed", "", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_leaderboard_quotes_names_that_a_spreadsheet_would_calculate(
    tmp_path: Path, three: list[Run], start: str
) -> None:
    compared = compare(three, FAST, "old")
    hostile = replace(compared.variants[0], name=f"{start}cmd|'/c calc'!A1")
    folders.write(replace(compared, variants=(hostile, *compared.variants[1:])), tmp_path)
    rows = list(csv.DictReader((tmp_path / record.LEADERBOARD).open()))
    assert rows[0]["variant"] == f"'{start}cmd|'/c calc'!A1"
    assert float(rows[0]["f1"]) == compared.variants[0].metrics["f1"].value


def test_comparing_again_gives_the_same(three: list[Run]) -> None:
    assert compare(three, FAST, "old") == compare(three, FAST, "old")


def verdicts(folder: Path, better_by: float, sets: int = 120, rows: int = 200) -> list[str]:
    """Of a bake-off on each of many test sets, between two classifiers, the second better by so much."""
    settings = DecisionSettings(metric="accuracy", smallest_difference="0", resamples=500)
    rng = np.random.default_rng(20260101)
    reached = []
    for _ in range(sets):
        target = (rng.random(rows) < 0.4).astype(int)
        answers = [np.where(rng.random(rows) < share, target, 1 - target) for share in (0.75, 0.75 + better_by)]
        runs = [labelled(folder / n, target, a, metrics={}) for n, a in zip(("old", "new"), answers, strict=True)]
        reached.append(compare(runs, settings, "old").verdict)
    return reached


def test_of_two_equally_good_variants_the_challenger_is_shipped_by_chance_in_5_percent_at_most(tmp_path: Path) -> None:
    reached = verdicts(tmp_path, better_by=0.0)
    assert reached.count("ship") <= 0.05 * len(reached)


def test_a_variant_that_is_much_better_is_shipped_nearly_always(tmp_path: Path) -> None:
    reached = verdicts(tmp_path, better_by=0.2, sets=50)
    assert reached.count("ship") >= 0.95 * len(reached)


def partly(
    folder: Path, output: np.ndarray, lost: np.ndarray, reason: str = "cut: at 64 tokens (m)", **changed: Any
) -> Run:
    """A run that gave no answer to some rows, whose outputs mean nothing."""
    names, n = np.array(BINARY.classes, dtype=object), len(TRUTH)
    status = np.where(lost, "no_answer", "ok").astype(object)
    reasons = np.where(lost, reason, "").astype(object)
    predictions = Predictions(np.where(lost, "", names[output]).astype(object), status=status, reason=reasons)
    no_slices = pd.DataFrame(index=range(n))
    table = PredictionTable(BINARY, np.arange(n), names[TRUTH], predictions, np.full(n, 0.001), no_slices)
    made = run(folder, **changed)
    record.write_predictions(folder, table)
    return made


def test_no_verdict_leans_on_a_variant_that_lost_too_many_rows(tmp_path: Path) -> None:
    """It answers the easy rows alone, and is right about each."""
    hard = noisy(TRUTH, 0.3, 1) != TRUTH
    rules = labelled(tmp_path / "rules", TRUTH, noisy(TRUTH, 0.3, 1), started="1")
    llm = partly(tmp_path / "llm", TRUTH, hard, started="2")
    compared = compare([rules, llm], FAST, "rules")
    assert compared.verdict == "inconclusive" and compared.winner is None
    assert f"{hard.sum()} of 400 test rows have no answer ({hard.sum()} cut at 64 tokens (m))" in compared.reason
    assert "decision.max_unanswered=5%" in compared.reason
    assert compared.test_rows == 400, "the others keep their rows"
    beside = next(d for d in compared.differences if d.variant == "llm" and d.metric == "accuracy")
    assert beside.difference == 0, "on the rows that both answered, the rules are right about each too"
    assert beside.rows == 400 - hard.sum()


def test_incumbent_that_lost_too_many_rows_decides_nothing(tmp_path: Path) -> None:
    llm = partly(tmp_path / "llm", TRUTH, TRUTH == 1, started="1")
    rules = labelled(tmp_path / "rules", TRUTH, TRUTH, started="2")
    compared = compare([llm, rules], FAST, "llm")
    assert compared.verdict == "inconclusive" and "it is the incumbent" in compared.reason


def test_few_lost_rows_leave_the_rows_that_both_answered(tmp_path: Path) -> None:
    lost = np.arange(400) < 8
    rules = labelled(tmp_path / "rules", TRUTH, noisy(TRUTH, 0.3, 1), started="1")
    llm = partly(tmp_path / "llm", noisy(TRUTH, 0.02, 2), lost, started="2")
    compared = compare([rules, llm], FAST, "rules")
    assert (compared.verdict, compared.winner) == ("ship", "llm")
    assert "llm vs rules: compared on the 392 test rows that both answered." in compared.notes
