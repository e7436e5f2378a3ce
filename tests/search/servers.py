"""A database server and a Ray cluster on loopback, started for the tests that need them and ended with them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(host: str, port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end, f"nothing listens on {host}:{port}"
            time.sleep(0.1)


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of an empty database on a server of its own."""
    with restartable_postgres() as (url, _):
        yield url


@contextmanager
def restartable_postgres() -> Iterator[tuple[str, Callable[[signal.Signals, float], None]]]:
    """URL of an empty database on a server of its own, and what ends it and starts it again after some seconds."""
    pytest.importorskip("psycopg", reason="the postgres extra is not installed")
    places = [*map(str, Path("/usr/lib/postgresql").glob("*/bin")), os.environ["PATH"]]
    initdb = shutil.which("initdb", path=os.pathsep.join(places))
    if initdb is None:
        pytest.skip("no PostgreSQL server is installed (no initdb)")
    # The server refuses root.
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="bakeoff-pg-"))
    if user:
        shutil.chown(folder, **user)
    common = {"cwd": folder, "stdout": subprocess.DEVNULL, **user}
    subprocess.run([initdb, "-D", "data", "-U", "me", "--auth=trust", "--no-sync"], check=True, **common)  # type: ignore[call-overload]
    port = free_port()
    settings = ["-p", str(port), "-h", "127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    command = [str(Path(initdb).with_name("postgres")), "-D", "data", *settings]

    def begin() -> subprocess.Popen[bytes]:
        begun: subprocess.Popen[bytes] = subprocess.Popen(command, stderr=subprocess.DEVNULL, **common)  # type: ignore[call-overload]
        wait_until_open("127.0.0.1", port)
        return begun

    def restart(by: signal.Signals, seconds: float) -> None:
        nonlocal server
        server.send_signal(by)
        server.wait(30)
        time.sleep(seconds)
        server = begin()

    server = begin()
    try:
        yield f"postgresql://me@127.0.0.1:{port}/postgres", restart
    finally:
        server.send_signal(signal.SIGINT)  # ends without waiting for its clients
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Cluster:
    """Ray on two nodes with one core each."""

    address: str
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def node_of(self, pid: int) -> int | None:
        """Which node a process belongs to."""
        try:
            above = {p.pid for p in psutil.Process(pid).parents()}
        except psutil.NoSuchProcess:
            return None
        return next((i for i, node in enumerate(self.nodes) if node.pid in above), None)

    def lose(self, node: int) -> None:
        """Kill all of a node at once."""
        process = self.nodes[node]
        family = []
        if process.poll() is None:
            family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait(30)


@contextmanager
def two_ray_nodes() -> Iterator[Cluster]:
    """A cluster of two nodes. At 127.0.0.1 Ray would take the machine's outside address."""
    pytest.importorskip("ray", reason="the ray extra is not installed")
    folder = tempfile.mkdtemp(prefix="ray-")
    port = free_port()
    cluster = Cluster(f"127.0.0.2:{port}")
    ray = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus=1"]
    memory = "--object-store-memory=100000000"
    head = ["--head", "--node-ip-address=127.0.0.2", f"--port={port}", "--include-dashboard=false"]
    starts = [[*head, f"--temp-dir={folder}"], [f"--address={cluster.address}", "--node-ip-address=127.0.0.3"]]
    try:
        for options in starts:
            cluster.nodes.append(
                subprocess.Popen(
                    [*ray, memory, *options], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            wait_until_open("127.0.0.2", port)
        yield cluster
    finally:
        for node in reversed(range(len(cluster.nodes))):
            cluster.lose(node)
        shutil.rmtree(folder, ignore_errors=True)
