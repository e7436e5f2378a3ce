"""What a stranger's config files may say below ``hydra:``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException

from bakeoff.config import settings, trust
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from command_line import CommandLine

HEAD = """\
# @package _global_
defaults:
  - override /data: breast_cancer
  - override /model: constant
  - override /tracker: none
name: x
"""
REFUSED = {
    "callbacks": "hydra: {callbacks: {c: {_target_: builtins.open, file: marker, mode: w}}}",
    "env_set": "hydra: {job: {env_set: {PYTHONPATH: here}}}",
    "job_logging": "hydra: {job_logging: {handlers: {f: {class: logging.FileHandler, filename: marker}}}}",
    "hydra_logging": "hydra: {hydra_logging: {version: 1}}",
    "run.dir": "hydra: {run: {dir: ../elsewhere}}",
    "sweep.dir": "hydra: {sweep: {dir: ../elsewhere}}",
    "sweep.subdir": "hydra: {sweep: {subdir: ../elsewhere}}",
    "output_subdir": "hydra: {output_subdir: ../elsewhere}",
    "sweeper_target": "hydra: {sweeper: {_target_: psutil.Popen, args: [touch, marker]}}",
    "sweeper_node": "hydra: {sweeper: '${name}'}",
    "launcher_target": "hydra: {launcher: {_target_: psutil.Popen, args: [touch, marker]}}",
    "launcher_nested": "hydra: {launcher: {init: {_target_: psutil.Popen}}}",
    "launcher_commands": "hydra: {launcher: {setup: [touch marker]}}",
    "launcher_path": "hydra: {launcher: {submitit_folder: /tmp/elsewhere}}",
    "launcher_python": "hydra: {launcher: {python: evil}}",
    "whole_node": "hydra: '${name}'",
    "params_key": "hydra: {sweeper: {params: {+hydra.callbacks.c._target_: os.system}}}",
    "params_package": "hydra: {sweeper: {params: {model@hydra.callbacks.c: constant}}}",
    "variants_key": "hydra: {sweeper: {variants: {a: [model=constant, '++hydra.job.env_set.PATH=here']}}}",
    "variants_group": "hydra: {sweeper: {variants: {a: [hydra/launcher=joblib]}}}",
    "variants_reference": "hydra: {sweeper: {variants: {a: ['${name}']}}}",
}
REFUSED_REFERENCES = {
    "env": "name: 'x-${oc.env:CANARY_SECRET}'",
    "env_of_a_name": "name: 'x-${oc.env:${variant}}'",
    "env_with_default": "name: 'x-${oc.env:OPENAI_API_KEY,none}'",
    "env_of_own_prefix_that_is_secret": "name: 'x-${oc.env:BAKEOFF_TOKEN}'",
    "env_in_a_list": "data: {ignore: ['${oc.env:CANARY_SECRET}']}",
    "env_in_a_key": "data: {'${oc.env:CANARY_SECRET}': 1}",
    "escaped": "name: '\\${oc.env:CANARY_SECRET}'",
    "built": "name: '${${variant}:CANARY_SECRET}'",
    "decoded": "name: '${oc.decode:x}'",
    "created": "name: '${oc.create:x}'",
    "in_a_sweep": "hydra: {sweeper: {params: {data.note: '${oc.env:CANARY_SECRET}'}}}",
    "in_a_variant": "hydra: {sweeper: {variants: {a: ['data.note=${oc.env:CANARY_SECRET}']}}}",
}
REFUSED_DEFAULTS = {
    "job_logging_option": "  - override /hydra/job_logging: disabled\n",
    "sweeper_option": "  - override /hydra/sweeper: basic\n",
    "relocated": "  - /model/constant@hydra.callbacks.c\n",
    "relocated_group": "  - /model@hydra.callbacks.c: constant\n",
    "own_callback_option": "  - override /hydra/callbacks: evil\n",
    "launcher_elsewhere": "  - override /hydra/launcher: ../callbacks/evil\n",
}
ALLOWED = {
    "references": "incumbent: '${variant}'\nseed: '${oc.select:nowhere,0}'\nname: 'x-${oc.env:BAKEOFF_SITE,here}'",
    "params": "hydra: {sweeper: {params: {model: 'constant,linear', model.classifier.C: '1,2'}}}",
    "variants": "hydra: {sweeper: {variants: {a: [model=constant, +data.note=x, ~cost], b: model=linear, c: []}}}",
    "mode": "hydra: {mode: MULTIRUN}",
    "nothing": "hydra: {}",
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for group in ("experiment", "hydra/callbacks", "model"):
        (tmp_path / "mine" / group).mkdir(parents=True)
    (tmp_path / "mine/hydra/callbacks/evil.yaml").write_text("c: {_target_: builtins.open, file: marker, mode: w}\n")
    return tmp_path / "mine"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(ConfigLoaderImpl, "_load_single_config", ConfigLoaderImpl._load_single_config)
        yield
    trust.check_files()


def composed(own: Path, *overrides: str, lifted: bool = False) -> None:
    settings.register()
    trust.check_files(lifted)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        compose(
            "config",
            [*overrides, f"hydra.searchpath=['file://{own}']", "hydra.mode=MULTIRUN"],
            return_hydra_config=True,
        )


@pytest.mark.parametrize("case", REFUSED)
def test_experiment_with_more_below_hydra_is_refused_unless_trusted(own: Path, case: str) -> None:
    (own / "experiment/e.yaml").write_text(HEAD + REFUSED[case] + "\n")
    with pytest.raises(ConfigError, match=r"mine/experiment/e\.yaml: .*--trust"):
        composed(own, "experiment=e")


@pytest.mark.parametrize("case", REFUSED_REFERENCES)
def test_experiment_that_reads_the_environment_is_refused_unless_trusted(
    own: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setenv("CANARY_SECRET", "canary-value")
    head = HEAD.replace("name: x\n", "") if REFUSED_REFERENCES[case].startswith("name") else HEAD
    (own / "experiment/e.yaml").write_text(head + REFUSED_REFERENCES[case] + "\n")
    with pytest.raises(ConfigError, match=r"mine/experiment/e\.yaml: .*--trust") as caught:
        composed(own, "experiment=e")
    assert "canary-value" not in str(caught.value)


@pytest.mark.parametrize("case", REFUSED_DEFAULTS)
def test_experiment_that_chooses_options_of_hydra_is_refused(own: Path, case: str) -> None:
    (own / "experiment/e.yaml").write_text(HEAD.replace("defaults:\n", "defaults:\n" + REFUSED_DEFAULTS[case]))
    with pytest.raises(ConfigError, match=r"docs/safety\.md"):
        composed(own, "experiment=e")


@pytest.mark.parametrize("case", ALLOWED)
def test_experiment_with_sweeps_and_variants_is_composed(own: Path, case: str) -> None:
    head = HEAD.replace("name: x\n", "") if "name:" in ALLOWED[case] else HEAD
    (own / "experiment/e.yaml").write_text(head + ALLOWED[case] + "\n")
    composed(own, "experiment=e")


def test_experiment_may_choose_an_installed_launcher_with_numbers_and_names(own: Path) -> None:
    chosen = HEAD.replace("name:", "  - override /hydra/launcher: joblib\nname:")
    (own / "experiment/e.yaml").write_text(chosen + "hydra: {launcher: {n_jobs: 2, backend: loky}}\n")
    composed(own, "experiment=e")


@pytest.mark.parametrize("header", ["hydra.callbacks", "hydra", "_global_.hydra.job"])
def test_option_whose_header_places_it_below_hydra_is_refused(own: Path, header: str) -> None:
    (own / "model/m.yaml").write_text(f"# @package {header}\nc: {{_target_: builtins.open, file: marker, mode: w}}\n")
    with pytest.raises(ConfigError, match=r"mine/model/m\.yaml"):
        composed(own, "model=m")


def test_option_chosen_on_the_command_line_is_refused_when_a_stranger_wrote_it(own: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine/hydra/callbacks/evil\.yaml"):
        composed(own, "hydra/callbacks=evil")


def test_experiment_that_names_further_folders_is_refused(own: Path) -> None:
    (own / "experiment/e.yaml").write_text(HEAD + "hydra: {searchpath: ['file://other']}\n")
    with pytest.raises((ConfigError, HydraException), match="searchpath"):
        composed(own, "experiment=e")


def test_command_line_may_set_anything(own: Path) -> None:
    (own / "experiment/e.yaml").write_text(HEAD)
    composed(own, "experiment=e", "hydra.sweep.dir=elsewhere", "+hydra.job.env_set.A=b", "hydra/job_logging=disabled")


def test_trusted_files_may_set_anything(own: Path) -> None:
    (own / "experiment/e.yaml").write_text(HEAD + REFUSED["sweep.dir"] + "\n")
    composed(own, "experiment=e", lifted=True)


@pytest.mark.parametrize("option", sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml")))
def test_shipped_experiment_keeps_to_the_allow_list(own: Path, option: str) -> None:
    composed(own, f"experiment={option}")


def test_hostile_experiment_runs_nothing_under_any_verb(bakeoff: CommandLine, tmp_path: Path, own: Path) -> None:
    (own / "experiment/e.yaml").write_text(HEAD + REFUSED["callbacks"] + "\n")
    for verb in ([], ["plan"], ["--cfg", "job"], ["--info"]):
        done = bakeoff(*verb, "--config-dir", str(own), "experiment=e")
        assert done.returncode == 2, (verb, done.stderr)
        assert "hydra.callbacks may not be set in this file" in done.stderr
        assert not (tmp_path / "marker").exists()
    assert not (tmp_path / "outputs").exists()
    bakeoff("plan", "--trust", "--config-dir", str(own), "experiment=e")
    assert (tmp_path / "marker").exists()
