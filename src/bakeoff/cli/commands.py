"""The table of verbs: help, dispatch, shell completion and the README's check are made from it.

A verb is one row: its name, the function behind it as ``module:function``, and what the help says. The function takes
the arguments after the verb and returns an exit code, or None for 0. A plugin adds a row with an entry point in the
group ``bakeoff.verbs``. Nothing is imported before its verb is called.
"""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bakeoff.config.shipped import conf_dir

Function = Callable[[list[str]], int | None]

WIDTH, INDENT = 120, 50
INTRODUCTION = """\
bakeoff: which kind of solution should we ship?

Every variant solves the same task on the same split, and is judged to a verdict: ship, keep, or not enough evidence.
"""
EXAMPLES = (
    ("bakeoff", "the quickstart bake-off, on real data, to a verdict"),
    ("bakeoff model=catboost data=churn", "one variant"),
    ("bakeoff -m model=rules,linear,catboost data=trec", "a bake-off of three"),
    ("bakeoff data=csv data.path=my.csv data.target=label model=linear", ""),
    ("bakeoff experiment=quickstart", "a declared bake-off"),
)
CLOSING = """\
Any value of the config can be overridden: key=value, group=option, key=a,b,c (a sweep), +key=value, ~key.
Hydra's own flags work too: --cfg job, --info, --config-dir DIR, --multirun; bakeoff --hydra-help lists them.
--trust: config files may set anything below hydra: (callbacks, logging, output folders); see docs/safety.md.
Exit codes: 0 all variants ran, 1 some variant failed (the rest is compared), 2 the request is wrong.
"""


@dataclass(frozen=True)
class Command:
    """A verb of the command line.

    Attributes:
        name: the verb.
        function: where it is implemented, as ``module:function``.
        summary: one line of help.
        usage: its arguments, as the help shows them.
        takes_overrides: whether its arguments are those of a bake-off, and are completed as such.
    """

    name: str
    function: str
    summary: str
    usage: str = ""
    takes_overrides: bool = False

    def load(self) -> Function:
        """Import the function behind the verb."""
        module, _, function = self.function.partition(":")
        loaded: Function = getattr(importlib.import_module(module), function)
        return loaded

    def help(self) -> str:
        """Usage and summary."""
        return f"{_usage(self)}\n\n{self.summary[0].upper()}{self.summary[1:]}.\n"


COMMANDS = (
    Command(
        "plan",
        "bakeoff.cli.application:plan",
        "what the same arguments would run; runs nothing",
        "...",
        takes_overrides=True,
    ),
    Command(
        "compare",
        "bakeoff.cli.compare:compare",
        "compare what is on disk",
        "DIR [DIR ...] [decision.metric=...] [incumbent=...] [labels=FILE] [--require 'catboost.f1 >= 0.9']",
    ),
    Command(
        "labels",
        "bakeoff.cli.labels:labels",
        "write a sheet of answers, drawn by chance, for people to label; labels correct a judge",
        "DIR [rows=100] [out=labels.csv] [seed=0]",
    ),
    Command(
        "confirm",
        "bakeoff.cli.confirm:confirm",
        "open the sealed test rows (data.split.sealed) once, for the winner beside the incumbent alone",
        "DIR [variant=NAME] [test_rows=N]",
    ),
    Command(
        "report",
        "bakeoff.cli.report:report",
        "write report.html of what is on disk, or print it as Markdown, CSV or JSON",
        "DIR [--format html|md|csv|json] [--out FILE] [--figures FOLDER] [--open]",
    ),
    Command(
        "breakeven",
        "bakeoff.cli.breakeven:breakeven",
        "monthly number of predictions from which one variant is cheaper than another",
        "DIR [--against VARIANT] [--rent local|none] [--volume N] [--format text|md] [cost.utilisation=...]",
    ),
    Command(
        "board",
        "bakeoff.cli.board:board",
        "bake-offs in a folder with their verdicts, or the runs of one task over time",
        "[FOLDER] [--task NAME] [--metric NAME]",
    ),
    Command(
        "show",
        "bakeoff.cli.show:show",
        "single test rows of a run: inputs, prompts, raw replies, what was read, truth, scores",
        "DIR [--variant NAME] [--row ID | --failed | --wrong | --abstained] [--limit N]",
    ),
    Command(
        "reread",
        "bakeoff.cli.reread:reread",
        "read recorded replies of language models again, without a request; compares anew",
        "DIR [DIR ...] [reader=OPTION] [reader.key=...]",
    ),
    Command(
        "rerun",
        "bakeoff.cli.rerun:rerun",
        "repeat a run from its record; exit code 1 where the results differ",
        "DIR [search=true] [tolerance=...]",
    ),
    Command(
        "refresh",
        "bakeoff.cli.refresh:refresh",
        "refit the winner on new data, and compare it with itself as it was",
        "DIR data.path=new.csv",
    ),
    Command(
        "predict",
        "bakeoff.cli.predict:predict",
        "predict new rows with a run, or with the winner of a bake-off",
        "DIR data.path=new.csv [--out predictions.parquet] [problems=refuse]",
    ),
    Command("sync", "bakeoff.cli.sync:sync", "upload the offline W&B runs of a bake-off", "NAME"),
    Command(
        "list",
        "bakeoff.cli.components:list_components",
        "components with family, licence and search space; GROUP/OPTION: each key with type, default and meaning",
        "[GROUP | GROUP/OPTION]",
    ),
    Command(
        "schema",
        "bakeoff.cli.components:schema",
        "JSON schemas of config files, for completion in an editor",
        "[FOLDER]",
    ),
    Command(
        "new",
        "bakeoff.cli.new:new",
        "a plugin package whose tests pass, or an experiment that runs",
        "plugin NAME [--kind model] | experiment NAME",
    ),
    Command("doctor", "bakeoff.cli.doctor:doctor", "versions, cores, folders, assets, plugins"),
)
NAMES = tuple(command.name for command in COMMANDS)
"""bakeoff's own verbs."""


def split(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The verb, and the arguments without it; None where there is no verb.

    A verb is the first argument; only ``--config-dir DIR`` and ``--trust`` may stand before it.
    """
    position = 0
    while position < len(arguments) and arguments[position].partition("=")[0] in ("--config-dir", "-cd", "--trust"):
        position += 1 if "=" in arguments[position] or arguments[position] == "--trust" else 2
    if position >= len(arguments) or not _is_word(arguments[position]):
        return None, list(arguments)
    return arguments[position], [*arguments[:position], *arguments[position + 1 :]]


def find(name: str) -> Command:
    """The verb of that name, from a plugin if need be.

    Raises:
        ConfigError: there is no such verb, which names the nearest; or two packages bring it.
    """
    from bakeoff import plugins
    from bakeoff.errors import ConfigError, did_you_mean

    if name != "doctor":  # which reports conflicts itself
        plugins.refuse_conflict(plugins.VERBS, name, "bakeoff", is_own=name in NAMES)
    table = {command.name: command for command in (*load_plugin_commands(), *COMMANDS)}
    if name not in table:
        verbs = (*NAMES, *(verb for verb in table if verb not in NAMES))
        raise ConfigError(
            f'bakeoff: "{name}" is neither a verb nor an override. Verbs: {", ".join(verbs)}; overrides: key=value.'
            f"{did_you_mean(name, verbs)}"
        )
    return table[name]


def load_plugin_commands() -> tuple[Command, ...]:
    """The verbs that plugins declare, from their metadata."""
    from bakeoff import plugins

    return tuple(
        _PluginCommand(name, who[0].target, f"from {who[0].plugin}", "...")
        for name, who in plugins.declared(plugins.VERBS).items()
    )


class _PluginCommand(Command):
    """A verb of a plugin, whose import may fail for any reason."""

    def load(self) -> Function:
        """Import the function. Raises ``ConfigError`` that names the plugin when that fails."""
        from bakeoff import plugins

        loaded: Function = plugins.load(plugins.VERBS, self.name, "bakeoff")
        return loaded


def help_text() -> str:
    """Return the text that ``bakeoff --help`` prints."""
    rows = [*EXAMPLES, *((_usage(command), command.summary) for command in (*COMMANDS, *load_plugin_commands()))]
    rows.append(("bakeoff VERB --help | --version | --help", ""))
    groups = "".join(f"  {group}: {', '.join(options)}\n" for group, options in _groups().items())
    return f"{INTRODUCTION}\n{''.join(map(_row, rows))}\n{CLOSING}\nConfig groups:\n{groups}"


def completions(line: str) -> list[str] | None:
    """The verbs that may complete a command line; None where its last word is no verb to be completed.

    Args:
        line: from the name of the program up to the cursor.
    """
    words = line.split()[1:]
    if len(words) > 1 or (words and line[-1].isspace()):
        return None
    prefix = words[0] if words else ""
    return [command.name for command in (*COMMANDS, *load_plugin_commands()) if command.name.startswith(prefix)]


def _usage(command: Command) -> str:
    return f"bakeoff {command.name} {command.usage}".rstrip()


def _row(row: tuple[str, str]) -> str:
    """Usage in the left column, summary in the right one, below each other where the usage is long."""
    usage, summary = row
    if not summary:
        return f"  {usage}\n"
    lines = textwrap.wrap(summary, WIDTH - INDENT)
    first = f"  {usage}"
    above = f"{first}\n" if len(first) > INDENT - 1 else ""
    start = " " * INDENT if above else first.ljust(INDENT)
    return above + start + f"\n{' ' * INDENT}".join(lines) + "\n"


def _groups() -> dict[str, list[str]]:
    """Config groups and their options, read off the file names: no config library is loaded for a help text."""
    groups = {}
    for folder in sorted(p for p in conf_dir().iterdir() if p.is_dir() and p.name != "hydra"):
        options = sorted(file.stem for file in folder.glob("*.yaml") if not file.stem.startswith("_"))
        groups[folder.name] = options
    return groups


def _is_word(argument: str) -> bool:
    """Return whether an argument can only be a verb: neither a flag nor an override."""
    return bool(argument) and not argument.startswith(("-", "+", "~")) and "=" not in argument
