"""The Hydra application: the same path for one variant and for many."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.cli import commands, shorthand
from bakeoff.config.shipped import conf_dir

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from bakeoff.request.spec import Request

NOT_A_RUN = {"--cfg", "-c", "--info", "-i", "--shell-completion", "-sc", "--hydra-help", "--run", "-r"}
"""Flags of Hydra that do something else than run."""
ABOUT_HYDRA = {"--shell-completion", "-sc", "--hydra-help"}
CHOOSES_WHAT_RUNS = ("experiment", "model", "data")


def run(arguments: list[str]) -> int:
    """Hand over to Hydra, as a sweep. Returns the exit code; a failure is raised."""
    gc.disable()  # while modules are imported and configs composed nothing is worth collecting; the sweeper ends it
    try:
        return _run(arguments)
    finally:
        gc.freeze()
        gc.unfreeze()  # what is left is old from here on: the next collection need not look through it
        gc.enable()


def _run(arguments: list[str]) -> int:
    import hydra

    from bakeoff.config import settings, trust
    from bakeoff.config.parsed_once import composing_less

    trust.check_files(lifted=trust.FLAG in arguments)
    arguments = [a for a in arguments if a != trust.FLAG]
    # Overrides may stand before, between and behind flags; Hydra's own parser wants them in one place.
    overrides = [a for a in arguments if a.startswith("~") or ("=" in a and not a.startswith("-"))]
    flags = [a for a in arguments if a not in overrides]
    if not ABOUT_HYDRA & set(flags):
        overrides = shorthand.expanded(overrides)
        if not NOT_A_RUN & set(flags):
            shorthand.refuse_repeated_keys(overrides)
            for sentence in shorthand.repeated(overrides):
                print(sentence, file=sys.stderr)
            shorthand.ask_for_target(overrides)
        overrides = shorthand.with_new_keys(overrides)
        names = {o.lstrip("+~").partition("=")[0] for o in overrides}
        if names.isdisjoint(CHOOSES_WHAT_RUNS):
            overrides.append("experiment=quickstart")
        if not {"-m", "--multirun"} & set(flags) and not NOT_A_RUN & set(flags):
            flags.append("--multirun")
    elif "COMP_LINE" in os.environ and not _completes_overrides():
        return 0
    settings.register()
    sys.argv = [sys.argv[0], *flags, *overrides]
    with composing_less(overrides):
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(job)()
    return 0


def plan(arguments: list[str]) -> int:
    """Show what the same arguments would run."""
    return run([*arguments, "hydra.sweeper.plan=true"])


def job(cfg: DictConfig) -> str:
    """Run one variant, or work on its search; Hydra calls this, in this process or in a worker.

    Returns:
        How the run ended, or ``worked``.
    """
    from hydra.core.hydra_config import HydraConfig

    from bakeoff.execution import orphans, runner
    from bakeoff.report import terminal
    from bakeoff.request import validation

    orphans.end_with_parent()
    # A Ray worker may have been started elsewhere; paths are relative to where the command was given.
    os.chdir(HydraConfig.get().runtime.cwd)
    folder = Path(HydraConfig.get().runtime.output_dir)
    request = validation.read(cfg, folder)
    _hide_secrets(folder)
    if request.search.worker is not None:
        # A worker's own folder, with Hydra's files and its log, lies in the run folder.
        runner.work(replace(request, folder=folder.parents[1]), _compose)
        return "worked"
    with terminal.progress(request.variant) as announce:
        run = runner.run(request, _compose, announce)
    terminal.show_run(run)
    return run.status


def _hide_secrets(folder: Path) -> None:
    """Mask the secrets of the request in what Hydra has written into a job's folder."""
    from bakeoff import record, secrets

    for file in sorted((folder / ".hydra").glob("*.yaml")):
        text = file.read_text("utf-8")
        if secrets.hide(text) != text:
            record.write_text(file, text)


def _completes_overrides() -> bool:
    """Offer the verbs that complete the line. Returns whether Hydra should complete overrides as well.

    Hydra sees the line without a verb that takes overrides. Arguments of other verbs are folders and names: the shell
    completes them.
    """
    line = os.environ["COMP_LINE"]
    verbs = commands.completions(line)
    if verbs is not None:
        for verb in verbs:
            print(verb)
        return True
    first = line.split()[1]
    command = next((command for command in commands.COMMANDS if command.name == first), None)
    if command is None:
        return True
    os.environ["COMP_LINE"] = line.replace(f" {first} ", " ", 1)
    return command.takes_overrides


def _compose(choices: Mapping[str, str]) -> Request:
    """Compose the request of the running job with other choices of config groups."""
    from hydra import compose
    from hydra.core.hydra_config import HydraConfig

    from bakeoff import plugins
    from bakeoff.request import validation

    sources = HydraConfig.get().runtime.config_sources
    plugins.refuse_shadowed([(source.provider, source.path) for source in sources], choices)
    overrides = [*HydraConfig.get().overrides.task, *(f"{group}={option}" for group, option in choices.items())]
    folder = Path(HydraConfig.get().runtime.output_dir)
    return validation.composed(compose("config", overrides), folder)
