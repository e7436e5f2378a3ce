"""Hydra's own suites for what runs sweeps, with bakeoff's sweeper under two launchers."""

from __future__ import annotations

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from pytest import mark

from hydra_plugins.bakeoff_sweeper import BakeoffSweeper

CHOSEN = ["hydra/sweeper=bakeoff"]


def test_hydra_finds_it() -> None:
    assert "BakeoffSweeper" in [plugin.__name__ for plugin in Plugins.instance().discover(Sweeper)]
    assert BakeoffSweeper.__name__ == "BakeoffSweeper"


@mark.parametrize(("launcher_name", "overrides"), [("basic", CHOSEN), ("joblib", [*CHOSEN, "hydra.launcher.n_jobs=2"])])
class TestAsHydraSweeps(LauncherTestSuite):
    """Jobs, their order, overrides, folders and configs are as Hydra promises."""


@mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/launcher=basic", *CHOSEN])]
)  # fmt: skip
class TestInAnotherApplication(IntegrationTestSuite):
    """Any Hydra application may choose the sweeper; it then runs its jobs and judges nothing."""
