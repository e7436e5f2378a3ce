"""Hydra's entry point to bakeoff's sweeper. Imported at every start of any Hydra application: nothing heavy here.

Hydra executes this file without entering it into sys.modules, so dataclass annotations must not be strings here.
"""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class BakeoffSweeperConf:
    """Options of the sweeper."""

    _target_: str = "hydra_plugins.bakeoff_sweeper.BakeoffSweeper"
    params: dict[str, str] | None = None  # sweeps that an experiment declares; the command line overrides them
    variants: Any = None  # {name: [override, …]}: variants that an experiment declares; model= replaces them
    plan: bool = False  # say what would run, and run nothing


ConfigStore.instance().store(group="hydra/sweeper", name="bakeoff", node=BakeoffSweeperConf, provider="bakeoff")


class BakeoffSweeper(Sweeper):
    """Runs the variants of a bake-off through the configured launcher, then compares them."""

    def __init__(
        self,
        params: dict[str, str] | None = None,
        variants: dict[str, list[str]] | None = None,
        plan: bool = False,
    ) -> None:
        self.params = dict(params or {})
        self.variants = {str(name): [str(o) for o in overrides] for name, overrides in (variants or {}).items()}
        self.plan = plan

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Store the objects that Hydra passes."""
        self.loader = hydra_context.config_loader
        self.master = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the variants that the arguments describe."""
        import gc

        from bakeoff.execution import sweep

        assert self.launcher is not None
        if not self.plan:  # which ends before garbage matters
            gc.freeze()  # what the imports left stays: collections need not look through it
            gc.enable()  # the command line has disabled it until here
        return sweep.run(
            self.master, self.loader, self.launcher, self.params, arguments, variants=self.variants, plan=self.plan
        )
