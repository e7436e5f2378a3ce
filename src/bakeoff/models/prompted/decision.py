"""A decision model as a classifier: one question a row, answered by the probability of each label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.llm.base import Completion, LLMRequest, RequestEstimate
from bakeoff.llm.decisions import MOST, Decisions
from bakeoff.llm.prompts import Prompt
from bakeoff.llm.transcript import from_requests
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.prompted import answers
from bakeoff.models.prompted.labels import Spoken
from bakeoff.models.texts import prompts
from bakeoff.task import ABSTAINED, Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

DECIDED = "decision"


@dataclass(eq=False)
class DecisionModel(Model):
    """Asks a decision model for the probability of each label; learns nothing.

    Args:
        llm: the decision model to call.
        prompt: its system template is the question, its user template the input. They see ``text`` (the row),
            ``labels`` and ``target``.
        names: label → a word that says what it means; labels not listed keep their own name.
        predict_batch_size: rows that a search predicts before it checks the score again.
    """

    llm: Decisions
    prompt: Prompt
    names: dict[str, str] | None = None
    predict_batch_size: int | None = 16

    _was_answered = False

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` for another task kind or prompt, a missing key, or too many labels."""
        require_kind(self, schema, "classification")
        if not isinstance(self.llm, Decisions):
            raise ConfigError("llm: model=decision needs a decision model. Add llm=decisions, or choose model=llm.")
        if "text" not in self.prompt.variables():
            raise ConfigError("prompt: it is no prompt for decisions: that needs {{ text }}. Choose prompt=decide.")
        if len(schema.classes) > MOST:
            raise ConfigError(f"llm: a decision has at most {MOST} choices; there are {len(schema.classes)} labels.")
        for label in self.names or {}:
            if label not in schema.classes:
                raise ConfigError(
                    f'model.names: there is no label "{label}". Labels: {", ".join(schema.classes)}.'
                    f"{did_you_mean(label, schema.classes)}"
                )
        self.llm.check()

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Remember the labels; nothing is learnt."""
        self.schema_ = context.schema
        self.spoken_ = Spoken.from_classes(context.schema.classes, self.names or {}, codes=False)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``LLMError`` if no row has ever got an answer."""
        require_fitted(self)
        requests = self._build_requests(X)
        completions = self.llm.complete(requests)
        transcripts = from_requests(requests, completions)
        self._was_answered = self._was_answered or any(c.status == "ok" for c in completions)
        if not self._was_answered:
            answers.require_any(transcripts, completions)
        proba = np.array([self._proba(c) for c in completions])
        is_lost = np.array([c.status != "ok" for c in completions])
        best = np.where(is_lost, 0, np.nan_to_num(proba).argmax(axis=1))
        output = np.array([self.schema_.classes[i] for i in best], dtype=object)
        output[is_lost] = ABSTAINED
        return answers.from_completions(
            output, DECIDED, completions, transcripts=transcripts, proba=proba, confidence=proba.max(axis=1)
        )

    def warm_up(self, X: pd.DataFrame) -> None:
        """Do nothing: predictions are paid requests."""

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """One request a row."""
        self.fit(train, None, context)
        return [RequestEstimate(self.llm, self._build_requests(X))]

    def report(self) -> ModelReport:
        """Report on the usage so far."""
        return ModelReport({"llm": dict(self.llm.usage())})

    def save(self, folder: Path) -> None:
        """Write the parts as configs."""
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, model.schema_ = saved.model, saved.schema
        model.spoken_ = Spoken.from_classes(saved.schema.classes, model.names or {}, codes=False)
        return model

    def _build_requests(self, X: pd.DataFrame) -> list[LLMRequest]:
        about: dict[str, Any] = {"target": self.schema_.target, "labels": self.spoken_.listed}
        choices = tuple(self.spoken_.words)
        return [
            LLMRequest(self.prompt.render(text=text, **about), choices=choices, max_tokens=1, top_logprobs=len(choices))
            for text in prompts(X, self.schema_)
        ]

    def _proba(self, completion: Completion) -> NDArray[np.float64]:
        """Probability of each label, shape (k,); NaN without a decision."""
        if completion.status != "ok":
            return np.full(len(self.schema_.classes), np.nan)
        given = dict(completion.logprobs)
        found = np.array([np.exp(given[word]) if word in given else 0.0 for word in self.spoken_.words])
        return np.asarray(found / found.sum(), dtype=np.float64)
