"""Replicates: variants that differ in their seed alone are one recipe, judged by the mean over its seeds.

The difference between two recipes varies with the test rows and with the seeds. Both components are estimated apart and
joined: the bounds over rows by the method of the metric, the seeds by Welch's t of the values of each seed, and the
margins in quadrature (MOVER: Zou & Donner 2008).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.compare.intervals import Uncertainty

SEED = re.compile(r"(?:^|-)seed=\d+")


def recipe(variant: str) -> str:
    """Name of a variant without its seed."""
    return SEED.sub("", variant) or variant


def by_first(variants: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The replicates of each recipe, by the name of the first of them.

    Args:
        variants: names of variants.
    """
    members: dict[str, list[str]] = {}
    for name in dict.fromkeys(variants):
        members.setdefault(recipe(name), []).append(name)
    return {names[0]: tuple(names) for names in members.values()}


@dataclass(frozen=True)
class OverSeeds:
    """Uncertainty of a difference of means over seeds.

    Attributes:
        over_rows: of the difference between the first replicates.
        first: that difference.
        difference: difference of the means over the seeds.
        of_seeds: standard error of the difference from seed to seed.
        freedom: degrees of freedom of that.
    """

    over_rows: Uncertainty
    first: float
    difference: float
    of_seeds: float
    freedom: float

    @classmethod
    def from_values(cls, over_rows: Uncertainty, new: Sequence[float], old: Sequence[float]) -> OverSeeds:
        """Join the uncertainty over rows with the spread of the values of each seed.

        Args:
            over_rows: of the difference between the first values.
            new: value of each replicate of the challenger.
            old: value of each replicate of the incumbent.
        """
        several = [values for values in (new, old) if len(values) > 1]
        parts = [(float(np.var(values, ddof=1)) / len(values), len(values) - 1) for values in several]
        variance = sum(part for part, _ in parts)
        # Welch (1947) and Satterthwaite (1946).
        freedom = variance**2 / sum(part**2 / n for part, n in parts) if variance > 0 else math.inf
        return cls(over_rows, new[0] - old[0], float(np.mean(new) - np.mean(old)), math.sqrt(variance), freedom)

    @property
    def standard_error(self) -> float:
        """Of rows and seeds together."""
        return math.hypot(self.over_rows.standard_error, self.of_seeds)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds with that confidence; NaN, NaN where the rows give none."""
        from scipy.stats import t

        low, high = self.over_rows.interval(confidence)
        quantile = float(t.ppf((1 + confidence) / 2, self.freedom)) if math.isfinite(self.freedom) else 0.0
        half = quantile * self.of_seeds
        below, above = (math.hypot(reach, half) for reach in (self.first - low, high - self.first))
        return self.difference - below, self.difference + above


Replicates = Mapping[str, Mapping[str, tuple[float, ...]]]
"""Variant → metric → value of each replicate, that of the variant itself first."""
