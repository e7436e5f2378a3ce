"""Cost of a search over retrieval vs the minimum possible: indexing once, and querying once per trial.

30 trials of Optuna, through bakeoff's own search, over top_k, fusion and weight of a hybrid retriever whose sentences
answer the validation questions (model=extractive). For comparison, the same settings by hand: the corpus is indexed
once, and each setting answers the same questions once; both sides embed the questions only once. Also a naive loop,
which embeds and indexes again in each trial; a few of its trials are measured, the others extrapolated.

Each side has its own cache, empty at first, and libraries are loaded beforehand. After each trial of the search its
clock is paused while the others do the same trial, so that other load on the machine affects all sides alike.

python benchmarks/rag_reuse.py [SQUAD.json] [--trials 30] [--rounds 3] [--naive 2]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import _quick
import optuna
from hydra import compose, initialize_config_dir

from bakeoff import assets, environment
from bakeoff.config.settings import plain, register
from bakeoff.config.shipped import conf_dir
from bakeoff.execution import runner
from bakeoff.models.base import Context
from bakeoff.request.spec import Request
from bakeoff.retrieval.chunk import Recursive
from bakeoff.retrieval.embed import MiniLM
from bakeoff.retrieval.passages import passages as cut
from bakeoff.task import Task

XQUAD = Path(__file__).parents[2] / "shared" / "bench" / "xquad" / "xquad.en.json"
SPACE = {
    "retriever.top_k": "choice(1, 2, 3, 5, 8)",
    "retriever.fusion": "choice(weighted, rrf)",
    "retriever.weight": "interval(0, 1)",
}
MOST = 1.2


@contextmanager
def own_cache() -> Iterator[Path]:
    """An empty cache folder for embeddings and indexes; downloaded files stay in the user's cache."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("assets", "wheels"):
            Path(folder, name).symlink_to(assets.cache_folder() / name)
        yield Path(folder)


@contextmanager
def using(cache: Path) -> Iterator[None]:
    """Use a cache inside the block."""
    before = os.environ.get("BAKEOFF_CACHE")
    os.environ["BAKEOFF_CACHE"] = str(cache)
    try:
        yield
    finally:
        del os.environ["BAKEOFF_CACHE"]
        if before is not None:
            os.environ["BAKEOFF_CACHE"] = before


@dataclass
class Clock:
    """Stopwatch of wall-clock and processor seconds."""

    wall: float = 0.0
    processor: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the time that the block takes."""
        wall, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall += time.perf_counter() - wall
            self.processor += time.process_time() - processor


@dataclass
class Round:
    """One round: a search, and the same trials by hand and naively."""

    request: Request
    task: Task
    naive_trials: int
    search: Clock = field(default_factory=Clock)
    indexing: Clock = field(default_factory=Clock)
    querying: Clock = field(default_factory=Clock)
    naive: Clock = field(default_factory=Clock)

    def run(self) -> None:
        """Measure all sides."""
        others = Clock()
        memo: dict[Any, Any] = {}
        with ExitStack() as stack:
            of_search, by_hand = stack.enter_context(own_cache()), stack.enter_context(own_cache())

            def after_a_trial(_: str) -> None:
                with others.running():
                    trials = search.open().get_trials()
                    tried = self.request.updated(trials[-1].params)
                    with using(by_hand):
                        self._do(tried, memo, self.indexing if len(trials) == 1 else Clock(), self.querying)
                    if len(trials) <= self.naive_trials:
                        with own_cache() as empty, using(empty):
                            self._do(tried, {}, self.naive, self.naive)

            stack.enter_context(using(of_search))
            request = replace(self.request, folder=of_search / "run")
            search = runner.searching(request, self.task, lambda choices: request, after_a_trial)
            with self.search.running():
                best = search.run()
            assert best.summary["complete"] == self.trials, best.summary
        self.search = Clock(self.search.wall - others.wall, self.search.processor - others.processor)

    @property
    def trials(self) -> int:
        """Number of trials."""
        return self.request.search.trials or 0

    def _do(self, tried: Request, memo: dict[Any, Any], fit: Clock, predict: Clock) -> None:
        """One trial by hand. The memo is that of a search: with it, questions are looked up."""
        development = self.task.development
        context = Context(self.task.schema, 0, environment.cores(), memo=memo, corpus=development.corpus)
        model = runner.make_model(tried, self.task.schema)
        with fit.running():
            model.fit(development.train, None, context)
        with predict.running():
            model.predict(development.valid.X)


def composed(data: Sequence[str], trials: int) -> dict[str, Any]:
    """The config of the search. Nothing is pruned, so that every trial asks all validation questions."""
    register()
    given = [
        "model=extractive", "retriever=hybrid", "embedder=minilm", "search=tpe", "search/pruner=none",
        f"search.trials={trials}", "variant=x", *data,
    ]  # fmt: skip
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        content: dict[str, Any] = plain(compose("config", given))
    for part in ("model", "retriever", "embedder"):
        content[part]["search_space"] = {}
    content["search"]["space"] = SPACE
    return content


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("squad", nargs="?", type=Path, default=XQUAD, help="a file in the format of SQuAD")
    ask.add_argument("--trials", type=int, default=30)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--naive", type=int, default=2, help="trials of the naive loop that are measured")
    given = _quick.parse(ask, squad=_quick.squad(), trials=2, rounds=1, naive=1)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    is_there = given.squad.is_file()
    if not is_there:
        print(f"There is no {given.squad}; the questions on Python's reference stand in.")
    data = ["data=squad", f"data.path={given.squad}"] if is_there else ["data=python_docs"]
    request = Request.from_config(composed(data, given.trials), Path("unused"))
    task = runner.load_task(request)
    assert task.development.corpus is not None
    # Libraries and the embedder's weights are loaded before a clock starts.
    warm = Request.from_config(composed([*data, "embedder=hashing"], trials=2 if given.quick else 5), Path("unused"))
    Round(warm, task, naive_trials=0).run()
    MiniLM().embed(["Its weights are loaded."], environment.cores())

    print(
        f"{given.trials} trials, {len(task.development.corpus.documents)} documents in "
        f"{len(cut(task.development.corpus, Recursive()))} passages, {len(task.development.valid)} questions, MiniLM"
    )
    print(
        f"{'':22}{'indexing':>10}{'querying':>10}{'search':>10}{'ratio':>7}{'more a trial':>15}{'naive':>8}{'ratio':>8}"
    )
    ratios = []
    for number in range(given.rounds):
        measured = Round(request, task, given.naive)
        measured.run()
        for kind in ("wall", "processor"):
            indexing, querying, search, naive = (
                getattr(clock, kind)
                for clock in (measured.indexing, measured.querying, measured.search, measured.naive)
            )
            least, naive = indexing + querying, naive * given.trials / given.naive
            more = 1000 * (search - least) / given.trials
            print(
                f"{f'round {number + 1}, {kind}':22}{indexing:8.1f} s{querying:8.1f} s{search:8.1f} s"
                f"{search / least:7.2f}{more:12.0f} ms{naive:6.0f} s{naive / least:8.1f}",
                flush=True,
            )
            if kind == "wall":
                ratios.append(search / least)
    ratio = statistics.median(ratios)
    verdict = "PASS" if ratio <= MOST else "MISS"
    print(f"search / (one indexing + {given.trials} × querying): {ratio:.2f}, at most {MOST}  {verdict}")


if __name__ == "__main__":
    main()
