"""LightGBM: gradient boosting leaf by leaf, with categories and missing values as they are."""

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

FILE = "model.txt"
# Parameters set by the constructor or the run, by LightGBM's main names; each has aliases there.
DECIDED = {
    "num_iterations": "Set model.rounds",
    "num_leaves": "Set model.leaves",
    "learning_rate": "Set model.learning_rate",
    "lambda_l2": "Set model.l2",
    "min_data_in_leaf": "Set model.min_leaf_rows",
    "bagging_fraction": "Set model.row_share",
    "bagging_freq": "Set model.row_share",
    "feature_fraction": "Set model.column_share",
    "early_stopping_round": "Set model.early_stopping_rounds",
    "seed": "Set seed",
    "num_threads": "The run decides it",
    "num_class": "The data decide it",
    "categorical_feature": "The data decide it",
    "verbosity": "It is always silent",
}


@dataclass(eq=False)
class LightGBMModel(Model):
    """LightGBM for classification and regression.

    Args:
        rounds: maximum number of trees (per class); early stopping may keep fewer.
        leaves: maximum leaves per tree.
        learning_rate: shrinkage applied to each tree.
        l2: L2 regularisation of the leaf values.
        min_leaf_rows: minimum rows per leaf.
        row_share: share of the rows sampled for each tree.
        column_share: share of the columns sampled for each tree.
        early_stopping_rounds: rounds without a better validation loss after which fitting ends; None: never.
        words: number of most frequent words per text column that become columns.
        extra: more LightGBM parameters, by LightGBM's names.
    """

    rounds: int = 500
    leaves: int = 31
    learning_rate: float = 0.08
    l2: float = 0.0
    min_leaf_rows: int = 20
    row_share: float = 1.0
    column_share: float = 1.0
    early_stopping_rounds: int | None = 50
    words: int = 300
    extra: dict[str, Any] | None = None

    uses_validation = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range, or an extra parameter that LightGBM does not have."""
        require_kind(self, schema, "classification", "regression")
        checks.ranges(
            self,
            {
                "rounds": (1, None),
                "leaves": (2, 131_072),
                "learning_rate": (1e-9, 1),
                "l2": (0, None),
                "min_leaf_rows": (1, None),
                "row_share": (1e-9, 1),
                "column_share": (1e-9, 1),
                "early_stopping_rounds": (1, None),
                "words": (0, None),
            },
        )
        if self.extra:
            taken, known = _names()
            checks.extra(self.extra, taken, known, "LightGBM")

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Boost on ``train`` for ``rounds``, or until more trees no longer help on ``valid``."""
        import lightgbm

        self.schema_, self.threads_ = context.schema, context.threads
        self.layout_ = table.learn(train.X, self.schema_, self.words)
        parameters = self._parameters(context)
        learnt_from = self._dataset(train, None, parameters)
        stopping: dict[str, Any] = {}
        if valid is not None and len(valid):
            callbacks: list[Any] = [_listener(context.report)]
            if self.early_stopping_rounds is not None:
                callbacks.append(lightgbm.early_stopping(self.early_stopping_rounds, verbose=False))
            stopping = {"valid_sets": [self._dataset(valid, learnt_from, parameters)], "callbacks": callbacks}
        self.booster_ = lightgbm.train(parameters, learnt_from, self.rounds, **stopping)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "booster_")
        matrix = self.layout_.matrix(X)
        if not len(matrix):
            values = np.zeros((0, len(self.schema_.classes)) if len(self.schema_.classes) > 2 else 0)
        else:
            values = np.asarray(self.booster_.predict(matrix, num_threads=self._threads(len(matrix))), dtype=np.float64)
        return table.predictions(values, self.schema_)

    def save(self, folder: Path) -> None:
        """Write the trees in LightGBM's own format, the rest as JSON."""
        self.booster_.save_model(folder / FILE)
        persistence.write(folder, self, self.schema_, layout=self.layout_.to_json(), threads=self.threads_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        import lightgbm

        saved = persistence.read(cls, folder)
        model, model.schema_, learnt = saved.model, saved.schema, saved.learned
        model.layout_, model.threads_ = table.from_json(learnt["layout"]), learnt["threads"]
        model.booster_ = lightgbm.Booster(model_file=folder / FILE)
        return model

    def _threads(self, rows: int) -> int:
        """One for few rows, where handing out the work takes longer than the work."""
        return 1 if rows <= threads.FEW_ROWS else self.threads_

    def _parameters(self, context: Context) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "lambda_l2": self.l2,
            "min_data_in_leaf": self.min_leaf_rows,
            "bagging_fraction": self.row_share,
            "bagging_freq": int(self.row_share < 1),
            "feature_fraction": self.column_share,
            "seed": context.seed,
            "num_threads": context.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        n_classes = len(context.schema.classes)
        if context.schema.kind == "regression":
            parameters |= {"objective": "regression", "metric": "rmse"}
        elif n_classes > 2:
            parameters |= {"objective": "multiclass", "metric": "multi_logloss", "num_class": n_classes}
        else:
            parameters |= {"objective": "binary", "metric": "binary_logloss"}
        return parameters | dict(self.extra or {})

    def _dataset(self, rows: Examples, reference: Any, parameters: dict[str, Any]) -> Any:
        import lightgbm

        coded = [i for i, is_categorical in enumerate(self.layout_.is_categorical) if is_categorical]
        return lightgbm.Dataset(
            self.layout_.matrix(rows.X),
            table.targets(rows, self.schema_),
            reference,
            categorical_feature=coded,
            params=dict(parameters),
        )


def _listener(report: Report) -> Any:
    """Build a callback that reports each round's validation loss; an exception raised by the report ends the fit."""

    def listen(env: Any) -> None:
        report(env.iteration, float(env.evaluation_result_list[-1][2]))

    return listen


def _names() -> tuple[dict[str, str], set[str]]:
    """LightGBM's names of what is decided elsewhere, and those that may be extras."""
    from lightgbm.basic import _ConfigAliases

    aliases: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    taken = {alias: DECIDED[name] for name, of_name in aliases.items() if name in DECIDED for alias in of_name}
    return taken, {alias for of_name in aliases.values() for alias in of_name} - set(taken)
