"""Tracking: report recorded runs to a tool such as Weights & Biases, from a process beside the bake-off.

It is a function of run folders, which it only reads, so it can neither change nor fail a run; ``tracking.json`` in a
folder says how it ended. Nothing heavy is imported here: the process beside a bake-off is to start at once.
"""

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    from bakeoff.tracking.mlflow import MlflowTracker as MlflowTracker
    from bakeoff.tracking.wandb import WandbTracker as WandbTracker
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
