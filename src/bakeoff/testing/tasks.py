"""Small tasks for testing models: tables of each kind of column, questions over documents, a series."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from bakeoff.task import HISTORY, QUESTION, Corpus, Examples, Gold, Schema, Series

Toy = tuple[Schema, Examples]
TOPICS = {
    "bread": "To bake bread, knead flour, water, salt and yeast, and let the dough rise.",
    "coffee": "Coffee is brewed from roasted beans that are ground and covered with hot water.",
    "bicycle": "A bicycle is steered by its handlebar and driven by pedals and a chain.",
    "glacier": "A glacier is a river of ice that moves slowly down a mountain valley.",
    "violin": "The violin is played with a bow and has four strings tuned in fifths.",
    "volcano": "A volcano erupts when molten rock rises through a vent of the crust.",
}
# Topic, question, answer; without a topic, the documents do not answer it.
ASKED = (
    ("bread", "What must rise before you bake bread?", "the dough"),
    ("coffee", "From what is coffee brewed?", "roasted beans"),
    ("bicycle", "What steers a bicycle?", "its handlebar"),
    ("glacier", "Of what is a glacier a river?", "ice"),
    ("violin", "How many strings has a violin?", "four"),
    ("violin", "And with what is it played?", "a bow"),
    ("volcano", "What rises when a volcano erupts?", "molten rock"),
    ("", "Who won the election of 1912?", ""),
    ("", "How much is a ticket to Peru?", ""),
    ("", "Which gas makes balloons rise?", ""),
)


def examples(X: pd.DataFrame, y: Any) -> Examples:
    """Examples with features and targets only."""
    return Examples(X, np.asarray(y), np.arange(len(X)), X.iloc[:, :0])


def text() -> Toy:
    """Two classes of short messages."""
    spam = [f"win a free prize number {i}, call now" for i in range(20)]
    ham = [f"see you at home at {i} tonight, love" for i in range(40)]
    X = pd.DataFrame({"message": [*spam, *ham]})
    schema = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
    return schema, examples(X, np.array(["spam"] * 20 + ["ham"] * 40, dtype=object))


def iris() -> Toy:
    """Three classes, four numbers."""
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    schema = Schema("classification", "kind", dict.fromkeys(bunch.data, "numeric"), ("0", "1", "2"))
    return schema, examples(bunch.data, bunch.target.astype(str).to_numpy(dtype=object))


def errands() -> Toy:
    """Short messages with any number of three labels: what is to be bought, called or cleaned."""
    words = {"buy": "buy milk and bread", "call": "call the dentist back", "clean": "clean the kitchen floor"}
    chosen = [tuple(label for bit, label in enumerate(words) if i >> bit & 1) for i in range(64)]
    texts = [
        f"note {i}: {', then '.join(words[label] for label in labels) or 'rest'}" for i, labels in enumerate(chosen)
    ]
    y = np.empty(len(chosen), dtype=object)
    y[:] = chosen
    return Schema("multilabel", "to_do", {"message": "text"}, tuple(words)), examples(
        pd.DataFrame({"message": texts}), y
    )


def diabetes() -> Toy:
    """A number to be predicted from ten others."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(as_frame=True)
    schema = Schema("regression", "progression", dict.fromkeys(bunch.data, "numeric"))
    return schema, examples(bunch.data.iloc[:200], bunch.target.to_numpy(dtype=float)[:200])


def mixed() -> Toy:
    """Two classes; numbers, categories, dates and text, of which some are missing."""
    random = np.random.default_rng(0)
    n = 120
    X = pd.DataFrame(
        {
            "age": np.where(random.random(n) < 0.1, np.nan, random.integers(18, 80, n)),
            "plan": pd.Series(random.choice(["basic", "plus", "pro"], n)).where(random.random(n) > 0.1),
            "street": [f"{random.choice(['Oak', 'Elm', 'Main'])} Street {i % 60}" for i in range(n)],
            "joined": pd.Series(pd.date_range("2020-01-01", periods=n, freq="3D")).where(random.random(n) > 0.1),
            "note": [f"call number {i} about the {'bill' if i % 2 else 'phone'}" for i in range(n)],
        }
    )
    y = np.where((X["plan"] == "pro") | (X["age"] > 60), "stays", "leaves").astype(object)
    kinds: Mapping[str, str] = {
        "age": "numeric", "plan": "categorical", "street": "categorical", "joined": "date", "note": "text"
    }  # fmt: skip
    return Schema("classification", "y", kinds, ("leaves", "stays"), "leaves"), examples(X, y)


def corpus() -> Corpus:
    """Six documents of a sentence each."""
    documents = pd.DataFrame({"id": list(TOPICS), "title": list(TOPICS), "text": list(TOPICS.values())})
    return Corpus(documents, "topics-1")


def qa() -> Toy:
    """Questions over ``corpus``; one follows another, and some have no answer there."""
    history = [{"role": "user", "content": ASKED[4][1]}, {"role": "assistant", "content": ASKED[4][2]}]
    turns = [json.dumps(history if question.startswith("And ") else []) for _, question, _ in ASKED]
    y = np.empty(len(ASKED), dtype=object)
    y[:] = [Gold((answer,), {topic: 1}) if topic else Gold() for topic, _, answer in ASKED]
    X = pd.DataFrame({QUESTION: [question for _, question, _ in ASKED], HISTORY: turns})
    return Schema("qa", "answers", {QUESTION: "text", HISTORY: "text"}), examples(X, y)


def retrieval() -> Toy:
    """The same questions, to be answered with documents."""
    schema, rows = qa()
    return replace(schema, kind="retrieval"), rows


def notices() -> Toy:
    """Short texts to be summarised: the sentences of two topics, with the first as the reference of most."""
    pairs = [(a, b) for a in TOPICS for b in TOPICS if a != b]
    texts = [f"Notice {i} is about {a}. {TOPICS[a]} {TOPICS[b]}" for i, (a, b) in enumerate(pairs)]
    y = np.empty(len(pairs), dtype=object)
    y[:] = [Gold((TOPICS[a],)) if i % 5 else Gold() for i, (a, _) in enumerate(pairs)]
    X = pd.DataFrame({"topic": [a for a, _ in pairs], "text": texts})
    return Schema("generation", "summary", {"topic": "categorical", "text": "text"}), examples(X, y)


def forecast() -> Toy:
    """A week ahead of a series with weeks, a trend and noise, of which two weeks are seen."""
    days = np.arange(100)
    sold = 10 + 3 * np.sin(2 * np.pi * days / 7) + days / 40 + np.random.default_rng(0).normal(0, 0.3, len(days))
    windows = sliding_window_view(sold, 14 + 7)
    X = pd.DataFrame(windows[:, :14], columns=[f"sold[{at}]" for at in range(-13, 1)])
    scale = float(np.abs(sold[7:] - sold[:-7]).mean())
    series = Series(14, 7, 7, ("sold",), (), "1 d", 86_400.0, None, {"": scale})
    return Schema("forecast", "sold", {}, series=series), examples(X, windows[:, 14:])


TASKS: Mapping[str, Callable[[], Toy]] = {
    "text": text, "iris": iris, "diabetes": diabetes, "mixed": mixed, "errands": errands
}  # fmt: skip
QUESTIONS: Mapping[str, Callable[[], Toy]] = {"qa": qa, "retrieval": retrieval}
TEXTS: Mapping[str, Callable[[], Toy]] = {"notices": notices}
SERIES: Mapping[str, Callable[[], Toy]] = {"forecast": forecast}
