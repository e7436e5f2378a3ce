"""Batched retrieval over 100,000 × 384 vectors, beside numpy's brute force: milliseconds a query, measured in turn, and
recall@10.

The package is asked as a model asks it: ``Dense(...).index(corpus).search(queries, 10)``, passages and all. Vectors are
drawn around 2,000 centres, as embeddings of texts lie in clusters. Brute force is a product with all vectors and an
argpartition, in batches. The verdict is on ``kind: auto``, which is exact search at this size; what an index costs and
misses is shown beside it.

python benchmarks/retrieval.py [--rows 100000] [--queries 1000] [--kinds auto,ivf_flat,ivf_hnsw_sq]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import _quick
import numpy as np
import pandas as pd

from bakeoff.retrieval.chunk import Whole
from bakeoff.retrieval.retrievers import Dense
from bakeoff.task import Corpus

DIMENSIONS, K, CENTRES, ROUNDS = 384, 10, 2000, 5
MOST, LEAST = 2.0, 0.99


def drawn(rows: int, seed: int) -> Any:
    """Random unit vectors around the centres, shape (rows, 384)."""
    centres = np.random.default_rng(0).normal(size=(CENTRES, DIMENSIONS)).astype(np.float32)
    random = np.random.default_rng(seed)
    found = centres[random.integers(CENTRES, size=rows)]
    found = found + 0.7 * random.normal(size=found.shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@dataclass(frozen=True)
class Drawn:
    """Embedder that looks up precomputed vectors ("passage 7" is the seventh), so that embedding is nearly free."""

    rows: int

    @property
    def identity(self) -> str:
        return f"drawn-{self.rows}"

    def embed(self, texts: Sequence[str], threads: int = 1) -> Any:
        parts = {"passage": PASSAGES, "query": QUERIES}
        return np.array([parts[kind][int(number)] for kind, number in (text.split() for text in texts)])


PASSAGES: Any
QUERIES: Any


def by_numpy(stored: Any, asked: Any) -> Any:
    """Positions of the ten nearest of each query, shape (n, 10)."""
    found = []
    for start in range(0, len(asked), 100):
        scores = asked[start : start + 100] @ stored.T
        best = np.argpartition(scores, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        found.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(found)


def main() -> None:
    global PASSAGES, QUERIES
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rows", type=int, default=100_000)
    ask.add_argument("--queries", type=int, default=1000)
    ask.add_argument("--kinds", default="auto,ivf_flat")
    given = _quick.parse(ask, rows=2_000, queries=20, kinds="auto")

    PASSAGES, QUERIES = drawn(given.rows, 1), drawn(given.queries, 2)
    texts = [f"passage {i}" for i in range(given.rows)]
    frame = pd.DataFrame({"id": [str(i) for i in range(given.rows)], "title": "", "text": texts})
    corpus, asked = Corpus(frame, f"drawn-{given.rows}"), [f"query {i}" for i in range(given.queries)]

    def timed(find: Any) -> tuple[Any, float]:
        start = time.perf_counter()
        found = find()
        return found, 1000 * (time.perf_counter() - start) / given.queries

    print(f"{given.rows:,} × {DIMENSIONS} vectors, {given.queries:,} queries, the best of {ROUNDS} rounds, in turn")
    print(f"{'':18}{'build s':>9}{'ms a query':>12}{'of numpy':>10}{'ratio':>8}{'recall@10':>11}{'as reported':>13}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BAKEOFF_CACHE"] = folder
        for kind in given.kinds.split(","):
            start = time.perf_counter()
            index = Dense(Drawn(given.rows), chunker=Whole(), kind=kind).index(corpus, threads=os.cpu_count() or 1)
            built = time.perf_counter() - start
            rounds = []
            for _ in range(ROUNDS):
                truth, of_numpy = timed(lambda: by_numpy(PASSAGES, QUERIES))
                hits, of_index = timed(lambda index=index: index.search(asked, K))
                rounds.append((of_numpy, of_index))
            least, ours = (min(times) for times in zip(*rounds, strict=True))
            found = [{int(hit.passage.document) for hit in one} for one in hits]
            recall = float(np.mean([len({*row} & one) / K for row, one in zip(truth.tolist(), found, strict=True)]))
            said = index.details()["recall_at_10"]
            verdict = ""
            if kind == "auto":
                verdict = f"   at most {MOST} ×, recall {LEAST} or more  "
                verdict += "PASS" if ours <= MOST * least and recall >= LEAST else "MISS"
            print(
                f"{'bakeoff ' + kind:18}{built:9.1f}{ours:12.2f}{least:10.2f}{ours / least:8.2f}{recall:11.3f}"
                f"{said:13.3f}{verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
