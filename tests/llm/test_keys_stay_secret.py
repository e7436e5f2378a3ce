"""A key is sent to its server and written nowhere: no file, no log, no cache, no message, whatever the server says."""

from __future__ import annotations

import logging
import os

import pytest
from asking import build_request

from bakeoff.errors import BakeoffError, ConfigError
from bakeoff.llm import wire

KEY = "sk-proj-f4ke0123456789abcdefKEY"


def places_of(key, *folders):
    """Files that hold the key."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and key in read(path)]


def read(path):
    return path.read_bytes().decode(errors="replace")


@pytest.fixture(autouse=True)
def key_in_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)


def test_the_client_sends_the_key_and_tells_it_nobody(client, proxy, own_cache, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    llm = client(key_env="SOME_KEY")
    proxy.then("server_error", "malformed", "cut")
    found = llm.complete([build_request(str(i)) for i in range(4)])
    assert {seen.authorization for seen in proxy.seen} == {f"Bearer {KEY}"}
    proxy.then(f"refused:Bad key {KEY} in your request")
    found += llm.complete([build_request("refused")])
    assert found[-1].status == "failed" and "Bad key …" in found[-1].error
    proxy.then(*["echo_key"] * 4)
    with pytest.raises(BakeoffError) as error:
        client(key_env="SOME_KEY", model="other").complete([build_request()])
    assert "Incorrect API key provided: …" in str(error.value)
    everything = [repr(llm), repr(llm.usage()), repr(found), str(error.value), caplog.text, *capfd.readouterr()]
    assert not any(KEY in text for text in everything)
    assert error.value.__cause__ is None, "a traceback shows no server's words"
    assert not places_of(KEY, own_cache / "llm")


@pytest.mark.parametrize("key", [f"{KEY}\nsecond line", f"{KEY}“"])
def test_a_key_that_no_header_can_hold_is_refused_without_repeating_it(client, proxy, monkeypatch, key):
    monkeypatch.setenv("SOME_KEY", key)
    with pytest.raises(ConfigError, match="SOME_KEY holds characters") as error:
        client(key_env="SOME_KEY").complete([build_request()])
    assert KEY not in str(error.value) and not proxy.seen


def test_a_line_break_after_the_key_is_no_part_of_it(client, proxy, monkeypatch):
    monkeypatch.setenv("SOME_KEY", f" {KEY}\r\n")
    client(key_env="SOME_KEY").complete([build_request()])
    assert proxy.seen[0].authorization == f"Bearer {KEY}"


@pytest.mark.parametrize("fault", [None, "echo_key"])
def test_a_run_of_the_command_line_writes_the_key_nowhere(bakeoff, proxy, own_cache, tmp_path, fault):
    proxy.then(*["malformed", fault] if fault is None else [fault] * 100)
    done = bakeoff(
        "model=llm", "llm=openai_compatible", "llm.model=smollm2", f"llm.base_url={proxy.url}", "llm.key_env=SOME_KEY",
        "llm.concurrency=2", "data=sms_spam", "test_rows=4", "hydra.verbose=true", "decision.resamples=100",
    )  # fmt: skip
    assert done.returncode == (0 if fault is None else 1), done.stdout + done.stderr
    assert proxy.seen[0].authorization == f"Bearer {KEY}"
    if fault:
        assert "Incorrect API key provided: …" in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    written = [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()]
    assert any(path.name == "result.json" for path in written)
    assert not places_of(KEY, tmp_path / "outputs", own_cache / "llm")
    assert any("SOME_KEY" in read(path) for path in written), "the name of the variable is part of the config"


@pytest.mark.parametrize(
    ("base_url", "is_sent"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.notopenai.com/v1", False),
        ("https://openai.com.example/v1", False),
        ("http://127.0.0.1:1/v1", False),
    ],
)
def test_the_organization_is_sent_to_openai_only(monkeypatch, base_url, is_sent):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-canary")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-canary")
    with wire.connect(base_url, KEY, 1.0) as client:
        sent = str(client.default_headers)
    assert ("org-canary" in sent, "proj-canary" in sent) == (is_sent, is_sent)


def test_onnxruntime_is_imported_with_its_telemetry_off():
    import bakeoff

    assert bakeoff.__version__ and os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    off = ("HF_HUB_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "RAY_USAGE_STATS_ENABLED", "DO_NOT_TRACK")
    assert all(name in os.environ for name in off)
