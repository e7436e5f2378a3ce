"""``bakeoff new``: write a plugin package or an experiment to start from."""

from __future__ import annotations

from bakeoff import scaffold


def new(arguments: list[str]) -> None:
    """Write what is asked for into the working directory, and print what to do next."""
    print("\n".join(scaffold.new(arguments)))
