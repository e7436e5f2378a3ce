"""What a plan says that LLMs would be asked: fits, trials and test rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from bakeoff.config.settings import register
from bakeoff.config.shipped import conf_dir
from bakeoff.execution import plan, runner
from bakeoff.request import validation
from bakeoff.request.spec import Request
from command_line import CommandLine

OF_A_FIT = 3  # requests without content, by which probabilities are calibrated


def request(*overrides: str) -> Request:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["variant=x", "data=sms_spam", "model=llm", *overrides])
    return validation.read(cfg, Path("outputs/x/x"))


def test_a_plan_of_a_search_counts_every_trial() -> None:
    tuned = request("test_rows=30", "search=random", "search.trials=3", "search.validation.rows=20")
    projected = plan.project(tuned)["model"]
    assert (projected.calls, projected.trials) == (30 + OF_A_FIT + 3 * (20 + OF_A_FIT), 3)
    runner.forget_tasks()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.depth=-1", "model.depth: -1 is out of range. Allowed: from 1 to 16."),
        ("decision.require={3: 4}", "decision.require.3: there is no such requirement."),
        ("decision.metric=rmse", "decision.metric: rmse is not defined for this task."),
    ],
)
def test_plan_refuses_what_a_run_refuses(tmp_path: Path, bakeoff: CommandLine, override: str, message: str) -> None:
    rows = "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "my.csv").write_text(f"x,y\n{rows}")
    for data in (["data=my.csv", "data.target=y"], ["data=breast_cancer"]):
        for verb in (["plan"], []):
            done = bakeoff(*verb, "model=catboost", "tracker=none", *data, override)
            assert done.returncode == 2 and message in done.stderr
