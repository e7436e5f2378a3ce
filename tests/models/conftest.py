"""A small world of animals to be asked about, and a language model that runs here."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

# The embedder that counts, and the server of language models, are those of other tests.
sys.path += [str(Path(__file__).parents[1] / folder) for folder in ("llm", "retrieval")]

from bakeoff import assets
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.local import LlamaCpp
from bakeoff.llm.prompts import Prompt
from bakeoff.models.base import Context
from bakeoff.task import Corpus, Examples, Gold, Schema
from llm.conftest import own_cache, peer, proxy, smollm2

__all__ = ["own_cache", "peer", "proxy", "smollm2"]

CONF = Path(__file__).parents[2] / "conf"
QA = Schema("qa", "answers", {"question": "text", "history": "text"})
TEXTS = {
    "cats": "A cat sleeps for most of the day. At night it hunts mice. Its tongue is rough.",
    "dogs": "A dog barks at strangers. It guards the house. The nose of a dog is wet.",
    "whales": "The blue whale is the largest animal on Earth. A whale eats krill. Males sing under water.",
    "bees": "Bees make honey from nectar. A hive has one queen. They dance to tell the way.",
    "penguins": "Penguins live in the south. Penguins cannot fly. They swim after fish.",
    "owls": "An owl turns its head by 270 degrees. Its feathers make no noise.",
    "camels": "A camel stores fat in its hump. It closes its nostrils against sand.",
    "spiders": "A spider has eight legs. It spins a web of silk.",
}
ABOUT_WHALES = (("user", "Which animal is the blue whale?"), ("assistant", "The largest animal on Earth."))
# Question, right answers, documents that hold them, turns before it.
ASKED: list[tuple[Any, ...]] = [
    ("What does a cat hunt at night?", ["mice"], ["cats"]),
    ("Whom does a dog bark at?", ["strangers"], ["dogs"]),
    ("What is its food?", ["krill"], ["whales"], ABOUT_WHALES),
    ("What do bees make from nectar?", ["honey"], ["bees"]),
    ("Where do penguins live?", ["in the south", "the south"], ["penguins"]),
    ("By how many degrees does an owl turn its head?", ["270 degrees", "270"], ["owls"]),
    ("What does a camel store in its hump?", ["fat"], ["camels"]),
    ("How many legs has a spider?", ["eight"], ["spiders"]),
    ("Who won the election of 1912?", [], []),
    ("How much is a ticket to Peru?", [], []),
    ("Which gas makes balloons rise?", [], []),
]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the module's own; fetched files are those of the user."""
    folder = tmp_path_factory.mktemp("cache")
    for kept in ("assets", "wheels"):
        (folder / kept).symlink_to(assets.cache_folder() / kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAKEOFF_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def corpus() -> Callable[[Mapping[str, str]], Corpus]:
    """Factory of documents from texts by id."""

    def make(texts: Mapping[str, str], **metadata: Any) -> Corpus:
        documents = pd.DataFrame({"id": list(texts), "title": "", "text": list(texts.values()), **metadata})
        return Corpus(documents, hashlib.sha256(documents.to_csv().encode()).hexdigest())

    return make


@pytest.fixture(scope="session")
def animals(corpus: Callable[[Mapping[str, str]], Corpus]) -> Corpus:
    """Eight short documents."""
    return corpus(TEXTS)


@pytest.fixture(scope="session")
def rows() -> Callable[..., Examples]:
    """Makes questions: each is its text, the right answers, ids of documents, turns before it, all but one optional."""

    def make(*asked: Sequence[Any]) -> Examples:
        full = [(*row, *([], [], ())[len(row) - 1 :]) for row in asked]
        told = [json.dumps([{"role": role, "content": said} for role, said in turns]) for *_, turns in full]
        X = pd.DataFrame({"question": [text for text, *_ in full], "history": told})
        y = np.empty(len(full), dtype=object)
        y[:] = [Gold(tuple(answers), dict.fromkeys(documents, 1)) for _, answers, documents, _ in full]
        return Examples(X, y, np.arange(len(full)), X.iloc[:, :0])

    return make


@pytest.fixture(scope="session")
def asked(rows: Callable[..., Examples]) -> Examples:
    """Eleven questions about animals: one follows others, three have no answer."""
    return rows(*ASKED)


@pytest.fixture
def context(animals: Corpus) -> Callable[..., Context]:
    """Factory of the context passed to a model; in a search it includes a memo."""

    def make(schema: Schema = QA, **more: Any) -> Context:
        return Context(schema, **{"seed": 3, "threads": 1, "corpus": animals, **more})

    return make


@pytest.fixture(scope="session")
def minilm() -> Any:
    """An embedder that knows meaning."""
    from bakeoff.retrieval.embed import MiniLM

    return MiniLM()


@pytest.fixture
def llm(peer: str, smollm2: Path) -> Callable[..., LlamaCpp]:
    """Makes language models; one server, that of other tests too, serves them all."""
    return lambda **more: LlamaCpp(
        **{"path": str(smollm2), "context_tokens": 1024, "parallel": 4, "threads": 1, **more}
    )


@pytest.fixture(scope="session")
def prompt() -> Callable[[str], Prompt]:
    """Makes the shipped prompts."""

    def make(name: str) -> Prompt:
        content = yaml.safe_load((CONF / "prompt" / f"{name}.yaml").read_text(encoding="utf-8"))
        return Prompt(user=content["user"], system=content["system"])

    return make


@dataclass
class Scripted:
    """A language model with scripted replies, repeated in turn: for replies that a real one cannot be made to give."""

    completions: Sequence[Completion]
    requests: list[LLMRequest] = field(default_factory=list)
    max_in_flight: int = 1
    supports_logprobs: bool = True

    def check(self) -> None: ...

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        start = len(self.requests)
        self.requests += requests
        return [self.completions[(start + i) % len(self.completions)] for i in range(len(requests))]

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return 0.0

    def usage(self) -> Mapping[str, Any]:
        return {"calls": len(self.requests)}


@pytest.fixture
def scripted() -> Callable[..., Scripted]:
    """Makes a language model of the completions that it gives."""
    return lambda *completions: Scripted(completions)
