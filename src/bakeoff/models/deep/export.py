"""ONNX export: predict with onnxruntime, without torch. Graphs are written node by node.

PyTorch's own exporters know no packed sequences, or need a compiler of their own; these graphs are a dozen nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.deep.batches import LENGTHS, Rows

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from bakeoff.models.deep.tabular import Table
    from bakeoff.task import Predictions

FILE = "network.onnx"
OPSET = 18
IR_VERSION = 10
# In which order torch and ONNX keep the gates of a cell: torch i f g o and r z n, ONNX i o f c and z r h.
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
BATCH = 256


def check() -> None:
    """Raise ``ConfigError`` when the package that writes graphs is missing."""
    if find_spec("onnx") is None:
        raise ConfigError('model.onnx: the package onnx is not installed. Install it: pip install "bakeoff[onnx]"')


def mlp(network: nn.Module, table: Table, folder: Path) -> None:
    """Export a network for tables."""
    from bakeoff.models.deep.networks import CATEGORIES, NUMBERS, MLPNetwork

    assert isinstance(network, MLPNetwork)
    graph = _Graph()
    parts = []
    if network.has_numbers:
        parts.append(graph.input(NUMBERS, float, ["rows", table.numbers]))
    if len(network.categories):
        codes = graph.input(CATEGORIES, int, ["rows", len(network.categories)])
        for i, embed in enumerate(network.categories):
            column = graph.node("Gather", codes, graph.constant(i), axis=1)
            parts.append(graph.node("Gather", graph.weight(embed.weight), column))
    for name, embed in zip(network.texts, network.words, strict=True):
        words = graph.input(name, int, ["rows", f"longest {name}"])
        lengths = graph.input(name + LENGTHS, int, ["rows"])
        embedded = graph.node("Gather", graph.weight(embed.weight), words)
        summed = graph.node("ReduceSum", embedded, graph.constant([1]), keepdims=0)
        least = graph.node("Max", graph.node("Cast", lengths, to=1), graph.constant(np.float32(1)))
        root = graph.node("Unsqueeze", graph.node("Sqrt", least), graph.constant([1]))
        parts.append(graph.node("Div", summed, root))
    value = graph.node("Concat", *parts, axis=1)
    for layer in network.layers:
        if type(layer).__name__ == "Linear":
            value = graph.linear(value, layer)
        elif type(layer).__name__ == "GELU":
            # 0.5 x (1 + erf(x / √2)): Gelu is an operator of its own only in later versions of ONNX.
            erf = graph.node("Erf", graph.node("Mul", value, graph.constant(np.float32(2**-0.5))))
            raised = graph.node("Add", erf, graph.constant(np.float32(1)))
            value = graph.node("Mul", graph.node("Mul", value, raised), graph.constant(np.float32(0.5)))
    graph.write(graph.linear(value, network.head), folder)


def recurrent(network: nn.Module, folder: Path) -> None:
    """Export a network for sequences."""
    from bakeoff.models.deep.networks import TOKENS, RecurrentNetwork

    assert isinstance(network, RecurrentNetwork)
    graph = _Graph()
    cells = network.cells
    operator = type(cells).__name__
    tokens = graph.input(TOKENS, int, ["rows", "longest"])
    lengths = graph.input(TOKENS + LENGTHS, int, ["rows"])
    short = graph.node("Cast", lengths, to=6)
    value = graph.node(
        "Transpose", graph.node("Gather", graph.weight(network.embedding.weight), tokens), perm=[1, 0, 2]
    )
    for layer in range(cells.num_layers):
        w, r, b = _of_cells(cells, layer, operator)
        options: dict[str, Any] = {"linear_before_reset": 1} if operator == "GRU" else {}
        states = graph.node(
            operator,
            value,
            graph.constant(w),
            graph.constant(r),
            graph.constant(b),
            short,
            hidden_size=cells.hidden_size,
            direction="bidirectional" if cells.bidirectional else "forward",
            **options,
        )  # (longest, directions, rows, hidden)
        flat = graph.node("Transpose", states, perm=[0, 2, 1, 3])
        value = graph.node("Reshape", flat, graph.constant([0, 0, -1]))
    by_row = graph.node("Transpose", value, perm=[1, 0, 2])
    column = graph.node("Unsqueeze", lengths, graph.constant([1]))
    mean = graph.node(
        "Div", graph.node("ReduceSum", by_row, graph.constant([1]), keepdims=0), graph.node("Cast", column, to=1)
    )
    longest = graph.node("Gather", graph.node("Shape", tokens), graph.constant(1))
    positions = graph.node("Range", graph.constant(0), longest, graph.constant(1))
    is_word = graph.node("Unsqueeze", graph.node("Less", positions, column), graph.constant([2]))
    masked = graph.node("Where", is_word, by_row, graph.constant(np.float32(-3e38)))
    highest = graph.node("ReduceMax", masked, graph.constant([1]), keepdims=0)
    graph.write(graph.linear(graph.node("Concat", mean, highest, axis=1), network.head), folder)


def predict(folder: Path, X: pd.DataFrame) -> Predictions:
    """Predict n rows with the exported network of a saved model. Torch is not imported.

    Args:
        folder: of the model: ``outputs/<name>/<variant>/model``.
        X: the feature columns.

    Raises:
        DataError: the model was saved without an exported network.
    """
    import onnxruntime

    from bakeoff.models import persistence
    from bakeoff.models.deep.tabular import Table
    from bakeoff.models.deep.targets import Targets
    from bakeoff.models.deep.tokens import Vocabulary, cut
    from bakeoff.models.texts import texts

    if not (folder / FILE).is_file():
        raise DataError(f"{folder}: there is no {FILE}. Fit the model with model.onnx=true.")
    schema, state = persistence.read_state(folder)
    if "table" in state:
        rows, _ = Table.from_plain(schema, state["table"]).rows(X)
    else:
        parameters = persistence.read_parameters(folder)
        vocabulary = Vocabulary(tuple(state["words"]), parameters["tokens"])
        tokens = cut(vocabulary.read(texts(X, schema)), parameters["max_tokens"]).tokens
        rows = Rows(len(X), ragged={"tokens": tokens})
    session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
    outputs = [
        session.run(None, _arrays(rows, np.arange(start, min(start + BATCH, len(rows)))))[0]
        for start in range(0, len(rows), BATCH)
    ]
    return Targets.from_dict(state, schema).predictions(np.concatenate(outputs))


def _arrays(rows: Rows, positions: NDArray[np.intp]) -> Mapping[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {name: values[positions] for name, values in rows.dense.items()}
    for name, ragged in rows.ragged.items():
        arrays[name], arrays[name + LENGTHS] = ragged.padded(positions)
    return arrays


def _of_cells(cells: Any, layer: int, operator: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Input weights, recurrent weights and biases of a layer in ONNX's order, one entry per direction."""
    w, r, b = [], [], []
    for suffix in ("", "_reverse")[: 2 if cells.bidirectional else 1]:
        of = {
            name: _reordered(getattr(cells, f"{name}_l{layer}{suffix}"), operator)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        w.append(of["weight_ih"])
        r.append(of["weight_hh"])
        b.append(np.concatenate([of["bias_ih"], of["bias_hh"]]))
    return np.stack(w), np.stack(r), np.stack(b)


def _reordered(weight: Any, operator: str) -> NDArray[np.float32]:
    values = weight.detach().float().cpu().numpy()
    gates = np.split(values, len(GATES[operator]))
    return np.concatenate([gates[i] for i in GATES[operator]])


class _Graph:
    """Builder of an ONNX graph; values are referred to by name."""

    def __init__(self) -> None:
        import onnx

        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []

    def input(self, name: str, of: type, shape: list[Any]) -> str:
        """Add a named input of float32 or int64."""
        kind = self.onnx.TensorProto.FLOAT if of is float else self.onnx.TensorProto.INT64
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant: float32 for floats, int64 for integers."""
        array = np.asarray(value)
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        name = f"constant {len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def weight(self, weight: Any) -> str:
        """Add a torch tensor as a constant."""
        return self.constant(weight.detach().float().cpu().numpy())

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation; returns the name of its (first) output."""
        name = f"{operator} {len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, value: str, layer: Any) -> str:
        """Add a torch linear layer."""
        return self.node("Gemm", value, self.weight(layer.weight), self.weight(layer.bias), transB=1)

    def write(self, output: str, folder: Path) -> None:
        """Validate the graph and write it."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        self.nodes.append(helper.make_node("Identity", [output], ["outputs"]))
        outputs = [helper.make_tensor_value_info("outputs", kind, ["rows", "outputs"])]
        graph = helper.make_graph(self.nodes, "bakeoff", self.inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        self.onnx.checker.check_model(model)
        self.onnx.save(model, str(folder / FILE))
