"""A fork server for the command line: libraries are imported once, and each command runs in a copy of this process.

A copy has imported modules and run nothing; what it knows is what every process finds alike: versions of packages and
signatures of the shipped components. It gets the arguments, folder, environment and standard streams of its
command; only the seconds of importing are saved. Nothing that starts threads may be imported here.
"""

from __future__ import annotations

import array
import gc
import importlib
import io
import json
import os
import re
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

MODULES = (
    "hydra._internal.hydra", "hydra._internal.utils", "hydra.core.override_parser.overrides_parser", "rich.live",
    "rich.table", "scipy.stats", "scipy.sparse", "pandas", "pyarrow.parquet", "pyarrow.compute", "sklearn.pipeline",
    "sklearn.linear_model", "sklearn.ensemble", "sklearn.feature_extraction.text", "sklearn.metrics",
    "sklearn.neighbors", "sklearn.datasets", "optuna", "jinja2", "bakeoff.cli.main", "bakeoff.execution.sweep",
    "bakeoff.cli.application", "bakeoff.cli.compare", "bakeoff.execution.plan", "bakeoff.compare.folders",
    "bakeoff.compare.checks", "bakeoff.report.pages", "bakeoff.report.plan", "bakeoff.report.summary",
    "bakeoff.tasks.classification", "bakeoff.tasks.regression", "bakeoff.models.rules.rules",
    "bakeoff.models.rules.constant", "bakeoff.models.tabular.features", "sklearn.calibration", "pyarrow.dataset",
    "pyarrow.pandas_compat",
)  # fmt: skip

WATCH_SECONDS = 2.0
TARGET = re.compile(r"_target_: (bakeoff[\w.]+)")


def main() -> None:
    """Serve commands until the test process that this server belongs to is gone."""
    path, owner = sys.argv[1], int(sys.argv[2])
    for name in MODULES:
        importlib.import_module(name)
    _look_up()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{path}.new")
    listener.listen(16)
    listener.settimeout(WATCH_SECONDS)
    Path(f"{path}.new").rename(path)
    while _is_alive(owner):
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        if os.fork() == 0:
            listener.close()
            _serve(connection)
            return
        connection.close()


def _look_up() -> None:
    """Fill the caches that every command fills alike."""
    from hydra.core.plugins import Plugins

    from bakeoff import environment
    from bakeoff.config import shipped, signatures
    from bakeoff.models.tabular import skops_io

    Plugins.instance()
    skops_io.module()
    environment.versions()
    for file in shipped.conf_dir().rglob("*.yaml"):
        for target in TARGET.findall(file.read_text("utf-8")):
            signatures.read(target)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _serve(connection: socket.socket) -> None:
    """Run one command in a child, and send its process id and its wait status to the client."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.setblocking(True)
    streams = array.array("i")
    head, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(3 * streams.itemsize), socket.MSG_WAITALL)
    streams.frombytes(ancillary[0][2])
    command, folder, environment = json.loads(_exactly(connection, struct.unpack("!I", head)[0]))
    ended, end = os.pipe()
    child = os.fork()
    if child == 0:
        connection.close()
        os.close(ended)
        os.set_inheritable(end, False)
        _run(command, folder, environment, streams)
    os.close(end)
    for stream in streams:
        os.close(stream)
    with suppress(OSError):  # the client was killed: so is its command
        connection.sendall(struct.pack("!i", child))
        readable, _, _ = select.select([connection, ended], [], [])
        if ended not in readable and not connection.recv(1):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        connection.sendall(struct.pack("!i", status))
    os._exit(0)


def _run(command: list[str], folder: str, environment: dict[str, str], streams: array.array[int]) -> None:
    """Become the command: never returns."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    _open_streams()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    from bakeoff.cli.main import main

    main()


def _open_streams() -> None:
    """Open the standard streams as an interpreter does when it starts."""
    sys.stdin = sys.__stdin__ = open(0, encoding=sys.stdin.encoding, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    out, err = (open(fd, "wb", buffering=-1, closefd=False) for fd in (1, 2))  # noqa: SIM115
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(out, sys.stdout.encoding, line_buffering=out.isatty())  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(err, sys.stderr.encoding, "backslashreplace", line_buffering=True)  # type: ignore[misc]


def _exactly(connection: socket.socket, size: int) -> bytes:
    return connection.recv(size, socket.MSG_WAITALL)


if __name__ == "__main__":
    main()
