"""Saved estimators run nothing when they are loaded: each node of a file is of a type that bakeoff writes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
import zipfile
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from bakeoff.errors import DataError
from bakeoff.models.tabular import archive


class Evil:
    """Leaves a marker when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return open, (str(self.marker), "w")


def json_node(value: Any) -> dict[str, Any]:
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(value)}


def tuple_node(*items: dict[str, Any]) -> dict[str, Any]:
    return {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": list(items)}


def node(name: str, loader: str, **more: Any) -> dict[str, Any]:
    module, _, cls = name.rpartition(".")
    return {"__class__": cls, "__module__": module, "__loader__": loader, **more}


def dict_node(**content: dict[str, Any]) -> dict[str, Any]:
    keys = node("builtins.list", "ListNode", content=[node("builtins.str", "TypeNode")] * len(content))
    return node("builtins.dict", "DictNode", key_types=keys, content=content)


def hostile(marker: Path) -> dict[str, dict[str, Any]]:
    path, mode = json_node(str(marker)), json_node("w+")
    method = {"obj": json_node("a"), "func": "format"}
    return {
        "function of the system": node("posix.system", "FunctionNode"),
        "reader of pickles": node("pandas.read_pickle", "FunctionNode"),
        "loader of joblib": node("joblib.numpy_pickle.load", "FunctionNode"),
        "type of the system": node("subprocess.Popen", "TypeNode"),
        "object of the system": node("subprocess.Popen", "ObjectNode"),
        "partial": node("functools.partial", "PartialNode", content={
            "func": node("builtins.open", "FunctionNode"), "args": tuple_node(path, mode),
            "kwds": dict_node(), "namespace": dict_node()}),
        "methodcaller": node("operator.methodcaller", "OperatorFuncNode", attrs=tuple_node(json_node("system"))),
        "attrgetter": node("operator.attrgetter", "OperatorFuncNode", attrs=tuple_node(json_node("a"))),
        "bound method": node("builtins.str", "MethodNode", content=method),
        "memmap": node("numpy.memmap", "ConstructorFromReduceNode",
                       content=tuple_node(path, json_node("uint8"), mode, json_node(0), json_node([9]))),
        "ExcelWriter": node("pandas.ExcelWriter", "ConstructorFromReduceNode", content=tuple_node(path)),
        "dict subclass": node("pandas.HDFStore", "DictNode", key_types=dict_node()["key_types"], content={}),
        "list subclass": node("subprocess.Popen", "ListNode", content=[path]),
        "array subclass": node("numpy.memmap", "NdArrayNode", type="json", content=[], shape=tuple_node()),
        "SkrubLearner": node("skrub._data_ops._estimator.SkrubLearner", "ObjectNode", content=dict_node(
            data_op=node("builtins.bytes", "BytesNode", file="evil.bin"))),
        "TextEncoder": node("skrub._text_encoder.TextEncoder", "ObjectNode", content=dict_node()),
        "private estimator": node("sklearn.utils._testing.MinimalClassifier", "ObjectNode", content=dict_node()),
        "memory of a pipeline": node("sklearn.pipeline.Pipeline", "ObjectNode", content=dict_node(memory=path)),
        "files that rows name": node("sklearn.feature_extraction.text.TfidfVectorizer", "ObjectNode",
                                     content=dict_node(input=json_node("filename"))),
        "unknown loader": node("builtins.str", "PickleNode", content="x"),
        "loader that is no text": {"__class__": "str", "__module__": "builtins", "__loader__": ["JsonNode"]},
        "no type": {"__loader__": "ObjectNode"},
    }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])
    skops.io.dump({"estimator": model}, tmp_path / "estimator.skops")
    return tmp_path / "estimator.skops"


def with_node(file: Path, changed: dict[str, Any], **more: Any) -> None:
    """Put a node beside the fitted model in a file, and a pickle that leaves a marker into the archive."""
    with zipfile.ZipFile(file) as source:
        members = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(members["schema.json"])
    schema["content"]["encoder"] = changed
    members["schema.json"] = json.dumps({**schema, **more}).encode()
    members["evil.bin"] = pickle.dumps(Evil(file.parent / "marker"))
    with zipfile.ZipFile(file, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)


@pytest.mark.parametrize("case", hostile(Path("marker")))
def test_read_file_with_a_type_that_bakeoff_does_not_write_is_refused(file: Path, case: str) -> None:
    with_node(file, hostile(file.parent / "marker")[case])
    with pytest.raises(DataError, match=r"estimator\.skops: ") as caught:
        archive.read(file)
    assert "\n" not in str(caught.value)
    assert not (file.parent / "marker").exists()


@pytest.mark.parametrize("value", [partial(print, "x"), methodcaller("system"), np.array([print], dtype=object), print])
def test_read_what_skops_itself_writes_of_callables_is_refused(tmp_path: Path, value: Any) -> None:
    skops.io.dump({"estimator": value}, tmp_path / "estimator.skops")
    with pytest.raises(DataError, match="no model of bakeoff writes"):
        archive.read(tmp_path / "estimator.skops")


def test_read_another_protocol_is_refused(file: Path) -> None:
    with_node(file, json_node(1), protocol=0)
    with pytest.raises(DataError, match="version 2"):
        archive.read(file)


def test_read_compressed_bomb_is_refused_unread(file: Path) -> None:
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as target:
        target.writestr("bomb.npy", b"0" * 10_000_000)
    with pytest.raises(DataError, match="compressed"):
        archive.read(file)


@pytest.mark.parametrize("content", [b"", b"PK", b"garbage", pickle.dumps(1), b"[" * 100_000])
def test_read_damaged_file_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "estimator.skops"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"estimator\.skops: cannot be read") as caught:
        archive.read(file)
    assert "\n" not in str(caught.value)


def test_read_deep_manifest_is_told(file: Path) -> None:
    deep: Any = json_node(1)
    for _ in range(archive.DEEPEST):
        deep = tuple_node(deep)
    with_node(file, deep)
    with pytest.raises(DataError, match="levels deep"):
        archive.read(file)


def test_read_model_as_it_was_written(file: Path) -> None:
    assert archive.read(file)["estimator"].predict([[0.9]]) == [1]


def test_read_pipeline_of_texts_as_it_was_written(tmp_path: Path) -> None:
    texts = ["buy now", "see you", "buy this", "see him"]
    model = Pipeline([("text", TfidfVectorizer()), ("fit", LogisticRegression())]).fit(texts, [1, 0, 1, 0])
    skops.io.dump({"estimator": model}, tmp_path / "e.skops")
    assert list(archive.read(tmp_path / "e.skops")["estimator"].predict(texts)) == [1, 0, 1, 0]


def test_no_estimator_restores_itself_by_code_of_its_own() -> None:
    """Only these define ``__setstate__``: a warning about versions, and an interpolation that is computed again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.base import BaseEstimator
        from sklearn.utils import all_estimators

        own = {cls.__name__ for _, cls in all_estimators() for base in cls.__mro__ if "__setstate__" in vars(base)
               and base is not BaseEstimator}  # fmt: skip
    assert own == {"IsotonicRegression"}


def test_reading_and_writing_imports_neither_torch_nor_pytest_and_skops_still_trusts_its_own(tmp_path: Path) -> None:
    """In a process of its own: what skops looks up when it is imported takes 1.7 CPU seconds."""
    script = f"""
import sys
from pathlib import Path
import numpy as np
from sklearn.linear_model import LogisticRegression
from bakeoff.models.tabular import heads
file = Path({str(tmp_path / "estimator.skops")!r})
heads.dump({{"head": LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])}}, file)
assert heads.load(file)["head"].predict(np.eye(4)).tolist() == [0, 1, 0, 1]
print(sorted({{"torch", "pytest", "skops.io"}} & set(sys.modules)))
import skops.io
print(type(skops.io.load(file)["head"]).__name__, sys.modules["sklearn.utils"].all_estimators.__module__)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["['skops.io']", "LogisticRegression sklearn.utils.discovery"]
