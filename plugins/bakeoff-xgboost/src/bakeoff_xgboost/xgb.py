"""XGBoost: gradient boosting on histograms, with categories and missing values as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from bakeoff.extend import (
    Context,
    Examples,
    Model,
    Predictions,
    Report,
    Schema,
    persistence,
    require_fitted,
    require_kind,
    threads,
)
from bakeoff_xgboost import checks, table

FILE = "model.ubj"
TAKEN = {
    "n_estimators": "Set model.rounds",
    "max_depth": "Set model.depth",
    "learning_rate": "Set model.learning_rate",
    "eta": "Set model.learning_rate",
    "reg_lambda": "Set model.l2",
    "lambda": "Set model.l2",
    "min_child_weight": "Set model.min_child_weight",
    "subsample": "Set model.row_share",
    "colsample_bytree": "Set model.column_share",
    "early_stopping_rounds": "Set model.early_stopping_rounds",
    "random_state": "Set seed",
    "n_jobs": "The run decides it",
    "num_class": "The data decide it",
    "callbacks": "The run decides it",
    "enable_categorical": "It is always on",
    "feature_types": "The data decide it",
    "missing": "The data decide it",
    "verbosity": "It is always silent",
}


@dataclass(eq=False)
class XGBoostModel(Model):
    """XGBoost for classification and regression.

    Args:
        rounds: maximum number of trees (per class); early stopping may keep fewer.
        depth: maximum depth of each tree.
        learning_rate: shrinkage applied to each tree.
        l2: L2 regularisation of the leaf values.
        min_child_weight: minimum total weight of the rows in a leaf.
        row_share: share of the rows sampled for each tree.
        column_share: share of the columns sampled for each tree.
        early_stopping_rounds: rounds without a better validation loss after which fitting ends; None: never.
        words: number of most frequent words per text column that become columns.
        extra: more XGBoost parameters, by XGBoost's names.
    """

    rounds: int = 500
    depth: int = 6
    learning_rate: float = 0.08
    l2: float = 1.0
    min_child_weight: float = 1.0
    row_share: float = 1.0
    column_share: float = 1.0
    early_stopping_rounds: int | None = 50
    words: int = 300
    extra: dict[str, Any] | None = None

    uses_validation = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range, or an extra parameter that XGBoost does not have."""
        require_kind(self, schema, "classification", "regression")
        checks.ranges(
            self,
            {
                "rounds": (1, None),
                "depth": (1, 30),
                "learning_rate": (1e-9, 1),
                "l2": (0, None),
                "min_child_weight": (0, None),
                "row_share": (1e-9, 1),
                "column_share": (1e-9, 1),
                "early_stopping_rounds": (1, None),
                "words": (0, None),
            },
        )
        if self.extra:
            from xgboost import XGBRegressor

            checks.extra(self.extra, TAKEN, set(XGBRegressor().get_params()) - set(TAKEN), "XGBoost")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Boost on ``train`` for ``rounds``, or until more trees no longer help on ``valid``."""
        import xgboost

        self.schema_, self.threads_ = context.schema, context.threads
        self.layout_ = table.learn(train.X, self.schema_, self.words)
        learnt_from = self._matrix(train)
        stopping: dict[str, Any] = {}
        if valid is not None and len(valid):
            stopping = {
                "evals": [(self._matrix(valid), "valid")],
                "early_stopping_rounds": self.early_stopping_rounds,
                "callbacks": [_listener(context.report)],
            }
        booster = xgboost.train(self._parameters(context), learnt_from, self.rounds, verbose_eval=False, **stopping)
        if stopping and self.early_stopping_rounds is not None:
            booster = booster[: booster.best_iteration + 1]
        self.booster_ = booster

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "booster_")
        # For few rows, handing out the work takes longer than the work.
        self.booster_.set_param({"nthread": 1 if len(X) <= threads.FEW_ROWS else self.threads_})
        values = np.asarray(self.booster_.inplace_predict(self.layout_.matrix(X)), dtype=np.float64)
        return table.predictions(values, self.schema_)

    def save(self, folder: Path) -> None:
        """Write the trees in XGBoost's own format, the rest as JSON."""
        self.booster_.save_model(folder / FILE)
        persistence.write(folder, self, self.schema_, layout=self.layout_.to_json(), threads=self.threads_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        import xgboost

        saved = persistence.read(cls, folder)
        model, model.schema_, learnt = saved.model, saved.schema, saved.learned
        model.layout_, model.threads_ = table.from_json(learnt["layout"]), learnt["threads"]
        model.booster_ = xgboost.Booster()
        model.booster_.load_model(folder / FILE)
        return model

    def _parameters(self, context: Context) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "tree_method": "hist",
            "max_depth": self.depth,
            "learning_rate": self.learning_rate,
            "reg_lambda": self.l2,
            "min_child_weight": self.min_child_weight,
            "subsample": self.row_share,
            "colsample_bytree": self.column_share,
            "seed": context.seed,
            "nthread": context.threads,
            "verbosity": 0,
        }
        n_classes = len(context.schema.classes)
        if context.schema.kind == "regression":
            parameters |= {"objective": "reg:squarederror", "eval_metric": "rmse"}
        elif n_classes > 2:
            parameters |= {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": n_classes}
        else:
            parameters |= {"objective": "binary:logistic", "eval_metric": "logloss"}
        return parameters | dict(self.extra or {})

    def _matrix(self, rows: Examples) -> Any:
        import xgboost

        types = ["c" if is_categorical else "q" for is_categorical in self.layout_.is_categorical] or ["q"]
        return xgboost.DMatrix(
            self.layout_.matrix(rows.X), table.targets(rows, self.schema_), feature_types=types, enable_categorical=True
        )


def _listener(report: Report) -> Any:
    """Build a callback that reports each round's validation loss; an exception raised by the report ends the fit."""
    from xgboost.callback import TrainingCallback

    class Listener(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            losses = list(evals_log["valid"].values())[-1]
            report(epoch, float(losses[-1]))
            return False

    return Listener()
