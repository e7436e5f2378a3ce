"""The entry point: a verb of the table, or a bake-off. The one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from bakeoff.cli import commands, streams

OK, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def main(argv: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    streams.make_plain()
    first = arguments[0] if arguments else ""
    if first in ("--help", "-h", "help"):
        with suppress(BrokenPipeError):
            sys.stdout.write(commands.help_text())
        sys.exit(OK)
    if first == "--version":
        from bakeoff import __version__

        print(f"bakeoff {__version__}")
        sys.exit(OK)
    import signal  # not at the top: help must be fast

    signal.signal(signal.SIGTERM, _terminate)
    if argv is None and "COMP_LINE" not in os.environ:
        streams.make_visible()
    code = _guarded(arguments)
    try:
        sys.stdout.flush()
    except OSError as error:  # as of a pipe that is closed, or a disk that is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"Standard output: {os.strerror(error.errno or 0)}.", file=sys.stderr)
            code = code or FAILED
    if argv is None:
        gc.freeze()  # the interpreter would look through all modules for garbage on its way out
    sys.exit(code)


def _guarded(arguments: list[str]) -> int:
    """Run, and turn what is raised into an exit code and a message."""
    import logging

    from bakeoff import secrets
    from bakeoff.errors import BakeoffError, VariantsFailed

    for argument in arguments:
        if not argument.isascii() and not _is_text(argument):
            print(f"{argument!a}: this argument is not valid UTF-8.", file=sys.stderr)
            return WRONG
    logging.raiseExceptions = False  # a log that cannot be written, as on a full disk, is not worth a traceback
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    # Hydra would print errors in its own way and exit with 1: let them propagate to here instead.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to continue where it stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except VariantsFailed as error:
        print(secrets.hide(str(error)), file=sys.stderr)
        return FAILED
    except BakeoffError as error:
        if wants_traceback:
            raise
        print(secrets.hide(str(error)), file=sys.stderr)
        return WRONG
    except MemoryError as error:
        error.__traceback__ = None  # which holds all that took the memory; nothing is imported here: that takes some
        if wants_traceback:
            raise
        sys.stderr.write(f"There is not enough memory{': ' if str(error) else '.'}{error}\n")
        return FAILED
    except Exception as error:
        from bakeoff import system_errors
        from bakeoff.config import hydra_errors

        of_system, of_hydra = system_errors.explain(error), hydra_errors.explain(error)
        if wants_traceback or not (of_system or of_hydra):
            raise
        print(of_system or of_hydra, file=sys.stderr)
        return FAILED if of_system else WRONG


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dispatch(arguments: list[str]) -> int:
    """Call the function of the verb, or run the bake-off that the arguments describe."""
    import shlex

    from bakeoff import environment

    verb, rest = commands.split(arguments)
    os.environ[environment.COMMAND] = shlex.join(["bakeoff", *arguments])
    if verb is None:
        from bakeoff.cli import application

        return application.run(rest)
    command = commands.find(verb)
    if not command.takes_overrides:  # of a verb that reads run folders, the flag is read from the command itself
        rest = [argument for argument in rest if argument != "--trust"]
    if rest and rest[-1] in ("--help", "-h"):
        sys.stdout.write(command.help())
        return OK
    return command.load()(rest) or OK


def _terminate(signum: int, frame: object) -> None:
    """Make SIGTERM end a run as Ctrl-C does: recorded, and resumable."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
