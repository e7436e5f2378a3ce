"""Hydra's own suites for what runs sweeps, with bakeoff's sweeper under two launchers."""

from __future__ import annotations

from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.plugins.sweeper import Sweeper
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from hydra.version import VersionBase
from pytest import fixture, mark

from hydra_plugins.bakeoff_sweeper import BakeoffSweeper

CHOSEN = ["hydra/sweeper=bakeoff"]


@fixture(autouse=True)
def hydra_as_it_starts(hydra_restore_singletons: None) -> None:
    """Other tests set Hydra's version_base for the whole process; its suites expect none."""
    Singleton._instances.pop(VersionBase, None)


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
