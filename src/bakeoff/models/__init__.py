"""Models: the contract (``Model``) and those that ship, under the names by which a config calls them.

Each is imported when it is first used, so that ``import bakeoff.models`` stays light.
"""

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    from bakeoff.models.base import Context as Context
    from bakeoff.models.base import Model as Model
    from bakeoff.models.base import ModelReport as ModelReport
    from bakeoff.models.base import nested as nested
    from bakeoff.models.base import require_fitted as require_fitted
    from bakeoff.models.base import require_kind as require_kind
    from bakeoff.models.deep.contrastive import SetFit as SetFit
    from bakeoff.models.deep.finetune import FinetunedEncoder as FinetunedEncoder
    from bakeoff.models.deep.mlp import MLP as MLP
    from bakeoff.models.deep.recurrent import Recurrent as Recurrent
    from bakeoff.models.deep.trainer import Trainer as Trainer
    from bakeoff.models.forecast.lags import LagForecaster as LagForecaster
    from bakeoff.models.forecast.seasonal_naive import SeasonalNaive as SeasonalNaive
    from bakeoff.models.prompted.decision import DecisionModel as DecisionModel
    from bakeoff.models.prompted.llm import PromptedLLM as PromptedLLM
    from bakeoff.models.qa.extractive import Extractive as Extractive
    from bakeoff.models.qa.faq import FAQ as FAQ
    from bakeoff.models.qa.rag import RAG as RAG
    from bakeoff.models.qa.retrieve import Retrieve as Retrieve
    from bakeoff.models.qa.sentences import Words as Words
    from bakeoff.models.rules.constant import Constant as Constant
    from bakeoff.models.rules.rules import Rules as Rules
    from bakeoff.models.similarity.embedding import Embedding as Embedding
    from bakeoff.models.similarity.knn import KNN as KNN
    from bakeoff.models.summaries.central import Central as Central
    from bakeoff.models.summaries.lead import Lead as Lead
    from bakeoff.models.tabular.catboost import CatBoost as CatBoost
    from bakeoff.models.tabular.estimator import Estimator as Estimator
    from bakeoff.models.tabular.in_memory import InMemory as InMemory
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
