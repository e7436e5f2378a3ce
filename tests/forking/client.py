"""The command line, run by a fork server: started like the installed command, and ends as it would.

The installed command itself is started where ``BAKEOFF_TESTS=installed``, where there is no fork, and where the
environment differs in a variable that an interpreter reads only when it starts. No pathlib: importing it takes longer
than all the rest.
"""

import array
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys

AT_START = ("PYTHON", "LC_", "LANG", "LD_", "OMP_", "OPENBLAS_", "MKL_")


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "settings.json")) as file:
        settings = json.load(file)
    installed = [settings["installed"], *sys.argv[1:]]
    if at_start(os.environ) != settings["at_start"] or os.environ.get("BAKEOFF_TESTS") == "installed":
        os.execv(installed[0], installed)
    connection = connected(settings)
    request = os.fsencode(json.dumps([installed, os.getcwd(), dict(os.environ)]))
    streams = array.array("i", [0, 1, 2])
    connection.sendmsg([struct.pack("!I", len(request))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    connection.sendall(request)
    (process,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: os.kill(process, number))
    (status,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def at_start(environment):
    """The variables that count only when an interpreter starts."""
    return {key: value for key, value in environment.items() if key.startswith(AT_START)}


def connected(settings):
    """A connection to the server, which the first client starts."""
    connection = socket.socket(socket.AF_UNIX)
    with open(settings["path"] + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            connection.connect(settings["path"])
            return connection
        except OSError:
            pass
        server = subprocess.Popen(
            [settings["python"], settings["server"], settings["path"], str(settings["owner"])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        import time

        while server.poll() is None:
            try:
                connection.connect(settings["path"])
                return connection
            except OSError:
                time.sleep(0.02)
    raise SystemExit(f"the fork server ended with {server.returncode}")


main()
