"""Networks as ONNX say what the networks say, without torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.errors import DataError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model
from bakeoff.models.deep import export
from bakeoff.models.deep.mlp import MLP
from bakeoff.models.deep.recurrent import Recurrent
from bakeoff.task import Examples, Schema

SPAM = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
TABLE = Schema("regression", "price", {"area": "numeric", "town": "categorical", "note": "text"})


def assert_the_same(model: Model, rows: Examples, folder: Path) -> None:
    persistence.save(model, folder)
    exported, own = export.predict(folder, rows.X), model.predict(rows.X)
    if own.proba is None:
        np.testing.assert_allclose(exported.output, own.output, rtol=1e-4)
    else:
        assert exported.proba is not None
        np.testing.assert_allclose(exported.proba, own.proba, atol=1e-4)


@pytest.mark.parametrize(("cell", "layers", "bidirectional"), [("lstm", 1, True), ("lstm", 2, True), ("gru", 1, False)])
def test_recurrent_networks(
    cell: Any, layers: int, bidirectional: bool, messages: Examples, context: Callable[..., Context], tmp_path: Path
) -> None:
    model = Recurrent(cell=cell, layers=layers, bidirectional=bidirectional, embedding=8, hidden=6, epochs=1, onnx=True)
    model.check(SPAM)
    model.fit(messages, None, context(SPAM))
    assert_the_same(model, messages, tmp_path)


def test_networks_of_tables(houses: Examples, context: Callable[..., Context], tmp_path: Path) -> None:
    model = MLP(hidden=[16, 8], text_dimensions=4, epochs=2, onnx=True)
    model.fit(houses, None, context(TABLE))
    assert_the_same(model, houses, tmp_path)
    houses.X.to_parquet(tmp_path / "rows.parquet")
    asked = (
        "import sys, pandas; from pathlib import Path; from bakeoff.models.deep import export; "
        f"f = Path({str(tmp_path)!r}); print(len(export.predict(f, pandas.read_parquet(f / 'rows.parquet')).output)); "
        "print([m for m in ('torch', 'pytorch_lightning', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["80", "[]"]


def test_a_model_without_an_exported_network_says_so(
    messages: Examples, context: Callable[..., Context], tmp_path: Path
) -> None:
    model = Recurrent(embedding=4, hidden=4, epochs=1)
    model.fit(messages, None, context(SPAM))
    persistence.save(model, tmp_path)
    with pytest.raises(DataError, match=r"Fit the model with model\.onnx=true"):
        export.predict(tmp_path, messages.X)
