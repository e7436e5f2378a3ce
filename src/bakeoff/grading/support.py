"""Support of a generated text by its input: a grade that needs no reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.models.texts import prompts
from bakeoff.words import support

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable


@dataclass
class InputSupport:
    """Share of the content words of an output that stand in its row's feature columns; 0 for an empty output."""

    def check(self) -> None:
        """Do nothing: there is nothing to check before outputs exist."""

    def grade(self, X: pd.DataFrame, table: PredictionTable) -> NDArray[np.float64]:
        """A grade for each of n outputs, shape (n,)."""
        pairs = zip(table.predictions.output, prompts(X, table.schema), strict=True)
        return np.array([support(output, text) if output.strip() else 0.0 for output, text in pairs], dtype=np.float64)

    def details(self) -> Mapping[str, Any]:
        """Empty: there is nothing to record besides the grades."""
        return {}

    def notes(self) -> list[str]:
        """Empty: no caveats."""
        return []
