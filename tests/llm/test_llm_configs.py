"""Each choice of ``llm`` can be asked for, and says before any work what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bakeoff.llm.client import OpenAICompatible

CONFIGS = Path(__file__).parents[2] / "conf" / "llm"
CHOICES = sorted(path.stem for path in CONFIGS.glob("*.yaml") if path.stem != "none")
KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}


def read(choice):
    return yaml.safe_load((CONFIGS / f"{choice}.yaml").read_text())


ASKED = ["plan", "-m", "model=llm", "data=sms_spam", "test_rows=4", "model.method=generate"]
GIVEN = {"path": "my.gguf", "model": "some-model", "base_url": "http://127.0.0.1:9/v1"}


WHOLE = [choice for choice in CHOICES if "???" not in read(choice).values()]


def test_choices_that_lack_nothing_make_one_bake_off(bakeoff):
    done = bakeoff(*ASKED, f"llm={','.join(WHOLE)}", **{KEYS[choice]: "sk-fake" for choice in WHOLE if choice in KEYS})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(WHOLE)} of {len(WHOLE)} variants would run" in done.stdout


@pytest.mark.parametrize("choice", sorted(set(CHOICES) - set(WHOLE)))
def test_a_choice_that_lacks_something_says_what(bakeoff, choice, tmp_path):
    (tmp_path / "my.gguf").write_bytes(b"GGUF")
    lacks = [key for key, value in read(choice).items() if value == "???"]
    done = bakeoff(*ASKED, f"llm={choice}", *[f"llm.{key}={GIVEN[key]}" for key in lacks[1:]])
    assert done.returncode == 2 and f"llm.{lacks[0]}: a value is needed" in done.stderr, done.stderr
    done = bakeoff(*ASKED, f"llm={choice}", *[f"llm.{key}={GIVEN[key]}" for key in lacks])
    assert done.returncode == 0 and "1 of 1 variants would run" in done.stdout, done.stdout + done.stderr


def test_a_missing_key_ends_the_run_before_any_work(bakeoff, tmp_path, monkeypatch):
    for key in KEYS.values():
        monkeypatch.delenv(key, raising=False)
    done = bakeoff("-m", *ASKED[2:], f"llm={','.join(KEYS)}")
    assert done.returncode == 2, done.stdout + done.stderr
    for key in KEYS.values():
        assert f"environment variable {key} is not set" in done.stderr
    begun = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != ".locks"]
    assert not begun, "nothing was begun"


@pytest.mark.parametrize("choice", [choice for choice in CHOICES if "base_url" in read(choice)])
def test_what_a_config_sends_of_itself(choice):
    """What its server refuses, by the documents of late 2026, is left out."""
    content = read(choice)
    made = OpenAICompatible(**{k: v for k, v in content.items() if k not in ("_target_", "card")})
    if choice == "openai":
        # Models that think take no temperature; `max_tokens` is refused by them.
        assert (made.temperature, made.max_tokens_key) == (None, "max_completion_tokens")
    if choice == "gemini":
        # "Unknown name seed: Cannot find field"; no log-probabilities; thinking counts as output.
        assert (made.seed, made.supports_logprobs) == (None, False) and made.thinking_tokens > 0
    if choice == "anthropic":
        # response_format, seed and logprobs are ignored without a word.
        assert (made.constrain, made.seed, made.supports_logprobs) == ("none", None, False)
    assert content["card"]["data_leaves_network"] is (choice not in ("ollama", "vllm"))
