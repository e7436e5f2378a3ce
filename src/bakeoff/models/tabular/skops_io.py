"""skops.io without its look at all modules of scikit-learn, which imports torch and pytest as well.

That takes 1.7 CPU seconds, and finds the names of all estimators, which skops trusts. bakeoff says what to trust.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Estimators(list[str]):
    """Names of scikit-learn's estimators, looked up when skops first wants them for others than bakeoff.

    Attributes:
        are_wanted: False while bakeoff reads a file, all types of which it names.
    """

    are_wanted = True

    def __add__(self, other: list[str]) -> list[str]:  # type: ignore[override]
        """These names and others: the one thing that skops does with them."""
        if self.are_wanted and not self:
            from sklearn.utils import all_estimators
            from skops.io._utils import get_type_name

            names = [get_type_name(estimator) for _, estimator in all_estimators()]
            self += [name for name in names if name.startswith("sklearn.")]
        return [*self, *other]


def module() -> Any:
    """Import ``skops.io``."""
    import sklearn.utils

    if "skops.io" not in sys.modules:
        look_up = sklearn.utils.all_estimators
        sklearn.utils.all_estimators = lambda *arguments, **options: []
        try:
            from skops.io import _general, _trusted_types
        finally:
            sklearn.utils.all_estimators = look_up
        _general.SKLEARN_ESTIMATOR_TYPE_NAMES = _trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES = Estimators()
    return sys.modules["skops.io"]


@contextmanager
def reading() -> Iterator[Any]:
    """``skops.io``, for a file all types of which are named as trusted."""
    io = module()
    names = sys.modules["skops.io._general"].SKLEARN_ESTIMATOR_TYPE_NAMES
    if not isinstance(names, Estimators):  # somebody else imported it first
        yield io
        return
    names.are_wanted = False
    try:
        yield io
    finally:
        names.are_wanted = True
