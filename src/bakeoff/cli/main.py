"""The command line: a Hydra application, and a few verbs beside it. The one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig

OK, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

HELP = """\
bakeoff: which kind of solution should we ship?

Every variant solves the same task on the same split, and is judged to a verdict: ship, keep, or not enough evidence.

  bakeoff                                         the quickstart bake-off, on real data, to a verdict
  bakeoff model=catboost data=churn               one variant
  bakeoff -m model=rules,linear,catboost data=trec    a bake-off of three
  bakeoff data=csv data.path=my.csv data.target=label model=linear
  bakeoff experiment=quickstart                   a declared bake-off
  bakeoff plan ...                                what the same arguments would run; runs nothing
  bakeoff compare DIR [DIR ...] [decision.metric=...] [incumbent=...]
                                                  compare what is on disk
  bakeoff rerun DIR [search=true] [tolerance=...]
                                                  repeat a run from its record; exit code 1 where it differs
  bakeoff refresh DIR data.path=new.csv           refit the winner on new data, and judge it against itself as it was
  bakeoff sync NAME                               send what W&B holds offline of a bake-off
  bakeoff list [GROUP]                            components: name, family, licence; what a search tries
  bakeoff list GROUP/OPTION                       every key of one: type, default, what it is
  bakeoff schema [FOLDER]                         JSON schemas of config files, for completion in an editor
  bakeoff new plugin NAME [--kind model] | new experiment NAME
                                                  a package whose tests pass, or an experiment that runs
  bakeoff doctor                                  versions, cores, folders, assets, plugins
  bakeoff --version | --help

Any value of the config can be overridden: key=value, group=option, key=a,b,c (a sweep), +key=value, ~key.
Hydra's own flags work too: --cfg job, --info, --config-dir DIR, --multirun; bakeoff --hydra-help tells them.
Exit codes: 0 all variants ran, 1 some variant failed (the rest is compared), 2 the request is wrong.
"""
# Flags of Hydra's that do something else than run.
NOT_A_RUN = {"--cfg", "-c", "--info", "-i", "--shell-completion", "-sc", "--hydra-help", "--run", "-r"}
ABOUT_HYDRA = {"--shell-completion", "-sc", "--hydra-help"}
CHOOSES_WHAT_RUNS = ("experiment", "model", "data")
VERBS = ("plan", "compare", "rerun", "refresh", "sync", "list", "schema", "new", "doctor")


def conf_dir() -> Path:
    """The shipped config tree: inside the installed package, or at the root of a source checkout."""
    inside = Path(__file__).parents[1] / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "conf"


def main(argv: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    first = arguments[0] if arguments else ""
    if first in ("--help", "-h", "help"):
        groups = "".join(f"  {group}: {', '.join(options)}\n" for group, options in _groups().items())
        with suppress(BrokenPipeError):
            sys.stdout.write(f"{HELP}\nConfig groups:\n{groups}")
        sys.exit(OK)
    if first == "--version":
        from bakeoff import __version__

        print(f"bakeoff {__version__}")
        sys.exit(OK)
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_guarded(arguments))


def _guarded(arguments: list[str]) -> int:
    """Run, and turn what is raised into an exit code and a message."""
    from bakeoff.errors import BakeoffError, VariantsFailed

    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    # Hydra would print errors in its own way and exit with 1: let them come here instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except VariantsFailed as error:
        print(error, file=sys.stderr)
        return FAILED
    except BakeoffError as error:
        if wants_traceback:
            raise
        print(error, file=sys.stderr)
        return WRONG
    except Exception as error:
        from bakeoff.config.hydra_errors import explain

        message = explain(error)
        if message is None or wants_traceback:
            raise
        print(message, file=sys.stderr)
        return WRONG


def _dispatch(arguments: list[str]) -> int:
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if _is_word(verb) and verb != "doctor":  # which tells of conflicts itself
        from bakeoff import plugins

        plugins.refuse_conflict(plugins.VERBS, verb, "bakeoff", is_own=verb in VERBS)
    if verb == "compare":
        from bakeoff.cli.verbs import compare

        compare(rest)
    elif verb == "sync":
        from bakeoff.cli.verbs import sync

        return OK if sync(rest) else FAILED
    elif verb == "rerun":
        from bakeoff import environment
        from bakeoff.cli.verbs import rerun

        os.environ[environment.COMMAND] = shlex.join(["bakeoff", *arguments])
        return OK if rerun(rest) else FAILED
    elif verb == "refresh":
        from bakeoff import environment
        from bakeoff.cli.verbs import refresh

        os.environ[environment.COMMAND] = shlex.join(["bakeoff", *arguments])
        refresh(rest, conf_dir())
    elif "list" in arguments:
        from bakeoff.cli.verbs import list_components

        own, groups = _config_dirs(arguments)
        list_components([group for group in groups if group != "list"], conf_dir(), own)
    elif verb == "schema":
        from bakeoff.cli.verbs import schema

        schema(rest, conf_dir())
    elif verb == "new":
        from bakeoff import scaffold

        print("\n".join(scaffold.new(rest)))
    elif verb == "doctor":
        from bakeoff.cli.verbs import doctor

        doctor(conf_dir(), VERBS)
    elif verb == "plan":
        _hydra([*rest, "hydra.sweeper.plan=true"])
    elif _is_word(verb):
        return _verb_of_plugin(verb, rest)
    else:
        _hydra(arguments)
    return OK


def _config_dirs(arguments: list[str]) -> tuple[list[Path], list[str]]:
    """The folders that ``--config-dir`` names, and the other arguments."""
    from bakeoff.errors import ConfigError

    folders, others = [], []
    waiting = iter(arguments)
    for argument in waiting:
        flag, _, value = argument.partition("=")
        if flag not in ("--config-dir", "-cd"):
            others.append(argument)
            continue
        folders.append(Path(value or next(waiting, "")))
        if not folders[-1].is_dir():
            raise ConfigError(f"--config-dir: there is no folder {folders[-1]}.")
    return folders, others


def _is_word(argument: str) -> bool:
    """Whether an argument can only be a verb: neither a flag nor an override."""
    return bool(argument) and not argument.startswith(("-", "+", "~")) and "=" not in argument


def _verb_of_plugin(word: str, arguments: list[str]) -> int:
    """Run a verb that a plugin brings; its exit code. Raises ``ConfigError`` that names the nearest when none does."""
    from bakeoff import plugins
    from bakeoff.errors import ConfigError, did_you_mean

    verbs = (*VERBS, *plugins.declared(plugins.VERBS))
    if word not in verbs:
        raise ConfigError(
            f'bakeoff: "{word}" is neither a verb nor an override. Verbs: {", ".join(verbs)}; overrides: key=value.'
            f"{did_you_mean(word, verbs)}"
        )
    code: int | None = plugins.load(plugins.VERBS, word, "bakeoff")(arguments)
    return code or OK


def _hydra(arguments: list[str]) -> None:
    """Hand over to Hydra, as a sweep: one way through for one variant and for many."""
    import hydra

    from bakeoff import environment
    from bakeoff.config import settings

    os.environ[environment.COMMAND] = shlex.join(["bakeoff", *arguments])
    settings.register()
    gc.freeze()  # what the imports left stays: looking through it while configs are composed takes a tenth of the time
    # Overrides may stand before, between and behind flags; Hydra's own parser wants them in one place.
    overrides = [a for a in arguments if a.startswith("~") or ("=" in a and not a.startswith("-"))]
    flags = [a for a in arguments if a not in overrides]
    if not ABOUT_HYDRA & set(flags):
        names = {o.lstrip("+~").partition("=")[0] for o in overrides}
        if names.isdisjoint(CHOOSES_WHAT_RUNS):
            overrides.append("experiment=quickstart")
        if not {"-m", "--multirun"} & set(flags) and not NOT_A_RUN & set(flags):
            flags.append("--multirun")
    elif "COMP_LINE" in os.environ:  # completion: what follows a verb is completed as if it stood alone
        os.environ["COMP_LINE"] = os.environ["COMP_LINE"].replace(" plan ", " ", 1)
    sys.argv = [sys.argv[0], *flags, *overrides]
    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(job)()


def job(cfg: DictConfig) -> str:
    """Run one variant, or work on its search; Hydra calls this, in this process or in a worker.

    Returns:
        How the run ended, or ``worked``.
    """
    from hydra.core.hydra_config import HydraConfig

    from bakeoff.execution import runner
    from bakeoff.report import terminal
    from bakeoff.request import validation

    # A Ray worker may have been started elsewhere; paths are meant from where the command was given.
    os.chdir(HydraConfig.get().runtime.cwd)
    folder = Path(HydraConfig.get().runtime.output_dir)
    asked = validation.read(cfg, folder)
    if asked.search.worker is not None:
        # A worker's own folder, with Hydra's files and its log, lies in the run folder.
        runner.work(replace(asked, folder=folder.parents[1]), _compose)
        return "worked"
    with terminal.progress(asked.variant) as announce:
        run = runner.run(asked, _compose, announce)
    terminal.show_run(run)
    return run.status


def _compose(choices: Mapping[str, str]) -> Mapping[str, Any]:
    """The config of the running job with other choices of config groups."""
    from hydra import compose
    from hydra.core.hydra_config import HydraConfig

    from bakeoff import plugins
    from bakeoff.config import settings, wiring

    sources = HydraConfig.get().runtime.config_sources
    plugins.refuse_shadowed([(source.provider, source.path) for source in sources], choices)
    overrides = [*HydraConfig.get().overrides.task, *(f"{group}={option}" for group, option in choices.items())]
    return wiring.without_unused(settings.plain(compose("config", overrides)))


def _groups() -> dict[str, list[str]]:
    """Config groups and their options, as files tell them: no config library is loaded for a help text."""
    groups = {}
    for folder in sorted(p for p in conf_dir().iterdir() if p.is_dir() and p.name != "hydra"):
        options = sorted(file.stem for file in folder.glob("*.yaml") if not file.stem.startswith("_"))
        groups[folder.name] = options
    return groups


def _terminate(signum: int, frame: object) -> None:
    """Let a polite kill end a run as Ctrl-C does: recorded, and to be resumed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
