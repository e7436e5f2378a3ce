"""Bake-offs from Python: the same requests as on the command line, run the same way, with results as data frames.

::

    import bakeoff

    bake = bakeoff.bakeoff("data=churn", models=["linear", "catboost"], trials=20)
    bake.leaderboard
    bake.verdict
    bake["catboost"].model
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import environment, record
from bakeoff.cli import application, shorthand
from bakeoff.config import trust
from bakeoff.config.settings import register
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import BakeoffError, ConfigError, VariantsFailed
from bakeoff.execution import runner, sweep
from bakeoff.results import Bakeoff, Run, Verdict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Bakeoff", "Run", "Verdict", "bakeoff", "load", "run"]


def run(
    *overrides: str,
    data: str | Path | pd.DataFrame | None = None,
    target: str | None = None,
    model: str | object | None = None,
    trials: int | None = None,
    name: str | None = None,
    config_dir: str | Path | None = None,
) -> Run:
    """Run one variant, or take the finished run of the same request: what ``bakeoff …`` does with the same overrides.

    Args:
        overrides: as on the command line, such as ``"data=churn"``, ``"model=catboost"``, ``"model.depth=8"``.
        data: an option of the group ``data``, a file, or a frame.
        target: the column to be predicted, where ``data`` is a frame; short for ``"data.target=…"``.
        model: an option of the group ``model``, or a scikit-learn classifier or regressor object.
        trials: number of trials of a search with ``search=tpe``, unless the overrides choose another.
        name: name of the bake-off; its folder in ``outputs``.
        config_dir: a folder of your own configs.

    Raises:
        ConfigError, DataError, AssetError: the request is wrong, or asks for several variants. Nothing has run.
        VariantsFailed: the variant failed; its folder holds the log.
    """
    overrides_given = _asked(overrides, data, target, [] if model is None else [model], trials, name)
    try:
        folders = _sweep(overrides_given, config_dir, most=1)
    except VariantsFailed as failure:
        failures = [f"{folder}: {(record.read_run(folder).error or {}).get('message')}" for folder in failure.folders]
        raise VariantsFailed("\n".join(failures) or str(failure), failure.folders) from None
    return Run(folders[0])


def bakeoff(
    *overrides: str,
    data: str | Path | pd.DataFrame | None = None,
    target: str | None = None,
    models: Sequence[str | object] | Mapping[str, str | object] = (),
    trials: int | None = None,
    incumbent: str | None = None,
    name: str | None = None,
    config_dir: str | Path | None = None,
) -> Bakeoff:
    """Run the variants of one task and compare them: what ``bakeoff -m …`` does with the same overrides.

    Args:
        overrides: as on the command line; commas make variants, as in ``"seed=0,1,2"``.
        data: an option of the group ``data``, a file, or a frame.
        target: the column to be predicted, where ``data`` is a frame.
        models: options of the group ``model`` and scikit-learn objects; in a mapping, objects have names of their own.
        trials: number of trials per variant with ``search=tpe``, unless the overrides choose another search.
        incumbent: name of the variant that the others must beat.
        name: name of the bake-off; its folder in ``outputs``.
        config_dir: a folder of your own configs.

    Returns:
        All that is in the bake-off's folder, what was there before included. A variant that failed is listed.

    Raises:
        ConfigError, DataError, AssetError: the request is wrong, or asks for several bake-offs. Nothing has run.
        VariantsFailed: no variant came to its end.
    """
    arguments = _asked(overrides, data, target, models, trials, name)
    if incumbent is not None:
        arguments.append(f"incumbent={_quoted(incumbent)}")
    try:
        folders = _sweep(arguments, config_dir)
    except VariantsFailed as failure:
        folders = list(failure.folders)
        if not any(record.read_run(folder).status == "ok" for folder in folders):
            raise
    bakeoffs = list(dict.fromkeys(folder.parent for folder in folders))
    if len(bakeoffs) > 1:
        raise ConfigError(f"These are {len(bakeoffs)} bake-offs; load each: {', '.join(map(str, bakeoffs))}.")
    return Bakeoff(bakeoffs[0])


def load(folder: str | Path) -> Run | Bakeoff:
    """The run of a run folder, or the bake-off of a bake-off folder.

    Raises:
        DataError: it is neither.
    """
    path = Path(folder).expanduser()
    runs = record.read_runs(path)
    return Run(runs[0].folder) if record.is_run(path) else Bakeoff(path)


def _asked(
    overrides: Sequence[str],
    data: Any,
    target: str | None,
    models: Sequence[Any] | Mapping[str, Any],
    trials: int | None,
    name: str | None,
) -> list[str]:
    """Translate the arguments of a Python call into overrides."""
    for override in overrides:
        if not isinstance(override, str) or not ("=" in override or override.startswith("~")):
            raise ConfigError(f"bakeoff: {override!r} is not an override. Write key=value, such as 'data=churn'.")
    arguments = []
    if isinstance(data, str | Path):
        arguments.append(f"data={data}")
    elif data is not None:
        if target is None and not any(o.startswith("data.target=") for o in overrides):
            raise ConfigError("target: name the column of the frame that is to be predicted, target='…'.")
        from bakeoff.data import frames

        stored, digest = frames.keep(data, name)
        arguments += ["data=parquet", f"data.path={_quoted(str(stored))}"]
        name = name or f"frame-{digest}"
    if target is not None:
        arguments.append(f"data.target={_quoted(target)}")
    options = _options(models)
    if options:
        arguments.append(f"model={','.join(options)}")
    if trials is not None:
        chosen = any(o.startswith("search=") for o in overrides)
        arguments += [*([] if chosen else ["search=tpe"]), f"search.trials={trials}"]
    if name is not None:
        arguments.append(f"name={_quoted(name)}")
    arguments = shorthand.with_new_keys(shorthand.expanded([*arguments, *overrides]))
    shorthand.ask_for_target(arguments)
    if {o.lstrip("+~").partition("=")[0] for o in arguments}.isdisjoint(application.CHOOSES_WHAT_RUNS):
        arguments.append("experiment=quickstart")
    return arguments


def _options(models: Sequence[Any] | Mapping[str, Any]) -> list[str]:
    """Turn the models into options of the group ``model``; objects become options of this process."""
    if isinstance(models, str):
        raise ConfigError(f"models: {models!r} is one name. Write a list: models=[{models!r}].")
    pairs = list(models.items()) if isinstance(models, Mapping) else [(None, model) for model in models]
    options: list[str] = []
    for name, model in pairs:
        if isinstance(model, str):
            if name not in (None, model):
                raise ConfigError(f'models: an option keeps its name: "{model}" cannot be called "{name}".')
            option = model
        else:
            option = _declare(name or type(model).__name__, model)
        if option in options:
            raise ConfigError(f'models: there are two of "{option}". Give names: models={{"one": …, "other": …}}.')
        options.append(option)
    return options


def _declare(name: str, model: Any) -> str:
    """Make an object known to Hydra as an option of the group ``model``."""
    from hydra.core.config_store import ConfigStore

    from bakeoff.models.tabular import in_memory

    if not name.replace("_", "").replace("-", "").isalnum():
        raise ConfigError(f'models: "{name}" is not a name. Use letters, digits, _ and -.')
    if (conf_dir() / "model" / f"{name}.yaml").is_file():
        raise ConfigError(f'models: "{name}" is an option already. Call the object otherwise.')
    ConfigStore.instance().store(group="model", name=name, node=in_memory.component(model), provider="bakeoff.api")
    return name


def _sweep(overrides: list[str], config_dir: str | Path | None, most: int | None = None) -> list[Path]:
    """Do what the command line does with the same overrides, and return the run folders."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.plugins import Plugins
    from hydra.types import HydraContext, RunMode
    from omegaconf import OmegaConf

    if config_dir is not None:
        folder = Path(config_dir).expanduser().absolute()
        if not folder.is_dir():
            raise ConfigError(f"config_dir: there is no folder {folder}.")
        overrides = [*overrides, f"hydra.searchpath=[{_quoted(f'file://{folder}')}]"]
    register()
    runner.forget_tasks()
    trust.check_files()
    with _as_found(), _errors(), initialize_config_dir(str(conf_dir()), job_name="bakeoff", version_base="1.3"):
        os.environ[environment.COMMAND] = f"bakeoff -m {shlex.join(overrides)}  # from Python"
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        from hydra._internal.callbacks import Callbacks

        master = hydra.compose_config("config", overrides, run_mode=RunMode.MULTIRUN)
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(master))
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=application.job, config=master
        )
        sweeper: Any = OmegaConf.to_container(master.hydra.sweeper)
        folders = sweep.run(
            master,
            hydra.config_loader,
            launcher,
            sweeper["params"] or {},
            list(master.hydra.overrides.task),
            variants=sweeper["variants"],
            show=False,
            most=most,
        )
    return list(folders)


@contextlib.contextmanager
def _as_found() -> Iterator[None]:
    """Restore the previous state on exit: Hydra's (a notebook may use it too), logging and the environment."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.singleton import Singleton
    from hydra.core.utils import JobRuntime
    from hydra.version import VersionBase

    instances: dict[Any, Any] = Singleton._instances
    before = {cls: instances.pop(cls, None) for cls in (GlobalHydra, HydraConfig, JobRuntime, VersionBase)}
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    command = os.environ.get(environment.COMMAND)
    try:
        yield
    finally:
        for cls, instance in before.items():
            instances.pop(cls, None)
            if instance is not None:
                instances[cls] = instance
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:], root.level = handlers, level
        os.environ.pop(environment.COMMAND, None)
        if command is not None:
            os.environ[environment.COMMAND] = command
        gc.unfreeze()  # the sweep exempts loaded objects from garbage collection for the duration of a command


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Re-raise Hydra's errors as ``ConfigError``, in bakeoff's words."""
    try:
        yield
    except BakeoffError:
        raise
    except Exception as error:
        from bakeoff.config.hydra_errors import explain

        message = explain(error)
        if message is None:
            raise
        raise ConfigError(message) from error


def _quoted(text: str) -> str:
    """Quote a string so that Hydra reads it back unchanged."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text.replace("${", r"\${"), Quote.single).with_quotes()
