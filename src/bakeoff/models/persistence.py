"""Fitted models on disk.

A folder holds ``model.json`` (the class), ``parameters.json`` (the fields of the model: plain values and component
configs), ``state.json`` (the schema and learned plain values) and what else a class writes. Nested models have folders
of their own in ``models/``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bakeoff import lazy, secrets
from bakeoff.config import components, consent, renamed, slots
from bakeoff.errors import DataError
from bakeoff.models.base import Model, nested
from bakeoff.task import Corpus, Schema

if TYPE_CHECKING:
    import pandas as pd

M = TypeVar("M", bound=Model)

CLASS = "model.json"
PARAMETERS = "parameters.json"
STATE = "state.json"
CORPUS = "corpus.parquet"
NESTED = "models"
NESTED_KEY = "_model_"  # in parameters.json, in place of a nested model: its folder
# What earlier versions wrote: parameters in a file of another name, or among the learned values.
PARTS = "parts.json"
WITHIN_STATE = ("parameters", "settings")


def save(model: Model, folder: Path) -> None:
    """Write a fitted model into an empty folder, with the name of its class."""
    _write(folder / CLASS, {"class": lazy.public_name(type(model))})
    model.save(folder)


def load(folder: Path) -> Model:
    """Read back what ``save`` wrote.

    Raises:
        DataError: there is no model in the folder.
        ConfigError: it was written by a class that is not allowed.
    """
    file = folder / CLASS
    if not file.is_file():
        raise DataError(f"{folder} holds no model: there is no {CLASS} in it.")
    name = _read(file)["class"]
    cls = components.locate(renamed.TARGETS.get(name, name), str(file), "model")
    if not issubclass(cls, Model):
        raise DataError(f"{file}: {name} is not a subclass of bakeoff.models.Model.")
    return cls.load(folder)


@dataclass(frozen=True)
class Saved(Generic[M]):
    """Contents of a model's folder.

    Attributes:
        model: with its parameters, and nothing learned.
        schema: of the task that it was fitted to.
        learned: plain values.
        corpus: the documents; None where the model has none.
    """

    model: M
    schema: Schema
    learned: dict[str, Any]
    corpus: Corpus | None


def write(
    folder: Path,
    model: Model,
    schema: Schema,
    corpus: Corpus | None = None,
    omit: Collection[str] = (),
    **learned: Any,
) -> None:
    """Write the parameters, nested models and learned plain values of a model into an empty folder.

    Args:
        folder: to write into.
        model: a dataclass. Its parameters are plain values, dataclasses and models, at any depth. An API key is not
            among them, only the name of the environment variable that holds it.
        schema: of the task that it was fitted to.
        corpus: the documents that it searches.
        omit: parameters that the model saves itself.
        learned: plain values: numbers, strings, lists, mappings.
    """
    places: dict[int, Any] = {}
    for i, inner in enumerate(nested(model).values()):
        if id(inner) not in places:  # a model that is used twice is saved once
            places[id(inner)] = {NESTED_KEY: f"{NESTED}/{i}"}
            (folder / NESTED / str(i)).mkdir(parents=True)
            save(inner, folder / NESTED / str(i))
    parameters = {
        f.name: components.describe(getattr(model, f.name), lambda value: places.get(id(value)))
        for f in fields(model)  # type: ignore[arg-type]
        if f.init and f.name not in omit
    }
    _write(folder / PARAMETERS, parameters)
    if corpus is not None:
        _storable(corpus.documents).to_parquet(folder / CORPUS, index=False)
        learned["corpus_fingerprint"] = corpus.fingerprint
    _write(folder / STATE, {"schema": asdict(schema), **learned})


def read(cls: type[M], folder: Path, **parameters: Any) -> Saved[M]:
    """Read back what ``write`` wrote.

    Args:
        cls: the class of the model.
        folder: that was written into.
        parameters: those that were omitted.

    Raises:
        ConfigError: a component or a nested model is of a class that is not allowed.
    """
    schema, state = read_state(folder)
    described = _parameters(cls, folder, state)
    load_once = cache(load)  # a model that is used twice stays one
    nested_models = {
        renamed.ARGUMENTS.get(name, name): components.instantiate(
            _with_models(renamed.current(consent.resolved(value, f"{folder / PARAMETERS}: {name}")), folder, load_once),
            f"{folder / PARAMETERS}: {name}",
            slots.of_argument(lazy.public_name(cls), renamed.ARGUMENTS.get(name, name)),
        )
        for name, value in described.items()
    }
    corpus = None
    if (folder / CORPUS).is_file():
        import pandas as pd

        corpus = Corpus(pd.read_parquet(folder / CORPUS), state.pop("corpus_fingerprint"))
    return Saved(cls(**nested_models, **parameters), schema, state, corpus)


def read_state(folder: Path) -> tuple[Schema, dict[str, Any]]:
    """The schema and the learned values in a model's folder."""
    state = _read(folder / STATE)
    return Schema.from_dict(state.pop("schema")), state


def read_parameters(folder: Path) -> dict[str, Any]:
    """The described parameters in a model's folder. Raises ``DataError`` where there are none."""
    for name in (PARAMETERS, PARTS):
        if (folder / name).is_file():
            return _read(folder / name)
    raise DataError(f"{folder}: there is no {PARAMETERS} in it.")


def _parameters(cls: type[Model], folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    if (folder / PARAMETERS).is_file() or (folder / PARTS).is_file():
        return read_parameters(folder)
    for key in WITHIN_STATE:
        if key in state:
            recorded: dict[str, Any] = state.pop(key)
            return recorded
    return {f.name: state.pop(f.name) for f in fields(cls) if f.name in state}  # type: ignore[arg-type]


def _with_models(value: Any, folder: Path, load: Callable[[Path], Model]) -> Any:
    """A described value with the nested models in it loaded."""
    if isinstance(value, list):
        return [_with_models(item, folder, load) for item in value]
    if not isinstance(value, Mapping):
        return value
    if NESTED_KEY in value:
        return load(folder / value[NESTED_KEY])
    return {key: _with_models(item, folder, load) for key, item in value.items()}


def _storable(documents: pd.DataFrame) -> pd.DataFrame:
    """Documents, metadata columns of mixed types as strings, as an index holds them too."""
    import pyarrow as pa

    for name in documents:
        try:
            pa.Array.from_pandas(documents[name])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            documents = documents.assign(**{str(name): documents[name].map(str, na_action="ignore")})
    return documents


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(secrets.hide_in(content), indent=1, ensure_ascii=False), encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
