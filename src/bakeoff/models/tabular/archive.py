"""Fitted scikit-learn objects in skops' format, read only where each node is of a type that bakeoff writes.

A file of skops is a zip archive of arrays and a manifest, ``schema.json``: a tree of nodes, each with a loader and a
type. skops itself lists the types it does not know and leaves the choice to its caller; here the manifest is checked
node by node, before skops sees the file and before anything that it names is imported.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bakeoff.config import renamed, signatures
from bakeoff.config.slots import HARMLESS, IO_ARGUMENT
from bakeoff.errors import DataError
from bakeoff.models.tabular import skops_io

SCHEMA = "schema.json"
PROTOCOL = 2
"""Version of skops' format. Others have loaders of the same names that take other content."""
DEEPEST = 200
"""Levels of nesting of a manifest; the deepest that bakeoff writes has about forty."""

NUMBERS = tuple(
    f"numpy.{name}"
    for name in ("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                 "float16", "float32", "float64", "str_")
)  # fmt: skip
LOSSES = tuple(
    f"sklearn._loss._loss.Cy{name}"
    for name in ("AbsoluteError", "ExponentialLoss", "HalfBinomialLoss", "HalfGammaLoss", "HalfMultinomialLoss",
                 "HalfPoissonLoss", "HalfSquaredError", "HalfTweedieLoss", "HalfTweedieLossIdentity", "HuberLoss",
                 "PinballLoss")
)  # fmt: skip
TYPES: Mapping[str, frozenset[str]] = {
    loader: frozenset(types)
    for loader, types in {
        "JsonNode": ["builtins.str"],
        "DictNode": ["builtins.dict", "sklearn.utils._bunch.Bunch"],
        "ListNode": ["builtins.list"],
        "TupleNode": ["builtins.tuple"],
        "SetNode": ["builtins.set"],
        "SliceNode": ["builtins.slice"],
        "TypeNode": ["builtins.str", "builtins.int", "builtins.float", "builtins.bool", *NUMBERS],
        "NdArrayNode": ["numpy.ndarray", *NUMBERS],
        "MaskedArrayNode": ["numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"],
        "DTypeNode": ["numpy.dtype"],
        "SparseMatrixNode": [f"scipy.sparse._{x}.{x}_{kind}" for x in ("csr", "csc") for kind in ("matrix", "array")],
        "RandomStateNode": ["numpy.random.mtrand.RandomState"],
        "RandomGeneratorNode": ["numpy.random._generator.Generator"],
        "TreeNode": ["sklearn.tree._tree.Tree"],
        "LossNode": [
            *LOSSES,
            *(f"sklearn.linear_model._sgd_fast.{name}" for name in ("Hinge", "Log", "ModifiedHuber", "SquaredHinge")),
        ],
        "FunctionNode": [f"sklearn.feature_selection._univariate_selection.{n}" for n in ("f_classif", "f_regression")],
        "ObjectNode": [
            "bakeoff.models.tabular.features.InPlaceScaler",
            "bakeoff.models.tabular.features.Numbers",
            "bakeoff.models.tabular.features.Strings",
            "sklearn.calibration._CalibratedClassifier",
            "sklearn.calibration._SigmoidCalibration",
            "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
            "sklearn.metrics._dist_metrics.EuclideanDistance64",
            "sklearn.metrics._dist_metrics.ManhattanDistance64",
            "sklearn.metrics._dist_metrics.MinkowskiDistance64",
            "sklearn.multiclass._ConstantPredictor",
            "sklearn.neighbors._ball_tree.BallTree",
            "sklearn.neighbors._kd_tree.KDTree",
            "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
            "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
            *(f"sklearn._loss.link.{n}" for n in ("HalfLogitLink", "IdentityLink", "Interval", "LogLink", "LogitLink",
                                                   "MultinomialLogit")),
            *(loss.replace("_loss.Cy", "loss.") for loss in LOSSES),
        ],
    }.items()
}  # fmt: skip
"""Types that bakeoff's own models write, by the loader that makes them. A test fails when one of them needs more."""
ESTIMATORS = frozenset({"sklearn.base.BaseEstimator", "sklearn.gaussian_process.kernels.Kernel"})
"""Base classes whose instances are restored as attributes alone; a user's own estimator may be any of them."""
UNREAD = ("skrub._data_ops.", "skrub._text_encoder.", "sklearn.utils._testing.", "sklearn.externals.")
"""Modules with estimators that run expressions, or load models of their own."""


def read(file: Path) -> dict[str, Any]:
    """Read the objects of a file by name.

    Raises:
        DataError: it names a type that bakeoff does not write, or is damaged.
    """
    content = file.read_bytes()
    try:
        content = _current(content)
        types = sorted(set(_checked(content, file)))
        with skops_io.reading() as skops:
            loaded: dict[str, Any] = skops.loads(content, trusted=types)
    except DataError:
        raise
    except Exception as error:  # of a damaged file, libraries raise anything
        raise DataError(
            f"{file}: cannot be read: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        ) from error
    return loaded


def _checked(content: bytes, file: Path) -> Iterator[str]:
    """The types of all nodes in a manifest. Raises ``DataError`` for one that is not to be read."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise DataError(f"{file}: holds compressed members, which bakeoff does not write.")
        schema = json.loads(archive.read(SCHEMA))
    if not isinstance(schema, dict) or schema.get("protocol") != PROTOCOL:
        raise DataError(f"{file}: is not of version {PROTOCOL} of skops' format.")
    waiting: list[tuple[Any, int]] = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise DataError(f"{file}: is nested more than {DEEPEST} levels deep.")
        if isinstance(value, dict):
            if "__loader__" in value:
                yield _type_of(value, file)
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]


def _type_of(node: Mapping[str, Any], file: Path) -> str:
    """The type of a node. Raises ``DataError`` unless its loader may make it."""
    loader, name = node["__loader__"], f"{node.get('__module__')}.{node.get('__class__')}"
    if not isinstance(loader, str) or (name not in TYPES.get(loader, ()) and not _is_estimator(loader, name)):
        raise DataError(
            f"{file}: holds {name} ({loader}), which no model of bakeoff writes. Only files that you or somebody you "
            "trust wrote can be repaired; do not load this one otherwise. See docs/safety.md."
        )
    if loader == "ObjectNode":
        for attribute, value in _attributes(node):
            if value not in (None, False) and IO_ARGUMENT.search(attribute) and attribute not in HARMLESS:
                raise DataError(f"{file}: {name} has {attribute} set, which makes it read or write files.")
            if attribute == "input" and value != "content":
                raise DataError(f"{file}: {name} would read files that the rows name.")
    return name


def _is_estimator(loader: str, name: str) -> bool:
    """Return whether an object is a scikit-learn or skrub estimator, by its source."""
    if loader != "ObjectNode" or not name.startswith(("sklearn.", "skrub.")) or name.startswith(UNREAD):
        return False
    lineage = signatures.lineage(name)
    return lineage is not None and lineage.name == name and bool(ESTIMATORS & lineage.names)


def _attributes(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Constructor arguments of a stored object, with plain values read; learned attributes end in ``_``."""
    content = node.get("content")
    stored = content.get("content") if isinstance(content, dict) else None
    for name, item in stored.items() if isinstance(stored, dict) else ():
        if name.startswith("_") or name.endswith("_") or not isinstance(item, dict):
            continue
        yield name, json.loads(item["content"]) if item.get("__loader__") == "JsonNode" else item


def _current(content: bytes) -> bytes:
    """A file of skops, with the modules of today in place of those that earlier versions named."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = archive.read(SCHEMA)
        current = schema
        for old, new in renamed.MODULES.items():
            current = current.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
        if current == schema:
            return content
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, member in {**members, SCHEMA: current}.items():
            archive.writestr(name, member)
    return changed.getvalue()
