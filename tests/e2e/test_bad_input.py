"""A wrong request ends before work, with exit code 2 and a message that says what is wrong, where, and what is near."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from command_line import CommandLine

OWN = ("data=csv", "data.path=pets.csv", "data.target=label", "model=constant")


def refused(done, *said: str) -> None:  # type: ignore[no-untyped-def]
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model=catbost"], ['model: there is no option "catbost"', 'Did you mean "catboost"?']),
        (["-m", "model=linear,catbost"], ['Did you mean "catboost"?']),
        (["data=chrun", "model=linear"], ['Did you mean "churn"?']),
        (["experiment=quickstrat"], ['Did you mean "quickstart"?']),
        (["model=linear", "decision.metrik=f1"], ["decision.metrik", 'Did you mean "metric"?']),
        (["model=linear", "decision.metric=accurracy"], ['there is no metric "accurracy"', 'Did you mean "accuracy"?']),
        (["model=linear", "metrics.names=[f1, recal]"], ['there is no metric "recal"', 'Did you mean "recall"?']),
        (["model=linear", "data=diabetes", "decision.metric=f1"], ["f1 is not defined for this task"]),
        (["model=linear", "data=diabetes", "decision.smallest_difference=much"], ["decision.smallest_difference"]),
        (["model=linear", "sed=1"], ["sed", 'Did you mean "seed"?']),
        (["model=linear", "seed=abc"], ["seed", "abc"]),
        (["+model.dept=1", "model=catboost"], ['model.dept: CatBoost takes no "dept"', 'Did you mean "depth"?']),
        (["model=catboost", "model.depth=deep"], ["model.depth", "deep", "int"]),
        (["model=linear", "model.classifier.C=strong"], ["C", "strong"]),
        (["+model.classifier.c=1", "model=linear"], ['takes no "c"', 'Did you mean "C"?']),
        (["model=catboost", "model.depth=interval(4,10)"], ["model.depth", "interval(4,10)", "continuous"]),
        (["model=linear", "incumbent=rulez"], ["incumbent", "rulez"]),
        (["-m", "model=linear,linear"], ["same name"]),
        (["model=linear", "model._target_=os.system"], ["model._target_", '"os.system" is not allowed']),
        (["model=linear", "model._target_=builtins.eval"], ["is not allowed"]),
        (["model=linear", "model._target_=subprocess.Popen"], ["is not allowed"]),
        (["model=linear", "model._target_=bakeoff.environment.subprocess.Popen"], ["model._target_"]),
        (["model=linear", "model._target_=sklearn.datasets.fetch_openml"], ["is not allowed"]),
        (["model=linear", "model.classifier._target_=os.system"], ["model.classifier._target_", "is not allowed"]),
        (["model=linear", "model.classifier._target_=sklearn.linear_model.LogisticRegresion"], ["LogisticRegression"]),
        (["model=linear", "decision.confidence=95"], ["decision.confidence: 95.0 is not between 0 and 1"]),
        (["model=linear", "data=churn", "data.slices=contract"], ["data.slices=[contract]"]),
        (["model=linear", "name=../elsewhere"], ['name: "../elsewhere" is not the name of a folder']),
        (["model=linear", "data.name=;"], ["data.name", "Quote what is special"]),
        (["model=linear", "--resolve"], ["--resolve"]),
        (["model=linear", "data=breast_cancer,diabetes", "name=one"], ["each needs a name= of its own"]),
        (["model=linear", "data=diabetes", "search=grid"], ["search=grid tries them all"]),
        (["model=linear", "data=diabetes", "search=tpe", "search.trials=0"], ["search.trials: 0 is no budget"]),
        ([*OWN, "data.group=home", "data.time=weight"], ["data.group and data.time ask for different splits"]),
        (["compair", "outputs/x"], ["compair", 'Did you mean "compare"?']),
        (["compare", "outputs/nowhere"], ["outputs/nowhere: there is no such folder"]),
        (["list", "modle"], ['Did you mean "model"?']),
        (["model=rules", "data=csv", "data.path=pets.csv", "data.target=label"], ["model.rules"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and "=" in value[0] else None,
)
def test_a_wrong_request_says_what_is_allowed(
    bakeoff_here: CommandLine, pets: Path, arguments: list[str], said: list[str]
) -> None:
    refused(bakeoff_here(*arguments), *said)
    assert not list(pets.parent.glob("outputs/*/*/result.json")), "it ended before work"


def test_all_faults_are_reported_together(bakeoff: CommandLine) -> None:
    done = bakeoff("model=catboost", "+model.dept=1", "decision.metric=f11", "metrics.names=[recal]")
    refused(done, "model.dept", "decision.metric", "metrics.names")


def test_a_missing_value_is_asked_for(bakeoff_here: CommandLine) -> None:
    refused(bakeoff_here("data=csv", "model=linear"), "data.path=…", "data.target=…")


def test_a_missing_file(bakeoff_here: CommandLine, pets: Path) -> None:
    refused(bakeoff_here(*OWN, "data.path=pet.csv"), "data.path", "pet.csv", 'Did you mean "pets.csv"?')


def test_a_file_with_another_separator(bakeoff: CommandLine, pets: Path) -> None:
    pd.read_csv(pets).to_csv(pets, index=False, sep=";", decimal=",")
    refused(bakeoff(*OWN, "data.separator=','"), """add "data.separator=';'".""")
    assert bakeoff(*OWN).returncode == 0


def test_a_config_that_is_no_yaml(bakeoff_here: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "conf/model/bad.yaml").write_text("a: [1, 2\nb: }")
    refused(bakeoff_here("--config-dir", "conf", "model=bad"), "bad.yaml", "line 2")


def test_an_empty_file(bakeoff_here: CommandLine, pets: Path) -> None:
    pets.write_text("")
    refused(bakeoff_here(*OWN), "data.path", "empty")


def test_a_ragged_row(bakeoff_here: CommandLine, pets: Path) -> None:
    lines = pets.read_text().splitlines()
    lines[7] += ",surplus"
    pets.write_text("\n".join(lines))
    refused(bakeoff_here(*OWN), "data.path", "8")


def test_a_target_that_does_not_exist(bakeoff_here: CommandLine, pets: Path) -> None:
    refused(bakeoff_here(*OWN, "data.target=labl"), 'data.target: there is no column "labl"', 'Did you mean "label"?')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": "cat"}, ["data.target", "one class"]),
        ({"weight": float("inf")}, ["weight", "infinit"]),
    ],
    ids=["one class", "infinite"],
)
def test_columns_that_cannot_serve(bakeoff_here: CommandLine, pets: Path, change: dict, said: list[str]) -> None:
    pd.read_csv(pets).assign(**change).to_csv(pets, index=False)
    refused(bakeoff_here(*OWN), *said)


def test_a_class_with_a_single_row(bakeoff_here: CommandLine, pets: Path) -> None:
    frame = pd.read_csv(pets)
    frame.loc[5, "label"] = "hamster"
    frame.to_csv(pets, index=False)
    refused(bakeoff_here(*OWN), "hamster")


def test_duplicate_ids(bakeoff_here: CommandLine, pets: Path) -> None:
    pd.read_csv(pets).assign(number=[0, *range(119)]).to_csv(pets, index=False)
    refused(bakeoff_here(*OWN, "data.id=number"), "data.id", "number")


def test_a_file_that_is_not_utf8(bakeoff_here: CommandLine, pets: Path) -> None:
    pets.write_bytes(pets.read_bytes().replace(b"pet number 7,", b"p\x81t number 7,"))
    refused(bakeoff_here(*OWN), "data.encoding", "utf-8")


def test_a_split_that_leaves_nothing_to_test(bakeoff_here: CommandLine, pets: Path) -> None:
    refused(bakeoff_here(*OWN, "data.split.test=0"), "data.split")


def test_an_output_folder_that_is_not_writable(bakeoff: CommandLine, pets: Path) -> None:
    (pets.parent / "outputs").write_text("a file is in the way")
    refused(bakeoff(*OWN), "outputs/pets", "cannot be written")


def test_a_run_of_another_task_cannot_be_compared(bakeoff: CommandLine, pets: Path) -> None:
    assert bakeoff(*OWN, "name=mixed").returncode == 0
    assert bakeoff("model=constant", "data=diabetes", "name=other").returncode == 0
    refused(bakeoff("compare", "outputs/mixed", "outputs/other"), "different tasks", "outputs/other")


def test_a_corrupted_asset_is_refused(bakeoff: CommandLine, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert bakeoff("model=constant", "data=sms_spam", BAKEOFF_CACHE=str(cache)).returncode == 0
    asset = next(cache.rglob("sms-spam.csv"))
    asset.write_bytes(asset.read_bytes()[:-100])
    refused(bakeoff("model=constant", "data=sms_spam", "name=third", BAKEOFF_CACHE=str(cache)), str(asset), "SHA-256")
