"""What a class takes, as its source tells, is what an import would tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sklearn.utils import all_estimators

from bakeoff.config import signatures
from bakeoff.config.components import locate

CONF = Path(__file__).parents[2] / "conf"


def targets(node: Any) -> Iterator[str]:
    """Every class that a config names, nested ones too."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "_target_":
            yield value
        yield from targets(value)


NAMED = sorted(
    {
        target
        for file in CONF.rglob("*.yaml")
        if "search" not in file.relative_to(CONF).parts
        for target in targets(yaml.safe_load(file.read_text()))
    }
)


def assert_same(from_source: signatures.Signature, from_import: signatures.Signature) -> None:
    assert list(from_source.parameters) == list(from_import.parameters)
    assert from_source.takes_any == from_import.takes_any
    for name, parameter in from_source.parameters.items():
        assert parameter.required == from_import.parameters[name].required, name


@pytest.mark.parametrize("target", NAMED)
def test_classes_that_configs_name(target: str) -> None:
    found = signatures.read(target)
    assert found is not None, "a plan would have to import it"
    assert_same(found, signatures.inspected(locate(target, "model._target_")))
    assert signatures.is_class(target) is True
    assert signatures.defined_in(target) == locate(target, "").__module__


@pytest.mark.parametrize("cls", [cls for _, cls in all_estimators()], ids=lambda cls: cls.__name__)
def test_estimators_of_scikit_learn_by_the_name_that_its_manual_gives_them(cls: type) -> None:
    public = ".".join(part for part in cls.__module__.split(".") if not part.startswith("_"))
    found = signatures.read(f"{public}.{cls.__name__}")
    if found is None:  # defined in a folder whose public name is another one
        found = signatures.read(f"{cls.__module__}.{cls.__name__}")
    assert found is not None
    assert_same(found, signatures.inspected(cls))


ZOO = """
from abc import ABC
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from .animals.birds import Parrot as Polly
from outside import Stranger
import json as somewhere

T = TypeVar("T")

class Plain:
    pass

class Base:
    def __init__(self, name: str, /, legs: int = 4, *, wild, colour: "str | None" = None, **more):
        pass

class Mixin:
    def speak(self): ...

class Heir(Mixin, Base):
    legs = 2

class Abstract(ABC):
    pass

class Generated(Generic[T]):
    pass

class Foreign(Stranger):
    pass

@dataclass
class Record:
    kind: ClassVar[str] = "record"
    name: str
    legs: int = 4
    tags: list[str] = field(default_factory=list)
    weight: float = field(repr=False)
    seen: int = field(init=False)

@dataclass(frozen=True)
class LongerRecord(Record):
    legs: float = 4.0
    colour: str = "grey"

class HeirOfRecord(Record):
    pass

def function(name): ...

Alias = Base
"""


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "zoo_to_read"
    (package / "animals").mkdir(parents=True)
    (package / "__init__.py").write_text(ZOO)
    (package / "animals" / "__init__.py").write_text("from ..keepers import Keeper\nfrom . import birds\n")
    (package / "animals" / "birds.py").write_text("class Parrot:\n    def __init__(self, words=()): ...\n")
    (package / "keepers.py").write_text("class Keeper:\n    def __init__(self, *shifts, hours: float = 8.0): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    signatures._source.cache_clear()
    yield
    assert not [name for name in sys.modules if name.startswith("zoo_to_read")], "it was imported"


def required(name: str) -> dict[str, bool]:
    found = signatures.read(f"zoo_to_read.{name}")
    assert found is not None, name
    return {key: parameter.required for key, parameter in found.parameters.items()}


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("Plain", {}),
        ("Abstract", {}),
        ("Base", {"name": True, "legs": False, "wild": True, "colour": False}),
        ("Heir", {"name": True, "legs": False, "wild": True, "colour": False}),
        ("Record", {"name": True, "legs": False, "tags": False, "weight": True}),
        ("LongerRecord", {"name": True, "legs": False, "tags": False, "weight": True, "colour": False}),
        ("HeirOfRecord", {"name": True, "legs": False, "tags": False, "weight": True}),
        ("Polly", {"words": False}),
        ("animals.birds.Parrot", {"words": False}),
        ("animals.Keeper", {"hours": False}),
    ],
)
def test_constructors_own_inherited_generated_and_imported_from_elsewhere(name: str, takes: dict[str, bool]) -> None:
    assert required(name) == takes


@pytest.mark.usefixtures("zoo")
def test_annotations_are_kept_as_written_and_any_keyword_is_told() -> None:
    found = signatures.read("zoo_to_read.Heir")
    assert found is not None
    assert found.takes_any
    assert found.parameters["legs"].annotation == "int"
    assert found.parameters["wild"].annotation is None
    overridden = signatures.read("zoo_to_read.LongerRecord")
    assert overridden is not None
    assert overridden.parameters["legs"].annotation == "float"


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("name", ["Foreign", "Stranger", "Alias", "Missing", "somewhere", "nowhere.Plain"])
def test_what_only_an_import_tells_is_not_guessed(name: str) -> None:
    assert signatures.read(f"zoo_to_read.{name}") is None


@pytest.mark.usefixtures("zoo")
def test_classes_and_functions_are_told_apart_and_where_they_are_defined() -> None:
    assert signatures.is_class("zoo_to_read.function") is False
    assert signatures.is_class("zoo_to_read.Base") is True
    assert signatures.is_class("zoo_to_read.Missing") is None
    assert signatures.defined_in("zoo_to_read.animals.Keeper") == "zoo_to_read.keepers"
    assert signatures.defined_in("no_such_package.Thing") is None
    assert signatures.read("Alone") is None


@pytest.mark.parametrize(
    ("annotation", "fits", "does_not"),
    [
        ("int", [0, -3], ["deep", 1.5, True, None, [1]]),
        ("float", [0.5, 3, float("inf")], ["strong", False, None]),
        ("str", ["", "a"], [1, True, None, ["a"]]),
        ("bool", [True, False], [0, 1, "yes", None]),
        ("None", [None], [0, ""]),
        ("int | None", [1, None], ["none", 1.5]),
        ("Optional[float]", [1, None], ["none"]),
        ("'int | None'", [1, None], ["none"]),
        ("Literal['l1', 'l2'] | None", ["l1", None], ["l3", 1]),
        ("Literal['auto']", ["auto"], ["Auto"]),
        ("list[str]", [[], ["a"]], ["a", [1], {"a": 1}]),
        ("Sequence[int] | int", [1, [1, 2]], ["a", [1.5]]),
        ("dict[str, float]", [{}, {"a": 1}], [{"a": "b"}, [], 1]),
        ("Mapping[str, list[int]]", [{"a": [1]}], [{"a": 1}]),
        ("list", [[1, "a"]], [1]),
        ("dict", [{"a": 1}], ["a"]),
        ("Callable[[int], str]", [1, "anything"], []),
        ("np.ndarray | SomeClass", [1, {"_target_": "x"}], []),
        ("not ( python", [1, "a"], []),
        (None, [1, "a", None], []),
    ],
)
def test_values_that_an_annotation_can_and_cannot_mean(annotation: str | None, fits: list, does_not: list) -> None:
    for value in fits:
        assert signatures.mismatch(annotation, value) is None, value
    for value in does_not:
        told = signatures.mismatch(annotation, value)
        assert told is not None, value
        assert annotation is not None
        assert told == annotation.strip("'"), "said as it is written"
