"""A damaged cache of answers heals, and no request is paid twice by processes that send it at once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bakeoff.llm.base import Completion
from bakeoff.llm.cache import Cache, Entry

ANSWER = "the answer is 42, and the reason is long enough to be hit by a flipped bit " * 3
CLAIM = """
import sys, threading, time
from pathlib import Path
from bakeoff.llm.base import Completion
from bakeoff.llm.cache import Cache, Entry
folder = Path(sys.argv[1])
cache = Cache(folder)
print("ready", flush=True)
sys.stdin.readline()
for i in range(20):
    key = f"{i:064x}"
    with cache.claimed(key, threading.Event()):
        if not cache.get([key]):
            with (folder / "paid.txt").open("a") as paid:
                paid.write(f"{i}\\n")
            time.sleep(0.01)
            cache.put(key, Entry(Completion("ok", text=str(i)), "m", "s"))
"""


def filled(folder: Path, answers: int = 200) -> Cache:
    cache = Cache(folder)
    for i in range(answers):
        cache.put(f"{i:064x}", Entry(Completion("ok", text=f"{i} {ANSWER}", raw=f"{i} {ANSWER}"), "model", "session"))
    cache._open().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cache._open().close()
    return cache


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_never_change_an_answer(tmp_path: Path, seed: int) -> None:
    file = filled(tmp_path).file
    content, generator = bytearray(file.read_bytes()), random.Random(seed)
    for _ in range(40):
        content[generator.randrange(100, len(content))] ^= 1 << generator.randrange(8)
    file.write_bytes(bytes(content))
    keys = [f"{i:064x}" for i in range(200)]
    found = Cache(tmp_path).get(keys)
    for key, entries in found.items():
        assert [entry.completion.text for entry in entries] == [f"{int(key, 16)} {ANSWER}"]


@pytest.mark.parametrize("damage", ["truncated", "no database", "empty"])
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    file = filled(tmp_path).file
    content = file.read_bytes()
    file.write_bytes({"truncated": content[: len(content) // 2], "no database": b"x" * 9000, "empty": b""}[damage])
    cache = Cache(tmp_path)
    cache.get(["0" * 64])
    cache.put("f" * 64, Entry(Completion("ok", text="new"), "m", "s"))
    assert cache.get(["f" * 64])["f" * 64][0].completion.text == "new"
    if damage != "empty":
        assert "the cache of answers is damaged" in caplog.text
        assert file.with_suffix(".damaged").is_file()


def test_processes_that_send_a_request_at_once_pay_once(tmp_path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(60) for process in running] == [0, 0]
    paid = (tmp_path / "paid.txt").read_text().split()
    assert sorted(paid, key=int) == [str(i) for i in range(20)]


def test_a_claim_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = CLAIM.replace("time.sleep(0.01)", "print('sent', flush=True); time.sleep(60)")
    killed = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdin is not None and killed.stdout is not None
    killed.stdin.write("\n")
    killed.stdin.flush()
    assert [killed.stdout.readline() for _ in range(2)] == ["ready\n", "sent\n"]
    assert not Cache(tmp_path)._claims().take(0)  # type: ignore[union-attr]
    killed.kill()
    killed.wait()
    with Cache(tmp_path).claimed("0" * 64, threading.Event()):
        pass
