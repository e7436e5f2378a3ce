"""A folder of a sentence-transformers model from a stranger names no class but known modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.errors import ConfigError
from bakeoff.retrieval import sentence_models


def folder_of(tmp_path: Path, modules: list[dict[str, Any]], **config: Any) -> Path:
    (tmp_path / "1_Part").mkdir()
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "1_Part" / "config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "sentence_transformers.models.Transformer",
        "sentence_transformers.models.Pooling",
        "sentence_transformers.base.modules.transformer.Transformer",
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    ],
)
def test_a_model_of_known_modules_is_loaded(tmp_path: Path, name: str) -> None:
    folder = folder_of(
        tmp_path, [{"idx": 0, "path": "", "type": name}], activation_function="torch.nn.modules.activation.Tanh"
    )
    sentence_models.check(str(folder), "embedder.model")
    sentence_models.check("sentence-transformers/all-MiniLM-L6-v2", "embedder.model")


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "custom_st.Evil",
        "sentence_transformers.util.misc.import_from_string",
        "sentence_transformers.models.CLIPModel",
        "sentence_transformers.models.Transformer.load.__globals__",
        "sentence_transformers.models.Pooling ",
    ],
)
def test_a_folder_that_names_another_class_is_refused(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path, [{"idx": 0, "path": "", "type": name}])
    with pytest.raises(ConfigError, match="none of the modules of sentence-transformers"):
        sentence_models.check(str(folder), "embedder.model")


@pytest.mark.parametrize("key", ["activation_function", "activation_fn", "sbert_ce_default_activation_function"])
@pytest.mark.parametrize("name", ["os.system", "torch.hub.load", "torch.nn.Module", "builtins.breakpoint"])
def test_an_activation_is_one_of_torch(tmp_path: Path, key: str, name: str) -> None:
    folder = folder_of(tmp_path, [], sentence_transformers={key: name})
    with pytest.raises(ConfigError, match="none of the modules"):
        sentence_models.check(str(folder), "embedder.model")


def test_code_in_the_folder_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [], auto_map={"AutoModel": "modeling.Evil"})
    with pytest.raises(ConfigError, match="a plugin"):
        sentence_models.check(str(folder), "embedder.model")
    (folder / "1_Part" / "config.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="cannot be read"):
        sentence_models.check(str(folder), "embedder.model")
