"""Former names of classes and parameters, so that records of earlier versions can still be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TARGETS = {
    f"bakeoff.{old}": f"bakeoff.{new}"
    for old, new in {
        "models.catboost.CatBoostModel": "models.CatBoost",
        "models.constant.ConstantModel": "models.Constant",
        "models.deep.contrastive.ContrastiveModel": "models.SetFit",
        "models.deep.finetune.FinetuneModel": "models.FinetunedEncoder",
        "models.deep.mlp.MlpModel": "models.MLP",
        "models.deep.recurrent.RecurrentModel": "models.Recurrent",
        "models.deep.trainer.Trainer": "models.Trainer",
        "models.embedding.EmbeddingModel": "models.Embedding",
        "models.estimator.EstimatorModel": "models.Estimator",
        "models.extractive.Extractive": "models.Extractive",
        "models.faq.Faq": "models.FAQ",
        "models.in_memory.InMemory": "models.InMemory",
        "models.knn.KNN": "models.KNN",
        "models.lags.Lagged": "models.LagForecaster",
        "models.llm.LlmModel": "models.PromptedLLM",
        "models.rag.RagModel": "models.RAG",
        "models.retrieve.Retrieve": "models.Retrieve",
        "models.rules.RulesModel": "models.Rules",
        "models.seasonal_naive.SeasonalNaiveModel": "models.SeasonalNaive",
        "models.sentences.Words": "models.Words",
        "retrieval.chunk.Markdown": "retrieval.Markdown",
        "retrieval.chunk.Recursive": "retrieval.Recursive",
        "retrieval.chunk.Sentences": "retrieval.Sentences",
        "retrieval.chunk.Whole": "retrieval.Whole",
        "retrieval.embed.Hashing": "retrieval.Hashing",
        "retrieval.embed.MiniLM": "retrieval.MiniLM",
        "retrieval.embed.OpenAIEmbeddings": "retrieval.OpenAIEmbeddings",
        "retrieval.embed.SentenceTransformers": "retrieval.SentenceTransformers",
        "retrieval.history.AsAsked": "retrieval.AsAsked",
        "retrieval.history.ByLLM": "retrieval.ByLLM",
        "retrieval.history.FollowUps": "retrieval.FollowUps",
        "retrieval.rerank.CrossEncoder": "retrieval.CrossEncoder",
        "retrieval.rerank.MMR": "retrieval.MMR",
        "retrieval.rerank.Pointwise": "retrieval.Pointwise",
        "retrieval.retrievers.BM25": "retrieval.BM25",
        "retrieval.retrievers.Dense": "retrieval.Dense",
        "retrieval.retrievers.Hybrid": "retrieval.Hybrid",
        "retrieval.retrievers.Reranked": "retrieval.Reranked",
        "llm.client.OpenAICompatible": "llm.OpenAICompatible",
        "llm.local.LlamaCpp": "llm.LlamaCpp",
        "llm.prompts.Prompt": "llm.Prompt",
        "grading.judge.Judge": "grading.Judge",
        "grading.similarity.SemanticSimilarity": "grading.SemanticSimilarity",
        "data.corpora.Beir": "data.Beir",
        "data.corpora.Questions": "data.Questions",
        "data.corpora.Squad": "data.Squad",
        "data.python_docs.PythonDocs": "data.PythonDocs",
        "data.samples.Sample": "data.Sample",
        "data.sources.Csv": "data.Csv",
        "data.sources.JsonLines": "data.JsonLines",
        "data.sources.Parquet": "data.Parquet",
        "data.sources.Sql": "data.Sql",
        "tracking.mlflow.MlflowTracker": "tracking.MlflowTracker",
        "tracking.wandb.WandbTracker": "tracking.WandbTracker",
    }.items()
}
ARGUMENTS = {"batch_rows": "predict_batch_size"}
"""Arguments of bakeoff's own models."""

MODULES = {"bakeoff.models.features": "bakeoff.models.tabular.features"}
"""Modules of classes that are named in files of fitted estimators."""


def current(value: Any) -> Any:
    """Update a recorded config, or a part of one, to the current names."""
    if isinstance(value, list):
        return [current(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    content = {str(key): current(item) for key, item in value.items()}
    target = content.get("_target_")
    if not isinstance(target, str):
        return content
    content["_target_"] = target = TARGETS.get(target, target)
    if not target.startswith("bakeoff.models."):
        return content
    return {ARGUMENTS.get(key, key): item for key, item in content.items()}
