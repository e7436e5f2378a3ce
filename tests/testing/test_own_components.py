"""bakeoff's own components hold to the contracts that plugin authors are given; of models, see tests/models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from bakeoff import metrics
from bakeoff.models.tabular.features import InPlaceScaler
from bakeoff.testing import check_data, check_metric, check_retriever


@parametrize_with_checks([InPlaceScaler()])  # type: ignore[untyped-decorator]
def test_what_claims_to_be_an_estimator_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("name", sorted(metrics.own()))
def test_metrics(name: str) -> None:
    check_metric(name)


@pytest.mark.parametrize("option", ["bm25", "dense", "hybrid"])
def test_retrievers(option: str) -> None:
    check_retriever(option)


@pytest.mark.parametrize("option", ["diabetes", "breast_cancer", "python_docs"])
def test_data(option: str) -> None:
    check_data(option)
