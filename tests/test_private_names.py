"""Private names of other packages that bakeoff uses: after an upgrade, what is gone or changed is named here first."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCES = Path(__file__).parents[1] / "src"
IMPORTED = {
    "hydra._internal.callbacks.Callbacks": "api.py starts and ends none",
    "hydra._internal.config_loader_impl.ConfigLoaderImpl": "config/trust.py checks each file that it loads",
    "hydra._internal.config_repository.ConfigRepository": "config/parsed_once.py keeps what it has read",
    "hydra._internal.core_plugins.file_config_source.FileConfigSource": "the configs of plugins are read with it",
    "hydra._internal.defaults_list": "config/parsed_once.py replaces one of its functions",
    "hydra._internal.hydra.Hydra": "config/parsed_once.py lets it compose less",
    "optuna.storages._heartbeat.is_heartbeat_enabled": "search/study.py beats only where it is",
    "optuna.storages.journal._file.get_lock_file": "search/journal.py truncates a journal under its lock",
    "optuna.storages.journal._storage.JournalOperation": "search/journal.py reads the lines of a journal",
    "skops.io._general": "skops_io.py replaces its list of trusted estimators",
    "skops.io._trusted_types": "skops_io.py replaces its list of trusted estimators",
    "skops.io._utils.get_type_name": "skops_io.py names estimators as skops does",
}
"""Private names that files of bakeoff import, and what for."""
REPLACED = {
    "hydra._internal.config_loader_impl.ConfigLoaderImpl._load_single_config": ["self", "default", "repo"],
    "hydra._internal.config_loader_impl.ConfigLoaderImpl._compose_config_from_defaults_list": [
        "self",
        "defaults",
        "repo",
    ],
    "hydra._internal.config_loader_impl.ConfigLoaderImpl.load_configuration": [
        "self",
        "config_name",
        "overrides",
        "run_mode",
        "from_shell",
        "validate_sweep_overrides",
    ],
    "hydra._internal.config_repository.ConfigRepository.load_config": ["self", "config_path"],
    "hydra._internal.config_repository.ConfigRepository.initialize_sources": ["self", "config_search_path"],
    "hydra._internal.defaults_list._create_interpolation_map": ["overrides", "defaults_list", "self_added"],
    "hydra._internal.hydra.Hydra.get_mode": ["self", "config_name", "overrides"],
    "optuna.storages.journal._file.get_lock_file": ["lock_obj"],
    "sklearn.utils.discovery.all_estimators": ["type_filter"],
    "skops.io._utils.get_type_name": ["t"],
}
"""Functions that bakeoff replaces or overrides, and their parameters as it knows them."""
HINT = "{} is no longer what bakeoff relies on ({}). Pin the package in pyproject.toml, or adapt the file."


def located(name: str) -> Any:
    """The object of a dotted name; ``AttributeError`` where there is none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise AttributeError(name)


def written_parameters(name: str) -> Iterator[str]:
    """Parameters of a function as its module is written: in this process it may be replaced already."""
    owner, _, function = name.rpartition(".")
    home = located(owner)
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(home)))):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            yield from (argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs))
            return


def private_imports() -> Iterator[str]:
    """Names with a private part that a file of bakeoff imports from another package."""
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                is_ours = name.partition(".")[0] in ("bakeoff", "hydra_plugins", "__future__")
                if not is_ours and any(part.startswith("_") for part in name.split(".")):
                    yield name


def test_private_imports_are_all_listed() -> None:
    assert set(private_imports()) == set(IMPORTED), "list a new private name here, with what it is used for"


@pytest.mark.parametrize("name", IMPORTED)
def test_private_name_exists(name: str) -> None:
    try:
        located(name)
    except AttributeError:
        pytest.fail(HINT.format(name, IMPORTED[name]))


@pytest.mark.parametrize("name", REPLACED)
def test_replaced_function_has_the_known_parameters(name: str) -> None:
    parameters = list(written_parameters(name))
    assert parameters == REPLACED[name], HINT.format(name, "it is replaced or overridden")


def test_the_loader_of_hydra_still_calls_what_checks_files() -> None:
    loader = located("hydra._internal.config_loader_impl.ConfigLoaderImpl")
    assert "self._load_single_config(" in inspect.getsource(loader), HINT.format("_load_single_config", "config/trust")


def test_skops_still_adds_the_names_of_estimators_to_others() -> None:
    skops = located("skops.io._general")
    uses = [line for line in inspect.getsource(skops).splitlines() if "SKLEARN_ESTIMATOR_TYPE_NAMES" in line]
    assert all("import" in line or line.strip() == "SKLEARN_ESTIMATOR_TYPE_NAMES," or "+" in line for line in uses), (
        uses
    )


def test_optuna_still_has_what_searches_reach_for(tmp_path: Path) -> None:
    import optuna

    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study"))
    storage = optuna.storages.JournalStorage(backend)
    study = optuna.create_study(storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    for holder, name in (
        (backend, "_lock"),
        (backend, "_log_number_offset"),
        (storage, "_backend"),
        (study, "_storage"),
        (study, "_study_id"),
        (study, "_thread_local"),
        (study.ask(), "_trial_id"),
        (storage, "get_trial_number_from_id"),
    ):
        assert hasattr(holder, name), HINT.format(f"{type(holder).__name__}.{name}", "search/")
