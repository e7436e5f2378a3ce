"""A GGUF file, run here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from asking import build_request

from bakeoff.errors import ConfigError
from bakeoff.llm.local import LlamaCpp

SETTINGS = {"context_tokens": 1024, "parallel": 4, "threads": 1}  # those of the peer: one server serves both


@pytest.fixture
def local(peer, own_cache, smollm2):
    return lambda **more: LlamaCpp(**{"path": str(smollm2), **SETTINGS, **more})


def test_a_file_answers_costs_nothing_and_replays(local, smollm2):
    llm = local()
    (first,) = llm.complete([build_request()])
    assert first.status == "ok" and first.text and first.input_tokens > 5 and first.output_tokens == 4
    assert (first.cost_usd, first.model) == (0, smollm2.stem)
    assert local().complete([build_request()])[0].is_cached
    assert not local(temperature=1.0).complete([build_request()])[0].is_cached
    assert llm.usage()["cost_usd"] == 0


def test_a_choice_is_constrained_by_grammar_and_any_label_can_be_one(local):
    for choices in (("ham", "spam"), ('say "no"', "back\\slash"), ("größer", "日本")):
        (found,) = local().complete([build_request("Choose.", choices=choices, max_tokens=12)])
        assert found.status == "ok" and found.text in choices


def test_many_candidates_for_the_first_token_are_told(local):
    (found,) = local().complete([build_request(top_logprobs=300, max_tokens=1)])
    assert len(found.logprobs) == 300


def test_a_request_that_is_too_long_fails_alone_and_says_why(local):
    long, short = local().complete([build_request("word " * 2000), build_request("short")])
    assert (long.status, short.status) == ("failed", "ok")
    assert "context size" in long.error


def test_it_stays_here_whatever_proxy_the_environment_names(local, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert local(retries=0, cache="off").complete([build_request()])[0].status == "ok"


def test_what_cannot_be_run_is_said_before_any_work(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_text("<html>not found</html>")
    for settings, told in [
        ({"path": str(tmp_path / "absent.gguf")}, r"llm\.path: there is no file"),
        ({"path": str(broken)}, r"llm\.path: .* is no GGUF file"),
        ({"asset": None}, r"llm\.path: a GGUF file is needed"),
    ]:
        with pytest.raises(ConfigError, match=told):
            LlamaCpp(**settings).check()


@pytest.mark.parametrize("chosen", [None, "77"])
def test_threads_that_wait_sleep_soon_so_that_others_on_the_same_cores_can_work(chosen):
    """OpenMP tells its settings when it is loaded; what a user chose holds."""
    code = "import os; from bakeoff.llm import local; local._library(); print(os.environ.get('GOMP_SPINCOUNT'))"
    env = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"} | {"OMP_DISPLAY_ENV": "verbose"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env | ({"GOMP_SPINCOUNT": chosen} if chosen else {}),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("llama.cpp is not built with GNU's OpenMP here")
    assert f"GOMP_SPINCOUNT = '{chosen or 1000}'" in done.stderr
    assert done.stdout.strip() == str(chosen), "nothing else in this process is changed"
