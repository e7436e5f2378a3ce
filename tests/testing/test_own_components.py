"""bakeoff's own components hold to the contracts that plugin authors are given."""

from __future__ import annotations

import pytest

from bakeoff import metrics
from bakeoff.testing import check_data, check_metric, check_model, check_retriever


@pytest.mark.parametrize("option", ["constant", "linear"])
def test_models(option: str) -> None:
    held = check_model(option)
    assert any("a saved model predicts the same" in step for step in held)


def test_boosting_can_be_pruned() -> None:
    assert "mixed: a search can end a fit" in check_model("catboost", overrides=["model.iterations=10"])


@pytest.mark.parametrize("name", sorted(metrics.own()))
def test_metrics(name: str) -> None:
    check_metric(name)


@pytest.mark.parametrize("option", ["bm25", "dense", "hybrid"])
def test_retrievers(option: str) -> None:
    check_retriever(option)


@pytest.mark.parametrize("option", ["diabetes", "breast_cancer", "python_docs"])
def test_data(option: str) -> None:
    check_data(option)
