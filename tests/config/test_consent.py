"""A key goes to the host of its shipped config, or to one that the command line names, and nowhere else."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakeoff import environment
from bakeoff.config import components, consent
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.models import persistence

LLM = {"_target_": "bakeoff.llm.OpenAICompatible", "model": "m", "key_env": "OPENAI_API_KEY"}
EMBEDDER = {"_target_": "bakeoff.retrieval.OpenAIEmbeddings", "model": "m"}
JUDGE = {"_target_": "bakeoff.grading.Judge", "llm": LLM | {"base_url": "https://evil.example/v1"}}
ELSEWHERE = [
    "https://evil.example/v1",
    "http://api.openai.com/v1",  # without encryption
    "https://api.openai.com:8443/v1",
    "https://api.openai.com@evil.example/v1",
    "https://api.openai.com\\@evil.example/v1",
    "https://evil.example#@api.openai.com/v1",
    "https://api.openai.com.evil.example/v1",
    "http://127.0.0.1:9/v1",
]
NEAR = [
    "http://127.0.0.1:9/v1",
    "http://localhost:9/v1",
    "http://[::1]:9/v1",
    "http://192.168.0.7:8000/v1",
    "http://gpu-box:8000/v1",
    "http://gpu.local/v1",
]
FAR = [
    "https://evil.example/v1",
    "http://3627734734/v1",  # an address as one number
    "http://0xd83ad54e/v1",
    "http://gpu.local.evil.example/v1",
    "http://gpu@evil.example/v1",
    "https:evil.example/v1",
    "http://8.8.8.8/v1",
    "http://[2606:4700::1111]/v1",
]
PLACES = [
    "s3://evil/bucket",
    "/tmp/elsewhere",
    "../up",
    "file:///tmp/elsewhere",
    "https://evil.example",
    "postgresql://e/x",
    "file:/tmp/elsewhere",
    "FILE:///tmp/elsewhere",
    "file:../up",
    "file:x/%2e%2e/%2e%2e/up",
    "file://evil.example/share",
    "~/elsewhere",
    "$HOME/elsewhere",
    "${HOME}",
    "file:~/elsewhere",
    "sqlite:////tmp/x.db",
    "sqlite:///../x.db",
    "sqlite:///x.db?uri=true",
    "sqlite+pysqlite:////tmp/x.db",
    "other:///tmp/x",
    "databricks",
    "databricks://profile",
    "\\\\evil\\share",
    "//evil/share",
    " file:/tmp/elsewhere",
    "fi\tle:/tmp/elsewhere",
]
INSIDE = ["indexes", "~no-such-user/x", "./a/../b", "file:indexes", "sqlite:///mlflow.db", "http://mlflow.local:5000"]
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("llm", LLM | {"base_url": url}) for url in ELSEWHERE),
    ("embedder", EMBEDDER | {"base_url": "https://evil.example/v1"}),  # its key is a default of the class
    ("metrics.graders", JUDGE),
    ("llm", LLM | {"base_url": "https://api.openai.com/v1", "key_env": "AWS_SECRET_ACCESS_KEY"}),
    ("llm", LLM | {"base_url": "https://api.openai.com/v1", "key_env": "ANTHROPIC_API_KEY"}),
    ("llm", LLM | {"base_url": "https://api.openai.com/v1", "headers": {"X": "AWS_SECRET_ACCESS_KEY"}}),
    ("llm", LLM | {"base_url": "https://evil.example/v1", "key_env": None, "headers": {"X": "OPENAI_API_KEY"}}),
    ("embedder", EMBEDDER | {"key_env": "AWS_SECRET_ACCESS_KEY"}),
]


@pytest.fixture(autouse=True)
def no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(environment.COMMAND, raising=False)
    monkeypatch.delenv(consent.KEY_HOSTS, raising=False)


@pytest.mark.parametrize(("slot", "node"), CASES)
def test_key_for_a_host_that_only_a_file_names_is_refused(slot: str, node: dict[str, Any]) -> None:
    for refuses in (
        lambda: components.check_component(node, slot, slot=slot),
        lambda: components.instantiate(node, slot, slot),
    ):
        with pytest.raises(ConfigError, match=r"docs/safety\.md"):
            refuses()


@pytest.mark.parametrize(
    "node",
    [
        LLM | {"base_url": "https://api.openai.com/v1"},
        *(LLM | {"base_url": url, "key_env": None} for url in NEAR),
        LLM | {"base_url": "https://api.openai.com/v1", "key_env": None},
        LLM | {"base_url": "https://api.anthropic.com/v1/", "key_env": "ANTHROPIC_API_KEY"},
    ],
)
def test_key_for_its_own_host_is_let_through(node: dict[str, Any]) -> None:
    components.instantiate(node, "llm", "llm")


@pytest.mark.parametrize("url", FAR)
@pytest.mark.parametrize("node", [LLM, EMBEDDER], ids=["llm", "embedder"])
def test_rows_for_a_host_that_only_a_file_names_are_refused(
    monkeypatch: pytest.MonkeyPatch, node: dict[str, Any], url: str
) -> None:
    with pytest.raises(ConfigError, match="rows of your data would be sent to"):
        components.instantiate(node | {"base_url": url, "key_env": None}, "llm")
    monkeypatch.setenv(environment.COMMAND, f"bakeoff experiment=e llm.base_url={url}")
    components.instantiate(node | {"base_url": url, "key_env": None}, "llm")


@pytest.mark.parametrize("place", PLACES)
def test_place_for_rows_that_only_a_file_names_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    node = {"_target_": "bakeoff.retrieval.BM25", "store": place}
    monkeypatch.setenv(environment.COMMAND, "bakeoff experiment=e")
    with pytest.raises(ConfigError, match="rows of your data would be written to"):
        components.check_component(node, "retriever", slot="retriever")
    monkeypatch.setenv(environment.COMMAND, f"bakeoff experiment=e 'name={place}' 'retriever.store_of={place}'")
    with pytest.raises(ConfigError, match="rows of your data would be written to"):
        components.check_component(node, "retriever", slot="retriever")
    monkeypatch.setenv(environment.COMMAND, shlex.join(["bakeoff", "experiment=e", f"retriever.store='{place}'"]))
    components.check_component(node, "retriever", slot="retriever")


@pytest.mark.parametrize("place", INSIDE)
def test_folder_in_the_working_directory_may_hold_rows(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv(environment.COMMAND, "bakeoff experiment=e")
    components.check_component({"_target_": "bakeoff.retrieval.BM25", "store": place}, "retriever", slot="retriever")


@pytest.mark.parametrize(
    "override",
    [
        "retriever.store=a,/data/idx",
        "retriever.store=choice(a,'/data/idx')",
        "+retriever={_target_: x, store: /data/idx}",
        "retriever.store=${oc.env:BAKEOFF_IDX}",
        "retriever.store=${oc.env:NO_SUCH_VARIABLE,/data/idx}",
        "retriever.store=${oc.env:BAKEOFF_DATA}/idx",
        "+hydra.sweeper.variants.x=['retriever.store=/data/idx']",
        '+hydra.sweeper.variants.x=["model=linear","retriever.store=/data/idx"]',
    ],
)
def test_place_is_typed_in_whatever_form(monkeypatch: pytest.MonkeyPatch, override: str) -> None:
    monkeypatch.setenv("BAKEOFF_IDX", "/data/idx")
    monkeypatch.setenv("BAKEOFF_DATA", "/data")
    monkeypatch.setenv(environment.COMMAND, shlex.join(["bakeoff", "-m", override]))
    node = {"_target_": "bakeoff.retrieval.BM25", "store": "/data/idx"}
    components.check_component(node, "retriever", slot="retriever")
    with pytest.raises(ConfigError, match="rows of your data would be written to"):
        components.check_component(node | {"store": "/data/other"}, "retriever", slot="retriever")


def test_server_typed_as_a_reference_gets_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_LLM", "http://gpu.example.com:8000/v1")
    monkeypatch.setenv(environment.COMMAND, shlex.join(["bakeoff", "plan", "llm.base_url=${oc.env:BAKEOFF_LLM}"]))
    node = LLM | {"base_url": "http://gpu.example.com:8000/v1"}
    components.check_component(node, "llm", slot="llm")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY would be sent"):
        components.check_component(node | {"base_url": "http://gpu.example.com:9/v1"}, "llm", slot="llm")


@pytest.mark.parametrize("tracker", ["bakeoff.tracking.WandbTracker", "bakeoff.tracking.wandb.WandbTracker"])
def test_account_of_a_stranger_is_refused(monkeypatch: pytest.MonkeyPatch, tracker: str) -> None:
    node = {"_target_": tracker, "entity": "stranger", "project": "open"}
    with pytest.raises(ConfigError, match="account 'stranger'"):
        components.check_component(node, "tracker", slot="tracker")
    monkeypatch.setenv(environment.COMMAND, "bakeoff experiment=e name=stranger data=stranger")
    with pytest.raises(ConfigError, match="account 'stranger'"):
        components.check_component(node, "tracker", slot="tracker")
    for override in (
        "tracker.entity=stranger",
        "tracker.entity=a,stranger",
        "+tracker={_target_: x, entity: stranger}",
    ):
        monkeypatch.setenv(environment.COMMAND, shlex.join(["bakeoff", "-m", "experiment=e", override]))
        components.check_component(node, "tracker", slot="tracker")
    monkeypatch.delenv(environment.COMMAND)
    monkeypatch.setenv("WANDB_ENTITY", "stranger")
    components.check_component(node, "tracker", slot="tracker")


@pytest.mark.parametrize(
    "command",
    [
        "bakeoff experiment=e llm.base_url=https://box.example:8000/v1",
        "bakeoff experiment=e 'llm.base_url=\"https://box.example:8000/v1\"'",
        "bakeoff --trust experiment=e",
    ],
)
def test_key_for_a_host_that_the_command_names_is_let_through(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv(environment.COMMAND, command)
    components.instantiate(LLM | {"base_url": "https://box.example:8000/v1"}, "llm", "llm")


def test_key_for_a_host_of_the_environment_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(consent.KEY_HOSTS, "other.example, box.example:8000")
    components.instantiate(LLM | {"base_url": "https://box.example:8000/v1"}, "llm", "llm")


def test_another_host_than_the_command_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.COMMAND, "bakeoff experiment=e llm.base_url=https://box.example/v1")
    with pytest.raises(ConfigError, match=r"sent to https://evil\.example"):
        components.instantiate(JUDGE, "metrics.graders.judge", "metrics.graders")


@pytest.mark.parametrize(
    "verb", ["rerun outputs/x/v", "predict outputs/x/v rows.csv", "refresh outputs/x data.path=n.csv"]
)
def test_verb_that_reads_a_run_offers_what_it_takes(monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    node = LLM | {"base_url": "https://box.example:8000/v1"}
    monkeypatch.setenv(environment.COMMAND, f"bakeoff {verb}")
    with pytest.raises(ConfigError) as caught:
        components.instantiate(node, "llm", "llm")
    message = str(caught.value)
    assert "add --trust to the command, or set BAKEOFF_KEY_HOSTS=box.example:8000." in message
    assert "llm.base_url=" not in message, "a verb without overrides"
    monkeypatch.setenv(environment.COMMAND, f"bakeoff {verb} --trust")
    components.instantiate(node, "llm", "llm")


@pytest.mark.parametrize(
    "command", ["rerun outputs/x/v", "experiment=mine", "plan experiment=mine", "--config-dir conf experiment=mine"]
)
def test_shipped_server_and_default_account_need_no_consent(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv(environment.COMMAND, f"bakeoff {command}")
    for slot, name in (("llm", "openai"), ("embedder", "openai"), ("tracker", "wandb")):
        node = yaml.safe_load((conf_dir() / slot / f"{name}.yaml").read_text())
        components.check_component({key: value for key, value in node.items() if key != "card"}, slot, slot=slot)


def test_password_of_a_refused_url_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        components.instantiate(LLM | {"base_url": "https://me:hidden@evil.example/v1"}, "llm", "llm")
    assert "hidden" not in str(caught.value)


def test_model_folder_of_a_stranger_sends_no_key(tmp_path: Path) -> None:
    (tmp_path / persistence.CLASS).write_text(json.dumps({"class": "bakeoff.models.PromptedLLM"}))
    llm = LLM | {"base_url": "https://evil.example/v1"}
    prompt = {"_target_": "bakeoff.llm.Prompt", "user": "{{ text }}"}
    (tmp_path / persistence.PARAMETERS).write_text(json.dumps({"llm": llm, "prompt": prompt}))
    schema = {"kind": "classification", "target": "y", "columns": {"x": "text"}, "classes": ["a", "b"], "positive": "b"}
    (tmp_path / persistence.STATE).write_text(json.dumps({"schema": schema}))
    with pytest.raises(ConfigError, match="OPENAI_API_KEY would be sent"):
        persistence.load(tmp_path)


@pytest.mark.parametrize("url", ["sqlite:////tmp/x.db", "sqlite:///../x.db", "postgresql://evil/x", "sqlite+evil:///x"])
def test_database_of_a_search_that_only_a_file_names_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv(environment.COMMAND, "bakeoff experiment=e")
    with pytest.raises(ConfigError, match=r"search\.storage"):
        consent.check_storage(url, tmp_path)
    monkeypatch.setenv(environment.COMMAND, f"bakeoff experiment=e 'search.storage={url}'")
    consent.check_storage(url, tmp_path)


def test_database_in_the_folder_of_the_bake_off_is_let_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(environment.COMMAND, "bakeoff experiment=e")
    consent.check_storage(f"sqlite:///{tmp_path}/study.db", tmp_path)
    consent.check_storage(None, tmp_path)


def test_servers_that_get_a_key_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(consent.KEY_HOSTS, "box.example:8000")
    assert "https://api.openai.com (OPENAI_API_KEY)" in consent.servers()
    assert consent.servers()[-1] == "box.example:8000"
