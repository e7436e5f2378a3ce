"""Secrets typed on the command line, in URLs or as references to the environment, stand in no record and no output."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from scripted import says, serving

from bakeoff import secrets
from bakeoff.config import consent
from bakeoff.errors import ConfigError
from bakeoff.search import study as studies
from command_line import BAKEOFF

PASSWORD, OF_VARIABLE, OF_QUERY = "typed-canary-1", "variable-canary-2", "query-canary-3"
ROWS = "text,label\n" + "".join(f"win a prize {i},spam\nsee you at {i},ham\n" for i in range(40))


@pytest.fixture(autouse=True)
def nothing_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_masks", {})


def written(folder: Path) -> dict[Path, str]:
    """Every file below a folder as text; the values of Parquet files, which are compressed."""
    return {
        file: str(pq.ParquetFile(file).read().to_pylist())
        if file.suffix == ".parquet"
        else file.read_bytes().decode(errors="replace")
        for file in folder.rglob("*")
        if file.is_file()
    }


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BAKEOFF, *arguments], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=200
    )


@pytest.mark.parametrize(
    ("url", "canary", "recorded"),
    [
        ("http://me:{password}@127.0.0.1:{port}/v1", PASSWORD, "http://me:***@127.0.0.1:{port}/v1"),
        ("'http://127.0.0.1:{port}/v1?api_key={password}'", OF_QUERY, "http://127.0.0.1:{port}/v1?api_key=***"),
        ("${{oc.env:MY_SERVER}}", OF_VARIABLE, "${{oc.env:MY_SERVER}}"),
    ],
)
def test_a_run_records_no_secret_of_its_urls_and_is_kept(tmp_path, url, canary, recorded):
    (tmp_path / "rows.csv").write_text(ROWS)
    with serving(lambda body, number: says('{"answer": "spam"}')) as server:
        port = server.url.rpartition(":")[2].partition("/")[0]
        command = [
            "model=llm", "model.method=generate", "llm=openai_compatible", "llm.model=m", "test_rows=3",
            f"llm.base_url={url.format(password=canary, port=port)}", "llm.price={input: 1, output: 1}",
            "llm.retries=0", "data=rows.csv", "data.target=label", "data.text=[text]", "name=x", "variant=v",
            "tracker=none", "decision.resamples=100",
        ]  # fmt: skip
        variables = {"MY_SERVER": f"http://me:{OF_VARIABLE}@127.0.0.1:{port}/v1", "BAKEOFF_CACHE": str(tmp_path / "c")}
        first, again = run(tmp_path, *command, **variables), run(tmp_path, *command, **variables)
    assert "done in" in first.stderr, first.stderr
    assert again.returncode == first.returncode and "done in" not in again.stderr, "the run is kept"
    down = run(tmp_path, *command, "name=down", **variables)  # the server is gone: errors, log, transcripts, journal
    outputs = [text for result in (first, again, down) for text in (result.stdout, result.stderr)]
    files = written(tmp_path)
    assert {"config.yaml", "overrides.yaml", "parameters.json", "log.txt", "result.json"} <= {f.name for f in files}
    assert [f for f, text in files.items() if canary in text] == []
    assert not any(canary in text for text in outputs)
    config = yaml.safe_load((tmp_path / "outputs/x/v/config.yaml").read_text())
    assert config["llm"]["base_url"] == recorded.format(port=port)


def test_a_reference_stays_one_in_records_and_another_value_is_another_run(tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    command = ["model=constant", "data=csv", "data.path=${oc.env:MY_ROWS}", "data.target=label", "tracker=none"]
    command += ["name=x", "variant=v", "decision.resamples=100"]
    assert run(tmp_path, *command, MY_ROWS="rows.csv").returncode == 0
    config = yaml.safe_load((tmp_path / "outputs/x/v/config.yaml").read_text())
    assert config["data"]["path"] == "${oc.env:MY_ROWS}"
    kept = run(tmp_path, *command, MY_ROWS="rows.csv")
    assert kept.returncode == 0 and "done in" not in kept.stderr
    (tmp_path / "copy.csv").write_text(ROWS)
    other = run(tmp_path, *command, MY_ROWS="copy.csv")
    assert other.returncode == 2 and "referenced.MY_ROWS" in other.stderr
    refused = run(tmp_path, "rerun", "outputs/x/v", MY_ROWS="rows.csv")
    assert refused.returncode == 2 and "MY_ROWS, which a run folder may not read" in refused.stderr
    assert run(tmp_path, "rerun", "--trust", "outputs/x/v", MY_ROWS="rows.csv").returncode == 0


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://bob:pw@db/x", "postgresql://bob:***@db/x"),
        ("postgresql://bob:p@ss:w/rd@db:1/x", "postgresql://bob:***@db:1/x"),
        ("https://token@host/v1", "https://***@host/v1"),
        ("https://h/v1?a=1&api_key=abc&b=2", "https://h/v1?a=1&api_key=***&b=2"),
        ("mysql://u@h/d?password=x;sslmode=on", "mysql://***@h/d?password=***;sslmode=on"),
        ("http://h/v1?access_token=abc", "http://h/v1?access_token=***"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("mail me@home about http://h/x", "mail me@home about http://h/x"),
    ],
)
def test_secrets_of_a_url_are_masked(url, shown):
    assert secrets.without_secrets(url) == shown


def test_noted_secrets_are_hidden_in_every_form_that_files_have():
    password = "a\"b<c'd-long"
    secrets.learn({"url": f"http://me:{password}@h/v1"})
    for form in (password, "a\\\"b<c'd-long", "a&quot;b&lt;c&#x27;d-long", "a\"b<c''d-long"):
        assert form not in secrets.hide(f"… {form} …")
    assert secrets.hide("http://h/v1 and me") == "http://h/v1 and me", "nothing else is changed"


def test_log_lines_and_tracebacks_hide_secrets():
    secrets.learn({"url": f"http://me:{PASSWORD}@h/v1"})
    try:
        raise ValueError(f"cannot reach http://me:{PASSWORD}@h/v1")
    except ValueError as error:
        info: Any = (type(error), error, error.__traceback__)
    line = logging.LogRecord("x", logging.ERROR, "f", 1, "failed with %s", (PASSWORD,), info)
    text = secrets.Formatter("%(message)s").format(line)
    assert PASSWORD not in text and "Traceback" in text and "http://me:***@h/v1" in text


@pytest.mark.parametrize("name", ["AWS_SECRET", "PATH", "BAKEOFF_KEY", "DATABASE_URL"])
def test_a_run_folder_reads_no_variable_outside_the_list(name, monkeypatch):
    monkeypatch.setenv(name, "v")
    monkeypatch.setenv("BAKEOFF_COMMAND", "bakeoff rerun x")
    for text in (f"${{oc.env:{name}}}", f"http://h/${{oc.env:{name}}}", f"${{oc.env:'{name}',x}}"):
        with pytest.raises(ConfigError, match=f"{name}, which a run folder may not read"):
            consent.resolved({"llm": [text]}, "x")


def test_a_masked_password_is_asked_for():
    for url in ("http://me:***@h/v1", "http://***@h/v1", "http://h/v1?api_key=***"):
        with pytest.raises(ConfigError, match="is not recorded"):
            consent.resolved(url, "llm.base_url")


@pytest.mark.parametrize("password", ["a@canary:canary/", "canary:canary", "canary#canary", "canary?canary@x"])
def test_a_database_url_with_odd_signs_in_its_password_repeats_no_part_of_it(tmp_path, password):
    with pytest.raises(ConfigError) as caught:
        studies._storage(tmp_path, f"postgresql://bob:{password}@127.0.0.1:1/x")
    assert "canary" not in str(caught.value)
