"""CatBoost: gradient boosting that takes categories, text and missing values as they are, and stops early."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.models import classes, columns, multilabel, persistence
from bakeoff.models.base import Context, Model, Report, no_report, require_fitted, require_kind
from bakeoff.models.tabular import transformed
from bakeoff.models.tabular.transformed import Transform
from bakeoff.task import Examples, Predictions, Schema
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    from catboost import Pool

FILE = "model.cbm"
MISSING = "(missing)"
ROUNDS_A_REPORT = 10
OWN = ("iterations", "depth", "learning_rate", "l2_leaf_reg", "rsm", "early_stopping_rounds", "extra")
# Parameters set by the constructor or the run, with CatBoost's aliases.
OF_SAMPLING = ("subsample", "bagging_temperature", "mvs_reg", "sampling_frequency", "sampling_unit")
TAKEN = frozenset(
    {
        *OWN,
        "n_estimators",
        "num_boost_round",
        "num_trees",
        "max_depth",
        "eta",
        "reg_lambda",
        "colsample_bylevel",
        "od_type",
        "od_wait",
        "random_seed",
        "random_state",
        "thread_count",
        "allow_writing_files",
        "train_dir",
        "logging_level",
        "verbose",
        "silent",
        "metric_period",
        "class_names",
        "classes_count",
        "cat_features",
        "text_features",
        # These would make CatBoost read or write files of its own.
        "save_snapshot",
        "snapshot_file",
        "snapshot_interval",
        "input_borders",
        "output_borders",
        "callback",
    }
)


@dataclass(eq=False)
class CatBoost(Model):
    """CatBoost for classification with one label or several, and for regression.

    Args:
        iterations: maximum number of trees; early stopping may keep fewer.
        depth: maximum depth of each tree, 1 to 16.
        learning_rate: shrinkage applied to each tree.
        l2_leaf_reg: L2 regularisation of the leaf values.
        rsm: share of the columns that are tried at each split (random subspace method), above 0 and up to 1.
        early_stopping_rounds: trees without a better validation score after which fitting ends; None: never.
        refit: after early stopping, fit the number of trees that it found to training and validation rows.
        target_transform: ``log``: learn the logarithm of a positive target (regression). Predictions lie at most 3
            standard deviations of the logarithms beyond the range that was learnt.
        extra: more CatBoost parameters, by CatBoost's names.
    """

    iterations: int = 500
    depth: int = 6
    learning_rate: float = 0.08
    l2_leaf_reg: float = 3.0
    rsm: float = 1.0
    early_stopping_rounds: int | None = 50
    refit: bool = False
    target_transform: Transform = "none"
    extra: dict[str, Any] | None = None

    uses_validation = True
    supports_lag_features = True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for a value out of its range, or an extra parameter that CatBoost does not have."""
        require_kind(self, schema, "classification", "regression", "multilabel")
        ranges = {
            "iterations": (1, None),
            "depth": (1, 16),
            "learning_rate": (1e-9, None),
            "l2_leaf_reg": (0, None),
            "early_stopping_rounds": (1, None),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and (value < low or (high is not None and value > high)):
                allowed = f"from {low:g} to {high}" if high else f"{low:g} or more"
                raise ConfigError(f"model.{name}: {value} is out of range. Allowed: {allowed}.")
        for key, share in (("model.rsm", self.rsm), ("model.extra.rsm", (self.extra or {}).get("rsm", self.rsm))):
            if not isinstance(share, int | float) or not 0 < share <= 1:
                raise ConfigError(f"{key}: {share} is no share of columns. Allowed: above 0, up to 1.")
        transformed.check(self.target_transform, schema)
        if self.extra:
            self._check_extra(self.extra, schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Boost on ``train`` for ``iterations``, or until more trees no longer help on ``valid``."""
        self._boost(train, valid, context, self.iterations)

    def fit_to_all(self, rows: Examples, context: Context) -> None:
        """With ``refit``, boost on training and validation rows for as many trees as early stopping kept."""
        if self.refit:
            self._boost(rows, None, context, max(1, int(self.booster_.tree_count_)))

    def _boost(self, train: Examples, valid: Examples | None, context: Context, iterations: int) -> None:
        from catboost import CatBoostError

        self.schema_ = schema = context.schema
        parameters: dict[str, Any] = {
            "iterations": iterations,
            "depth": self.depth,
            "learning_rate": self.learning_rate,
            "l2_leaf_reg": self.l2_leaf_reg,
            "rsm": self.rsm,
            "random_seed": context.seed,
            "thread_count": context.threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
        if schema.kind == "classification":
            parameters["loss_function"] = "MultiClass" if len(schema.classes) > 2 else "Logloss"
            parameters["class_names"] = list(range(len(schema.classes)))
        if schema.kind == "multilabel":
            parameters["loss_function"] = "MultiLogloss"
            self.labels_ = Labels.from_targets(train.y, schema.classes)
        if schema.of_kind("text"):
            parameters["text_processing"] = _text_processing(schema)
        parameters |= self.extra or {}
        if schema.kind != "multilabel" and (train.y == train.y[0]).all():  # which leaves no gradients to sample rows by
            parameters |= {"allow_const_label": True, "bootstrap_type": "No"}
            parameters = {key: value for key, value in parameters.items() if key not in OF_SAMPLING}
        self.range_ = None
        if schema.kind == "regression":
            y = transformed.forward(train.y, self.target_transform)
            self.range_ = transformed.learnt_range(y, self.target_transform)
        booster = _learner(schema)(**parameters)
        stopping: dict[str, Any] = {}
        listener = _Listener(context.report, parameters.get("loss_function", "RMSE"))
        if valid is not None and len(valid):
            stopping["eval_set"] = self._pool(valid.X, valid.y)
            stopping["early_stopping_rounds"] = self.early_stopping_rounds
            if context.report is not no_report:
                stopping["callbacks"] = [listener]
        try:
            booster.fit(self._pool(train.X, train.y), **stopping)
        except CatBoostError as error:
            if "All features are either constant" not in str(error):
                raise
            raise DataError(
                "model: each feature has one value in all training rows: there is nothing to learn."
            ) from None
        if listener.raised:
            raise listener.raised
        self.booster_ = booster

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "booster_")
        pool = self._pool(X)
        if self.schema_.kind == "regression":
            return Predictions(transformed.inverse(self.booster_.predict(pool), self.target_transform, self.range_))
        proba = np.asarray(self.booster_.predict_proba(pool), dtype=np.float64)
        if self.schema_.kind == "multilabel":
            return multilabel.from_proba(self.labels_.spread(proba), self.schema_.classes)
        return Predictions(classes.most_probable(proba, self.schema_.classes), proba)

    def save(self, folder: Path) -> None:
        """Write the trees in CatBoost's own format, and the schema as JSON."""
        self.booster_.save_model(str(folder / FILE))
        state: dict[str, Any] = {"labels": asdict(self.labels_)} if self.schema_.kind == "multilabel" else {}
        persistence.write(folder, self, self.schema_, range=self.range_, **state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_ = saved.model, saved.schema
        model.range_ = saved.learned.get("range")
        if model.schema_.kind == "multilabel":
            model.labels_ = Labels(**saved.learned["labels"])
        model.booster_ = _learner(model.schema_)()
        model.booster_.load_model(str(folder / FILE))
        return model

    def _pool(self, X: pd.DataFrame, y: NDArray[Any] | None = None) -> Pool:
        from catboost import Pool

        schema = self.schema_
        if y is not None and schema.kind == "classification":
            y = classes.codes(y, schema.classes)
        if y is not None and schema.kind == "regression":
            y = transformed.forward(y, self.target_transform)
        if y is not None and schema.kind == "multilabel":
            y = multilabel.indicators(y, schema.classes)[:, self.labels_.fitted]
        numbers = columns.as_numbers(X, schema.of_kind("numeric"), schema.of_kind("date"))
        category, text = schema.of_kind("categorical"), schema.of_kind("text")
        if not category and not text:
            return Pool(np.column_stack(list(numbers)), y)
        data: dict[str, NDArray[Any]] = {f"number {i}": values for i, values in enumerate(numbers)}
        data |= {f"category {name}": columns.strings(X[name], missing=MISSING) for name in category}
        data |= {f"text {name}": columns.strings(X[name], missing="") for name in text}
        return Pool(
            pd.DataFrame(data, copy=False),
            y,
            cat_features=[f"category {name}" for name in category],
            text_features=[f"text {name}" for name in text],
        )

    def _check_extra(self, extra: dict[str, Any], schema: Schema) -> None:
        known = set(inspect.signature(_learner(schema)).parameters) - TAKEN
        for name, value in extra.items():
            if name == "rsm" and self.rsm in (1, value):
                continue  # it stood here before it had a key of its own
            if name in ("rsm", "colsample_bylevel"):
                raise ConfigError(f"model.extra.{name}: this has a key of its own. Write model.rsm={value}")
            if name in TAKEN:
                raise ConfigError(
                    f"model.extra.{name}: this is not an extra. "
                    f"Set {', '.join(f'model.{own}' for own in OWN if own != 'extra')} or seed."
                )
            if name not in known:
                raise ConfigError(f'model.extra.{name}: CatBoost has no parameter "{name}".{did_you_mean(name, known)}')


def _learner(schema: Schema) -> Any:
    """CatBoost's class for this task kind."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    return CatBoostRegressor if kinds.get(schema.kind).is_numeric else CatBoostClassifier


@dataclass(frozen=True)
class Labels:
    """Labels of a multi-label task. CatBoost refuses one that no training row has, or every one.

    Attributes:
        shares: of the training rows that have each label.
        fitted: positions of the labels that CatBoost is fitted to: those that some rows have and some have not.
    """

    shares: list[float]
    fitted: list[int]

    @classmethod
    def from_targets(cls, y: NDArray[Any], classes: tuple[str, ...]) -> Labels:
        """Build from training targets. Raises ``ConfigError`` if there is nothing to learn."""
        shares = multilabel.shares(y, classes)
        fitted = np.flatnonzero((shares > 0) & (shares < 1)).tolist()
        if not fitted:
            raise ConfigError("model: all training rows have the same labels, so there is nothing to learn.")
        return cls(shares.tolist(), fitted * 2 if len(fitted) == 1 else fitted)  # CatBoost wants two labels at least

    def spread(self, proba: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of all labels, shape (n, k), from those of the fitted ones; the others keep their share."""
        whole = np.tile(np.array(self.shares), (len(proba), 1))
        whole[:, self.fitted] = proba
        return whole


class _Listener:
    """Reports the validation loss every few rounds. Stores exceptions, since CatBoost would hide a callback's."""

    def __init__(self, report: Report, loss: str) -> None:
        self.report = report
        self.loss = loss
        self.raised: Exception | None = None

    def after_iteration(self, info: Any) -> bool:
        """Report the loss; return whether to continue."""
        if info.iteration % ROUNDS_A_REPORT:
            return True
        try:
            self.report(info.iteration, info.metrics["validation"][self.loss][-1])
        except Exception as raised:
            self.raised = raised
        return self.raised is None


def _text_processing(schema: Schema) -> dict[str, Any]:
    """CatBoost's text-processing settings.

    CatBoost's own default spends minutes on a few thousand short texts with several classes, nearly all of it on the
    thousands of columns of its bag of words. Naive Bayes and BM25 over single words, pairs and triples, a few columns
    a class, are as good and a hundred times faster. They need one class a row: values and several
    labels keep a small bag of words.
    """
    sizes = {f"words {n}": n for n in (1, 2, 3)}
    calcers = ["NaiveBayes", "BM25"] if schema.kind == "classification" else ["BoW:top_tokens_count=200"]
    return {
        "tokenizers": [
            {
                "tokenizer_id": "words",
                "lowercasing": "true",
                "separator_type": "BySense",
                "token_types": ["Word", "Number", "Punctuation"],
            }
        ],
        "dictionaries": [
            {"dictionary_id": name, "gram_order": str(n), "occurrence_lower_bound": "1", "max_dictionary_size": "50000"}
            for name, n in sizes.items()
        ],
        "feature_processing": {
            "default": [
                {"tokenizers_names": ["words"], "dictionaries_names": list(sizes), "feature_calcers": [calcer]}
                for calcer in calcers
            ]
        },
    }
