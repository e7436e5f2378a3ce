"""Solutions in a bake-off: parts run first and once, and what was recorded of them makes the solution."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.command_line import BAKEOFF

import bakeoff as python
from bakeoff import record
from bakeoff.config.component import Component
from bakeoff.errors import ConfigError
from bakeoff.execution import refresh, rerun, runner, solving
from bakeoff.models.base import Context
from bakeoff.request.spec import Request

CONF = Path(__file__).parents[2] / "conf"
QUICK = ("data=breast_cancer", "decision.resamples=200", "metrics.latency_rows=20", "tracker=none")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Counted(LogisticRegression):
    """A classifier that counts its fits and the rows that it predicted."""

    fits: ClassVar[int] = 0
    rows: ClassVar[int] = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        Counted.fits += 1
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X: Any) -> Any:
        Counted.rows += np.shape(X)[0]
        return super().predict_proba(X)


def result(run: python.Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run.folder / record.RESULT).read_text())
    return content


@pytest.fixture(scope="module")
def bake(tmp_path_factory: pytest.TempPathFactory) -> python.Bakeoff:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("shared"))
        return python.bakeoff(
            *QUICK, "model.stages=[linear,knn]", "embedder=hashing", models=["cascade", "linear", "knn"],
            incumbent="linear",
        )  # fmt: skip


def cascade_of(bake: python.Bakeoff) -> python.Run:
    return next(run for name, run in bake.items() if name.startswith("cascade"))


def test_parts_run_before_the_cascade_whatever_the_order_asked_for(bake: python.Bakeoff) -> None:
    run = cascade_of(bake)
    assert run.status == "ok"
    assert run.record.started > max(bake["linear"].record.started, bake["knn-embedder=hashing"].record.started)
    assert run.record.details["parts"]["knn"]["variant"] == "knn-embedder=hashing"


def test_cascade_shows_each_stage_and_adds_up_its_price(bake: python.Bakeoff) -> None:
    run = cascade_of(bake)
    stages = run.record.stages
    assert next(iter(stages)) == "linear"
    assert stages["linear"]["seen"] == 1.0
    assert sum(stage["coverage"] for stage in stages.values()) == pytest.approx(1)
    assert {"accuracy", "latency_p50_ms", "cost_per_1k"} <= set(stages["linear"])
    trace = pd.read_parquet(run.folder / record.TRACE)
    summed = trace.groupby("row")["machine_seconds"].sum()
    np.testing.assert_allclose(summed, run.predictions["machine_seconds"])
    assert run.record.seconds["parts"] > 0


def test_predictions_are_those_of_the_stage_that_answers(bake: python.Bakeoff) -> None:
    run = cascade_of(bake)
    by_part = {"linear": bake["linear"].predictions, "knn": bake["knn-embedder=hashing"].predictions}
    for _, row in run.predictions.iterrows():
        of_part = by_part[str(row["stage"]).partition("/")[0]].set_index("id")["output"]
        assert of_part[row["id"]] == row["output"]


def test_saved_cascade_predicts_new_rows_as_one_object(bake: python.Bakeoff) -> None:
    run = cascade_of(bake)
    inputs = pd.read_parquet(bake.folder / record.INPUTS)
    predicted = run.predict(inputs.drop(columns="id"))
    assert predicted["output"].tolist() == run.predictions["output"].tolist()
    assert predicted["stage"].tolist() == run.predictions["stage"].tolist()


def test_validation_predictions_of_a_cascade_are_cross_fitted(bake: python.Bakeoff) -> None:
    run = cascade_of(bake)
    table = record.read_predictions(run.record, record.VALIDATION)
    assert len(table) == len(record.read_predictions(bake["linear"].record, record.VALIDATION))
    assert set(run.record.details["validation"]) == {"metric", "rows", "learnt_on", "cross_fitted"}


def test_part_is_fitted_once_as_itself_and_never_asked_again() -> None:
    Counted.fits = Counted.rows = 0
    python.bakeoff(*QUICK, "record_validation=true", "name=alone", models={"counted": Counted(max_iter=50)})
    alone = Counted.fits, Counted.rows
    Counted.fits = Counted.rows = 0
    models = {"counted": Counted(max_iter=50), "linear": "linear", "cascade": "cascade"}
    python.bakeoff(*QUICK, "model.stages=[counted,linear]", "name=both", models=models)
    assert (Counted.fits, Counted.rows) == alone, "one fit for good, one out of sample, and no row for the cascade"


def test_parts_that_nobody_asked_for_become_variants() -> None:
    bake = python.bakeoff(*QUICK, "model.stages=[constant,linear]", models=["cascade"])
    assert {"constant", "linear"} < set(bake)
    assert all((bake[name].folder / record.VALIDATION).is_file() for name in ("constant", "linear"))


def test_finished_part_is_kept_and_only_its_validation_rows_are_predicted() -> None:
    first = python.bakeoff(*QUICK, models=["constant", "linear"])
    before = {name: result(first[name]) for name in ("constant", "linear")}
    bake = python.bakeoff(*QUICK, "model.stages=[constant,linear]", models=["cascade"])
    for name, then in before.items():
        now = result(bake[name])
        assert now["started"] == then["started"] and now["metrics"] == then["metrics"]
        assert (bake[name].folder / record.VALIDATION).is_file()
    assert cascade_of(bake).status == "ok"


def test_solution_is_kept_until_a_part_runs_anew() -> None:
    asked = (*QUICK, "model.stages=[constant,linear]")
    first = cascade_of(python.bakeoff(*asked, models=["cascade"])).record.started
    assert cascade_of(python.bakeoff(*asked, models=["cascade"])).record.started == first
    python.bakeoff(*QUICK, "resume=false", "record_validation=true", models=["constant"])
    assert cascade_of(python.bakeoff(*asked, models=["cascade"])).record.started > first


def test_part_of_a_sample_limits_the_rows_of_the_solution() -> None:
    python.bakeoff(*QUICK, "test_rows=40", "variant=few", "record_validation=true", models=["linear"])
    bake = python.bakeoff(*QUICK, "model.stages=[constant,few]", models=["cascade"])
    run = cascade_of(bake)
    assert len(run.predictions) == 40
    assert any("test rows that every part predicted (fewest: few, 40)" in note for note in run.notes)
    assert run.record.details["parts"]["few"]["validation_rows"] == 40


def test_failed_part_fails_the_solution_with_the_reason() -> None:
    class Failing(LogisticRegression):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            raise RuntimeError("out of luck")

    bake = python.bakeoff(
        *QUICK, "model.stages=[failing,constant]",
        models={"failing": Failing(), "constant": "constant", "cascade": "cascade"},
    )  # fmt: skip
    run = cascade_of(bake)
    assert run.status == "failed"
    assert run.record.error is not None and "failing failed: RuntimeError: out of luck" in run.record.error["message"]


def test_seeds_take_the_parts_of_their_seed() -> None:
    bake = python.bakeoff(*QUICK, "model.stages=[constant,linear]", "seed=0,1", models=["cascade", "linear"])
    for name, run in bake.items():
        if name.startswith("cascade"):
            seed = name[len("cascade-seed=")]
            assert run.record.details["parts"]["linear"]["variant"] == f"linear-seed={seed}"
    assert len(bake) == 6


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.stages=[constant,linaer]"], '"linaer" is neither a variant.*nor an option of model.*"linear"'),
        (["model.stages=[constant]"], "needs two stages or more"),
        (["model.stages=[constant,linear]", "model.parts.constant=../x"], "is not the name of a variant"),
        (["model.stages=[constant,cascade]", "variant=cascade"], "cannot be part of itself"),
    ],
)
def test_parts_that_cannot_be_are_refused_before_any_work(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        python.bakeoff(*QUICK, *[o.replace("model.parts", "++model.parts") for o in overrides], models=["cascade"])
    assert not list(Path.cwd().glob("outputs/*/*/result.json"))


def test_solution_of_an_earlier_command_is_not_made_anew_as_its_option_declares_it() -> None:
    python.bakeoff(*QUICK, "model.stages=[constant,linear]", models=["cascade"])
    again = (*QUICK, "model.stages=[cascade,linear]", "variant=two")
    with pytest.raises(ConfigError, match=r"two: its part cascade would be a new variant.*cascade-stages=constant"):
        python.bakeoff(*again, models=["cascade"])
    bake = python.bakeoff(*again, '++model.parts.cascade="cascade-stages=constant+linear"', models=["cascade"])
    assert bake["two"].record.details["parts"]["cascade"]["variant"] == "cascade-stages=constant+linear"


def test_fault_of_a_part_that_was_added_names_the_part() -> None:
    x = np.arange(200)
    pd.DataFrame({"x": x, "label": np.where(x % 3 == 0, "a", "b")}).to_csv("odd.csv", index=False)
    with pytest.raises(ConfigError, match=r"^rules: model\.rules: there are no rules"):
        python.bakeoff("data=odd.csv", "data.target=label", "model.stages=[rules,linear]", models=["linear", "cascade"])


def test_option_of_a_nested_model_is_for_the_models_that_have_it() -> None:
    overrides = ("model.by=mean radius", "model@model.base=constant", "model.min_rows=1000")
    bake = python.bakeoff(*QUICK, *overrides, models=["constant", "per_segment"])
    run = next(run for name, run in bake.items() if name.startswith("per_segment"))
    assert len(bake) == 2 and run.config["model"]["base"]["_target_"].endswith("Constant")


def test_name_that_may_be_several_variants_is_refused() -> None:
    with pytest.raises(ConfigError, match="linear can be any of the variants"):
        python.bakeoff(*QUICK, "model.stages=[constant,linear]", "model.ngrams=1,2", models=["linear", "cascade"])


def test_every_solution_is_made_of_the_same_two_runs() -> None:
    solutions = ["ensemble", "calibrated", "threshold"]
    bake = python.bakeoff(
        *QUICK, "model.members=[linear,catboost]", "model.part=linear", "model.iterations=20",
        models=[*solutions, "catboost"], incumbent=None,
    )  # fmt: skip
    names = {name.partition("-")[0]: name for name in bake}
    assert set(names) == {*solutions, "linear", "catboost"}
    assert all(run.status == "ok" for run in bake.values())
    for option in solutions:
        run = bake[names[option]]
        new = run.predict(pd.read_parquet(bake.folder / record.INPUTS).drop(columns="id"))
        assert new["output"].tolist() == run.predictions["output"].tolist()
    ensemble = bake[names["ensemble"]]
    assert sum(ensemble.record.details["weights"].values()) == pytest.approx(1)
    assert "calibration_error" in bake[names["calibrated"]].record.details
    assert " AND " in ensemble.record.card["licence"], "the licences of its parts are its own"


def test_given_threshold_is_searched_on_recorded_predictions() -> None:
    """The parts are searched as well where they have something to search; constant and this linear model have not."""
    python.bakeoff(*QUICK, "record_validation=true", models=["constant", "linear"])
    bake = python.bakeoff(
        *QUICK, "model.stages=[{part: linear, accept: 0.5}, constant]", "variant=tuned", "search=random",
        "search.trials=60", "++search.space={model.stages.0.accept: 'interval(0.5, 1)'}", models=["cascade"],
    )  # fmt: skip
    run = bake["tuned"]
    assert run.status == "ok" and run.trials is not None and len(run.trials) == 60
    best = run.trials["roc_auc"].max()
    accept = float(run.trials.loc[run.trials["roc_auc"] == best, "param:model.stages.0.accept"].iloc[0])
    assert run.record.parameters["stages"][0]["accept"] == pytest.approx(accept)
    assert run.record.search is not None and run.record.search["seconds"] < 30


def test_rerun_makes_a_solution_again_of_the_same_runs(bake: python.Bakeoff) -> None:
    again = rerun.rerun(cascade_of(bake).folder, into=Path("again/cascade").absolute())
    assert again.run.status == "ok" and again.agrees
    assert again.equal_rows == again.rows > 0


def test_solution_of_a_record_holds_its_parts_and_can_be_fitted_to_new_rows(bake: python.Bakeoff) -> None:
    run = cascade_of(bake)
    content = solving.self_contained(record.read_fitted(run.folder) or {}, run.folder.parent)
    request = Request.from_config(content, Path("new/cascade"))
    assert solving.made_of_runs(request) is None
    development = runner.load_task(request).development
    model = runner.make_model(request, development.schema)
    model.fit(development.train, development.valid, Context(development.schema, 0, 1))
    assert len(model.predict(development.valid.X)) == len(development.valid)


def test_what_a_solution_is_learnt_for_is_its_identity(bake: python.Bakeoff) -> None:
    request = Request.from_config(cascade_of(bake).config, Path("x"))
    other = replace(request, decision=replace(request.decision, metric="f1"))
    assert request.identity["learned_for"] == "roc_auc" != other.identity["learned_for"]
    dear = replace(request, cost=Component("bakeoff.cost.TimeAndRequests", {"usd_per_hour": 9.0}))
    assert dear.identity == request.identity, "prices change nothing that it learns"
    limited = Component.from_config({**request.model.to_config(), "limits": {"cost_per_1k": "<= 1"}})
    assert replace(dear, model=limited).identity != replace(request, model=limited).identity


def test_refreshed_cascade_is_judged_with_simulated_decisions_of_people() -> None:
    """People decide on new test rows as they did on old ones: a row that is handed over is not a wrong answer."""
    bake = python.bakeoff(
        *QUICK, "model.stages=[{part: linear, accept: 0.999}, {part: human, usd: 1}]", "variant=people",
        models=["cascade"],
    )  # fmt: skip
    rows = pd.read_parquet(bake.folder / record.INPUTS).drop(columns="id")
    rows["diagnosis"] = bake["people"].predictions["target"].to_numpy()
    rows = pd.concat([rows, rows.assign(**{"mean radius": rows["mean radius"] * 1.01})])
    rows.to_csv("new.csv", index=False)
    again = refresh.refresh(bake["people"].folder, ["data=csv", "data.path=new.csv", "data.ignore=[]"], CONF)
    for name in ("incumbent", "refreshed"):
        run = record.read_run(again.folder / name)
        stage = pd.read_parquet(run.folder / record.PREDICTIONS)
        of_people = stage[stage["stage"] == "human"]
        assert len(of_people) and (of_people["output"] == of_people["target"]).all()
        assert "withheld" not in run.details["rows"]
        assert "cost_per_1k" not in run.stages["linear"], "a stage that was not timed by itself has no price"
        assert run.stages["human"]["cost_per_1k"] == pytest.approx(1000)


def test_variant_named_as_the_stage_of_a_person_is_refused() -> None:
    with pytest.raises(
        ConfigError, match='its stage "human" is a person, and a variant of this bake-off has that name'
    ):
        python.bakeoff(
            *QUICK, "model.stages=[constant,human]",
            models={"human": LogisticRegression(), "constant": "constant", "cascade": "cascade"},
        )  # fmt: skip


def test_person_without_a_price_is_noted() -> None:
    bake = python.bakeoff(*QUICK, "model.stages=[{part: linear, accept: 0.9},human]", models=["cascade"])
    assert "Decisions of a person are taken to be free (usd), and right always" in " ".join(cascade_of(bake).notes)


def test_structure_is_searched_over_parts_that_run_once() -> None:
    stages = "model.stages=choice([constant,linear],[linear,constant])"
    bake = python.bakeoff(*QUICK, stages, "search=random", "search.trials=4", models=["constant", "cascade"])
    run = bake["cascade"]
    assert set(bake) == {"constant", "linear", "cascade"}, "every part that a trial may take is a variant"
    assert run.status == "ok" and run.trials is not None
    tried = {json.loads(value)[0] for value in run.trials["param:model.stages"]}
    assert tried <= {"constant", "linear"} and len(run.trials) == 4
    assert list(run.record.details["parts"]) == run.record.parameters["stages"]


def test_threshold_is_learned_from_rows_whose_value_is_known_and_says_so(tmp_path: Path) -> None:
    """Missing amounts make the value of all unknown where such a row is flagged: they must not choose the threshold."""
    random = np.random.default_rng(0)
    x = random.normal(size=400)
    amount = random.uniform(10, 100, 400)
    amount[random.choice(400, 60, replace=False)] = np.nan
    y = np.where(x + random.normal(size=400) > 0, "yes", "no")
    pd.DataFrame({"x": x, "amount": amount, "y": y}).to_csv("rows.csv", index=False)
    (tmp_path / "conf" / "business").mkdir(parents=True)
    values = '{"yes": {"yes": amount, "no": 0}, "no": {"yes": -20, "no": 0}}'
    matrix = f"_target_: bakeoff.business.ValueMatrix\nvalues: {values}\n"
    (tmp_path / "conf" / "business" / "mine.yaml").write_text(matrix, "utf-8")
    arguments = (
        "-m", "model=linear,threshold", "data=csv", "data.path=rows.csv", "data.target=y", "data.positive=yes",
        "name=x", "business=mine", "incumbent=linear", "decision=value_first", "tracker=none", "report=none",
    )  # fmt: skip
    command = [BAKEOFF, *arguments, "--config-dir", "conf"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    content = json.loads((tmp_path / "outputs" / "x" / "threshold" / "result.json").read_text("utf-8"))
    (note,) = [note for note in content["notes"] if "with a number in amount" in note]
    assert "Learned from the " in note and " of 64 validation rows with a number in amount" in note
    assert np.isfinite(content["details"]["validation"]["cross_fitted"])


def test_threshold_from_validation_rows_of_one_class_says_that_nothing_could_be_learned(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    part = np.repeat(["train", "valid", "test"], [120, 30, 50])
    y = np.where((x > 0) & (part != "valid"), "yes", "no")
    pd.DataFrame({"x": x, "y": y, "part": part}).to_csv("rows.csv", index=False)
    bake = python.bakeoff(
        "data=csv", "data.path=rows.csv", "data.target=y", "data.positive=yes", "data.split.column=part", "name=one",
        "incumbent=linear", "tracker=none", "report=none", models=["linear", "threshold"],
    )  # fmt: skip
    assert any('All 30 validation rows are "no": nothing is learned' in note for note in bake["threshold"].record.notes)
