"""The sample sets, as their configs declare them."""

import io
import pickle
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from bakeoff import data
from bakeoff.config.settings import register
from bakeoff.data.samples import READERS, Sample, _FrameUnpickler
from bakeoff.data.settings import DataSettings
from bakeoff.errors import ConfigError
from bakeoff.task import Task

CONF = Path(__file__).parents[2] / "conf"
OPTIONS = sorted(file.stem for file in (CONF / "data").glob("*.yaml"))
ROLES = {field.name for field in fields(DataSettings)}


@pytest.fixture(scope="module")
def configs() -> Iterator[dict[str, Any]]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        register()
        yield {name: compose("config", overrides=[f"data={name}"]).data for name in OPTIONS}


def load(config: Any, seed: int = 0) -> Task:
    values = OmegaConf.to_container(config, resolve=True)
    values["split"]["seed"] = seed
    merged = OmegaConf.merge(OmegaConf.structured(DataSettings), {k: v for k, v in values.items() if k in ROLES})
    return data.load(Sample(values["sample"]), OmegaConf.to_object(merged))


def test_every_config_lists_every_key_with_the_default_of_the_code(configs: dict[str, Any]) -> None:
    base = OmegaConf.load(CONF / "data" / "base" / "defaults.yaml")
    assert base == OmegaConf.structured(DataSettings)
    for config in configs.values():
        assert set(config) >= ROLES
        assert {"licence", "summary"} & set(config.card)


def test_every_sample_has_a_config_and_every_sample_config_a_sample(configs: dict[str, Any]) -> None:
    named = {config.sample for config in configs.values() if "sample" in config}
    assert named == set(READERS)


@pytest.mark.parametrize(
    ("name", "rows", "kind", "classes", "positive"),
    [
        ("sms_spam", 4522, "classification", 2, "spam"),
        ("trec", 5381, "classification", 6, None),
        ("churn", 7043, "classification", 2, "Yes"),
        ("credit", 4454, "classification", 2, "bad"),
        ("ames", 2930, "regression", 0, None),
        ("breast_cancer", 569, "classification", 2, "malignant"),
        ("diabetes", 442, "regression", 0, None),
    ],
)
def test_a_sample_is_what_its_config_says(
    configs: dict[str, Any], name: str, rows: int, kind: str, classes: int, positive: str | None
) -> None:
    task = load(configs[name])
    assert len(task.development.examples) + len(task.test) == rows
    assert task.schema.kind == kind
    assert len(task.schema.classes) == classes
    assert task.schema.positive == positive
    assert "rownames" not in task.schema.columns
    assert f"{rows:,}" in configs[name].card.summary
    assert load(configs[name]).fingerprint == task.fingerprint != load(configs[name], seed=1).fingerprint


def test_demand_is_asked_for_day_by_day_from_midnight(configs: dict[str, Any]) -> None:
    frame = Sample("demand").read().frame
    assert list(frame.columns) == ["time", "Demand", "WorkDay", "Temperature"]
    assert f"{len(frame):,}" == "17,520"
    task = load(configs["demand"])
    assert len(task.test) == 73
    assert (task.test.ids[0], task.test.ids[-1]) == ("2014-10-19T23:30", "2014-12-30T23:30")
    assert task.test.y.ravel().tolist() == frame["Demand"].iloc[-73 * 48 :].tolist()
    assert task.test.slices["WorkDay"].astype(int).tolist() == frame["WorkDay"].iloc[-73 * 48 :: 48].tolist()
    assert task.schema.series is not None
    assert task.schema.series.known == ("WorkDay", "hour", "weekday")


def test_an_unknown_sample_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'data\.sample: there is no "sms"'):
        Sample("sms").read()


def test_a_pickle_cannot_call_anything() -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return print, ("run",)

    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        _FrameUnpickler(io.BytesIO(pickle.dumps(Evil()))).load()
