"""Calibrated: a part whose probabilities are corrected on validation rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError
from bakeoff.models import classes
from bakeoff.models.base import ModelReport, require_kind
from bakeoff.predictions import Predictions
from bakeoff.solutions.answers import Answers
from bakeoff.solutions.base import HeldOut, OfOnePart
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
LEAST_PROBABILITY = 1e-6
BINS = 10
FEWEST_ROWS = 10


@dataclass(eq=False)
class Calibrated(OfOnePart):
    """A part with calibrated probabilities.

    Args:
        part: name of the part.
        method: ``temperature``: one number for all classes (Guo et al. 2017); ``sigmoid``: two for each class (Platt
            1999); ``isotonic``: any increasing function for each class, for many validation rows.
        parts: name of the part → its model, or the name of a variant of the bake-off; a part that is not here is the
            variant of its own name.
    """

    part: str = ""
    method: Literal["temperature", "sigmoid", "isotonic"] = "temperature"
    parts: dict[str, Any] = field(default_factory=dict)

    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where the task has no probabilities."""
        require_kind(self, schema, "classification")

    def learn(self, held: HeldOut) -> None:
        """Learn the correction, and measure the error of calibration before and after it, out of sample."""
        self.schema_ = held.schema
        proba = self._proba(held.answers.of(self.part, np.arange(len(held))))
        if len(held) < FEWEST_ROWS:
            raise ConfigError(
                f"model.part: {len(held)} validation rows are too few to calibrate on; {FEWEST_ROWS} are needed."
            )
        codes = classes.codes(held.rows.y, held.schema.classes)
        self.map_ = self._fitted(proba, codes)
        after = np.full_like(proba, np.nan)
        for learning, rows in held.folds():
            after[rows] = _mapped(proba[rows], self._fitted(proba[learning], codes[learning]))
        self.reliability_ = {"rows": len(held), "before": calibration_error(proba, codes)}
        if np.isfinite(after).all():
            self.reliability_["after"] = calibration_error(after, codes)

    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Correct the probabilities; the label is the most probable one."""
        given = answers.of(self.part, np.arange(len(answers)))
        if not len(given):
            return given
        proba = _mapped(self._proba(given), self.map_)
        output = np.where(given.is_answered, classes.most_probable(proba, self.schema_.classes), given.output)
        return replace(given, output=output.astype(object), proba=proba, confidence=proba.max(axis=1))

    def _proba(self, given: Predictions) -> Floats:
        if given.proba is None:
            raise ConfigError(f"model.part: {self.part} gives no probabilities to calibrate.")
        return np.nan_to_num(given.proba, nan=1 / given.proba.shape[1])

    def _fitted(self, proba: Floats, codes: NDArray[np.intp]) -> dict[str, Any]:
        if self.method == "temperature":
            return {"temperature": _temperature(proba, codes)}
        fit = _sigmoid if self.method == "sigmoid" else _isotonic
        return {self.method: [fit(proba[:, k], codes == k) for k in range(proba.shape[1])]}

    def learned_report(self) -> ModelReport:
        """Expected calibration error before and after."""
        return ModelReport({"calibration_error": self.reliability_})

    def state(self) -> dict[str, Any]:
        """The correction and its errors."""
        return {"map": self.map_, "reliability": self.reliability_}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""
        self.map_, self.reliability_ = dict(state["map"]), dict(state["reliability"])


def calibration_error(proba: Floats, codes: NDArray[np.intp]) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over bins of equally many rows."""
    sure, right = proba.max(axis=1), proba.argmax(axis=1) == codes
    order = np.argsort(sure, kind="stable")
    gaps = [
        (abs(sure[rows].mean() - right[rows].mean()), len(rows)) for rows in np.array_split(order, BINS) if len(rows)
    ]
    return float(sum(gap * n for gap, n in gaps) / len(sure))


def _logits(p: Floats) -> Floats:
    clipped = np.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _temperature(proba: Floats, codes: NDArray[np.intp]) -> float:
    from scipy.optimize import minimize_scalar

    logs = np.log(np.clip(proba, LEAST_PROBABILITY, 1))

    def loss(log_temperature: float) -> float:
        scaled = logs / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(codes)), codes]))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _sigmoid(p: Floats, is_class: NDArray[np.bool_]) -> list[float]:
    """Slope and intercept of Platt's sigmoid, with his smoothed targets."""
    from scipy.optimize import minimize

    n = int(is_class.sum())
    high, low = (n + 1) / (n + 2), 1 / (len(p) - n + 2)
    x, target = _logits(p), np.where(is_class, high, low)

    def loss(w: Floats) -> float:
        z = w[0] * x + w[1]
        return float(np.mean(np.logaddexp(0, z) - target * z))

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return [float(slope), float(intercept)]


def _isotonic(p: Floats, is_class: NDArray[np.bool_]) -> list[list[float]]:
    from sklearn.isotonic import IsotonicRegression

    if not is_class.any():  # nothing is known of a class without validation rows: its probabilities stay
        return [[0.0, 1.0], [0.0, 1.0]]
    fitted = IsotonicRegression(out_of_bounds="clip").fit(p, is_class.astype(float))
    return [fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist()]


def _mapped(proba: Floats, how: Mapping[str, Any]) -> Floats:
    if "temperature" in how:
        scaled = np.log(np.clip(proba, LEAST_PROBABILITY, 1)) / how["temperature"]
        new = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    elif "sigmoid" in how:
        new = np.stack(
            [1 / (1 + np.exp(-(a * _logits(proba[:, k]) + b))) for k, (a, b) in enumerate(how["sigmoid"])], 1
        )
    else:
        new = np.stack([np.interp(proba[:, k], *curve) for k, curve in enumerate(how["isotonic"])], axis=1)
    total = new.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, new / np.where(total > 0, total, 1), 1 / proba.shape[1]))
