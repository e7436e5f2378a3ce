"""What is known of plugins without importing them, and what happens when one of them is wrong."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from installing import declare, write

from bakeoff import metrics, plugins
from bakeoff.catalog import doctor
from bakeoff.cli import commands
from bakeoff.config import components
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.task import Schema
from bakeoff.tasks import kinds

METRIC = """
from bakeoff.metrics import metric

@metric("{name}", "maximize")
def found(table):
    return 1.0
"""
MODEL = "# A model.\n_target_: {package}.models.Model\ncard: {{family: rules, licence: MIT}}\n"


def install(site: Path, name: str, files: dict[str, str], more: dict[str, dict[str, str]] | None = None) -> None:
    """A plugin ``name`` with its package ``bakeoff_<name>``."""
    package = f"bakeoff_{name}"
    write(site / package, {"__init__.py": "", **files})
    declare(site, f"bakeoff-{name}", {"bakeoff.plugins": {name: package}, **(more or {})})
    importlib.invalidate_caches()
    plugins.forget()


def named(name: str) -> list[plugins.Plugin]:
    """The plugins of that name; others may be installed where the tests run."""
    return [plugin for plugin in plugins.installed() if plugin.name == name]


def findings() -> dict[str, str]:
    found: dict[str, str] = {}
    for plugin, said in doctor.findings(conf_dir(), commands.NAMES):
        found[plugin] = f"{found.get(plugin, '')}\n{said}"
    return found


def test_a_plugin_is_known_and_its_options_are_listed_without_importing_it(site: Path) -> None:
    install(site, "acme", {"__init__.py": "1 / 0", "conf/model/acme.yaml": MODEL.format(package="bakeoff_acme")})
    (plugin,) = named("acme")
    assert str(plugin) == "plugin acme (bakeoff-acme 0.1)"
    assert plugins.options()["model/acme"] == (plugin,)
    assert "bakeoff_acme" not in sys.modules


def test_a_package_that_is_found_twice_on_the_path_counts_once(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "acme", {})
    later = tmp_path / "later"
    declare(later, "bakeoff-acme", {"bakeoff.plugins": {"acme": "bakeoff_acme"}}, version="0.0.1")
    monkeypatch.setattr(sys, "path", [*sys.path, str(later)])
    plugins.forget()
    assert [plugin.version for plugin in named("acme")] == ["0.1"]


def test_classes_of_a_plugin_may_be_named_and_what_it_passes_on_may_not(site: Path) -> None:
    install(
        site,
        "acme",
        {"models.py": "from subprocess import Popen\nfrom bakeoff import extend\n\nclass Model(extend.Model): ...\n"},
    )
    assert components.locate("bakeoff_acme.models.Model", "model._target_").__name__ == "Model"
    with pytest.raises(ConfigError, match="not allowed"):
        components.locate("bakeoff_acme.models.Popen", "model._target_")


def test_a_package_that_is_no_plugin_is_not_allowed_and_the_nearest_plugin_is_named(site: Path) -> None:
    install(site, "acme", {})
    write(site / "bakeoff_acne", {"__init__.py": "", "models.py": "class Model: ...\n"})
    with pytest.raises(ConfigError, match=r'optuna, bakeoff_acme.*, and of plugins .* Did you mean "bakeoff_acme"\?'):
        components.locate("bakeoff_acne.models.Model", "model._target_")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_plugin_that_fails_to_import_is_named_where_it_is_asked_for_and_by_doctor(
    site: Path, source: str, told: str
) -> None:
    install(site, "acme", {"__init__.py": source, "models.py": "class Model: ...\n"})
    expected = rf"plugin acme \(bakeoff-acme 0.1\) cannot be imported: {told}"
    with pytest.raises(ConfigError, match=rf"^model._target_: {expected}"):
        components.locate("bakeoff_acme.models.Model", "model._target_")
    assert "cannot be imported" in findings()["acme"]


def test_another_version_of_the_api_is_said_clearly(site: Path) -> None:
    more = {"bakeoff.api": {"acme": "7"}, "bakeoff.metrics": {"acme_gain": "bakeoff_acme:gain"}}
    install(site, "acme", {"models.py": "class Model: ...\n"}, more)
    said = (
        r"plugin acme \(bakeoff-acme 0.1\) cannot be used. It is made for version 7 of the plugin API, and this bakeoff"
    )
    with pytest.raises(ConfigError, match=said):
        components.check_component({"_target_": "bakeoff_acme.models.Model"}, "model")
    with pytest.raises(ConfigError, match=said):
        metrics.asked("acme_gain", "decision.metric")
    assert "version 7 of the plugin API" in findings()["acme"]


def test_what_is_declared_and_not_there_is_a_finding(site: Path) -> None:
    declare(site, "bakeoff-gone", {"bakeoff.plugins": {"gone": "bakeoff_gone"}})
    declare(site, "bakeoff-half", {"bakeoff.metrics": {"half": "bakeoff_half:half"}})
    install(site, "acme", {}, {"bakeoff.verbs": {"count": "bakeoff_acme:count"}})
    found = findings()
    assert "There is no package bakeoff_gone." in found["gone"]
    assert "It declares bakeoff.metrics, and no package in bakeoff.plugins." in found["bakeoff-half"]
    assert 'there is no "count"' in found["acme"]


def test_a_metric_is_loaded_when_it_is_asked_for(site: Path) -> None:
    more = {"bakeoff.metrics": {"acme_gain": "bakeoff_acme.judging:found"}}
    install(site, "acme", {"judging.py": METRIC.format(name="acme_gain")}, more)
    assert "acme_gain" in metrics.names()
    assert "bakeoff_acme.judging" not in sys.modules
    assert metrics.asked("acme_gain", "metrics.names").direction == "maximize"
    assert metrics.asked("acme_gain", "metrics.names").name == "acme_gain", "asked for again, it is no conflict"


def test_metrics_of_plugins_are_measured_where_they_apply(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    more = {"bakeoff.metrics": {"acme_gain": "bakeoff_acme.judging:found"}}
    install(site, "acme", {"judging.py": METRIC.format(name="acme_gain")}, more)
    install(site, "sick", {}, {"bakeoff.metrics": {"sick_gain": "bakeoff_sick.nowhere:gain"}})
    found = [metric.name for metric in metrics.applicable(Schema("regression", "y", {}))]
    assert {"rmse", "acme_gain"} <= set(found)
    assert "sick_gain" not in found, "a plugin that fails harms nobody else"
    assert "plugin sick (bakeoff-sick 0.1) cannot be imported" in caplog.text


@pytest.mark.parametrize("name", ["f1", "gain"])
def test_a_metric_that_two_packages_bring_is_refused_when_it_is_asked_for(site: Path, name: str) -> None:
    for plugin in ("acme", "beta"):
        more = {"bakeoff.metrics": {name: f"bakeoff_{plugin}.judging:found"}}
        install(site, plugin, {"judging.py": METRIC.format(name=name)}, more)
    others = "bakeoff and by " if name == "f1" else ""
    with pytest.raises(ConfigError) as refused:
        metrics.asked(name, "decision.metric")
    assert f'the metric "{name}" is brought by {others}plugin acme (bakeoff-acme 0.1) and by plugin beta' in str(
        refused.value
    )
    assert metrics.asked("rmse", "decision.metric").name == "rmse"
    found = findings()
    assert all(f'the metric "{name}" is brought by' in found[plugin] for plugin in ("acme", "beta"))


def test_a_kind_of_task_that_bakeoff_has_is_not_brought_again(site: Path) -> None:
    install(site, "acme", {}, {"bakeoff.kinds": {"regression": "bakeoff_acme:KIND"}})
    with pytest.raises(ConfigError, match='the kind of task "regression" is brought by bakeoff and by plugin acme'):
        kinds.get("regression")
    assert kinds.get("classification").name == "classification"


def test_an_option_in_two_folders_is_refused_when_it_is_chosen(site: Path, tmp_path: Path) -> None:
    files = {"conf/model/linear.yaml": MODEL.format(package="bakeoff_acme"), "models.py": "class Model: ...\n"}
    install(site, "acme", {**files, "conf/model/twice.yaml": MODEL.format(package="bakeoff_acme")})
    install(site, "beta", {"conf/model/twice.yaml": MODEL.format(package="bakeoff_acme")})
    own = tmp_path / "own"
    write(own, {"model/ridge.yaml": "", "model/svm.yaml": ""})
    sources = [("main", f"file://{conf_dir()}"), (plugins.PROVIDER, ""), ("command-line", f"file://{own}")]
    for option, who in (
        ("linear", r"bakeoff, .*conf/model/linear.yaml; and by plugin acme \(bakeoff-acme 0.1\), "),
        ("twice", r"plugin acme \(bakeoff-acme 0.1\), .*; and by plugin beta"),
        ("svm", r"bakeoff, .*; and by --config-dir, "),
    ):
        with pytest.raises(ConfigError, match=f'^model: the option "{option}" is brought twice: by {who}'):
            plugins.refuse_shadowed(sources, {"model": option})
    plugins.refuse_shadowed(sources, {"model": "ridge", "data": None, "experiment": ["catboost"]})
    assert 'the option "linear" is brought twice' in findings()["acme"]
