"""Nothing leaves the machine unasked: system calls of whole commands, with all their processes, are watched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from command_line import INSTALLED

CONNECT = re.compile(
    r"(?:connect|sendto|sendmsg|sendmmsg)\(.*?sa_family=AF_INET6?\b"
    r".*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([^\"]+)\""
)
"""A system call that sends to an address: of IPv4 or IPv6, name servers included."""
TEXTS = "".join(f"win a free prize number {i},spam\nsee you at lunch {i},ham\n" for i in range(60))
DOCUMENTS = "".join(f'{{"id": "d{i}", "text": "The key number {i} lies in drawer {i}."}}\n' for i in range(40))
QUESTIONS = "".join(
    f'{{"id": "q{i}", "question": "where is key number {i}?", "answers": ["drawer {i}"], "documents": ["d{i}"]}}\n'
    for i in range(40)
)
QA = ["data=qa", "data.questions=questions.jsonl", "data.corpus=documents.jsonl", "name=qa", "decision.resamples=200"]

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def contacted(folder: Path, *arguments: str) -> set[str]:
    """Addresses beyond loopback that a command, its workers and its tracking processes try to reach."""
    trace = folder / "trace"
    # As on a machine where nobody has set anything: no variable that would turn telemetry off, or a service on.
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WANDB", "HF_", "ORT_", "OPENAI"))
    }
    kept |= {"HOME": str(folder / "home"), "BAKEOFF_LEDGER": str(folder / "ledger")}
    kept.setdefault("BAKEOFF_CACHE", str(Path.home() / ".cache" / "bakeoff"))
    (folder / "home").mkdir(exist_ok=True)
    watched = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(trace)]
    done = subprocess.run(
        [*watched, INSTALLED, *arguments], cwd=folder, env=kept, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    lines = trace.read_text(errors="replace").splitlines()
    addresses = {found[1] for line in lines if (found := CONNECT.search(line))}
    return {address for address in addresses if not address.startswith("127.") and address not in ("::1", "0.0.0.0")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "texts.csv").write_text("text,label\n" + TEXTS)
    (tmp_path / "documents.jsonl").write_text(DOCUMENTS)
    (tmp_path / "questions.jsonl").write_text(QUESTIONS)
    return tmp_path


def test_the_watch_sees_a_connection(tmp_path: Path) -> None:
    program = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 53))"
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(trace), "python3", "-c", program], check=True
    )
    assert CONNECT.search(trace.read_text())


def test_a_bake_off_and_the_verbs_that_read_it_contact_nobody(folder: Path) -> None:
    data = ["data=texts.csv", "data.target=label", "data.text=[text]", "name=texts", "decision.resamples=200"]
    # The default tracker is on: W&B's own process runs within.
    assert contacted(folder, "-m", "model=constant,linear,catboost,embedding", *data) == set()
    assert (folder / "outputs" / "texts" / "wandb").is_dir()
    for verb in (["compare", "outputs/texts", "decision.metric=accuracy"], ["doctor"]):
        assert contacted(folder, *verb) == set(), verb


@pytest.mark.slow
def test_networks_searches_workers_and_indexes_contact_nobody(folder: Path) -> None:
    for verb in (["plan", "experiment=quickstart"], ["list"], ["schema", "schemas"]):
        assert contacted(folder, *verb) == set(), verb
    tuned = ["search=tpe", "search.trials=3", "search.workers=2", "hydra/launcher=joblib", "name=tuned"]
    assert contacted(folder, "-m", "model=linear,mlp", "trainer.max_epochs=2", "data=breast_cancer", *tuned) == set()
    assert contacted(folder, "-m", "model=extractive", "retriever=bm25,dense,hybrid", *QA) == set()
