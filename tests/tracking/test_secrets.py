"""Keys and passwords are told to nobody."""

from __future__ import annotations

import pytest
import yaml
from offline_file import payloads
from tracked_pets import kept, result, tell

from bakeoff import secrets
from recorded_runs import rewrite

KEY = "sk-live-0a1b2c3d4e5f"
PASSWORD = "hunter2-and-more"


def test_no_secret_is_in_any_file(recorded, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    monkeypatch.setenv("PLAIN_NAME", "value-of-plain")
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    path = recorded / "linear/config.yaml"
    config = yaml.safe_load(path.read_text())
    config["data"]["url"] = f"postgresql://me:{PASSWORD}@db.example/pets"
    config["llm"] = {"key_env": "PLAIN_NAME", "api_key": "written-out", "base_url": f"https://x.example/v1?key={KEY}"}
    path.write_text(yaml.safe_dump(config))
    content = result(recorded / "linear")
    content["details"] = {"asked": f"with {KEY}", "header": "Bearer value-of-plain"}
    content["notes"] = [f"The key {KEY} was refused."]
    rewrite(recorded / "linear", content)
    assert tell(recorded / "linear", artifacts=["data"])["status"] == "tracked"
    files = [file for file in (recorded / "wandb").rglob("*") if file.is_file()]
    assert any(file.suffix == ".wandb" for file in files)
    for file in files:
        data = file.read_bytes()
        data += b"".join(payloads(data)) if file.suffix == ".wandb" else b""
        for secret in (KEY, PASSWORD, "f" * 40, "value-of-plain", "written-out"):
            assert secret.encode() not in data, (secret, file)
    told = kept(recorded)["linear"]
    assert told.config["data"]["url"] == "postgresql://me:***@db.example/pets"
    assert told.config["llm"]["key_env"] == "PLAIN_NAME", "the name of a variable is no secret"
    assert told.config["run"]["notes"] == ["The key *** was refused."]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("mysql+pymysql://u:p%40w@h/d", "mysql+pymysql://u:***@h/d"),
        ("https://ghp_token@example.com/x.git", "https://***@example.com/x.git"),
        ("postgresql://me:pa/ss@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:1#2@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p@w@host/db", "postgresql://me:***@host/db"),
        ("http://[::1]:8080/@user and http://x:80/a@b", "http://[::1]:8080/@user and http://x:80/a@b"),
        ("https://example.com?mail=me@there", "https://example.com?mail=me@there"),
        ("https://h/x?a=1&token=abc&b=2", "https://h/x?a=1&token=***&b=2"),
        ({"password": "x", "tokenizer": "bpe"}, {"password": "***", "tokenizer": "bpe"}),
        ({"a": [{"secret_key": "x"}]}, {"a": [{"secret_key": "***"}]}),
        ("at 12:30 me@example.org", "at 12:30 me@example.org"),
        ({"api_key": None, "key_env": "SOME_KEY"}, {"api_key": None, "key_env": "SOME_KEY"}),
    ],
)  # fmt: skip
def test_what_is_masked(value, masked):
    assert secrets.masked(value, []) == masked


def test_secrets_of_the_environment_are_known_by_their_name(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_TOKEN", "token-value")
    monkeypatch.setenv("ODD", "odd-value")
    monkeypatch.setenv("SHORT_KEY", "yes")
    found = secrets.known({"llm": {"key_env": "ODD"}})
    assert {"token-value", "odd-value"} <= set(found) and "yes" not in found
