"""Everything that a plugin imports: contracts, decorators, errors, tools and contract tests, loaded when they are used.

What is listed here stays as it is within one ``API_VERSION``; the other modules of bakeoff may change at any time. A
plugin declares the version that it is written for as an entry point in ``bakeoff.api`` (docs/plugins.md).
"""

from typing import TYPE_CHECKING

from bakeoff import lazy, plugins

API_VERSION = plugins.API

if TYPE_CHECKING:
    from bakeoff import assets as assets
    from bakeoff.assets import Asset as Asset
    from bakeoff.assets import Member as Member
    from bakeoff.columns.base import ColumnKind as ColumnKind
    from bakeoff.columns.base import Converted as Converted
    from bakeoff.columns.base import Declared as Declared
    from bakeoff.compare.checks import Check as Check
    from bakeoff.compare.checks import Evidence as Evidence
    from bakeoff.compare.checks import check as check
    from bakeoff.compare.comparison import Comparison as Comparison
    from bakeoff.compare.decision import Decision as Decision
    from bakeoff.compare.decision import Gain as Gain
    from bakeoff.compare.decision import Rule as Rule
    from bakeoff.config import components as components
    from bakeoff.cost import CostModel as CostModel
    from bakeoff.cost import RunSeconds as RunSeconds
    from bakeoff.data.roles import Splitter as Splitter
    from bakeoff.data.sources import Rows as Rows
    from bakeoff.data.sources import Source as Source
    from bakeoff.errors import AssetError as AssetError
    from bakeoff.errors import BakeoffError as BakeoffError
    from bakeoff.errors import ConfigError as ConfigError
    from bakeoff.errors import DataError as DataError
    from bakeoff.errors import LLMError as LLMError
    from bakeoff.errors import did_you_mean as did_you_mean
    from bakeoff.grading.base import Grader as Grader
    from bakeoff.llm import Prompt as Prompt
    from bakeoff.llm import Reader as Reader
    from bakeoff.llm import keys as keys
    from bakeoff.llm import prices as prices
    from bakeoff.llm.base import LLM as LLM
    from bakeoff.llm.base import Completion as Completion
    from bakeoff.llm.base import LLMRequest as LLMRequest
    from bakeoff.llm.base import Message as Message
    from bakeoff.llm.base import RequestEstimate as RequestEstimate
    from bakeoff.llm.cache import Cache as Cache
    from bakeoff.llm.reader import Answer as Answer
    from bakeoff.llm.replies import Reply as Reply
    from bakeoff.llm.replies import Trouble as Trouble
    from bakeoff.llm.session import Session as Session
    from bakeoff.llm.session import Terms as Terms
    from bakeoff.llm.transcript import Transcript as Transcript
    from bakeoff.llm.transcript import from_requests as from_requests
    from bakeoff.llm.usage import RequestCounts as RequestCounts
    from bakeoff.llm.usage import budget_of as budget_of
    from bakeoff.llm.wire import build_choice_schema as build_choice_schema
    from bakeoff.metrics import FromLabels as FromLabels
    from bakeoff.metrics import FromQuantile as FromQuantile
    from bakeoff.metrics import FromRanks as FromRanks
    from bakeoff.metrics import FromSums as FromSums
    from bakeoff.metrics import Metric as Metric
    from bakeoff.metrics import Yardstick as Yardstick
    from bakeoff.metrics import is_any as is_any
    from bakeoff.metrics import is_binary as is_binary
    from bakeoff.metrics import is_classification as is_classification
    from bakeoff.metrics import is_forecast as is_forecast
    from bakeoff.metrics import is_numeric as is_numeric
    from bakeoff.metrics import is_qa as is_qa
    from bakeoff.metrics import is_regression as is_regression
    from bakeoff.metrics import mean_of as mean_of
    from bakeoff.metrics import metric as metric
    from bakeoff.metrics.defined import mean_of_defined as mean_of_defined
    from bakeoff.metrics.defined import over as over
    from bakeoff.models import Trainer as Trainer
    from bakeoff.models import classes as classes
    from bakeoff.models import columns as columns
    from bakeoff.models import persistence as persistence
    from bakeoff.models import threads as threads
    from bakeoff.models.base import Context as Context
    from bakeoff.models.base import Model as Model
    from bakeoff.models.base import ModelReport as ModelReport
    from bakeoff.models.base import Report as Report
    from bakeoff.models.base import require_fitted as require_fitted
    from bakeoff.models.base import require_kind as require_kind
    from bakeoff.predictions import Predictions as Predictions
    from bakeoff.predictions import StageTrace as StageTrace
    from bakeoff.record import Run as Run
    from bakeoff.record import read_predictions as read_predictions
    from bakeoff.report.blocks import Column as Column
    from bakeoff.report.blocks import Table as Table
    from bakeoff.report.blocks import Text as Text
    from bakeoff.report.figures import Chart as Chart
    from bakeoff.report.figures import Intervals as Intervals
    from bakeoff.report.figures import Matrix as Matrix
    from bakeoff.report.figures import Point as Point
    from bakeoff.report.figures import Points as Points
    from bakeoff.report.sections import Section as Section
    from bakeoff.report.sections import section as section
    from bakeoff.retrieval import BM25 as BM25
    from bakeoff.retrieval import Recursive as Recursive
    from bakeoff.retrieval.base import Chunker as Chunker
    from bakeoff.retrieval.base import Embedder as Embedder
    from bakeoff.retrieval.base import Hit as Hit
    from bakeoff.retrieval.base import Index as Index
    from bakeoff.retrieval.base import Passage as Passage
    from bakeoff.retrieval.base import Retriever as Retriever
    from bakeoff.retrieval.history import Rewriter as Rewriter
    from bakeoff.retrieval.passages import body as body
    from bakeoff.retrieval.rerank import Reranker as Reranker
    from bakeoff.task import Corpus as Corpus
    from bakeoff.task import Development as Development
    from bakeoff.task import Examples as Examples
    from bakeoff.task import Gold as Gold
    from bakeoff.task import PredictionTable as PredictionTable
    from bakeoff.task import Question as Question
    from bakeoff.task import Reading as Reading
    from bakeoff.task import Schema as Schema
    from bakeoff.task import Series as Series
    from bakeoff.task import Task as Task
    from bakeoff.task import Turn as Turn
    from bakeoff.task import questions as questions
    from bakeoff.tasks.base import Kind as Kind
    from bakeoff.tasks.table import TableKind as TableKind
    from bakeoff.testing import check_data as check_data
    from bakeoff.testing import check_llm as check_llm
    from bakeoff.testing import check_metric as check_metric
    from bakeoff.testing import check_model as check_model
    from bakeoff.testing import check_plugin as check_plugin
    from bakeoff.testing import check_retriever as check_retriever
    from bakeoff.testing import tasks as tasks
    from bakeoff.tracking.base import Tracker as Tracker
    from bakeoff.usage import Usage as Usage
    from bakeoff.words import words as words
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
