"""Pre-trained encoders that go on learning. The encoder of the fast tests is a tiny one, made here, not yet trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import AssetError, ConfigError, DataError
from bakeoff.models import persistence
from bakeoff.models.base import Context
from bakeoff.models.deep.finetune import FinetunedEncoder
from bakeoff.task import Examples, Schema

SPAM = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
TABLE = Schema("regression", "price", {"area": "numeric", "town": "categorical", "note": "text"})
Make = Callable[..., Context]


def made(folder: Path, **arguments: Any) -> FinetunedEncoder:
    return FinetunedEncoder(**{"encoder": str(folder), "epochs": 1, "batch_size": 16, **arguments})


def before(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("tune", ["full", "last", "lora", "head"])
def test_what_is_asked_to_learn_learns_and_a_saved_model_predicts_the_same(
    tune: Any, tiny: Path, messages: Examples, context: Make, tmp_path: Path
) -> None:
    model = made(tiny, tune=tune, last_layers=1)
    model.check(SPAM)
    model.fit(messages.take(slice(10, None)), messages.take(slice(0, 10)), context(SPAM))
    proba = model.predict(messages.X).proba
    assert proba is not None
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    now = model.encoder_.network.state_dict()
    changed = {name for name, value in before(tiny).items() if not np.allclose(now[name], value)}
    of_layers = {name.split(".")[2] for name in changed if name.startswith("encoder.layer")}
    assert of_layers == {"full": {"0", "1"}, "last": {"1"}, "lora": {"0", "1"}, "head": set()}[tune]
    assert ("embeddings.word_embeddings.weight" in changed) == (tune == "full")
    persistence.save(model, tmp_path)
    again = persistence.load(tmp_path).predict(messages.X).proba
    np.testing.assert_allclose(again, proba, atol=1e-6)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".bin", ".pt", ".ckpt")]


def test_it_learns_texts_that_letters_tell_apart(tiny: Path, messages: Examples, context: Make) -> None:
    model = made(tiny, epochs=6, learning_rate=0.005, batch_size=8)
    model.fit(messages, None, context(SPAM))
    assert (model.predict(messages.X).output == messages.y).mean() > 0.9
    alone = model.predict(messages.X.iloc[3:4]).proba
    among = model.predict(messages.X).proba
    assert alone is not None
    assert among is not None
    np.testing.assert_allclose(alone, among[3:4], atol=1e-5)


def test_values_are_learnt_from_rows_of_several_columns(tiny: Path, houses: Examples, context: Make) -> None:
    model = made(tiny)
    model.fit(houses, None, context(TABLE))
    output = model.predict(houses.X).output
    assert output.shape == (80,)
    assert abs(output.mean() - houses.y.mean()) < 2 * houses.y.std()


def test_the_same_seed_gives_the_same_model(tiny: Path, messages: Examples, context: Make) -> None:
    probas = []
    for _ in range(2):
        model = made(tiny, tune="lora")
        model.fit(messages, None, context(SPAM))
        probas.append(model.predict(messages.X).proba)
    np.testing.assert_array_equal(probas[0], probas[1])


def test_a_text_longer_than_the_encoder_reads_is_cut_and_counted(tiny: Path, messages: Examples, context: Make) -> None:
    X = pd.DataFrame({"message": [*messages.X["message"][:-2], "very long " * 30, "longer still " * 90]})
    model = made(tiny, max_tokens=500)
    model.fit(Examples(X, messages.y, messages.ids, messages.slices), None, context(SPAM))
    assert "Texts are truncated to 64 tokens (model.max_tokens); truncated: 2 training rows." in model.report().notes
    assert len(model.predict(X).output) == 60


def test_an_encoder_that_cannot_be_had_says_what_can(tmp_path: Path, messages: Examples, context: Make) -> None:
    with pytest.raises(AssetError, match=r"model.encoder: .*nowhere cannot be loaded: .* or minilm"):
        made(tmp_path / "nowhere").fit(messages, None, context(SPAM))


def test_weights_that_are_pickles_are_refused(tiny: Path, tmp_path: Path, messages: Examples, context: Make) -> None:
    import shutil

    import torch

    shutil.copytree(tiny, tmp_path / "pickled")
    torch.save(before(tiny), tmp_path / "pickled" / "pytorch_model.bin")
    (tmp_path / "pickled" / "model.safetensors").unlink()
    with pytest.raises(AssetError, match="that has safetensors"):
        made(tmp_path / "pickled").fit(messages, None, context(SPAM))


def test_a_saved_model_with_another_config_is_refused(
    tiny: Path, messages: Examples, context: Make, tmp_path: Path
) -> None:
    model = made(tiny)
    model.fit(messages, None, context(SPAM))
    persistence.save(model, tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**described, "intermediate_size": 48}))
    with pytest.raises(DataError, match="weights of another model"):
        persistence.load(tmp_path)


def test_values_are_checked_before_any_work(tiny: Path) -> None:
    for arguments, message in (
        ({"tune": "all"}, 'model.tune: "all" is unknown'),
        ({"lora_rank": 0}, "model.lora_rank"),
        ({"max_tokens": 2}, "model.max_tokens"),
        ({"epochs": 0}, "model.epochs"),
    ):
        with pytest.raises(ConfigError, match=message):
            made(tiny, **arguments).check(SPAM)
    with pytest.raises(ConfigError, match="this task is retrieval"):
        made(tiny).check(Schema("retrieval", "answers", {"question": "text"}))


def test_predicting_before_fitting_is_refused(tiny: Path, messages: Examples) -> None:
    with pytest.raises(RuntimeError, match="before fit"):
        made(tiny).predict(messages.X)


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["full", "lora"])
def test_the_pinned_encoder_learns_from_few_rows(tune: Any, messages: Examples, context: Make) -> None:
    model = FinetunedEncoder(tune=tune, epochs=3, batch_size=8)
    model.fit(messages.take(slice(0, 16)), None, context(SPAM))
    assert (model.predict(messages.X).output == messages.y).mean() > 0.95


@pytest.mark.slow
def test_a_gpu_is_used_where_there_is_one(messages: Examples, context: Make, tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no GPU here: not measured")
    model = FinetunedEncoder(epochs=3, batch_size=8)
    model.fit(messages.take(slice(0, 16)), messages.take(slice(16, 30)), context(SPAM))
    facts = model.report().details["training"]
    assert facts["device"].startswith("cuda")
    assert facts["precision"] in ("bf16-mixed", "16-mixed")
    assert (model.predict(messages.X).output == messages.y).mean() > 0.95
    persistence.save(model, tmp_path)
    assert (persistence.load(tmp_path).predict(messages.X).output == messages.y).mean() > 0.95
